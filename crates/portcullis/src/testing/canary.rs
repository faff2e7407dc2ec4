//! Canaries: a story in which every secret is known, and a search for each of them in every form it could leak in.

use core::fmt::Write as _;
use std::sync::Arc;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

use super::world::{PASSWORD, World, WorldOptions, attempt, source, wrong_code};
use crate::contact::Email;
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::Store;
use crate::secret::Password;
use crate::sign_in::{Attempt, CodeResult, Reauthenticated, SignInResult};
use secrecy::ExposeSecret as _;

/// A secret that must not be found anywhere but where it belongs.
#[derive(Clone)]
pub struct Canary {
    name: &'static str,
    secret: Vec<u8>,
}

impl core::fmt::Debug for Canary {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Canary").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Canary {
    /// A secret under a name that may be shown.
    pub fn new(name: &'static str, secret: impl Into<Vec<u8>>) -> Self {
        Self { name, secret: secret.into() }
    }

    /// In which forms the secret is found in some bytes.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut reversed = self.secret.clone();
        reversed.reverse();
        let debug = format!("{:?}", self.secret);
        let unbase = |text: String| text.trim_end_matches('=').as_bytes().to_vec();
        let forms: [(&str, Vec<u8>); 7] = [
            ("in clear", self.secret.clone()),
            ("reversed", reversed),
            ("in base64", unbase(BASE64.encode(&self.secret))),
            ("in base64url", BASE64URL_NOPAD.encode(&self.secret).into_bytes()),
            ("in hex", HEXLOWER.encode(&self.secret).into_bytes()),
            ("in HEX", HEXLOWER.encode(&self.secret).to_uppercase().into_bytes()),
            ("as a list of bytes", debug.trim_matches(['[', ']']).as_bytes().to_vec()),
        ];
        forms
            .iter()
            .filter(|(_, form)| bytes.windows(form.len()).any(|window| window == form))
            .map(|(how, _)| format!("{} {how}", self.name))
            .collect()
    }
}

/// What a story left behind: its secrets, and everything that was printed of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Story {
    /// Every secret of the story.
    pub canaries: Vec<Canary>,
    /// The `Debug` and `Display` of everything that came along, and every audit line.
    pub printed: String,
    /// The world, with what it sent.
    pub world: World,
}

impl Story {
    /// Where a secret of the story is found in some bytes.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        self.canaries.iter().flat_map(|canary| canary.found_in(bytes)).collect()
    }
}

