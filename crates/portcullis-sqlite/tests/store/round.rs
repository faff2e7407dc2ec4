//! What a real sign-in costs: the engine on this store, a password, then a code.

use std::path::PathBuf;
use std::sync::Arc;

use portcullis::error::Error;
use portcullis::id::ChallengeId;
use portcullis::keyring::Sealing;
use portcullis::port::store::{Key, Kind, Page, Store};
use portcullis::secret::{Code, Password};
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, attempt, wrong_code};
use portcullis::user::User;
use portcullis_sqlite::SqliteStore;

use crate::common::{File, block};

/// What an operation cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cost {
    commits: u64,
    statements: u64,
}

impl Cost {
    fn and(self, other: Self) -> Self {
        Self { commits: self.commits + other.commits, statements: self.statements + other.statements }
    }
}

/// A user with two-factor authentication by e-mail on, whose mail nobody sends.
struct Stage {
    world: World,
    store: Arc<SqliteStore>,
    user: User,
    file: File,
}

impl Stage {
    fn new() -> Self {
        let file = File::new();
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let world = World::on(Arc::clone(&store) as Arc<dyn Store>);
        let user = block(async {
            let account = world.account("customer").await.unwrap();
            let user = world.user(&account, "ann", Some("ann@example.com")).await.unwrap();
            let session = world.sign_in(&user).await.unwrap();
            world.switch_on(session.id, &user).await.unwrap();
            user
        });
        Self { world, store, user, file }
    }

    fn cost<T>(&self, operation: impl Future<Output = T>) -> (T, Cost) {
        let before = self.spent();
        let answer = block(operation);
        let after = self.spent();
        let cost = Cost {
            commits: after.commits - before.commits,
            statements: after.statements - before.statements,
        };
        (answer, cost)
    }

    fn spent(&self) -> Cost {
        Cost { commits: self.store.transactions(), statements: self.store.statements() }
    }

    fn start(&self) -> (ChallengeId, Cost) {
        let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
        let attempt = attempt();
        let (answer, cost) =
            self.cost(self.world.security.sign_in().start(&self.user.login, &password, &attempt));
        let SignInResult::CodeRequired { code, .. } = answer.unwrap() else { panic!("no code is asked") };
        (code.id, cost)
    }

    fn code(&self, challenge: ChallengeId, code: &Code) -> (Result<CodeResult, Error>, Cost) {
        self.cost(self.world.security.sign_in().code(challenge, code, &attempt(), None))
    }

    /// Reads the code out of the sealed message, so that no worker has to run.
    fn mailed(&self, challenge: ChallengeId) -> Code {
        let key = Key::lookup(Kind::of("message"), "user", self.user.id.to_string());
        let messages = block(self.store.list(&key, Page { after: None, limit: 100 })).unwrap();
        let waiting = messages
            .iter()
            .rfind(|message| message.refs.contains(&challenge.uuid()))
            .expect("a message carries the code");
        let body: serde_json::Value = serde_json::from_str(&waiting.body).unwrap();
        let sealing = Sealing { label: "message", record: waiting.id, owner: self.user.id.uuid() };
        let keyring = self.world.security.keyring();
        let plain = keyring.open(&sealing, body["sealed"].as_str().unwrap()).unwrap();
        let content: serde_json::Value = serde_json::from_slice(plain.expose()).unwrap();
        Code::parse(content["code"].as_str().unwrap()).unwrap()
    }

    /// Bytes of the write-ahead log.
    fn log(&self) -> u64 {
        let mut path = PathBuf::from(self.file.as_ref()).into_os_string();
        path.push("-wal");
        std::fs::metadata(path).unwrap().len()
    }
}

#[test]
fn a_sign_in_with_a_code_is_two_commits_within_sixteen_statements() {
    let stage = Stage::new();
    let (challenge, start) = stage.start();
    let code = stage.mailed(challenge);
    let (answer, finish) = stage.code(challenge, &code);
    assert!(matches!(answer, Ok(CodeResult::Admitted(_))), "{answer:?}");
    assert_eq!((start.commits, finish.commits), (1, 1));
    assert!(start.and(finish).statements <= 16, "{start:?} {finish:?}");
}

#[test]
fn a_wrong_code_is_one_commit_more() {
    let stage = Stage::new();
    let (challenge, start) = stage.start();
    let code = stage.mailed(challenge);
    let (answer, wrong) = stage.code(challenge, &wrong_code(&code));
    assert!(matches!(&answer, Err(Error::Refused(no)) if no.attempts_left() == Some(4)), "{answer:?}");
    let (answer, finish) = stage.code(challenge, &code);
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!((start.commits, wrong.commits, finish.commits), (1, 1, 1));
    assert!(wrong.statements <= 8, "{wrong:?}");
    assert!(start.and(finish).statements <= 17, "the right code also clears the failures: {finish:?}");
}

#[test]
fn a_refused_password_is_one_commit() {
    let stage = Stage::new();
    let password = Password::parse("something else".to_owned(), "password").unwrap();
    let attempt = attempt();
    let (answer, cost) =
        stage.cost(stage.world.security.sign_in().start(&stage.user.login, &password, &attempt));
    assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
    assert_eq!(cost.commits, 1);
    assert!(cost.statements <= 8, "{cost:?}");
}

#[test]
fn a_round_adds_at_most_eighty_kibibytes_to_the_log() {
    const ROUNDS: u64 = 8;
    let stage = Stage::new();
    let before = stage.log();
    for _ in 0..ROUNDS {
        let (challenge, _) = stage.start();
        let (answer, _) = stage.code(challenge, &stage.mailed(challenge));
        assert!(answer.is_ok(), "{answer:?}");
    }
    let each = (stage.log() - before) / ROUNDS;
    assert!((1..=80 * 1024).contains(&each), "{each} bytes a round");
}
