//! What the model expects of codes and of the mails that carry them.

use super::{
    ATTEMPTS, BUDGET, CODE_LIFE, Challenge, HOUR, IN_A_ROW, MINUTE, Mail, Model, Passed, Purpose, RESEND,
    SENDS, SLACK, State,
};

impl Model {
    fn locked(&self, user: usize, purpose: Purpose) -> bool {
        let row = self.users[user].codes[purpose as usize];
        row.failures >= IN_A_ROW || row.waits(self.now)
    }

    fn spend(&mut self, user: usize, address: usize) -> Result<(), &'static str> {
        let now = self.now;
        let own = usize::from(self.users[user].email == Some(address));
        let (mine, its) = (&mut self.users[user].mailed, &mut self.addresses[own][address]);
        if mine.live(now, HOUR) >= BUDGET || its.live(now, HOUR) >= BUDGET {
            return Err("too_soon");
        }
        mine.add(now, HOUR);
        its.add(now, HOUR);
        Ok(())
    }

    /// A new challenge with its mail; gives its number.
    pub(in super::super) fn issue(
        &mut self,
        user: usize,
        purpose: Purpose,
        address: usize,
        session: Option<usize>,
    ) -> Result<usize, &'static str> {
        if self.locked(user, purpose) {
            return Err("locked");
        }
        self.spend(user, address)?;
        let now = self.now;
        let number = self.challenges.len();
        self.challenges.push(Challenge {
            user,
            purpose,
            address,
            session,
            credentials: self.users[user].credentials,
            state: State::Pending,
            issue: 1,
            lifts: self.lifts(user),
            issued: now,
            expires: now + CODE_LIFE,
            attempts: 0,
            arrived: Vec::new(),
        });
        self.send(user, address, Some((number, 1)));
        Ok(number)
    }

    fn dead(&self, challenge: usize) -> bool {
        let this = &self.challenges[challenge];
        let user = &self.users[this.user];
        let named = match this.purpose {
            Purpose::SignIn | Purpose::Again => true,
            Purpose::Email => user.pending.is_some_and(|(_, named)| named == challenge),
            Purpose::TwoFactor => user.switching == Some(challenge),
        };
        this.state != State::Pending
            || this.credentials != user.credentials
            || self.now >= this.expires
            || !named
            || this.lifts != self.lifts(this.user)
            || self.shut_out(this.user)
    }

    fn bury(&mut self, challenge: usize) -> Result<(), &'static str> {
        if self.dead(challenge) {
            let this = &mut self.challenges[challenge];
            if this.state == State::Pending {
                this.state = State::Dead;
            }
            return Err("challenge_dead");
        }
        let this = &self.challenges[challenge];
        if self.locked(this.user, this.purpose) || this.attempts >= ATTEMPTS {
            return Err("locked");
        }
        Ok(())
    }

    /// The check of a code; a right one is spent by [`spent`](Self::spent).
    pub(in super::super) fn judge(&mut self, challenge: usize, fits: bool) -> Result<(), &'static str> {
        self.bury(challenge)?;
        if fits {
            return Ok(());
        }
        let now = self.now;
        let this = &mut self.challenges[challenge];
        this.attempts += 1;
        let (user, purpose, last) = (this.user, this.purpose, this.attempts == ATTEMPTS);
        self.users[user].codes[purpose as usize].fail(now, MINUTE);
        if let (true, Some(address)) = (last, self.users[user].email) {
            self.send(user, address, None);
        }
        Err("wrong_code")
    }

    pub(in super::super) fn spent(&mut self, challenge: usize) {
        let this = &mut self.challenges[challenge];
        this.state = State::Spent;
        self.users[this.user].codes[this.purpose as usize].failures = 0;
    }

    pub(in super::super) fn resend(&mut self, challenge: usize) -> Result<(), &'static str> {
        self.bury(challenge)?;
        let this = &self.challenges[challenge];
        let (user, address, issued) = (this.user, this.address, this.issued);
        if this.issue >= SENDS {
            return Err("no_sends_left");
        }
        if issued <= self.now + SLACK && self.now < issued + RESEND {
            return Err("too_soon");
        }
        self.spend(user, address)?;
        let now = self.now;
        let this = &mut self.challenges[challenge];
        this.issue += 1;
        this.issued = now;
        this.expires = now + CODE_LIFE;
        let issue = this.issue;
        self.send(user, address, Some((challenge, issue)));
        Ok(())
    }

    pub(in super::super) fn send(&mut self, user: usize, address: usize, code: Option<(usize, u32)>) {
        self.mails.push(Mail { user, address, code, claim: None, due: self.now, tries: 0, done: false });
    }

    fn may_leave(&self, mail: &Mail) -> bool {
        let user = &self.users[mail.user];
        if let Some(number) = mail.claim {
            return user.claims.iter().any(|claim| claim.number == number && self.now < claim.ends);
        }
        let Some((challenge, issue)) = mail.code else { return true };
        let lives = user.email == Some(mail.address)
            || user.pending.is_some_and(|(address, _)| address == mail.address);
        !self.dead(challenge) && self.challenges[challenge].issue == issue && lives
    }

    /// A pass of the worker.
    pub(in super::super) fn work(&mut self) -> Passed {
        let now = self.now;
        for user in &mut self.users {
            user.claims.retain(|claim| now < claim.ends);
        }
        let mut passed = (0, 0, 0);
        for nth in 0..self.mails.len() {
            let mut mail = self.mails[nth];
            if mail.done || mail.due > self.now {
                continue;
            }
            if !self.may_leave(&mail) {
                mail.done = true;
                passed.1 += 1;
            } else if self.mail_down {
                mail.due = self.now + (MINUTE / 2) * (1 << mail.tries.min(11));
                mail.tries += 1;
                passed.2 += 1;
            } else {
                mail.done = true;
                passed.0 += 1;
                if let Some((challenge, issue)) = mail.code {
                    self.challenges[challenge].arrived.push(issue);
                }
            }
            self.mails[nth] = mail;
        }
        passed
    }
}
