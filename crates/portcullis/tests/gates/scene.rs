//! Alice below her boss, ready to be sent an SMS, and every way to keep her from it.

use core::pin::Pin;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::{Account, Period, Service};
use portcullis::audit::AuditEvent;
use portcullis::challenge::{Channel, PendingCode};
use portcullis::contact::Phone;
use portcullis::error::PortError;
use portcullis::id::{ChallengeId, CommitId, SessionId};
use portcullis::manage::{AccountChange, UserChange};
use portcullis::memory::MemoryStore;
use portcullis::policy::{Limit, Policy};
use portcullis::port::store::{
    Commit, CommitError, Counter, CounterOp, Counts, Expect, Key, Lane, Page, Purge, Put, Read, Record,
    Snapshot, Start, Store, TrailPage, Waiting, Window,
};
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::sign_in::{Reauthenticated, SignInResult};
use portcullis::spend::{Budget, Payer, Standing, Submission};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt, source};
use portcullis::user::{Flag, User};
use uuid::Uuid;

const NUMBER: &str = "+37120000045";

/// What is counted, by name.
pub(crate) type Charged = BTreeMap<String, u32>;

type Hook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The store in memory, which does something right before it is to keep an SMS.
#[derive(Default)]
pub(crate) struct Between {
    inner: MemoryStore,
    hook: Mutex<Option<Hook>>,
    /// Before which commit of an SMS the hook is called, counted down from when it was set.
    countdown: AtomicU64,
    /// How often an SMS was to be kept.
    tried: AtomicU64,
    /// How many commits were made past the engine.
    past: AtomicU64,
}

impl Between {
    /// Keeps something that no engine decided.
    async fn keep(&self, now: DateTime<Utc>, puts: Vec<Put>, counters: Vec<(Counter, CounterOp)>) {
        let id = CommitId::from_uuid(Uuid::from_u128(self.past.fetch_add(1, Ordering::SeqCst).into()));
        let (guards, deletes, audit) = (Vec::new(), Vec::new(), Vec::new());
        self.inner.commit(&Commit { id, now, puts, guards, deletes, counters, audit }).await.unwrap();
    }
}

#[async_trait]
impl Store for Between {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.inner.read(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.inner.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.inner.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.inner.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let sms = |put: &Put| put.record.kind.as_str() == "message" && put.record.body.contains(r#""sms""#);
        let mut hook = None;
        if commit.puts.iter().any(sms) {
            self.tried.fetch_add(1, Ordering::SeqCst);
            if self.countdown.fetch_sub(1, Ordering::SeqCst) == 1 {
                hook = self.hook.lock().unwrap().take();
            }
        }
        if let Some(hook) = hook {
            hook().await;
        }
        self.inner.commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.inner.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.inner.purge(what, before, limit).await
    }
}

/// By which way an SMS is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Enrol,
    EnrolResend,
    SignIn,
    SignInResend,
    Reauthenticate,
}

impl Flow {
    pub(crate) const ALL: [Self; 5] =
        [Self::Enrol, Self::EnrolResend, Self::SignIn, Self::SignInResend, Self::Reauthenticate];

    fn is_of_a_new_number(self) -> bool {
        matches!(self, Self::Enrol | Self::EnrolResend)
    }
}

/// A way to shut a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The service is off.
    Service,
    /// There is a service, and nothing of it.
    QuotaZero,
    /// The quota is lowered to what is used of it.
    QuotaLowered,
    /// Others use the rest of the quota up.
    QuotaTaken,
    /// Alice may not be sent SMS.
    Flag,
    /// Her boss may not.
    Above,
    /// Her number is none any more.
    Phone,
    /// Her number was sent something a moment ago.
    CoolDown,
    /// Others use a budget up.
    Budget(Budget),
}

/// Whether a flow takes what a cut takes away.
pub(crate) fn concerns(flow: Flow, cut: Cut) -> bool {
    match cut {
        Cut::Budget(
            Budget::NewNumber
            | Budget::SourceNew
            | Budget::AccountNew
            | Budget::CountryNew
            | Budget::UnverifiedNew
            | Budget::EverybodyNew,
        ) => flow.is_of_a_new_number(),
        Cut::Phone | Cut::Budget(Budget::Number) => !flow.is_of_a_new_number(),
        _ => true,
    }
}

