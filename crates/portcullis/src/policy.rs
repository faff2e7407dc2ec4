//! The policy: every lifetime, limit and cool-down, with unit, default and source.
//!
//! Numbers live here and nowhere else. Sources: "decided" is a decision of the project where its sources are silent (`docs/policy.md` lists them all), "NIST" is
//! SP 800-63B-4, "OWASP" its Password Storage sheet, "hosting" and "local" are what Wialon documents.

mod flespi;
mod limit;

pub use flespi::{FlespiOwner, FlespiReplaced};
pub use limit::{Backoff, Limit};

use chrono::TimeDelta;
pub(crate) use limit::{PARKED_PER_SENDER, limit_holds};

use crate::password::PasswordRule;
use crate::port::flespi::Access;
use crate::spend::{self, PrefixRule};

/// How far apart the clocks of those who share a store may be, the time from an operation's first look to its commit
/// included: 30 s (decided). What was written no further in the future than this was written by a colleague; what lies
/// beyond it, by a clock that has since stepped back.
pub const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(30);

/// How long after its day the notice of a day is remembered, whatever `message_kept` of the policy says: a user who
/// moves to another zone may live through most of a day again, and gets no second notice for it: 3 d (ours).
pub(crate) const NOTICE_REMEMBERED: TimeDelta = TimeDelta::days(3);

/// How much later than the calendar says a period of a quota may end and still count: 26 h, the most by which two time
/// zones differ (decided). One that ends later was begun by a clock that has since stepped back.
pub(crate) const PERIOD_SLACK: TimeDelta = TimeDelta::hours(26);

/// The hour in which a quota is counted anew.
pub(crate) const HOUR: TimeDelta = TimeDelta::hours(1);

/// Days that an account may have left, and its minimum, at most, either way: 36525, a hundred years (decided).
pub const DAYS_FURTHEST: i32 = 36_525;

/// The largest amount of money, either way, in minor units: 2^53 - 1, which every reader of JSON keeps exactly (decided).
pub const AMOUNT_LARGEST: i64 = (1 << 53) - 1;

/// The longest comment of a payment: 500 characters (decided).
pub const COMMENT_LONGEST: usize = 500;

/// Plans of one top account at most: 100, as on Wialon Hosting (domain).
pub const PLANS_MOST: usize = 100;

