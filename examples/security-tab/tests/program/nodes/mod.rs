//! Three programs on one PostgreSQL database behind a round-robin, workers on all, one killed under load.
//!
//! `scripts/three-nodes [ROUNDS]` runs it by hand. A round is a sign-in by password and the code that was mailed for it.

mod balance;
mod sink;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::scope;
use std::time::{Duration, Instant};

use portcullis::Portcullis;
use portcullis::account::NewAccount;
use portcullis::contact::Email;
use portcullis::keyring::Keyring;
use portcullis::password::argon2::{HashCost, HashPool};
use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::port::hasher::PasswordHasher as _;
use portcullis::secret::Password;
use portcullis::user::{Login, NewUser};
use portcullis_postgres::PostgresStore;
use portcullis_smtp::{SmtpOptions, SmtpSender};
use serde_json::{Value, json};
use tokio_postgres::NoTls;
use uuid::Uuid;

use self::sink::Sink;
use crate::support::{Client, Folder, PASSWORD, Program, Reply, Started, start};

const NODES: usize = 3;
const CLIENTS: u32 = 64;
/// Rounds of one user: fewer than the codes that are mailed to him in an hour, since a round may be tried again.
const ROUNDS_OF_ONE: u32 = 6;
/// The test is not done in this time only if something waits for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was seen, over all clients.
#[derive(Default)]
struct Seen {
    /// The program that is killed, without a warning, at so many admissions.
    victim: Mutex<Option<Program>>,
    half: u32,
    admitted: AtomicU32,
    /// Requests whose answer never came.
    lost: AtomicU32,
    /// Codes entered twice at once.
    doubled: AtomicU32,
    /// Codes whose only admission may have been answered to nobody.
    doubtful: AtomicU32,
    /// Rounds begun again.
    again: AtomicU32,
}

impl Seen {
    fn admit(&self) {
        if self.admitted.fetch_add(1, Ordering::SeqCst) + 1 == self.half {
            drop(self.victim.lock().unwrap().take());
        }
    }
}

#[test]
fn three_programs_share_one_database_and_one_is_killed() {
    let test = "three_programs_share_one_database_and_one_is_killed";
    let rounds = std::env::var("PORTCULLIS_ROUNDS").map_or(600, |rounds| rounds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Some(url) = runtime.block_on(super::postgres::database_named(test, "nodes")) else { return };
    let folder = Folder::new();
    let keys = folder.arg("keys.json");
    runtime.block_on(seed(&url, Path::new(&keys), rounds));

    let (sink, smtp) = Sink::start();
    let mut nodes: Vec<Program> = (0..NODES).map(|_| node(&url, &keys, &smtp)).collect();
    let address = balance::start(nodes.iter().map(|node| node.address.clone()).collect());
    let seen = Seen { victim: Mutex::new(nodes.pop()), half: rounds / 2, ..Seen::default() };
    #[expect(
        clippy::disallowed_methods,
        reason = "the figures name the time it took; nothing is judged by it"
    )]
    let began = Instant::now();
    scope(|threads| {
        for client in 0..CLIENTS {
            let (seen, sink, address) = (&seen, &sink, &address);
            threads.spawn(move || {
                for n in (client..rounds).step_by(usize::try_from(CLIENTS).unwrap()) {
                    round(n, address, sink, seen);
                }
            });
        }
    });
    let took = began.elapsed();
    let kept = runtime.block_on(drained(&url));

    let came = sink.messages();
    let count = |counter: &AtomicU32| counter.load(Ordering::SeqCst);
    let (admitted, doubtful) = (count(&seen.admitted), count(&seen.doubtful));
    println!(
        "{rounds} rounds of {CLIENTS} clients on {NODES} programs, one killed, in {:.1} s: {:.0} a second\n\
         admitted {admitted}, of doubtful answer {doubtful}, answers lost {}, rounds begun again {}\n\
         codes entered twice at once {}, admitted twice 0\n\
         messages kept {}, sent {}, sent again after the kill {}, lost 0",
        took.as_secs_f64(),
        f64::from(rounds) / took.as_secs_f64(),
        count(&seen.lost),
        count(&seen.again),
        count(&seen.doubled),
        kept.messages.len(),
        came.len(),
        came.values().map(|times| times - 1).sum::<u32>(),
    );
    assert_eq!(admitted + doubtful, rounds, "every round came to its end");
    assert!((admitted..=admitted + doubtful).contains(&kept.sign_ins), "{} sign-ins are kept", kept.sign_ins);
    let missing: Vec<_> = kept.messages.iter().filter(|id| !came.contains_key(id)).collect();
    assert_eq!(missing, Vec::<&Uuid>::new(), "every message that was kept was sent");
    assert!(came.keys().all(|id| kept.messages.contains(id)), "nothing was sent that was not kept");
    assert!(seen.victim.lock().unwrap().is_none(), "one was killed");
    assert!(count(&seen.doubled) > 0, "codes were entered twice");
}

/// A program as in production: no clock to move, no mailbox to look into, its worker running by itself.
fn node(url: &str, keys: &str, smtp: &str) -> Program {
    let arguments = [
        "--no-dev",
        "--listen",
        "127.0.0.1:0",
        "--database",
        url,
        "--keys",
        keys,
        "--public-url",
        "https://nodes.example",
        "--smtp",
        smtp,
    ];
    match start(&arguments, &[]) {
        Started::Listening(program) => program,
        Started::Ended(status, stderr) => panic!("it ended with {status}: {stderr}"),
    }
}

fn login(user: u32) -> String {
    format!("user-{user}")
}

