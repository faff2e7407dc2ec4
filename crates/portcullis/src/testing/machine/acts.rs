//! Takes commands to the engine.

use super::command::{Bring, By, Command};
use super::model::{Model, NOBODY};
use super::player::Player;
use super::step::NOTHING;
use crate::account::DaysChange;
use crate::error::Error;
use crate::id::{ChallengeId, UserId};
use crate::manage::AccountChange;
use crate::port::message::SendError;
use crate::port::store::{Read, Start};
use crate::rights::{AccessRight, Actor};
use crate::secret::{Code, Password};
use crate::sign_in::{CodeResult, Reauthenticated, SignInResult};
use crate::testing::world::PASSWORD;
use crate::user::{Flag, Flags};

type Word = Result<&'static str, Error>;

impl Player<'_> {
    /// Takes a command to the engine and gives its answer in one word.
    pub(super) async fn act(&mut self, command: Command, before: &Model) -> Result<String, String> {
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
            Command::SetDays { account, left } => {
                let id = self.accounts[usize::from(account)].id;
                let days = DaysChange::default().counting(left.is_some());
                let days = left.map_or(days, |left| days.left(i32::from(left)));
                let change = AccountChange::default().days(days);
                security.manage(Actor::Program).change_account(id, &change).await.map(|_| "ok")
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
            if let Some(at) = self.challenges.iter().position(of) {
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