/// Every number and switch. Start from a preset and change fields.
///
/// ```
/// use portcullis::policy::Policy;
/// let mut policy = Policy::default();
/// policy.code_length = 8;
/// assert!(policy.check().is_ok());
/// policy.code_length = 5;
/// assert_eq!(policy.check().unwrap_err().field(), "code_length");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[non_exhaustive]
pub struct Policy {
    /// Digits of a code, 6 to 10. Default 6 (NIST: at least 6).
    pub code_length: u8,
    /// How long a code lives. Default 10 min (NIST); hosting 2 h, local 5 min.
    pub code_life: TimeDelta,
    /// How long a code by SMS lives, at most 10 minutes. Sent again, it is the same code and keeps its end.
    /// Default 10 min (NIST); local 5 min.
    pub sms_code_life: TimeDelta,
    /// Wrong codes judged for each challenge. Default 5 (decided).
    pub code_attempts: u32,
    /// Waiting after wrong codes in a row for each user and purpose. Default from 10 in a row, 1 min to 15 min (decided).
    pub code_backoff: Backoff,
    /// Wrong codes in a row that disable the factor. Default 100 (NIST).
    pub code_disabled_after: u32,
    /// Wrong codes from one source address. Default none; hosting 4 in 100 s.
    pub code_failures_per_source: Option<Limit>,
    /// The shortest time between two sends of one challenge. Default 60 s (decided); hosting 30 s.
    pub resend_after: TimeDelta,
    /// Sends of each challenge, the first included. Default 5 (decided).
    pub sends_per_challenge: u32,
    /// Codes mailed for one user. Default 10 in 1 h (decided).
    pub email_codes_per_user: Limit,
    /// Codes mailed to one address; those to who confirmed it and those to who has yet to are counted apart, so that
    /// nobody uses up the owner's. Default 10 in 1 h (decided).
    pub email_codes_per_address: Limit,
    /// The shortest time between two SMS to one number: for each user who confirmed it on his own, so that nobody who shares
    /// it keeps him waiting, and for all together who have yet to. Default 60 s, as between two sends of a challenge
    /// (decided); hosting 30 s.
    pub sms_cool_down: TimeDelta,
    /// Segments to one number by those who confirmed it. Default 6 in 1 h (ours): one sign-in with every resend.
    pub sms_per_number: Limit,
    /// Segments to one number by those who have yet to confirm it. Default 5 in 24 h (ours): whoever gave it may have made
    /// it up.
    pub sms_per_new_number: Limit,
    /// Segments for one user. Default 40 in 24 h (ours): one an hour, and room for resends.
    pub sms_per_user: Limit,
    /// Segments with codes for one user that nobody entered; a code that is entered gives its own back, and a new password
    /// begins anew. Default 10 in 24 h (ours): a quarter of what a user may have.
    pub sms_unverified_per_user: Limit,
    /// Segments asked for from one source address. Default 100 in 1 h (ours): an office behind one address signs in.
    pub sms_per_source: Limit,
    /// Segments for the users of one account, beside the quota of its service. Default 1000 in 24 h (ours).
    pub sms_per_account: Limit,
    /// Segments to one country. Default 2000 in 24 h (ours).
    pub sms_per_country: Limit,
    /// Segments in all. Default 10 000 in 24 h (ours): the most that a day can cost.
    pub sms_in_all: Limit,
    /// Segments with codes to one country that nobody entered; a code that is entered gives its own back. Default 1000 in
    /// 24 h (ours): half of what a country may have, since two sends for one code entered is what pumping looks like.
    pub sms_unverified_per_country: Limit,
    /// How many percent of the budgets of a source, an account, a country and all together go to numbers that are yet to
    /// be confirmed, 1 to 100; the rest is kept for confirmed ones. Default 25 (ours).
    pub sms_new_share: u32,
    /// How many percent of a budget of an account, a country or all together are used when the trail tells, once in its
    /// window, 1 to 100. Default 80 (ours).
    pub sms_alert_percent: u32,
    /// Whether budgets of SMS are only counted and told, and refuse nothing: to learn what is usual before they hold.
    /// Cool-down, quota, rights and countries hold all the same. Default no.
    pub sms_record_only: bool,
    /// Which numbers are served, by their first digits. Default all.
    pub sms_prefixes: Vec<PrefixRule>,
    /// Failed sign-ins from one source address. Default 10 in 1 min (hosting, local).
    pub sign_in_failures_per_source: Limit,
    /// Waiting after wrong passwords in a row for each user, and for each known browser on its own.
    /// Default from 10 in a row, 30 s to 15 min (decided).
    pub password_backoff: Backoff,
    /// Wrong passwords in a row are forgotten so long after the first of them, alike for logins that exist and that do
    /// not. Default 1 d.
    pub password_failures_kept: TimeDelta,
    /// Code points of a password that is the only factor. Default 15 (NIST).
    pub password_minimum_alone: u32,
    /// Code points of a password beside a second factor. Default 8 (NIST).
    pub password_minimum: u32,
    /// Code points of the longest password; none is ever cut. Default 128 (decided); hosting, local 100.
    pub password_maximum: u32,
    /// Kinds of characters a new password must hold. Default none (NIST); hosting, local upper, lower, digit, special.
    pub password_rule: PasswordRule,
    /// Wrong current passwords while changing it, for each user. Default 10 in 5 min (hosting).
    pub password_change_failures: Limit,
    /// Unused for so long, a session ends. Default 12 h (decided).
    pub session_idle: TimeDelta,
    /// A session's longest life. Default 30 d (decided).
    pub session_longest: TimeDelta,
    /// How long a full sign-in counts as fresh. Default 15 min (decided).
    pub session_fresh: TimeDelta,
    /// The idle limit of a session in use is moved at most this often. Default 15 min (decided).
    pub session_moved_every: TimeDelta,
    /// How long a browser is remembered as one that completed a sign-in. Default 400 d, the longest that browsers
    /// keep a cookie.
    pub device_life: TimeDelta,
    /// Whether an address belongs to at most one user. Default yes (decided); off in the Wialon presets.
    pub email_unique: bool,
    /// Whether codes by e-mail may be a second factor. Default yes (seed); off in `strict` (NIST, ASVS 6.3.6).
    pub email_factor: bool,
    /// Whether codes by SMS may be a second factor. Default yes (seed); off in `strict` (NIST: a restricted authenticator).
    pub sms_factor: bool,
    /// Whether the codes of somebody whose codes come by SMS may go to the confirmed address: when he asks for it, and
    /// when the service, its quota or the right to SMS is gone. Default yes (decided); off in `strict`.
    pub sms_fallback_to_email: bool,
    /// Argon2id memory in KiB. Default 19 456 (OWASP floor).
    pub hash_memory_kib: u32,
    /// Argon2id passes. Default 2 (OWASP floor).
    pub hash_passes: u32,
    /// Argon2id lanes, computed one after the other. Default 1 (OWASP floor).
    pub hash_lanes: u32,
    /// Hashes at once, each with its own memory. Default 2.
    pub hash_threads: u32,
    /// Hashes that may wait; more are answered `busy`. Default 256.
    pub hash_queue: u32,
    /// Messages under way at once; bulk takes at most half. Default 8.
    pub senders: u32,
    /// Messages that nobody waits for, sent by one process in a minute, spread evenly. Default 1200 (issue 4).
    pub bulk_per_minute: u32,
    /// How long one worker has to send a claimed message. Default 5 min.
    pub claim_life: TimeDelta,
    /// Tries to send one message. Default 20 (B-09).
    pub send_tries: u32,
    /// The wait before the second try, doubling. Default 30 s (B-09).
    pub send_retry_first: TimeDelta,
    /// The longest wait between two tries. Default 24 h (B-09).
    pub send_retry_longest: TimeDelta,
    /// The longest wait while a fault of the set-up keeps a message, after which no try is counted. Default 15 min.
    pub fault_retry_longest: TimeDelta,
    /// How far a backlog is counted: so many due in each lane, 1 to 1000. Default 1000.
    pub backlog_counted: u32,
    /// How far the messages that were given up are counted, each of which is read for that, 1 to 1000. Default 100.
    pub dead_counted: u32,
    /// No pass of a worker for so long counts as no worker. Default 2 min.
    pub worker_silence: TimeDelta,
    /// How often a spawned worker looks for work of other processes. Default 5 s.
    pub worker_every: TimeDelta,
    /// How long a recovery link lives. Default 60 min (decided).
    pub recovery_life: TimeDelta,
    /// The shortest time between two recovery requests for one identifier; the answer is the same inside it.
    /// Default 60 s (decided).
    pub recovery_cool_down: TimeDelta,
    /// Recovery requests from one source address. Default 20 in 10 min (ours).
    pub recovery_requests_per_source: Limit,
    /// Links mailed to one user because somebody asked for them; more are answered alike and not mailed. Default 5 in
    /// 1 h (ours).
    pub recovery_mails_per_user: Limit,
    /// How long an invitation link lives. Default 72 h (decided).
    pub invitation_life: TimeDelta,
    /// Invitations of one tenant to one address. Default 5 in 24 h (ours).
    pub invitations_per_address: Limit,
    /// Invitations that one user has sent. Default 100 in 1 h (ours).
    pub invitations_per_actor: Limit,
    /// Dead links of one user used from one source address that are told in the trail; more are answered alike and leave nothing.
    /// Default 30 in 10 min (ours).
    pub dead_links_per_source: Limit,
    /// How long the old address can be put back. Default 72 h (decided).
    pub email_undo_life: TimeDelta,
    /// Old addresses of one user that can be put back at once. Default 5 (ours).
    pub email_claims: u32,
    /// How long an ended challenge is kept. Default 24 h (decided).
    pub challenge_kept: TimeDelta,
    /// How long a message is kept after its outcome, its address masked. Default 7 d (decided).
    pub message_kept: TimeDelta,
    /// How old a message that a restored backup holds may be and still be sent unseen; an older one is held. Default 1 h
    /// (decided).
    pub restored_message_life: TimeDelta,
    /// How often a worker of one process purges. Default 1 h.
    pub purge_every: TimeDelta,
    /// Records, counters and audit lines, each, that one purge removes at most, 1 to 10 000; more wait for the next pass.
    /// Default 1000.
    pub purge_batch: u32,
    /// How long audit lines are kept. Default 400 d (decided).
    pub audit_kept: TimeDelta,
    /// Tries of one operation whose records others change. Default 12.
    pub commit_tries: u32,
    /// Tries to learn what became of a commit whose answer was lost. Default 3, so that a store which answers late keeps
    /// nobody waiting for long.
    pub unknown_tries: u32,
    /// Users who may hold rights directly on one user or account, 1 to 1000. Default 200 (decided).
    pub grants_per_item: u32,
    /// Records that one page of a list reads at most, 10 to 1000. Default 1000 (design).
    pub page_longest: u32,
    /// Accounts above an account, and creators above a user. Default 16, at most 16 (design).
    pub chain_longest: u32,
    /// Days before the blocking day on which its notices are mailed, one a day, 1 to 30. Default 5 (seed).
    pub notice_days: u32,
    /// The hour of the user's own clocks from which on a day's notice is mailed, 0 to 23. Default 9 (decided).
    pub notice_hour: u8,
    /// Users seen to in one commit while notices are planned, 1 to 1000. Default 100 (ours).
    pub notice_page: u32,
    /// Whether notices take the service `email_notification`. Default no; yes in the Wialon presets.
    pub notices_need_service: bool,
    /// Who may connect flespi. Default every user (decided); in the Wialon presets the users of the top account.
    pub flespi_owner: FlespiOwner,
    /// How long the nonce of a flespi login lives. Default 10 min (decided).
    pub flespi_hand_off_life: TimeDelta,
    /// Flespi logins that one user begins. Default 10 in 1 h (ours).
    pub flespi_hand_offs: Limit,
    /// Checks of a flespi token by one user; each is a call that counts against the limits of his flespi account.
    /// Default 30 in 10 min (ours).
    pub flespi_checks: Limit,
    /// How long an issued flespi token is to live. Default 365 d (seed).
    pub flespi_token_life: TimeDelta,
    /// What an issued flespi token may do. Default standard, everything but the platform's own objects; a host that
    /// needs less names a list, and the Wialon presets take master. Only a master token can be revoked by itself when
    /// it is disconnected.
    pub flespi_access: Access,
    /// What becomes of an issued flespi token that was replaced or disconnected. Default it is revoked (ours).
    pub flespi_replaced: FlespiReplaced,
    /// For how long a request goes on calling flespi before it leaves the rest to the worker. Default 10 s (ours).
    pub flespi_patience: TimeDelta,
    /// The longest that one call to flespi takes: the adapter must give it up by then. An attempt to issue counts as over
    /// so long after its last call could have begun. Default 2 min (ours).
    pub flespi_call_longest: TimeDelta,
    /// The wait before flespi is called again after it did not answer, doubling. Default 30 s (ours).
    pub flespi_retry_first: TimeDelta,
    /// The longest wait between two such calls. Default 15 min (ours).
    pub flespi_retry_longest: TimeDelta,
    /// For how long issuing a token is tried; the login token that it takes does not live long. Default 1 h (ours).
    pub flespi_issue_within: TimeDelta,
    /// For how long the removal of what is left at flespi is tried. Default 7 d (ours).
    pub flespi_clear_within: TimeDelta,
    /// How many days before the end of a flespi token its user is mailed, furthest first. Default 30, 7 and 1 (issue 6).
    pub flespi_notice_days: [u32; 3],
}