/// The gates that are named when these are shut, in the order in which they are shown; the code of the refusal where
/// waiting is all that helps.
pub(crate) fn gates(cuts: &[Cut]) -> Vec<&'static str> {
    let gate = |cut: &Cut| match cut {
        Cut::Service | Cut::QuotaZero => (0, "service_sms"),
        Cut::QuotaLowered | Cut::QuotaTaken => (1, "quota_sms"),
        Cut::Flag => (2, "send_sms"),
        Cut::Above => (3, "send_sms_above"),
        Cut::Phone => (4, "no_phone"),
        Cut::Budget(_) => (5, "budget"),
        Cut::CoolDown => (6, "too_soon"),
    };
    let mut gates: Vec<_> = cuts.iter().map(gate).collect();
    gates.sort_unstable();
    gates.into_iter().map(|(_, gate)| gate).collect()
}

/// The gate for which an SMS that is charged already does not leave; none where nothing was withdrawn from it.
pub(crate) fn withdrawn(cuts: &[Cut]) -> Option<&'static str> {
    let cuts: Vec<_> = cuts
        .iter()
        .copied()
        .filter(|cut| !matches!(cut, Cut::QuotaTaken | Cut::Budget(_) | Cut::CoolDown))
        .collect();
    // That somebody's number is another one is asked of every code before the gates.
    if cuts.contains(&Cut::Phone) {
        return Some("destination_changed");
    }
    gates(&cuts).first().copied()
}

/// Whether something happened.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<AtomicBool>);

impl Seen {
    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct Scene {
    pub(crate) w: Arc<World>,
    store: Arc<Between>,
    parts: Arc<Parts>,
}

/// What a cut needs.
struct Parts {
    account: Account,
    boss: User,
    alice: User,
    session: SessionId,
    asked: Option<ChallengeId>,
    flow: Flow,
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    // Where mail would carry the code, nothing is refused; that has tests of its own.
    policy.sms_fallback_to_email = false;
    policy
}

fn phone() -> Phone {
    Phone::parse(NUMBER).unwrap()
}

fn password() -> Password {
    Password::parse(PASSWORD.to_owned(), "password").unwrap()
}

impl Scene {
    pub(crate) async fn ready_for(flow: Flow) -> Self {
        let store = Arc::new(Between::default());
        let options = WorldOptions {
            store: Arc::clone(&store) as Arc<dyn Store>,
            policy: policy(),
            ..WorldOptions::default()
        };
        let w = World::with(options);
        let account = w.account_with_sms("demo").await.unwrap();
        let boss = w.user(&account, "boss", None).await.unwrap();
        let alice = w.user_below(&boss, &account, "alice").await.unwrap();
        let service = AccountChange::default().service("sms", Service::on(Some(50), Period::Day));
        w.security.manage(Actor::Program).change_account(account.id, &service).await.unwrap();
        // Something is used already, so that a quota can be lowered to it.
        let warm = w.user(&account, "warm", None).await.unwrap();
        let session = w.sign_in(&warm).await.unwrap().id;
        w.switch_sms_on(session, "+37120000099").await.unwrap();
        let mut session = w.sign_in(&alice).await.unwrap().id;
        let mut asked = None;
        match flow {
            Flow::Enrol => {}
            Flow::EnrolResend => {
                let two_factor = w.security.two_factor();
                asked = Some(two_factor.ask_sms(session, Some(&phone()), &source()).await.unwrap().id);
                w.run_worker().await.unwrap();
            }
            Flow::SignIn | Flow::SignInResend | Flow::Reauthenticate => {
                session = w.switch_sms_on(session, NUMBER).await.unwrap().id;
            }
        }
        w.advance(TimeDelta::minutes(2));
        if flow == Flow::SignInResend {
            let started = w.security.sign_in().start(&alice.login, &password(), &attempt()).await.unwrap();
            let SignInResult::CodeRequired { code, .. } = started else { panic!("a code is asked") };
            asked = Some(code.id);
            w.run_worker().await.unwrap();
            w.advance(TimeDelta::minutes(2));
        }
        let alice = w.security.users().get(alice.id).await.unwrap();
        let parts = Arc::new(Parts { account, boss, alice, session, asked, flow });
        Self { w: Arc::new(w), store, parts }
    }

    /// Another process on the same store, under a changed policy.
    pub(crate) fn next_process(&self, change: fn(&mut Policy)) -> World {
        let mut policy = policy();
        change(&mut policy);
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        World::with(WorldOptions { store, policy, seed: 2, now: self.w.now() })
    }

    pub(crate) async fn ask(&self, flow: Flow) -> Result<PendingCode, Error> {
        self.ask_at(&self.w, flow).await
    }

