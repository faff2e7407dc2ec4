//! Plays a sequence on an engine, and compares each answer with what the model expects.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::command::{Bring, Command};
use super::model::{ATTEMPTS, Model, USERS};
use super::recorder::{Recorder, actions, whole};
use crate::account::{Account, NewAccount};
use crate::contact::{Email, SourceAddress};
use crate::error::Error;
use crate::id::{ChallengeId, SessionId};
use crate::port::store::{Read, Start, Store};
use crate::rights::{AccessRight, Actor};
use crate::secret::Code;
use crate::sign_in::{Admission, Attempt};
use crate::testing::World;
use crate::testing::world::wrong_code;
use crate::user::{Login, User};

/// One sequence on one engine.
pub(super) struct Player<'a> {
    pub(super) world: &'a World,
    recorder: &'a Recorder,
    pub(super) model: Model,
    start: DateTime<Utc>,
    pub(super) accounts: Vec<Account>,
    pub(super) users: Vec<User>,
    pub(super) logins: Vec<Login>,
    pub(super) addresses: Vec<Email>,
    pub(super) sources: Vec<SourceAddress>,
    pub(super) sessions: Vec<SessionId>,
    pub(super) challenges: Vec<ChallengeId>,
    pub(super) devices: Vec<String>,
    pub(super) codes: Vec<Vec<Code>>,
    used: BTreeSet<(usize, usize)>,
    wrong: BTreeMap<usize, u32>,
    pub(super) read_mails: usize,
}

impl<'a> Player<'a> {
    /// Makes the accounts and users of one sequence.
    pub(super) async fn new(world: &'a World, recorder: &'a Recorder, nth: u64) -> Result<Self, Error> {
        let start = DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default();
        let start = start + TimeDelta::days(500 * i64::try_from(nth % 1000).unwrap_or(0));
        world.clock.set(start);
        world.mailbox.fail_with(None);
        world.run_worker().await?;
        let top = world.account("top").await?;
        let below = world.security.accounts().create(NewAccount::named("below").under(top.id)).await?;
        let addresses = (0..4)
            .map(|n| Email::parse(&format!("a{n}.{nth}@example.com")))
            .collect::<Result<Vec<_>, _>>()?;
        let logins = (0..=USERS).map(|n| Login::parse(&format!("u{n}-{nth}")));
        let logins = logins.collect::<Result<Vec<_>, _>>()?;
        let mut users = Vec::new();
        for (n, (account, email)) in [(&top, Some(0)), (&below, None), (&below, Some(1))].iter().enumerate() {
            let email = email.map(|at: usize| addresses[at].as_str());
            users.push(world.user(account, logins[n].as_str(), email).await?);
        }
        let manage = BTreeSet::from([AccessRight::ManageAccount]);
        world.security.rights().grant_on_account(Actor::Program, top.id, users[0].id, &manage).await?;
        let [.., a, b] = nth.to_be_bytes();
        let source = |n: u8| SourceAddress::from(IpAddr::from([10 + n, a, b, nth.to_be_bytes()[5]]));
        recorder.take();
        Ok(Self {
            world,
            recorder,
            model: Model::new(),
            start,
            accounts: vec![top, below],
            users,
            logins,
            addresses,
            sources: vec![source(0), source(1)],
            sessions: Vec::new(),
            challenges: Vec::new(),
            devices: Vec::new(),
            codes: Vec::new(),
            used: BTreeSet::new(),
            wrong: BTreeMap::new(),
            read_mails: world.mailbox.mails().len(),
        })
    }

    /// Plays one command: the answer, or what is broken.
    pub(super) async fn play(
        &mut self,
        command: Command,
        trail: &mut BTreeMap<String, u64>,
    ) -> Result<String, String> {
        self.model.now += 1;
        let before = self.model.clone();
        let expected = self.model.step(command);
        self.world.clock.set(self.start + TimeDelta::seconds(before.now));
        let answer = self.act(command, &before).await?;
        let commits = self.recorder.take();
        actions(&commits, trail);
        if answer != expected {
            return Err(format!("{}: expected {expected}, got {answer}", rule_of(command)));
        }
        for commit in &commits {
            whole(commit).map_err(str::to_owned)?;
        }
        let silent = matches!(command, Command::Work | Command::MailDown { .. } | Command::Clock { .. });
        let traced = ["bad_credentials", "wrong_code", "too_many_attempts", "admitted", "code", "fresh"];
        if !silent && traced.contains(&answer.as_str()) && commits.iter().all(|c| c.audit.is_empty()) {
            return Err(format!("I-27: {answer} left no event"));
        }
        self.check_guess(command, &before, &answer)?;
        self.check_store(before.now).await?;
        Ok(answer)
    }