impl Default for Policy {
    #[expect(clippy::too_many_lines, reason = "a number a line")]
    fn default() -> Self {
        Self {
            code_length: 6,
            code_life: TimeDelta::minutes(10),
            sms_code_life: TimeDelta::minutes(10),
            code_attempts: 5,
            code_backoff: Backoff {
                after: 10,
                first: TimeDelta::minutes(1),
                longest: TimeDelta::minutes(15),
            },
            code_disabled_after: 100,
            code_failures_per_source: None,
            resend_after: TimeDelta::seconds(60),
            sends_per_challenge: 5,
            email_codes_per_user: Limit::new(10, TimeDelta::hours(1)),
            email_codes_per_address: Limit::new(10, TimeDelta::hours(1)),
            sms_cool_down: TimeDelta::seconds(60),
            sms_per_number: Limit::new(6, TimeDelta::hours(1)),
            sms_per_new_number: Limit::new(5, TimeDelta::hours(24)),
            sms_per_user: Limit::new(40, TimeDelta::hours(24)),
            sms_unverified_per_user: Limit::new(10, TimeDelta::hours(24)),
            sms_per_source: Limit::new(100, TimeDelta::hours(1)),
            sms_per_account: Limit::new(1000, TimeDelta::hours(24)),
            sms_per_country: Limit::new(2000, TimeDelta::hours(24)),
            sms_in_all: Limit::new(10_000, TimeDelta::hours(24)),
            sms_unverified_per_country: Limit::new(1000, TimeDelta::hours(24)),
            sms_new_share: 25,
            sms_alert_percent: 80,
            sms_record_only: false,
            sms_prefixes: Vec::new(),
            sign_in_failures_per_source: Limit::new(10, TimeDelta::minutes(1)),
            password_backoff: Backoff {
                after: 10,
                first: TimeDelta::seconds(30),
                longest: TimeDelta::minutes(15),
            },
            password_failures_kept: TimeDelta::days(1),
            password_minimum_alone: 15,
            password_minimum: 8,
            password_maximum: 128,
            password_rule: PasswordRule::default(),
            password_change_failures: Limit::new(10, TimeDelta::minutes(5)),
            session_idle: TimeDelta::hours(12),
            session_longest: TimeDelta::days(30),
            session_fresh: TimeDelta::minutes(15),
            session_moved_every: TimeDelta::minutes(15),
            device_life: TimeDelta::days(400),
            email_unique: true,
            email_factor: true,
            sms_factor: true,
            sms_fallback_to_email: true,
            hash_memory_kib: 19_456,
            hash_passes: 2,
            hash_lanes: 1,
            hash_threads: 2,
            hash_queue: 256,
            senders: 8,
            bulk_per_minute: 1200,
            claim_life: TimeDelta::minutes(5),
            send_tries: 20,
            send_retry_first: TimeDelta::seconds(30),
            send_retry_longest: TimeDelta::hours(24),
            fault_retry_longest: TimeDelta::minutes(15),
            backlog_counted: 1000,
            dead_counted: 100,
            worker_silence: TimeDelta::minutes(2),
            worker_every: TimeDelta::seconds(5),
            recovery_life: TimeDelta::minutes(60),
            recovery_cool_down: TimeDelta::seconds(60),
            recovery_requests_per_source: Limit::new(20, TimeDelta::minutes(10)),
            recovery_mails_per_user: Limit::new(5, TimeDelta::hours(1)),
            invitation_life: TimeDelta::hours(72),
            invitations_per_address: Limit::new(5, TimeDelta::hours(24)),
            invitations_per_actor: Limit::new(100, TimeDelta::hours(1)),
            dead_links_per_source: Limit::new(30, TimeDelta::minutes(10)),
            email_undo_life: TimeDelta::hours(72),
            email_claims: 5,
            challenge_kept: TimeDelta::hours(24),
            message_kept: TimeDelta::days(7),
            restored_message_life: TimeDelta::hours(1),
            purge_every: TimeDelta::hours(1),
            purge_batch: 1000,
            audit_kept: TimeDelta::days(400),
            commit_tries: 12,
            unknown_tries: 3,
            grants_per_item: 200,
            page_longest: 1000,
            chain_longest: 16,
            notice_days: 5,
            notice_hour: 9,
            notice_page: 100,
            notices_need_service: false,
            flespi_owner: FlespiOwner::Any,
            flespi_hand_off_life: TimeDelta::minutes(10),
            flespi_hand_offs: Limit::new(10, TimeDelta::hours(1)),
            flespi_checks: Limit::new(30, TimeDelta::minutes(10)),
            flespi_token_life: TimeDelta::days(365),
            flespi_access: Access::Standard,
            flespi_replaced: FlespiReplaced::Revoked,
            flespi_patience: TimeDelta::seconds(10),
            flespi_call_longest: TimeDelta::minutes(2),
            flespi_retry_first: TimeDelta::seconds(30),
            flespi_retry_longest: TimeDelta::minutes(15),
            flespi_issue_within: TimeDelta::hours(1),
            flespi_clear_within: TimeDelta::days(7),
            flespi_notice_days: [30, 7, 1],
        }
    }
}