    pub(crate) async fn ask_at(&self, w: &World, flow: Flow) -> Result<PendingCode, Error> {
        let Parts { alice, session, asked, .. } = &*self.parts;
        let (two_factor, sign_in) = (w.security.two_factor(), w.security.sign_in());
        let asked = || asked.unwrap();
        let code = match flow {
            Flow::Enrol => two_factor.ask_sms(*session, Some(&phone()), &source()).await?,
            Flow::EnrolResend => two_factor.resend(*session, asked(), &source()).await?,
            Flow::SignInResend => sign_in.resend(asked(), &attempt()).await?,
            Flow::SignIn => match sign_in.start(&alice.login, &password(), &attempt()).await? {
                SignInResult::CodeRequired { code, .. } => code,
                SignInResult::Admitted(_) | _ => panic!("a code is asked"),
            },
            Flow::Reauthenticate => match sign_in.reauthenticate(*session, &password(), &attempt()).await? {
                Reauthenticated::CodeRequired { code, .. } => code,
                Reauthenticated::Fresh(_) | _ => panic!("a code is asked"),
            },
        };
        assert_eq!(code.channel, Channel::Sms, "{flow:?}");
        Ok(code)
    }

    /// What is counted of all that an SMS to Alice is counted for. What only says when the next one may be asked for, or
    /// that somebody was told, is left out.
    pub(crate) async fn charged(&self) -> Charged {
        let subjects = self.parts.submission(&self.w).subjects().to_vec();
        let read = Read { now: self.w.now(), starts: Vec::new(), subjects };
        let counters = self.store.read(&read).await.unwrap().counters;
        let counts = counters.into_iter().filter(|(counter, _)| {
            let name = counter.name.as_ref();
            name.starts_with("sms_") && !name.ends_with("_wait") && !name.ends_with("_told")
        });
        let mut charged = Charged::new();
        for (counter, count) in counts {
            *charged.entry(counter.name.into_owned()).or_default() += count.value;
        }
        charged
    }

    pub(crate) async fn trail(&self) -> Vec<String> {
        let page = Page { after: None, limit: 200 };
        let events = self.w.security.audit(self.parts.alice.id, page).await.unwrap();
        let reason = |event: &AuditEvent| event.reason.clone().unwrap_or_default();
        events.iter().map(|event| format!("{}: {}", event.action, reason(event))).collect()
    }

    pub(crate) async fn shut(&self, cuts: &[Cut]) {
        for cut in cuts {
            self.parts.shut(&self.w, &self.store, *cut).await;
        }
    }

    /// How often an SMS was to be kept so far.
    pub(crate) fn tried(&self) -> u64 {
        self.store.tried.load(Ordering::SeqCst)
    }

    /// Shuts gates right before the `nth` time from now on that the store is to keep an SMS.
    pub(crate) fn shut_before_the_commit(&self, cuts: &[Cut], nth: u64) -> Seen {
        let seen = Seen::default();
        let (cuts, told) = (cuts.to_vec(), seen.clone());
        let (w, store, parts) = (Arc::clone(&self.w), Arc::clone(&self.store), Arc::clone(&self.parts));
        let hook: Hook = Box::new(move || {
            Box::pin(async move {
                told.0.store(true, Ordering::SeqCst);
                for cut in cuts {
                    parts.shut(&w, &store, cut).await;
                }
            })
        });
        *self.store.hook.lock().unwrap() = Some(hook);
        self.store.countdown.store(nth, Ordering::SeqCst);
        seen
    }

    /// Adds what a cut itself counts.
    pub(crate) fn account_for(cut: Cut, given_back: u32, charged: &mut Charged) {
        let full = match cut {
            Cut::Budget(budget) => Some((budget.name(), Parts::limit(budget).count)),
            Cut::QuotaTaken => Some(("sms_used_day", 50)),
            _ => None,
        };
        if let Some((name, limit)) = full {
            charged.insert(name.to_owned(), limit - given_back);
        }
    }
}

impl Parts {
    /// An SMS as it would be asked for.
    fn submission(&self, w: &World) -> Submission {
        let keyring = w.security.keyring();
        let new = self.flow.is_of_a_new_number();
        let standing = if new { Standing::New } else { Standing::Confirmed };
        let payer = Payer::new(&self.alice, &self.account, Service::on(None, Period::Day));
        let from = keyring.derive("source", &source().to_bytes());
        Submission::new(&keyring, &phone(), standing, payer, from)
    }

