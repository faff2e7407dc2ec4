//! What the reference model knows: plain facts, and the numbers of the documentation written out once more.

mod codes;

use std::collections::BTreeSet;

pub(super) const USERS: usize = 3;
/// Stands for a login that nobody has.
pub(super) const NOBODY: usize = USERS;
const CODE_LIFE: i64 = 600;
const RESEND: i64 = 60;
const SENDS: u32 = 5;
pub(super) const ATTEMPTS: u32 = 5;
const IN_A_ROW: u32 = 100;
const ROW_FREE: u32 = 10;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const LONGEST_WAIT: i64 = 900;
const FRESH: i64 = 900;
const IDLE: i64 = 12 * HOUR;
const LONGEST: i64 = 30 * 24 * HOUR;
const DEVICE: i64 = 400 * 24 * HOUR;
const BUDGET: u32 = 10;
const UNDO_LIFE: i64 = 72 * HOUR;
const CLAIMS: usize = 5;
/// How far into its day, in UTC, every sequence begins.
const BEGINS: i64 = 40_000;
/// How far clocks may be apart.
const SLACK: i64 = 30;

/// A counter with a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    value: u32,
    ends: i64,
}

impl Window {
    /// Whether it still counts: not over, and not from a clock that has since stepped back.
    pub(super) fn live(self, now: i64, length: i64) -> u32 {
        if self.ends > now && self.ends <= now + length + SLACK { self.value } else { 0 }
    }

    fn add(&mut self, now: i64, length: i64) {
        match self.live(now, length) {
            0 => *self = Self { value: 1, ends: now + length },
            value => self.value = value + 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    SignIn,
    Again,
    Email,
    TwoFactor,
}

/// Failures in a row, and the wait they opened.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Row {
    pub(super) failures: u32,
    /// When the failures are forgotten; only passwords forget.
    ends: i64,
    wait: Window,
}

impl Row {
    fn waits(self, now: i64) -> bool {
        self.wait.live(now, LONGEST_WAIT) > 0
    }

    /// A wrong password: the first of a day opens the day after which all are forgotten.
    fn fail_password(&mut self, now: i64) {
        if self.failures > 0 && !(self.ends > now && self.ends <= now + DAY + SLACK) {
            self.failures = 0;
        }
        if self.failures == 0 {
            self.ends = now + DAY;
        }
        self.fail(now, MINUTE / 2);
    }

    /// Wrong passwords in a row that are not forgotten yet.
    pub(super) fn passwords(self, now: i64) -> u32 {
        if self.ends > now { self.failures } else { 0 }
    }

    fn fail(&mut self, now: i64, first: i64) {
        self.failures += 1;
        if let Some(doublings) = self.failures.checked_sub(ROW_FREE) {
            let length = first.saturating_mul(1_i64 << doublings.min(20)).min(LONGEST_WAIT);
            self.wait = Window { value: 1, ends: now + length };
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) account: usize,
    pub(super) credentials: u32,
    pub(super) disabled: bool,
    pub(super) two_factor: bool,
    pub(super) email: Option<usize>,
    pub(super) pending: Option<(usize, usize)>,
    pub(super) switching: Option<usize>,
    pub(super) flags: u8,
    pub(super) rights: [u8; USERS],
    pub(super) claims: Vec<Claim>,
    pub(super) passwords: Row,
    pub(super) codes: [Row; 4],
    mailed: Window,
}

/// An old address that a mailed link puts back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) address: usize,
    /// Counts all claims ever made.
    number: u32,
    ends: i64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) blocked: bool,
    /// The day its counter blocks it from, if it counts.
    until: Option<i64>,
    lifts: u32,
    pub(super) managers: BTreeSet<usize>,
}

impl Account {
    fn blocked_at(&self, now: i64) -> bool {
        self.blocked || self.until.is_some_and(|day| now >= day * DAY - BEGINS)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Spent,
    Dead,
}

#[derive(Clone, Debug)]
pub(super) struct Challenge {
    pub(super) user: usize,
    pub(super) purpose: Purpose,
    pub(super) address: usize,
    pub(super) session: Option<usize>,
    credentials: u32,
    pub(super) state: State,
    pub(super) issue: u32,
    lifts: u32,
    issued: i64,
    pub(super) expires: i64,
    pub(super) attempts: u32,
    /// Which of its codes arrived, by their number.
    pub(super) arrived: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) user: usize,
    credentials: u32,
    lifts: u32,
    fresh: i64,
    used: i64,
    idle: i64,
    ends: i64,
    pub(super) gone: bool,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    user: usize,
    credentials: u32,
    ends: i64,
    browser: usize,
}