impl Policy {
    /// What Wialon Hosting does: codes for 2 h, resend after 30 s, 4 wrong codes in 100 s for each source, shared
    /// mailboxes.
    pub fn wialon_hosting() -> Self {
        Self {
            code_life: TimeDelta::hours(2),
            resend_after: TimeDelta::seconds(30),
            sms_cool_down: TimeDelta::seconds(30),
            code_failures_per_source: Some(Limit::new(4, TimeDelta::seconds(100))),
            password_minimum_alone: 8,
            password_maximum: 100,
            password_rule: PasswordRule::wialon(),
            email_unique: false,
            notices_need_service: true,
            flespi_owner: FlespiOwner::TopUser,
            flespi_access: Access::Master,
            ..Self::default()
        }
    }

    /// What Wialon Local does: codes for 5 min, shared mailboxes.
    pub fn wialon_local() -> Self {
        Self {
            code_life: TimeDelta::minutes(5),
            sms_code_life: TimeDelta::minutes(5),
            password_minimum_alone: 8,
            password_maximum: 100,
            password_rule: PasswordRule::wialon(),
            email_unique: false,
            notices_need_service: true,
            flespi_owner: FlespiOwner::TopUser,
            flespi_access: Access::Master,
            ..Self::default()
        }
    }

    /// Where the standards are to be met to the letter: neither e-mail nor SMS is a second factor.
    pub fn strict() -> Self {
        Self { email_factor: false, sms_factor: false, sms_fallback_to_email: false, ..Self::default() }
    }