    /// How much of a budget there is.
    fn limit(budget: Budget) -> Limit {
        let policy = policy();
        let new = |whole: Limit| Limit::new(whole.count * policy.sms_new_share / 100, whole.within);
        match budget {
            Budget::Number => policy.sms_per_number,
            Budget::NewNumber => policy.sms_per_new_number,
            Budget::User => policy.sms_per_user,
            Budget::UserUnverified => policy.sms_unverified_per_user,
            Budget::Source => policy.sms_per_source,
            Budget::SourceNew => new(policy.sms_per_source),
            Budget::Account => policy.sms_per_account,
            Budget::AccountNew => new(policy.sms_per_account),
            Budget::Country => policy.sms_per_country,
            Budget::CountryNew => new(policy.sms_per_country),
            Budget::Unverified => policy.sms_unverified_per_country,
            Budget::UnverifiedNew => new(policy.sms_unverified_per_country),
            Budget::Everybody => policy.sms_in_all,
            Budget::EverybodyNew => new(policy.sms_in_all),
            other => panic!("how much is there of {other:?}"),
        }
    }

    async fn shut(&self, w: &World, store: &Between, cut: Cut) {
        let service = async |service: Service| {
            let change = AccountChange::default().service("sms", service);
            w.security.manage(Actor::Program).change_account(self.account.id, &change).await.unwrap();
        };
        let flag = async |user: &User| {
            let change = UserChange::default().flag(Flag::SendSms, false);
            w.security.manage(Actor::Program).change_user(user.id, &change).await.unwrap();
        };
        let [number, line, user, credentials, account, source, country, everybody] =
            self.submission(w).subjects();
        match cut {
            Cut::Service => service(Service::off()).await,
            Cut::QuotaZero => service(Service::on(Some(0), Period::Day)).await,
            Cut::QuotaLowered => {
                let usage = w.security.manage(Actor::Program).usage(self.account.id).await.unwrap();
                // What waits to be sent is charged already, and is too much then.
                let waits = store.waiting(Lane::Interactive, w.now(), 9).await.unwrap().count;
                service(Service::on(Some(usage.sms.used - waits), Period::Day)).await;
            }
            Cut::QuotaTaken => {
                let window = Window::Rolling(TimeDelta::days(1));
                fill(store, Counter::of(account, "sms_used_day"), 50, window, w.now()).await;
            }
            Cut::Flag => flag(&self.alice).await,
            Cut::Above => flag(&self.boss).await,
            Cut::Phone => forget_phone(store, &self.alice, w.now()).await,
            Cut::CoolDown => {
                let new = self.flow.is_of_a_new_number();
                let (subject, name) = if new { (number, "sms_new_wait") } else { (line, "sms_wait") };
                let window = Window::Rolling(policy().sms_cool_down);
                fill(store, Counter::of(subject, name), 1, window, w.now()).await;
            }
            Cut::Budget(budget) => {
                let subject = match budget {
                    Budget::Number | Budget::NewNumber => number,
                    Budget::User => user,
                    Budget::UserUnverified => credentials,
                    Budget::Source | Budget::SourceNew => source,
                    Budget::Account | Budget::AccountNew => account,
                    Budget::Everybody | Budget::EverybodyNew => everybody,
                    _ => country,
                };
                let limit = Self::limit(budget);
                let window = Window::Rolling(limit.within);
                fill(store, Counter::of(subject, budget.name()), limit.count, window, w.now()).await;
            }
        }
    }
}

/// Others count until nothing is left.
async fn fill(store: &Between, counter: Counter, limit: u32, window: Window, now: DateTime<Utc>) {
    let read = Read { now, starts: Vec::new(), subjects: vec![counter.subject] };
    let read = store.inner.read(&read).await.unwrap().counters;
    let value = read.get(&counter).map_or(0, |count| count.value);
    let step = CounterOp::Add { n: limit - value, limit, window };
    store.keep(now, Vec::new(), vec![(counter, step)]).await;
}

/// Takes the number out of a user's record.
async fn forget_phone(store: &Between, user: &User, now: DateTime<Utc>) {
    let read = Read { now, starts: vec![Start::Id(user.id.uuid())], subjects: Vec::new() };
    let mut record = store.inner.read(&read).await.unwrap().records.remove(&user.id.uuid()).unwrap();
    assert!(record.body.contains(&format!("\"phone\":\"{NUMBER}\"")), "there is one");
    record.body = record.body.replace(&format!("\"phone\":\"{NUMBER}\""), "\"phone\":null");
    let expect = Expect::Version(record.version);
    store.keep(now, vec![Put { record, expect }], Vec::new()).await;
}