    /// Each code succeeds once, in time, and each challenge judges so many wrong ones.
    fn check_guess(&mut self, command: Command, before: &Model, answer: &str) -> Result<(), String> {
        let (Command::Code { challenge, bring, .. }
        | Command::ConfirmEmail { challenge, bring, .. }
        | Command::Enable { challenge, bring, .. }) = command
        else {
            return Ok(());
        };
        let Ok(challenge) = before.challenge(challenge) else { return Ok(()) };
        if ["ok", "admitted", "fresh"].contains(&answer) {
            let code = before.brought(challenge, bring).ok_or("I-02: a code that was never mailed works")?;
            if !self.used.insert(code) {
                return Err("I-01: a code worked twice".to_owned());
            }
            if before.now >= before.challenges[challenge].expires {
                return Err("I-04: a code worked after its end".to_owned());
            }
        }
        if answer == "wrong_code" {
            let wrong = self.wrong.entry(challenge).or_default();
            *wrong += 1;
            if *wrong > ATTEMPTS {
                return Err("I-05: too many guesses were judged".to_owned());
            }
        }
        Ok(())
    }

    /// What the records themselves must hold.
    async fn check_store(&self, now: i64) -> Result<(), String> {
        let starts = self.users.iter().map(|user| Start::Id(user.id.uuid())).collect();
        let read = Read { now: self.world.now(), starts, subjects: Vec::new() };
        let snapshot = self.world.store.read(&read).await.map_err(|error| error.to_string())?;
        let mut held = BTreeSet::new();
        for (user, expected) in self.users.iter().zip(&self.model.users) {
            let record = snapshot.records.get(&user.id.uuid()).ok_or("a user is gone")?;
            let stored: User = serde_json::from_str(&record.body).map_err(|error| error.to_string())?;
            let email = stored.confirmed_email().map(Email::as_str);
            if email != expected.email.map(|at| self.addresses[at].as_str()) {
                return Err("I-20: the confirmed address is not the one that was proved".to_owned());
            }
            if email.is_some_and(|email| !held.insert(email.to_owned())) {
                return Err("I-23: two users hold one address".to_owned());
            }
            let counted = snapshot.counters.iter().filter(|(counter, _)| counter.subject == record.id);
            let counted = |name: &str| {
                counted.clone().find(|(counter, _)| counter.name == name).map_or(0, |(_, count)| count.value)
            };
            if counted("password_failures") != expected.passwords.passwords(now)
                || counted("sign_in_code_failures") != expected.codes[0].failures
            {
                return Err(
                    "I-06: failures in a row are not counted or forgiven as they should be".to_owned()
                );
            }
        }
        Ok(())
    }

    pub(super) fn code(&self, before: &Model, challenge: usize, bring: Bring) -> Result<Code, String> {
        if let Some((number, place)) = before.brought(challenge, bring) {
            let code = self.codes.get(number).and_then(|codes| codes.get(place));
            return code.cloned().ok_or_else(|| "I-20: a code did not arrive where it should".to_owned());
        }
        let some = Code::parse("314159").map_err(|error| error.to_string())?;
        Ok(self.codes.get(challenge).and_then(|codes| codes.last()).map_or(some, wrong_code))
    }

    pub(super) fn attempt(&self, source: u8) -> Attempt {
        Attempt::from(self.sources[usize::from(source)])
    }

    pub(super) fn admitted(&mut self, admission: &Admission) {
        self.sessions.push(admission.session.id);
        self.devices.push(admission.device.clone());
    }

    pub(super) fn pending(&mut self, id: ChallengeId) {
        self.challenges.push(id);
        self.codes.push(Vec::new());
    }
}

/// The invariants an unexpected answer breaks first.
const fn rule_of(command: Command) -> &'static str {
    match command {
        Command::SignIn { .. } | Command::Reauthenticate { .. } => "I-12, I-22",
        Command::Code { .. } | Command::ConfirmEmail { .. } | Command::Enable { .. } => "I-01 to I-05",
        Command::Resend { .. } | Command::ResendEmail { .. } | Command::ResendTwoFactor { .. } => {
            "I-05, I-25"
        }
        Command::SetDisabled { .. }
        | Command::SetBlocked { .. }
        | Command::SetDays { .. }
        | Command::SetFlags { .. }
        | Command::GrantOnUser { .. }
        | Command::GrantOnAccount { .. } => "I-24",
        Command::Work => "I-20, I-24, I-28",
        _ => "I-03, I-13, I-16",
    }
}

/// An engine whose store notes what it keeps.
pub(super) fn stage(store: Arc<dyn Store>) -> Arc<Recorder> {
    Recorder::on(store)
}
