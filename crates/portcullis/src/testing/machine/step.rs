//! What the reference model expects of each command.

use super::command::{Bring, By, Command};
use super::model::{Model, NOBODY, Purpose};

type Word = Result<&'static str, &'static str>;

/// Nothing there that the command could be about.
pub(super) const NOTHING: &str = "-";

impl Model {
    /// The one counted back from the newest of so many.
    pub(super) fn back(of: usize, back: u8) -> Option<usize> {
        let back = usize::from(back) % of.max(1);
        of.checked_sub(1 + back)
    }

    pub(super) fn session(&self, back: u8) -> Result<usize, &'static str> {
        Self::back(self.sessions.len(), back).ok_or(NOTHING)
    }

    pub(super) fn challenge(&self, back: u8) -> Result<usize, &'static str> {
        Self::back(self.challenges.len(), back).ok_or(NOTHING)
    }

    /// Which mailed code is brought, as a challenge and the place among its codes; `None` for a wrong one.
    pub(super) fn brought(&self, challenge: usize, bring: Bring) -> Option<(usize, usize)> {
        let arrived = |number: usize| self.challenges[number].arrived.len();
        let place = |number: usize, back: usize| Some((number, arrived(number).checked_sub(back)?));
        match bring {
            Bring::Wrong => None,
            Bring::Right => place(challenge, 1),
            Bring::Old => place(challenge, 2),
            Bring::Foreign => {
                let other = (0..self.challenges.len()).rev();
                other.filter(|other| *other != challenge).find_map(|other| place(other, 1))
            }
        }
    }

    fn fits(&self, challenge: usize, bring: Bring) -> bool {
        self.brought(challenge, bring).is_some_and(|(number, place)| {
            number == challenge && self.challenges[number].arrived[place] == self.challenges[challenge].issue
        })
    }

    /// Takes a command and gives the answer to expect.
    pub(super) fn step(&mut self, command: Command) -> String {
        match command {
            Command::Work => {
                let (sent, suppressed, postponed) = self.work();
                format!("sent {sent} suppressed {suppressed} postponed {postponed}")
            }
            Command::MailDown { on } => {
                self.mail_down = on;
                NOTHING.to_owned()
            }
            Command::Clock { seconds } => {
                self.now += seconds;
                NOTHING.to_owned()
            }
            _ => self.answer(command).unwrap_or_else(|refusal| refusal).to_owned(),
        }
    }

    fn answer(&mut self, command: Command) -> Word {
        match command {
            Command::SignIn { user, right, source, device } => self.sign_in(user, right, source, device),
            Command::Code { challenge, bring, session, .. } => self.code(challenge, bring, session),
            Command::Resend { challenge } => {
                let challenge = self.challenge(challenge)?;
                self.expect(challenge, &[Purpose::SignIn, Purpose::Again], None)?;
                self.resend(challenge).map(|()| "ok")
            }
            Command::ResendEmail { session, challenge } => self.resend_in(session, challenge, Purpose::Email),
            Command::ResendTwoFactor { session, challenge } => {
                self.resend_in(session, challenge, Purpose::TwoFactor)
            }
            Command::SignOut { session } => {
                let session = self.session(session)?;
                self.sessions[session].gone = true;
                Ok("ok")
            }
            Command::Current { session } => {
                let session = self.session(session)?;
                self.acting(session)?;
                self.touch(session);
                Ok("ok")
            }
            Command::Settings { session } => {
                let session = self.session(session)?;
                self.acting(session)?;
                Ok("ok")
            }
            Command::Reauthenticate { session, right } => {
                let session = self.session(session)?;
                let user = self.acting(session)?;
                self.password(user, right, 0, None)?;
                match self.users[user].email.filter(|_| self.users[user].two_factor) {
                    None => {
                        self.forgive(user, None);
                        self.freshen(session);
                        Ok("fresh")
                    }
                    Some(address) => self.issue(user, Purpose::Again, address, Some(session)).map(|_| "code"),
                }
            }
            Command::SetEmail { .. }
            | Command::ConfirmEmail { .. }
            | Command::CancelEmail { .. }
            | Command::ClearEmail { .. } => self.email(command),
            Command::AskTwoFactor { .. }
            | Command::Enable { .. }
            | Command::Disable { .. }
            | Command::CancelTwoFactor { .. } => self.two_factor(command),
            _ => self.administer(command),
        }
    }

    fn expect(
        &self,
        challenge: usize,
        purposes: &[Purpose],
        user: Option<usize>,
    ) -> Result<(), &'static str> {
        let this = &self.challenges[challenge];
        let fits = purposes.contains(&this.purpose) && user.is_none_or(|user| user == this.user);
        if fits { Ok(()) } else { Err("challenge_dead") }
    }

    fn resend_in(&mut self, session: u8, challenge: u8, purpose: Purpose) -> Word {
        let (session, challenge) = (self.session(session)?, self.challenge(challenge)?);
        let user = self.acting(session)?;
        self.expect(challenge, &[purpose], Some(user))?;
        self.resend(challenge).map(|()| "ok")
    }

    fn sign_in(&mut self, user: u8, right: bool, source: u8, device: Option<u8>) -> Word {
        let user = usize::from(user).min(NOBODY);
        let device = device.and_then(|back| Self::back(self.devices(), back));
        let browser = self.password(user, right, usize::from(source), device)?;
        match self.users[user].email.filter(|_| self.users[user].two_factor) {
            None => {
                self.admit(user, browser);
                Ok("admitted")
            }
            Some(address) => self.issue(user, Purpose::SignIn, address, None).map(|_| "code"),
        }
    }

    fn code(&mut self, challenge: u8, bring: Bring, session: Option<u8>) -> Word {
        let challenge = self.challenge(challenge)?;
        let session = session.and_then(|back| self.session(back).ok());
        let fits = self.fits(challenge, bring);
        let user = self.challenges[challenge].user;
        match (self.challenges[challenge].purpose, session) {
            (Purpose::SignIn, _) => {
                self.judge(challenge, fits)?;
                self.spent(challenge);
                self.admit(user, None);
                Ok("admitted")
            }
            (Purpose::Again, Some(session)) => {
                self.acting(session)?;
                if self.challenges[challenge].session != Some(session) {
                    return Err("challenge_dead");
                }
                self.judge(challenge, fits)?;
                self.spent(challenge);
                self.forgive(user, None);
                self.freshen(session);
                Ok("fresh")
            }
            (Purpose::Again | Purpose::Email | Purpose::TwoFactor, _) => Err("challenge_dead"),
        }
    }

    /// Whether somebody else holds an address.
    fn taken(&self, user: usize, address: usize) -> bool {
        self.users.iter().enumerate().any(|(other, this)| {
            let claims = this.claims.iter().any(|claim| claim.address == address);
            other != user && (claims || this.email == Some(address))
        })
    }

    fn take(&mut self, user: usize, address: usize) {
        let old = self.users[user].email.replace(address);
        self.bump(user);
        if let Some(old) = old {
            self.leave_undo(user, old);
            if old != address {
                self.send(user, address, None);
            }
        }
    }

    fn email(&mut self, command: Command) -> Word {
        match command {
            Command::SetEmail { session, address } => {
                let (session, address) = (self.session(session)?, usize::from(address));
                let user = self.acting(session)?;
                self.fresh(session)?;
                if self.users[user].email == Some(address) {
                    return Err("unchanged");
                }
                self.may_replace(user)?;
                let challenge = self.issue(user, Purpose::Email, address, None)?;
                self.users[user].pending = Some((address, challenge));
                Ok("ok")
            }
            Command::ConfirmEmail { session, challenge, bring } => {
                let (session, challenge) = (self.session(session)?, self.challenge(challenge)?);
                let user = self.acting(session)?;
                self.expect(challenge, &[Purpose::Email], Some(user))?;
                self.may_replace(user)?;
                let fits = self.fits(challenge, bring);
                self.judge(challenge, fits)?;
                let address = self.challenges[challenge].address;
                if self.taken(user, address) {
                    return Err("address_taken");
                }
                self.spent(challenge);
                self.take(user, address);
                self.succeed(session);
                Ok("ok")
            }
            Command::CancelEmail { session } => {
                let user = self.session(session).and_then(|session| self.acting(session))?;
                self.users[user].pending = None;
                Ok("ok")
            }
            Command::ClearEmail { session } => {
                let session = self.session(session)?;
                let user = self.acting(session)?;
                self.fresh(session)?;
                let Some(old) = self.users[user].email else { return Ok("ok") };
                if self.users[user].two_factor {
                    return Err("in_use");
                }
                self.may_replace(user)?;
                self.users[user].email = None;
                self.bump(user);
                self.leave_undo(user, old);
                self.succeed(session);
                Ok("ok")
            }
            _ => Err(NOTHING),
        }
    }

    fn two_factor(&mut self, command: Command) -> Word {
        match command {
            Command::AskTwoFactor { session, address } => {
                let session = self.session(session)?;
                let user = self.acting(session)?;
                self.fresh(session)?;
                let (confirmed, pending) = (self.users[user].email, self.users[user].pending);
                let pending = pending.map(|(address, _)| address);
                let to = match address.map(usize::from) {
                    None => confirmed,
                    named => named.filter(|_| pending == named || confirmed == named),
                };
                let Some(to) = to else { return Err("email_unconfirmed") };
                if self.users[user].two_factor && confirmed == Some(to) {
                    return Err("unchanged");
                }
                let challenge = self.issue(user, Purpose::TwoFactor, to, None)?;
                self.users[user].switching = Some(challenge);
                Ok("ok")
            }
            Command::Enable { session, challenge, bring } => {
                let (session, challenge) = (self.session(session)?, self.challenge(challenge)?);
                let user = self.acting(session)?;
                self.expect(challenge, &[Purpose::TwoFactor], Some(user))?;
                self.fresh(session)?;
                let to = self.challenges[challenge].address;
                if self.users[user].email != Some(to) {
                    self.may_replace(user)?;
                }
                let fits = self.fits(challenge, bring);
                self.judge(challenge, fits)?;
                if self.users[user].email == Some(to) {
                    self.bump(user);
                } else if self.users[user].pending.is_some_and(|(address, _)| address == to) {
                    if self.taken(user, to) {
                        return Err("address_taken");
                    }
                    self.take(user, to);
                } else {
                    return Err("email_unconfirmed");
                }
                self.spent(challenge);
                self.users[user].two_factor = true;
                self.send(user, to, None);
                self.succeed(session);
                Ok("ok")
            }
            Command::Disable { session } => {
                let session = self.session(session)?;
                let user = self.acting(session)?;
                self.fresh(session)?;
                if !self.users[user].two_factor {
                    return Err("unchanged");
                }
                self.users[user].two_factor = false;
                self.bump(user);
                if let Some(to) = self.users[user].email {
                    self.send(user, to, None);
                }
                self.succeed(session);
                Ok("ok")
            }
            Command::CancelTwoFactor { session } => {
                let user = self.session(session).and_then(|session| self.acting(session))?;
                self.users[user].switching = None;
                Ok("ok")
            }
            _ => Err(NOTHING),
        }
    }

    /// Who acts, if it is a user; the program is asked nothing.
    fn actor(&mut self, by: By) -> Result<Option<usize>, &'static str> {
        match by {
            None => Ok(None),
            Some(back) => {
                let session = self.session(back)?;
                self.acting(session).map(Some)
            }
        }
    }

    fn may(&self, actor: Option<usize>, target: usize, needed: u8) -> Result<(), &'static str> {
        let Some(actor) = actor else { return Ok(()) };
        let held = self.rights(actor, target);
        match (held & 1, held & needed) {
            (0, _) => Err("not_found"),
            (_, held) if held == needed => Ok(()),
            _ => Err("not_allowed"),
        }
    }

    /// Giving a right takes a fresh sign-in, taking one away does not.
    fn may_give(&self, by: By, gives: bool) -> Result<(), &'static str> {
        match by {
            Some(back) if gives => self.fresh(self.session(back)?),
            Some(_) | None => Ok(()),
        }
    }

    /// Rights go to whom the actor sees, and to who holds some already.
    fn may_receive(&self, actor: Option<usize>, to: usize, holds: bool) -> Result<(), &'static str> {
        if holds { Ok(()) } else { self.may(actor, to, 1) }
    }

    fn administer(&mut self, command: Command) -> Word {
        match command {
            Command::SetDisabled { by, user, on } => {
                let (actor, user) = (self.actor(by)?, usize::from(user));
                self.may(actor, user, 2)?;
                if self.users[user].disabled != on {
                    self.users[user].disabled = on;
                    self.bump(user);
                }
            }
            Command::SetBlocked { account, on } => self.block(usize::from(account), on),
            Command::SetDays { account, left } => self.set_days(usize::from(account), left.map(i64::from)),
            Command::SetFlags { by, user, flags } => {
                let (actor, user) = (self.actor(by)?, usize::from(user));
                self.may(actor, user, 2)?;
                let granted = flags & !self.users[user].flags;
                if actor.is_some_and(|actor| granted & !self.users[actor].flags != 0) {
                    return Err("not_allowed");
                }
                self.users[user].flags = flags;
            }
            Command::GrantOnUser { by, user, to, rights } => {
                let (actor, user) = (self.actor(by)?, usize::from(user));
                self.may(actor, user, 4 | rights)?;
                let held = self.users[user].rights[usize::from(to)];
                self.may_give(by, rights & !held != 0)?;
                self.may_receive(actor, usize::from(to), held != 0)?;
                self.users[user].rights[usize::from(to)] = rights;
            }
            Command::GrantOnAccount { by, account, to, on } => {
                let (actor, account) = (self.actor(by)?, usize::from(account));
                if actor.is_some_and(|actor| !self.may_grant_on_account(actor, account)) {
                    // Who manages no account above may not even see it.
                    return Err("not_found");
                }
                let holds = self.accounts[account].managers.contains(&usize::from(to));
                self.may_give(by, on && !holds)?;
                self.may_receive(actor, usize::from(to), holds)?;
                let managers = &mut self.accounts[account].managers;
                if on {
                    managers.insert(usize::from(to));
                } else {
                    managers.remove(&usize::from(to));
                }
            }
            _ => return Err(NOTHING),
        }
        Ok("ok")
    }
}