/// Lives through all that these rooms do, right and wrong, on a store; codes have ten digits so that none is found by
/// chance.
///
/// # Errors
/// When the store does not answer.
///
/// # Panics
/// When the story goes another way than it must.
#[expect(clippy::expect_used, clippy::panic, reason = "a story that goes wrong fails its test at once")]
pub async fn live_through(store: Arc<dyn Store>, nonce: u64) -> Result<Story, Error> {
    let policy = Policy { code_length: 10, ..Policy::default() };
    let w = World::with(WorldOptions { store, policy, seed: nonce, ..WorldOptions::default() });
    let mut canaries = vec![
        Canary::new("the password", PASSWORD),
        Canary::new("a wrong password", "a password that is wrong"),
    ];
    let mut printed = String::new();
    let mut print = |thing: &dyn core::fmt::Debug| {
        let _ = writeln!(printed, "{thing:?} {thing:#?}");
    };
    let keys = w.security.keyring().to_json().expect("the keys are written");
    for part in keys.expose_secret().split('"').filter(|part| part.len() > 40) {
        canaries.push(Canary::new("a key", part));
    }

    let s = &w.security;
    let account = w.account("demo").await?;
    let login = format!("canary-{nonce}");
    let address = format!("canary-{nonce}@example.com");
    let user = w.user(&account, &login, None).await?;
    print(&user);
    let password = Password::parse(PASSWORD.to_owned(), "password")?;
    let wrong = Password::parse("a password that is wrong".to_owned(), "password")?;
    print(&(&password, s.sign_in().start(&user.login, &wrong, &attempt()).await));
    let SignInResult::Admitted(admitted) = s.sign_in().start(&user.login, &password, &attempt()).await?
    else {
        panic!("no code is asked yet");
    };
    print(&admitted);
    canaries.push(Canary::new("a device token", admitted.device.as_str()));
    let mut session = admitted.session;
    canaries.push(Canary::new("a session token", s.sessions().token(session.id)));

    let asked = s.email().set(session.id, &Email::parse(&address)?).await?;
    print(&asked);
    canaries.push(Canary::new("a challenge token", s.challenge_token(asked.id)));
    w.run_worker().await?;
    let code = w.mailbox.last_code(&address).expect("a code arrived");
    canaries.push(Canary::new("a code", code.expose()));
    print(&(&code, s.email().confirm(session.id, asked.id, &wrong_code(&code), &source()).await));
    let changed = s.email().confirm(session.id, asked.id, &code, &source()).await?;
    print(&changed.session);
    session = changed.session;
    canaries.push(Canary::new("a later session token", s.sessions().token(session.id)));
    session = w.switch_on(session.id, &user).await?;
    canaries.push(Canary::new("a two-factor code", w.code_of(&user).await?.expose()));

    let from = Attempt::from(source()).with_device(admitted.device.as_str());
    print(&from.source);
    let SignInResult::CodeRequired { code: asked, .. } =
        s.sign_in().start(&user.login, &password, &from).await?
    else {
        panic!("a code is asked");
    };
    // The first code leaves, the second is still waiting when the story ends.
    w.run_worker().await?;
    let code = w.code_of(&user).await?;
    canaries.push(Canary::new("a sign-in code", code.expose()));
    let CodeResult::Admitted(admission) = s.sign_in().code(asked.id, &code, &from, None).await? else {
        panic!("the right code admits");
    };
    print(&admission);
    print(&s.sign_in().code(asked.id, &code, &from, None).await.err());
    w.advance(chrono::TimeDelta::minutes(2));
    if let Reauthenticated::CodeRequired { code, .. } =
        s.sign_in().reauthenticate(admission.session.id, &password, &from).await?
    {
        print(&code);
    }
    let hand_off = s.flespi().begin(admission.session.id).await?;
    canaries.push(Canary::new("a nonce of flespi", hand_off.nonce.expose()));
    let posted = w.flespi.log_in("eu");
    let login = posted.split('"').nth(3).expect("a token is posted");
    canaries.push(Canary::new("a login token of flespi", login));
    print(&hand_off);
    print(&s.flespi().redeem(admission.session.id, "no nonce", posted.clone()).await.err());
    print(&s.flespi().redeem(admission.session.id, hand_off.nonce.expose(), posted).await?);
    let opened = s.flespi().token(user.id, "story").await?;
    canaries.push(Canary::new("a token of flespi", opened.token.expose()));
    print(&(&opened, s.flespi().check(admission.session.id).await?, w.flespi.issued()));
    print(&s.settings(admission.session.id).await?);
    print(&s.users().get(user.id).await?);
    print(&(&w, s, s.policy(), s.keyring(), &w.mailbox));
    let page = crate::port::store::Page { after: None, limit: 1000 };
    print(&s.audit(user.id, page).await?);
    print(&s.sessions().current(session.id).await);
    Ok(Story { canaries, printed, world: w })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn every_form_is_found() {
        let canary = Canary::new("it", "secret-7391");
        for (leak, how) in [
            ("x secret-7391 y", "it in clear"),
            ("1937-terces", "it reversed"),
            ("c2VjcmV0LTczOTE=", "it in base64"),
            ("7365637265742d37333931", "it in hex"),
            ("[1, 115, 101, 99, 114, 101, 116, 45, 55, 51, 57, 49]", "it as a list of bytes"),
        ] {
            assert!(canary.found_in(leak.as_bytes()).contains(&how.to_owned()), "{leak}");
        }
        assert_eq!(canary.found_in(b"secret-739"), Vec::<String>::new());
    }

    #[tokio::test]
    async fn nothing_printed_holds_a_secret() {
        let store = Arc::new(MemoryStore::new());
        let told = live_through(Arc::clone(&store) as Arc<dyn Store>, 1).await.unwrap();
        assert!(told.printed.len() > 5_000 && told.canaries.len() > 9, "the story was printed");
        assert_eq!(told.found_in(told.printed.as_bytes()), Vec::<String>::new());
        let dump = store.dump();
        assert!(dump.contains("canary-1"), "the store holds the user");
        assert_eq!(told.found_in(dump.as_bytes()), Vec::<String>::new());
    }
}
