//! Plays a sequence on an engine, and compares each answer with what the model expects.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::command::{Bring, By, Command};
use super::model::{ATTEMPTS, Model, NOBODY, USERS};
use super::recorder::{Recorder, actions, whole};
use super::step::NOTHING;
use crate::account::{Account, NewAccount};
use crate::contact::{Email, SourceAddress};
use crate::error::Error;
use crate::id::{ChallengeId, SessionId, UserId};
use crate::port::message::SendError;
use crate::port::store::{Read, Start, Store};
use crate::rights::{AccessRight, Actor};
use crate::secret::{Code, Password};
use crate::sign_in::{Admission, Attempt, CodeResult, Reauthenticated, SignInResult};
use crate::testing::World;
use crate::testing::world::{PASSWORD, wrong_code};
use crate::user::{Flag, Flags, Login, User};

type Word = Result<&'static str, Error>;

/// One sequence on one engine.
pub(super) struct Player<'a> {
    world: &'a World,
    recorder: &'a Recorder,
    model: Model,
    start: DateTime<Utc>,
    accounts: Vec<Account>,
    users: Vec<User>,
    logins: Vec<Login>,
    addresses: Vec<Email>,
    sources: Vec<SourceAddress>,
    sessions: Vec<SessionId>,
    challenges: Vec<ChallengeId>,
    devices: Vec<String>,
    codes: Vec<Vec<Code>>,
    used: BTreeSet<(usize, usize)>,
    wrong: BTreeMap<usize, u32>,
    read_mails: usize,
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
        self.check_store().await?;
        Ok(answer)
    }

    /// Each code succeeds once, in time, and each challenge judges so many wrong ones.
    fn check_guess(&mut self, command: Command, before: &Model, answer: &str) -> Result<(), String> {
        let (challenge, bring) = match command {
            Command::Code { challenge, bring, .. }
            | Command::ConfirmEmail { challenge, bring, .. }
            | Command::Enable { challenge, bring, .. } => (challenge, bring),
            _ => return Ok(()),
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
    async fn check_store(&self) -> Result<(), String> {
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
            if counted("password_failures") != expected.passwords.failures
                || counted("sign_in_code_failures") != expected.codes[0].failures
            {
                return Err(
                    "I-06: failures in a row are not counted or forgiven as they should be".to_owned()
                );
            }
        }
        Ok(())
    }

    fn code(&self, before: &Model, challenge: usize, bring: Bring) -> Result<Code, String> {
        match before.brought(challenge, bring) {
            Some((number, place)) => {
                let code = self.codes.get(number).and_then(|codes| codes.get(place));
                code.cloned().ok_or_else(|| "I-20: a code did not arrive where it should".to_owned())
            }
            None => {
                let some = Code::parse("314159").map_err(|error| error.to_string())?;
                Ok(self.codes.get(challenge).and_then(|codes| codes.last()).map_or(some, wrong_code))
            }
        }
    }

    fn attempt(&self, source: u8) -> Attempt {
        Attempt::from(self.sources[usize::from(source)])
    }

    fn admitted(&mut self, admission: &Admission) {
        self.sessions.push(admission.session.id);
        self.devices.push(admission.device.clone());
    }

    fn pending(&mut self, id: ChallengeId) {
        self.challenges.push(id);
        self.codes.push(Vec::new());
    }

    /// Takes a command to the engine and gives its answer in one word.
    async fn act(&mut self, command: Command, before: &Model) -> Result<String, String> {
        match command {
            Command::Work => return self.work().await,
            Command::MailDown { on } => {
                let down = on.then_some(SendError::Transient { detail: "the mail is down" });
                self.world.mailbox.fail_with(down);
                return Ok(NOTHING.to_owned());
            }
            Command::Clock { .. } => return Ok(NOTHING.to_owned()),
            _ => {}
        }
        let answer = match self.doors(command, before).await? {
            Some(answer) => Some(answer),
            None => match self.rooms(command, before).await? {
                Some(answer) => Some(answer),
                None => self.office(command, before).await,
            },
        };
        match answer {
            None => Ok(NOTHING.to_owned()),
            Some(Ok(word)) => Ok(word.to_owned()),
            Some(Err(Error::Refused(refusal))) => {
                if refusal.retry_after().is_some_and(|seconds| seconds > 3_600) {
                    return Err(format!("I-31: {} for longer than the policy knows", refusal.code()));
                }
                Ok(refusal.code().to_owned())
            }
            Some(Err(error)) => Err(format!("no answer: {error}")),
        }
    }

    /// Signing in and out.
    async fn doors(&mut self, command: Command, before: &Model) -> Result<Option<Word>, String> {
        let security = self.world.security.clone();
        let session = |back| before.session(back).ok();
        let words = |text: &str| Password::parse(text.to_owned(), "password");
        let password =
            |right| words(if right { PASSWORD } else { "another password" }).map_err(|e| e.to_string());
        Ok(Some(match command {
            Command::SignIn { user, right, source, device } => {
                let mut attempt = self.attempt(source);
                if let Some(at) = device.and_then(|back| Model::back(before.devices(), back)) {
                    attempt = attempt.with_device(self.devices[at].clone());
                }
                let login = &self.logins[usize::from(user).min(NOBODY)];
                match security.sign_in().start(login, &password(right)?, &attempt).await {
                    Ok(SignInResult::Admitted(admission)) => {
                        self.admitted(&admission);
                        Ok("admitted")
                    }
                    Ok(SignInResult::CodeRequired { code, .. }) => {
                        self.pending(code.id);
                        Ok("code")
                    }
                    Err(error) => Err(error),
                }
            }
            Command::Code { challenge, bring, source, session: back } => {
                let Ok(challenge) = before.challenge(challenge) else { return Ok(None) };
                let code = self.code(before, challenge, bring)?;
                let session = back.and_then(session).map(|at| self.sessions[at]);
                let (id, attempt) = (self.challenges[challenge], self.attempt(source));
                match security.sign_in().code(id, &code, &attempt, session).await {
                    Ok(CodeResult::Admitted(admission)) => {
                        self.admitted(&admission);
                        Ok("admitted")
                    }
                    Ok(CodeResult::Fresh(session)) => {
                        self.sessions.push(session.id);
                        Ok("fresh")
                    }
                    Err(error) => Err(error),
                }
            }
            Command::Resend { challenge } => {
                let Ok(challenge) = before.challenge(challenge) else { return Ok(None) };
                let (id, attempt) = (self.challenges[challenge], self.attempt(0));
                security.sign_in().resend(id, &attempt).await.map(|_| "ok")
            }
            Command::SignOut { session: back } => {
                let Some(at) = session(back) else { return Ok(None) };
                security.sessions().sign_out(self.sessions[at]).await.map(|()| "ok")
            }
            Command::Current { session: back } => {
                let Some(at) = session(back) else { return Ok(None) };
                security.sessions().current(self.sessions[at]).await.map(|_| "ok")
            }
            Command::Settings { session: back } => {
                let Some(at) = session(back) else { return Ok(None) };
                security.settings(self.sessions[at]).await.map(|_| "ok")
            }
            Command::Reauthenticate { session: back, right } => {
                let Some(at) = session(back) else { return Ok(None) };
                let (id, attempt) = (self.sessions[at], self.attempt(0));
                match security.sign_in().reauthenticate(id, &password(right)?, &attempt).await {
                    Ok(Reauthenticated::Fresh(session)) => {
                        self.sessions.push(session.id);
                        Ok("fresh")
                    }
                    Ok(Reauthenticated::CodeRequired { code, .. }) => {
                        self.pending(code.id);
                        Ok("code")
                    }
                    Err(error) => Err(error),
                }
            }
            _ => return Ok(None),
        }))
    }

    /// The address and two-factor authentication.
    async fn rooms(&mut self, command: Command, before: &Model) -> Result<Option<Word>, String> {
        let security = self.world.security.clone();
        let (email, two_factor) = (security.email(), security.two_factor());
        let (back, number, bring) = match command {
            Command::ResendEmail { session, challenge } | Command::ResendTwoFactor { session, challenge } => {
                (session, Some(challenge), Bring::Wrong)
            }
            Command::ConfirmEmail { session, challenge, bring }
            | Command::Enable { session, challenge, bring } => (session, Some(challenge), bring),
            Command::SetEmail { session, .. }
            | Command::CancelEmail { session }
            | Command::ClearEmail { session }
            | Command::AskTwoFactor { session, .. }
            | Command::Disable { session }
            | Command::CancelTwoFactor { session } => (session, None, Bring::Wrong),
            _ => return Ok(None),
        };
        let Ok(at) = before.session(back) else { return Ok(None) };
        let (session, source) = (self.sessions[at], self.sources[0]);
        let proof = match number.map(|number| before.challenge(number)) {
            None => None,
            Some(Err(_)) => return Ok(None),
            Some(Ok(at)) => Some((self.challenges[at], self.code(before, at, bring)?)),
        };
        let answer = match (command, proof) {
            (Command::ResendEmail { .. }, Some((id, _))) => {
                email.resend(session, id, &source).await.map(|_| None)
            }
            (Command::ResendTwoFactor { .. }, Some((id, _))) => {
                two_factor.resend(session, id, &source).await.map(|_| None)
            }
            (Command::ConfirmEmail { .. }, Some((id, code))) => {
                email.confirm(session, id, &code, &source).await.map(|changed| Some(changed.session.id))
            }
            (Command::Enable { .. }, Some((id, code))) => {
                two_factor.enable(session, id, &code, &source).await.map(|changed| Some(changed.session.id))
            }
            (Command::SetEmail { address, .. }, _) => {
                let pending = email.set(session, &self.addresses[usize::from(address)]).await;
                pending.map(|code| {
                    self.pending(code.id);
                    None
                })
            }
            (Command::CancelEmail { .. }, _) => email.cancel(session).await.map(|()| None),
            (Command::ClearEmail { .. }, _) => {
                email.clear(session).await.map(|next| next.map(|next| next.id))
            }
            (Command::AskTwoFactor { address, .. }, _) => {
                let address = address.map(|at| self.addresses[usize::from(at)].clone());
                let pending = two_factor.ask(session, address.as_ref()).await;
                pending.map(|code| {
                    self.pending(code.id);
                    None
                })
            }
            (Command::Disable { .. }, _) => {
                two_factor.disable(session).await.map(|changed| Some(changed.session.id))
            }
            (Command::CancelTwoFactor { .. }, _) => two_factor.cancel(session).await.map(|()| None),
            _ => return Ok(None),
        };
        Ok(Some(answer.map(|next| {
            self.sessions.extend(next);
            "ok"
        })))
    }

    /// What administrators do.
    async fn office(&self, command: Command, before: &Model) -> Option<Word> {
        let security = &self.world.security;
        let actor = |by: By| match by {
            None => Some(Actor::Program),
            Some(back) => before.session(back).ok().map(|at| Actor::Session(self.sessions[at])),
        };
        let user = |at: u8| -> UserId { self.users[usize::from(at)].id };
        Some(match command {
            Command::SetBlocked { account, on } => {
                let id = self.accounts[usize::from(account)].id;
                security.accounts().set_blocked(id, on).await.map(|_| "ok")
            }
            Command::SetDisabled { by, user: at, on } => {
                security.rights().set_disabled(actor(by)?, user(at), on).await.map(|_| "ok")
            }
            Command::SetFlags { by, user: at, flags } => {
                let on = |(nth, flag): (usize, Flag)| (flags >> nth & 1 == 1).then_some(flag);
                let flags: Flags = Flag::ALL.into_iter().enumerate().filter_map(on).collect();
                security.rights().set_flags(actor(by)?, user(at), flags).await.map(|_| "ok")
            }
            Command::GrantOnUser { by, user: at, to, rights } => {
                let all = [AccessRight::View, AccessRight::EditFlags, AccessRight::ManageAccess];
                let granted = all.into_iter().enumerate().filter(|(nth, _)| rights >> nth & 1 == 1);
                let granted = granted.map(|(_, right)| right).collect();
                security.rights().grant_on_user(actor(by)?, user(at), user(to), &granted).await.map(|()| "ok")
            }
            Command::GrantOnAccount { by, account, to, on } => {
                let granted = on.then_some(AccessRight::ManageAccount).into_iter().collect();
                let id = self.accounts[usize::from(account)].id;
                security.rights().grant_on_account(actor(by)?, id, user(to), &granted).await.map(|()| "ok")
            }
            _ => return None,
        })
    }

    /// A pass of the worker; every mail must have gone where it may.
    async fn work(&mut self) -> Result<String, String> {
        let pass = self.world.run_worker().await.map_err(|error| error.to_string())?;
        let mails = self.world.mailbox.mails();
        for mail in mails.iter().skip(self.read_mails) {
            let read = Read { starts: vec![Start::Id(mail.id.uuid())], ..Read::default() };
            let snapshot = self.world.store.read(&read).await.map_err(|error| error.to_string())?;
            let record = snapshot.records.get(&mail.id.uuid()).ok_or("I-28: a mail without its record")?;
            if !self.addresses.iter().any(|address| address.as_str() == mail.to.as_str()) {
                return Err("I-21: a mail went to an address as nobody wrote it".to_owned());
            }
            let of = |id: &ChallengeId| record.refs.contains(&id.uuid());
            if let Some(at) = self.challenges.iter().position(|id| of(id)) {
                let to = &self.addresses[self.model.challenges[at].address];
                if !to.same_as(&mail.to) {
                    return Err("I-20: a code went to another address".to_owned());
                }
                let line = mail.text.lines().find_map(|line| Code::parse(line.trim()).ok());
                self.codes[at].push(line.ok_or("a code mail without its code")?);
            }
        }
        self.read_mails = mails.len();
        let (sent, suppressed, postponed) = (pass.sent, pass.suppressed, pass.postponed);
        Ok(format!("sent {sent} suppressed {suppressed} postponed {postponed}"))
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