#[derive(Clone, Copy, Debug)]
struct Mail {
    user: usize,
    address: usize,
    /// The challenge and the number of its code.
    code: Option<(usize, u32)>,
    /// The claim whose link it carries.
    claim: Option<u32>,
    due: i64,
    tries: u32,
    done: bool,
}

/// Everything the model knows.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) now: i64,
    pub(super) users: Vec<User>,
    pub(super) accounts: Vec<Account>,
    pub(super) sessions: Vec<Session>,
    pub(super) challenges: Vec<Challenge>,
    devices: Vec<Device>,
    browsers: Vec<Row>,
    nobody: Row,
    sources: [Window; 2],
    /// Codes mailed to each address: to who has yet to confirm it, and to who has.
    addresses: [[Window; 4]; 2],
    mails: Vec<Mail>,
    claimed: u32,
    pub(super) mail_down: bool,
}

/// What a pass of the worker comes to: sent, suppressed, postponed.
pub(super) type Passed = (u32, u32, u32);

impl Model {
    /// Three users, of whom the first manages the top account; the second has no address.
    pub(super) fn new() -> Self {
        let user = |account, email| User { account, email, credentials: 1, flags: 15, ..User::default() };
        let mut accounts = vec![Account::default(), Account::default()];
        if let Some(top) = accounts.first_mut() {
            top.managers.insert(0);
        }
        Self {
            now: 0,
            users: vec![user(0, Some(0)), user(1, None), user(1, Some(1))],
            accounts,
            sessions: Vec::new(),
            challenges: Vec::new(),
            devices: Vec::new(),
            browsers: Vec::new(),
            nobody: Row::default(),
            sources: [Window::default(); 2],
            addresses: [[Window::default(); 4]; 2],
            mails: Vec::new(),
            claimed: 0,
            mail_down: false,
        }
    }

    pub(super) const fn devices(&self) -> usize {
        self.devices.len()
    }

    pub(super) fn blocked(&self, user: usize) -> bool {
        let blocked = |account: usize| self.accounts[account].blocked_at(self.now);
        blocked(0) || (self.users[user].account == 1 && blocked(1))
    }

    /// How many blocks were lifted among the accounts of a user.
    fn lifts(&self, user: usize) -> u32 {
        let below = if self.users[user].account == 1 { self.accounts[1].lifts } else { 0 };
        self.accounts[0].lifts + below
    }

    fn shut_out(&self, user: usize) -> bool {
        self.users[user].disabled || self.blocked(user)
    }