/// Makes the tables, the keys and the users, all with one password and with codes by mail as the second factor.
async fn seed(url: &str, keys: &Path, rounds: u32) {
    let store = PostgresStore::connect(url).await.unwrap();
    store.migrate().await.unwrap();
    let keyring = Keyring::generate(&SystemRandom::default(), SystemClock::default().now()).unwrap();
    keyring.write_new_file(keys).unwrap();
    let hasher = HashPool::new(HashCost::FLOOR, 1, 8).unwrap();
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let hash = hasher.hash(&password, [7; 16]).await.unwrap();
    let nobody = Email::parse("nobody@example.com").unwrap();
    let security = Portcullis::builder(store)
        .keyring(keyring)
        .mail(SmtpSender::from_url("smtp://127.0.0.1:1", None, SmtpOptions::new(nobody)).unwrap())
        .public_url("https://nodes.example")
        .build()
        .unwrap();
    let account = security.accounts().create(NewAccount::named("nodes")).await.unwrap();
    for user in 0..rounds.div_ceil(ROUNDS_OF_ONE) + CLIENTS {
        let mut new = NewUser::new(Login::parse(&login(user)).unwrap(), account.id);
        new.password = Some(hash.clone());
        new.confirmed_email = Some(Email::parse(&format!("{}@example.com", login(user))).unwrap());
        security.users().create(new).await.unwrap();
    }
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let sql = "UPDATE portcullis_record SET body = (body::jsonb || '{\"two_factor\": \"email\"}')::text WHERE kind = 'user'";
    client.batch_execute(sql).await.unwrap();
}

/// One sign-in with its code, until it is admitted or nobody can tell any more.
fn round(n: u32, address: &str, sink: &Sink, seen: &Seen) {
    // The rounds of one user are those of one client, one after the other.
    let user = n % CLIENTS + CLIENTS * (n / CLIENTS / ROUNDS_OF_ONE);
    let mailbox = format!("{}@example.com", login(user));
    for attempt in 0..20 {
        if attempt > 0 {
            seen.again.fetch_add(1, Ordering::SeqCst);
        }
        let client = Client::new(address);
        let asked = json!({ "login": login(user), "password": PASSWORD });
        let Some(reply) = posted(&client, "/sign-in", &asked, seen) else { continue };
        if reply.status != 200 {
            assert!([429, 503].contains(&reply.status), "{}: {}", reply.status, reply.body);
            continue;
        }
        let challenge = reply.json()["challenge"].as_str().expect("a code is required").to_owned();
        let mut doubt = false;
        // A code of an attempt before may still arrive.
        while let Some(code) = sink.code(&mailbox, Duration::from_secs(20)) {
            let entered = json!({ "challenge": challenge, "code": code });
            let twice = n.is_multiple_of(8);
            let answers = enter(&client, &entered, twice, seen);
            let admitted = answers.iter().flatten().filter(|reply| reply.status == 200).count();
            assert!(admitted <= 1, "a code was taken twice");
            if admitted == 1 {
                seen.admit();
                return;
            }
            let lost = answers.iter().any(Option::is_none);
            let is = |code: &str| answers.iter().flatten().any(|reply| reply.json()["code"] == code);
            if is("challenge_dead") && (lost || doubt) {
                seen.doubtful.fetch_add(1, Ordering::SeqCst);
                return;
            }
            doubt |= lost;
            assert!(
                lost || is("wrong_code") || is("unavailable"),
                "{:?}",
                answers[0].as_ref().map(|reply| &reply.body)
            );
            if lost {
                // The same once more tells whether it was taken: it is dead then.
                let answers = enter(&client, &entered, false, seen);
                if let [Some(reply)] = &answers[..] {
                    if reply.status == 200 {
                        seen.admit();
                    } else {
                        seen.doubtful.fetch_add(1, Ordering::SeqCst);
                    }
                    return;
                }
            }
        }
    }
    panic!("round {n} never ends");
}

/// Enters a code, or the same code twice at once by two nodes.
fn enter(client: &Client, entered: &Value, twice: bool, seen: &Seen) -> Vec<Option<Reply>> {
    let times = if twice { 2 } else { 1 };
    if twice {
        seen.doubled.fetch_add(1, Ordering::SeqCst);
    }
    scope(|threads| {
        let entering: Vec<_> =
            (0..times).map(|_| threads.spawn(|| posted(client, "/sign-in/code", entered, seen))).collect();
        entering.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

fn posted(client: &Client, path: &str, body: &Value, seen: &Seen) -> Option<Reply> {
    let mut client = client.clone();
    let reply =
        client.try_send("POST", &format!("/api/security{path}"), "application/json", &body.to_string());
    if reply.is_err() {
        seen.lost.fetch_add(1, Ordering::SeqCst);
    }
    reply.ok()
}

/// What the database holds when nothing is due any more.
struct Kept {
    messages: BTreeSet<Uuid>,
    sign_ins: u32,
}

async fn drained(url: &str) -> Kept {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let unsent =
        "SELECT count(*) FROM portcullis_record WHERE kind = 'message' AND lane IN ('interactive', 'bulk')";
    // What the killed program had claimed is due again in minutes: here, at once.
    let sooner = "UPDATE portcullis_record SET due_at = now() WHERE kind = 'message'
                  AND lane IN ('interactive', 'bulk') AND due_at > now() + interval '1 minute'";
    let draining = async {
        while client.query_one(unsent, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            client.execute(sooner, &[]).await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, draining).await.expect("every message leaves");
    let rows = client.query("SELECT id FROM portcullis_record WHERE kind = 'message'", &[]).await.unwrap();
    let sign_ins = "SELECT count(*) FROM portcullis_audit WHERE action = 'signed_in'";
    let sign_ins: i64 = client.query_one(sign_ins, &[]).await.unwrap().get(0);
    Kept { messages: rows.iter().map(|row| row.get(0)).collect(), sign_ins: u32::try_from(sign_ins).unwrap() }
}