    /// Gives a preset by its name: `default`, `wialon-hosting`, `wialon-local`, `strict`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::default()),
            "wialon-hosting" => Some(Self::wialon_hosting()),
            "wialon-local" => Some(Self::wialon_local()),
            "strict" => Some(Self::strict()),
            _ => None,
        }
    }

    /// The longest window of any counter.
    pub(crate) fn longest_window(&self) -> TimeDelta {
        [
            self.code_backoff.longest,
            self.password_backoff.longest,
            self.password_failures_kept,
            self.email_codes_per_user.within,
            self.email_codes_per_address.within,
            spend::longest_window(self),
            self.sign_in_failures_per_source.within,
            self.password_change_failures.within,
            self.recovery_cool_down,
            self.recovery_requests_per_source.within,
            self.recovery_mails_per_user.within,
            self.invitations_per_address.within,
            self.invitations_per_actor.within,
            self.dead_links_per_source.within,
            self.flespi_hand_offs.within,
            self.flespi_checks.within,
            self.code_failures_per_source.map_or(TimeDelta::zero(), |limit| limit.within),
        ]
        .into_iter()
        .fold(TimeDelta::zero(), TimeDelta::max)
    }

    /// The time between two messages that nobody waits for, and for how long what was not sent is kept: as long as a
    /// worker sleeps, so that one that looks so seldom still sends as many, and a minute at most.
    pub(crate) fn bulk_spacing(&self) -> (TimeDelta, TimeDelta) {
        let minute = TimeDelta::minutes(1);
        let parts = i64::from(self.bulk_per_minute.max(1));
        let each = TimeDelta::nanoseconds(minute.num_nanoseconds().unwrap_or(i64::MAX) / parts);
        (each, self.worker_every.min(minute).max(each))
    }

    /// Checks that every number is in its range.
    ///
    /// # Errors
    /// [`PolicyError`] names the first field that is not.
    pub fn check(&self) -> Result<(), PolicyError> {
        let (day, ten_minutes) = (TimeDelta::days(1), TimeDelta::minutes(10));
        let checks = [
            ("code_length", (6..=10).contains(&self.code_length)),
            ("code_life", self.code_life > TimeDelta::zero() && self.code_life <= day),
            // NIST SP 800-63B-4, 3.1.3.2: a secret sent to a phone lives ten minutes at most.
            ("sms_code_life", self.sms_code_life > TimeDelta::zero() && self.sms_code_life <= ten_minutes),
            ("code_attempts", (1..=10).contains(&self.code_attempts)),
            ("code_backoff", limit::backoff_holds(self.code_backoff)),
            ("code_disabled_after", (1..=100).contains(&self.code_disabled_after)),
            ("code_failures_per_source", self.code_failures_per_source.is_none_or(limit_holds)),
            ("resend_after", self.resend_after > TimeDelta::zero() && self.resend_after <= day),
            ("sends_per_challenge", (1..=20).contains(&self.sends_per_challenge)),
            ("email_codes_per_user", limit_holds(self.email_codes_per_user)),
            ("email_codes_per_address", limit_holds(self.email_codes_per_address)),
            ("sign_in_failures_per_source", limit_holds(self.sign_in_failures_per_source)),
            ("password_backoff", limit::backoff_holds(self.password_backoff)),
            ("password_failures_kept", self.password_failures_kept >= self.password_backoff.longest),
            ("password_minimum", (4..=64).contains(&self.password_minimum)),
            ("password_minimum_alone", (self.password_minimum..=64).contains(&self.password_minimum_alone)),
            ("password_maximum", (64..=1024).contains(&self.password_maximum)),
            ("password_change_failures", limit_holds(self.password_change_failures)),
            ("session_idle", self.session_idle > TimeDelta::zero()),
            ("session_longest", self.session_longest >= self.session_idle),
            ("session_fresh", self.session_fresh > TimeDelta::zero()),
            (
                "session_moved_every",
                self.session_moved_every >= TimeDelta::zero() && self.session_moved_every < self.session_idle,
            ),
            ("device_life", self.device_life > TimeDelta::zero()),
            ("hash_memory_kib", (8..=1_048_576).contains(&self.hash_memory_kib)),
            ("hash_passes", (1..=64).contains(&self.hash_passes)),
            ("hash_lanes", (1..=16).contains(&self.hash_lanes)),
            ("hash_threads", (1..=64).contains(&self.hash_threads)),
            ("hash_queue", (1..=65_536).contains(&self.hash_queue)),
            ("senders", (2..=256).contains(&self.senders)),
            ("bulk_per_minute", (1..=1_000_000).contains(&self.bulk_per_minute)),
            ("backlog_counted", (1..=1000).contains(&self.backlog_counted)),
            ("dead_counted", (1..=1000).contains(&self.dead_counted)),
            ("worker_silence", self.worker_silence > TimeDelta::zero()),
            ("worker_every", self.worker_every > TimeDelta::zero()),
            ("claim_life", self.claim_life > TimeDelta::zero()),
            ("send_tries", (1..=20).contains(&self.send_tries)),
            // Sooner, and a server that is busy or asks to come back later is only pressed harder (B-09).
            ("send_retry_first", self.send_retry_first >= TimeDelta::seconds(30)),
            (
                "send_retry_longest",
                self.send_retry_longest >= self.send_retry_first && self.send_retry_longest <= day,
            ),
            ("fault_retry_longest", self.fault_retry_longest >= self.send_retry_first),
            ("recovery_life", self.recovery_life > TimeDelta::zero() && self.recovery_life <= day),
            (
                "recovery_cool_down",
                self.recovery_cool_down > TimeDelta::zero() && self.recovery_cool_down <= day,
            ),
            ("recovery_requests_per_source", limit_holds(self.recovery_requests_per_source)),
            // Longer, and who has had them all waits though none of his links lives.
            (
                "recovery_mails_per_user",
                limit_holds(self.recovery_mails_per_user)
                    && self.recovery_mails_per_user.within <= self.recovery_life,
            ),
            ("invitation_life", self.invitation_life > TimeDelta::zero() && self.invitation_life <= day * 30),
            ("invitations_per_address", limit_holds(self.invitations_per_address)),
            ("invitations_per_actor", limit_holds(self.invitations_per_actor)),
            ("dead_links_per_source", limit_holds(self.dead_links_per_source)),
            ("email_undo_life", self.email_undo_life > TimeDelta::zero() && self.email_undo_life <= day * 30),
            ("email_claims", (1..=10).contains(&self.email_claims)),
            ("challenge_kept", self.challenge_kept >= TimeDelta::zero()),
            ("message_kept", self.message_kept >= TimeDelta::zero()),
            ("restored_message_life", self.restored_message_life >= TimeDelta::zero()),
            ("purge_every", self.purge_every > TimeDelta::zero()),
            ("purge_batch", (1..=10_000).contains(&self.purge_batch)),
            ("audit_kept", self.audit_kept > TimeDelta::zero()),
            ("commit_tries", (1..=1000).contains(&self.commit_tries)),
            ("unknown_tries", (1..=100).contains(&self.unknown_tries)),
            ("grants_per_item", (1..=1000).contains(&self.grants_per_item)),
            ("page_longest", (10..=1000).contains(&self.page_longest)),
            ("chain_longest", (1..=16).contains(&self.chain_longest)),
            ("notice_days", (1..=30).contains(&self.notice_days)),
            ("notice_hour", self.notice_hour < 24),
            ("notice_page", (1..=1000).contains(&self.notice_page)),
        ];
        let more = spend::checks(self, day).into_iter().chain(flespi::checks(self, day));
        match checks.into_iter().chain(more).find(|(_, holds)| !holds) {
            Some((field, _)) => Err(PolicyError { field }),
            None => Ok(()),
        }
    }
}