    /// The user of a live session; a dead one is gone for good.
    pub(super) fn acting(&mut self, session: usize) -> Result<usize, &'static str> {
        let this = &self.sessions[session];
        let user = this.user;
        let alive = !this.gone
            && this.credentials == self.users[user].credentials
            && self.now < this.idle
            && self.now < this.ends
            && this.lifts == self.lifts(user)
            && !self.shut_out(user);
        if !alive {
            self.sessions[session].gone = true;
            return Err("signed_out");
        }
        Ok(user)
    }

    pub(super) fn fresh(&self, session: usize) -> Result<(), &'static str> {
        if self.now < self.sessions[session].fresh { Ok(()) } else { Err("stale_sign_in") }
    }

    fn open(&mut self, user: usize) {
        let now = self.now;
        self.sessions.push(Session {
            user,
            credentials: self.users[user].credentials,
            lifts: self.lifts(user),
            fresh: now + FRESH,
            used: now,
            idle: now + IDLE,
            ends: now + LONGEST,
            gone: false,
        });
    }

    /// The session goes on under a fresh id.
    pub(super) fn succeed(&mut self, session: usize) {
        let mut next = self.sessions[session].clone();
        next.credentials = self.users[next.user].credentials;
        self.sessions[session].gone = true;
        self.sessions.push(next);
    }

    pub(super) fn freshen(&mut self, session: usize) {
        let now = self.now;
        let this = &mut self.sessions[session];
        this.fresh = now + FRESH;
        this.used = now;
        this.idle = (now + IDLE).min(this.ends);
        self.succeed(session);
    }

    pub(super) fn touch(&mut self, session: usize) {
        let now = self.now;
        let this = &mut self.sessions[session];
        if now >= this.used + FRESH {
            this.used = now;
            this.idle = (now + IDLE).min(this.ends);
        }
    }

    pub(super) fn bump(&mut self, user: usize) {
        let user = &mut self.users[user];
        user.credentials += 1;
        user.pending = None;
        user.switching = None;
    }

    /// Whether the address of a user may be replaced or removed, if there is one.
    pub(super) fn may_replace(&self, user: usize) -> Result<(), &'static str> {
        let this = &self.users[user];
        let alive = this.claims.iter().filter(|claim| self.now < claim.ends).count();
        if this.email.is_some() && alive >= CLAIMS { Err("too_soon") } else { Ok(()) }
    }

    /// The old address is claimed, and told by a mail with a link; unless the new one was claimed itself: then it is
    /// back, and everything since is gone.
    pub(super) fn leave_undo(&mut self, user: usize, old: usize) {
        let (now, number) = (self.now, self.claimed);
        let this = &mut self.users[user];
        this.claims.retain(|claim| now < claim.ends);
        let back = this.email.and_then(|new| this.claims.iter().position(|claim| claim.address == new));
        if let Some(nth) = back {
            this.claims.truncate(nth);
            self.send(user, old, None);
            return;
        }
        self.claimed += 1;
        this.claims.push(Claim { address: old, number, ends: now + UNDO_LIFE });
        self.send(user, old, None);
        if let Some(mail) = self.mails.last_mut() {
            mail.claim = Some(number);
        }
    }

    pub(super) fn block(&mut self, account: usize, on: bool) {
        self.change_account(account, |account| account.blocked = on);
    }

    /// So many days are left of an account from today on; none stops the counter.
    pub(super) fn set_days(&mut self, account: usize, left: Option<i64>) {
        let today = (self.now + BEGINS).div_euclid(DAY);
        self.change_account(account, |account| account.until = left.map(|left| today + left));
    }

    /// A block that some clock saw before the change and some clock misses after it is lifted.
    fn change_account(&mut self, account: usize, change: impl FnOnce(&mut Account)) {
        let (before, now) = (self.accounts[account].clone(), self.now);
        let account = &mut self.accounts[account];
        change(account);
        let same = (before.blocked, before.until) == (account.blocked, account.until);
        if !same && before.blocked_at(now + SLACK) && !account.blocked_at(now - SLACK) {
            account.lifts += 1;
        }
    }

    fn known(&self, device: Option<usize>, user: usize) -> Option<usize> {
        let device = self.devices[device?];
        let counts = user != NOBODY
            && device.user == user
            && device.credentials == self.users[user].credentials
            && self.now < device.ends;
        counts.then_some(device.browser)
    }

    fn row(&mut self, user: usize, browser: Option<usize>) -> &mut Row {
        match browser {
            Some(browser) => &mut self.browsers[browser],
            None if user == NOBODY => &mut self.nobody,
            None => &mut self.users[user].passwords,
        }
    }

    /// The check of a password, with what it counts.
    pub(super) fn password(
        &mut self,
        user: usize,
        right: bool,
        source: usize,
        device: Option<usize>,
    ) -> Result<Option<usize>, &'static str> {
        let now = self.now;
        let browser = self.known(device, user);
        if self.sources[source].live(now, MINUTE) >= BUDGET || self.row(user, browser).waits(now) {
            return Err("too_many_attempts");
        }
        if user == NOBODY || !right || self.shut_out(user) {
            self.sources[source].add(now, MINUTE);
            self.row(user, browser).fail_password(now);
            return Err("bad_credentials");
        }
        Ok(browser)
    }

    /// A completed sign-in.
    pub(super) fn admit(&mut self, user: usize, browser: Option<usize>) {
        self.forgive(user, browser);
        self.open(user);
        let browser = browser.unwrap_or_else(|| {
            self.browsers.push(Row::default());
            self.browsers.len() - 1
        });
        let credentials = self.users[user].credentials;
        self.devices.push(Device { user, credentials, ends: self.now + DEVICE, browser });
    }

    pub(super) fn forgive(&mut self, user: usize, browser: Option<usize>) {
        self.users[user].passwords.failures = 0;
        if let Some(browser) = browser {
            self.browsers[browser].failures = 0;
        }
    }

    fn manages(&self, actor: usize, account: usize) -> bool {
        let by = |account: usize| self.accounts[account].managers.contains(&actor);
        by(0) || (account == 1 && by(1))
    }

    /// The rights of somebody on a user, as bits: 1 see, 2 edit flags, 4 manage access. Everybody sees himself.
    pub(super) fn rights(&self, actor: usize, target: usize) -> u8 {
        if self.manages(actor, self.users[target].account) {
            7
        } else {
            self.users[target].rights[actor] | u8::from(actor == target)
        }
    }

    pub(super) fn may_grant_on_account(&self, actor: usize, account: usize) -> bool {
        self.manages(actor, account)
    }
}