/// A number of the policy is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy field {field} is out of its range")]
pub struct PolicyError {
    field: &'static str,
}

impl PolicyError {
    /// The field.
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_holds() {
        for name in ["default", "wialon-hosting", "wialon-local", "strict"] {
            let policy = Policy::named(name).unwrap();
            assert_eq!(policy.check(), Ok(()), "{name}");
        }
        assert_eq!(Policy::named("lax"), None);
    }

    #[test]
    fn a_worker_that_never_rests_is_no_policy() {
        for every in [TimeDelta::zero(), TimeDelta::seconds(-1)] {
            let policy = Policy { worker_every: every, ..Policy::default() };
            assert_eq!(policy.check().unwrap_err().field(), "worker_every");
            let policy = Policy { worker_silence: every, ..Policy::default() };
            assert_eq!(policy.check().unwrap_err().field(), "worker_silence");
        }
    }

    #[test]
    fn who_has_had_every_recovery_link_waits_no_longer_than_they_live() {
        let mut policy = Policy::default();
        policy.recovery_life = policy.recovery_mails_per_user.within;
        assert_eq!(policy.check(), Ok(()));
        policy.recovery_life -= TimeDelta::seconds(1);
        assert_eq!(policy.check().unwrap_err().field(), "recovery_mails_per_user");
    }

    #[test]
    fn tries_to_send_are_spaced_as_a_server_may_ask() {
        let field = |change: fn(&mut Policy)| {
            let mut policy = Policy::default();
            change(&mut policy);
            policy.check().err().map(|error| error.field())
        };
        assert_eq!(
            field(|policy| policy.send_retry_first = TimeDelta::seconds(29)),
            Some("send_retry_first")
        );
        assert_eq!(
            field(|policy| policy.send_retry_longest = TimeDelta::hours(25)),
            Some("send_retry_longest")
        );
        assert_eq!(field(|policy| policy.send_tries = 21), Some("send_tries"));
        assert_eq!(field(|policy| policy.bulk_per_minute = 0), Some("bulk_per_minute"));
        assert_eq!(field(|policy| policy.send_retry_first = TimeDelta::seconds(30)), None);
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let backoff = Policy::default().password_backoff;
        let waits: Vec<_> = (9..18).map(|n| backoff.wait(n).map(|wait| wait.num_seconds())).collect();
        let expected: Vec<_> =
            [None, Some(30), Some(60), Some(120), Some(240), Some(480), Some(900), Some(900), Some(900)]
                .into();
        assert_eq!(waits, expected);
    }
}
