//! Blocking notices against a small model that knows nothing of schedules, walks and records: many users live through
//! random blocking dates, zones, switches, prolongations, downtimes and failing stores, with two workers.
//!
//! The model looks at clocks and calendars alone, and asks of every pass of a worker: did exactly those get a mail who
//! are owed one by now? A day that had its notice is owed no other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use portcullis::account::{Account, DaysChange, NewAccount, TimeZone};
use portcullis::id::SessionId;
use portcullis::manage::{AccountChange, UserChange};
use portcullis::memory::MemoryStore;
use portcullis::policy::Policy;
use portcullis::port::ambient::Random as _;
use portcullis::port::store::Store;
use portcullis::rights::Actor;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::WorldOptions;
use portcullis::user::User;

/// Zones with and without changes of the clocks in March and November, from the farthest west to the farthest east.
const ZONES: [&str; 12] = [
    "UTC",
    "Etc/GMT+12",
    "Pacific/Honolulu",
    "America/New_York",
    "America/Havana",
    "America/St_Johns",
    "Europe/Riga",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
];

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, many: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes).unwrap();
        usize::try_from(u32::from_be_bytes(bytes)).unwrap() % many
    }

    fn days(&self, many: usize) -> i32 {
        i32::try_from(self.below(many)).unwrap()
    }

    fn minutes(&self, many: usize) -> TimeDelta {
        TimeDelta::minutes(i64::try_from(self.below(many)).unwrap())
    }

    fn one_in(&self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn zone(&self) -> &'static str {
        ZONES[self.below(ZONES.len())]
    }
}

/// An account as the model sees it.
struct Place {
    account: Account,
    parent: Option<usize>,
    zone: Tz,
    /// The day it is blocked on, by its own calendar.
    ends: Option<NaiveDate>,
    /// Whether somebody blocked it by hand.
    by_hand: bool,
}

/// A user as the model sees him.
struct Reader {
    user: User,
    place: usize,
    zone: Tz,
    on: bool,
    session: Option<(SessionId, DateTime<Utc>)>,
    /// The days that had their notice.
    told: BTreeSet<NaiveDate>,
}

/// The first instant of a day, found by trying every quarter of an hour.
fn begins(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let mut at = day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(15);
    while at.with_timezone(&zone).date_naive() < day {
        at += TimeDelta::minutes(15);
    }
    at
}

/// Whether the clocks have shown this hour of the present day, or have gone past it.
fn hour_came(zone: Tz, now: DateTime<Utc>, hour: u8) -> bool {
    let hour = NaiveTime::from_hms_opt(hour.into(), 0, 0).unwrap();
    let today = now.with_timezone(&zone).date_naive();
    let shown = |at: DateTime<Utc>| {
        let local = at.with_timezone(&zone);
        local.date_naive() == today && local.time() >= hour
    };
    // Clocks go back by two hours at most.
    let quarter = now.timestamp() - now.timestamp().rem_euclid(900);
    shown(now) || (0..12).any(|back| shown(DateTime::from_timestamp(quarter - back * 900, 0).unwrap()))
}

struct Model {
    dice: Dice,
    worlds: [World; 2],
    store: Arc<FaultyStore<MemoryStore>>,
    hour: u8,
    places: Vec<Place>,
    readers: Vec<Reader>,
    mails: usize,
}

impl Model {
    async fn new(seed: u64, readers: usize) -> Self {
        let dice = Dice(SeededRandom::new(seed));
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let mut policy = Policy::default();
        policy.notice_hour = [9, 9, 0, 2, 3, 23][dice.below(6)];
        policy.notice_page = u32::try_from(1 + dice.below(5)).unwrap();
        let months = ["2026-03-20", "2026-10-20", "2028-02-22", "2026-12-25"];
        let day: NaiveDate = months[dice.below(4)].parse().unwrap();
        let now = day.and_time(NaiveTime::MIN).and_utc() + dice.minutes(2880);
        let world = |seed| {
            let shared = Arc::clone(&store) as Arc<dyn Store>;
            World::with(WorldOptions { store: shared, policy: policy.clone(), seed, now })
        };
        let worlds = [world(seed * 2 + 1), world(seed * 2 + 2)];
        let hour = policy.notice_hour;
        let mut model = Self { dice, worlds, store, hour, places: Vec::new(), readers: Vec::new(), mails: 0 };
        for nth in 0..readers / 4 {
            model.add_place(nth).await;
        }
        for nth in 0..readers {
            model.add_reader(nth).await;
            if nth % 4 != 0 {
                model.switch(nth, true).await;
            }
        }
        model
    }

    fn now(&self) -> DateTime<Utc> {
        self.worlds[0].now()
    }

    async fn add_place(&mut self, nth: usize) {
        let zone = self.dice.zone();
        let mut new =
            NewAccount::named(format!("account {nth}")).in_zone(TimeZone::parse(zone).unwrap()).dealer();
        let parent = (!nth.is_multiple_of(3)).then(|| nth - 1);
        if let Some(parent) = parent {
            new = new.under(self.places[parent].account.id);
        }
        let (zone, mut ends): (Tz, _) = (zone.parse().unwrap(), None);
        if !self.dice.one_in(3) {
            let left = self.dice.days(16) + 1;
            new = new.with_days(DaysChange::default().left(left).counting(true));
            ends = Some(self.now().with_timezone(&zone).date_naive() + TimeDelta::days(left.into()));
        }
        let account = self.worlds[0].security.accounts().create(new).await.unwrap();
        self.places.push(Place { account, parent, zone, ends, by_hand: false });
    }

    async fn add_reader(&mut self, nth: usize) {
        let place = nth % self.places.len();
        let login = format!("user{nth}");
        let address = format!("{login}@example.com");
        let user = self.worlds[0].user(&self.places[place].account, &login, Some(&address)).await.unwrap();
        let zone = self.places[place].zone;
        self.readers.push(Reader { user, place, zone, on: false, session: None, told: BTreeSet::new() });
    }

    /// When the first of an account and those above it is blocked by its days, or was.
    fn blocks_at(&self, place: usize) -> Option<DateTime<Utc>> {
        let place = &self.places[place];
        let own = place.ends.map(|day| begins(place.zone, day));
        own.into_iter().chain(place.parent.and_then(|parent| self.blocks_at(parent))).min()
    }

    fn blocked(&self, place: usize) -> bool {
        let by_hand =
            |place: &Place| place.by_hand || place.parent.is_some_and(|parent| self.blocked(parent));
        by_hand(&self.places[place]) || self.blocks_at(place).is_some_and(|at| at <= self.now())
    }

    /// The local day whose notice a reader is to have by now, and how many days are left on it.
    fn owed(&self, reader: &Reader) -> Option<(NaiveDate, u32)> {
        let today = self.now().with_timezone(&reader.zone).date_naive();
        let blocking_day = self.blocks_at(reader.place)?.with_timezone(&reader.zone).date_naive();
        let left = u32::try_from(blocking_day.signed_duration_since(today).num_days()).ok()?;
        let now = reader.on && (1..=5).contains(&left) && !self.blocked(reader.place);
        (now && hour_came(reader.zone, self.now(), self.hour)).then_some((today, left))
    }

    async fn session(&mut self, nth: usize) -> Option<SessionId> {
        let (now, reader) = (self.now(), &mut self.readers[nth]);
        let fresh = reader.session.filter(|(_, since)| now - *since < TimeDelta::hours(11));
        if let Some((session, _)) = fresh
            && self.worlds[0].security.sessions().current(session).await.is_ok()
        {
            reader.session = Some((session, now));
            return Some(session);
        }
        let session = self.worlds[0].sign_in(&reader.user).await.ok()?;
        reader.session = Some((session.id, now));
        Some(session.id)
    }

    async fn switch(&mut self, nth: usize, on: bool) {
        let session = self.session(nth).await.unwrap();
        self.worlds[0].security.notices().set_blocking(session, on).await.unwrap();
        self.readers[nth].on = on;
    }

    /// Something that somebody may do.
    async fn act(&mut self) {
        let program = Actor::Program;
        match self.dice.below(10) {
            0..=4 => {
                let nth = self.dice.below(self.readers.len());
                let on = !self.readers[nth].on || self.dice.one_in(4);
                if self.blocked(self.readers[nth].place) {
                    return;
                }
                self.switch(nth, on).await;
            }
            5 | 6 => {
                let nth = self.dice.below(self.readers.len());
                let zone = self.dice.zone();
                let change = UserChange::default().time_zone(TimeZone::parse(zone).unwrap());
                let id = self.readers[nth].user.id;
                self.worlds[0].security.manage(program).change_user(id, &change).await.unwrap();
                self.readers[nth].zone = zone.parse().unwrap();
            }
            7 | 8 => {
                let nth = self.dice.below(self.places.len());
                let place = &mut self.places[nth];
                let today = self.worlds[0].now().with_timezone(&place.zone).date_naive();
                let days = if self.dice.one_in(5) {
                    place.ends = None;
                    DaysChange::default().counting(false)
                } else {
                    let left = self.dice.days(14);
                    place.ends = Some(today + TimeDelta::days(left.into()));
                    DaysChange::default().left(left).counting(true)
                };
                let change = AccountChange::default().days(days);
                let id = place.account.id;
                self.worlds[0].security.manage(program).change_account(id, &change).await.unwrap();
            }
            _ => {
                let nth = self.dice.below(self.places.len());
                let place = &mut self.places[nth];
                let mut change = AccountChange::default();
                if self.dice.one_in(2) {
                    // The date on its calendar stays, the instant moves.
                    let zone = self.dice.zone();
                    change = change.time_zone(TimeZone::parse(zone).unwrap());
                    place.zone = zone.parse().unwrap();
                } else {
                    place.by_hand = !place.by_hand;
                    change = change.blocked(place.by_hand);
                }
                let id = place.account.id;
                self.worlds[0].security.manage(program).change_account(id, &change).await.unwrap();
            }
        }
    }

    /// Lets a worker look, sometimes on a store that fails, and judges what was mailed.
    async fn look(&mut self) {
        let first = self.dice.below(2);
        let mut at_first: Vec<_> = self.readers.iter().map(|reader| self.owed(reader)).collect();
        if self.dice.one_in(8) {
            let from = 1 + u64::try_from(self.dice.below(6)).unwrap();
            let failure = if self.dice.one_in(2) { Failure::Port } else { Failure::UnknownAfter };
            self.store.reset();
            for nth in from..from + 1 + u64::try_from(self.dice.below(30)).unwrap() {
                self.store.fail(Method::Commit, nth, failure);
            }
            self.worlds[first].run_worker().await.unwrap();
            self.store.reset();
            // What the failing store left claimed is due again.
            self.advance(self.worlds[0].security.policy().claim_life);
            self.worlds[1 - first].run_worker().await.unwrap();
        } else {
            at_first = vec![None; self.readers.len()];
            self.worlds[first].run_worker().await.unwrap();
        }
        let mut got: BTreeMap<String, BTreeMap<_, (NaiveDate, u32)>> = BTreeMap::new();
        for mail in self.worlds.iter().flat_map(|world| world.mailbox.take()) {
            let (_, rest) = mail.text.split_once("will be blocked on ").unwrap();
            let (day, rest) = rest.split_once(": ").unwrap();
            let (left, _) = rest.split_once(" day").unwrap();
            let (left, day): (u32, NaiveDate) = (left.parse().unwrap(), day.parse().unwrap());
            // What is sent again under its old id is no other notice.
            got.entry(mail.to.as_str().to_owned())
                .or_default()
                .insert(mail.id, (day - Days::new(left.into()), left));
        }
        for (nth, at_first) in at_first.into_iter().enumerate() {
            let reader = &self.readers[nth];
            let mails = got.remove(reader.user.confirmed_email().unwrap().as_str()).unwrap_or_default();
            let mails: Vec<_> = mails.into_values().collect();
            let fresh = |owed: &(NaiveDate, u32)| !reader.told.contains(&owed.0);
            let owed: Vec<_> = self.owed(reader).into_iter().filter(fresh).collect();
            // What a failing store may have let through, the last moment it was owed.
            let late: Vec<_> =
                at_first.into_iter().filter(|early| fresh(early) && !owed.contains(early)).collect();
            let both = [late, owed.clone()].concat();
            assert!(
                mails == owed || mails == both,
                "user{nth} at {} in {} (hour {}): {mails:?}, owed {owed:?}",
                self.now(),
                reader.zone,
                self.hour
            );
            self.mails += mails.len();
            self.readers[nth].told.extend(mails.into_iter().map(|(day, _)| day));
        }
        assert!(got.is_empty(), "{got:?}");
    }

    fn advance(&self, by: TimeDelta) {
        self.worlds.iter().for_each(|world| world.advance(by));
    }

    async fn live(&mut self, steps: u32) {
        for _ in 0..steps {
            // Mostly hours, now and then days: nobody looks meanwhile.
            let (least, more) = if self.dice.one_in(12) { (1440, 4320) } else { (20, 540) };
            self.advance(TimeDelta::minutes(least) + self.dice.minutes(more));
            for _ in 0..self.dice.below(1 + self.readers.len() / 6) {
                self.act().await;
            }
            self.look().await;
        }
    }
}

/// How many users live through random days in one world.
const READERS: usize = 60;

#[tokio::test]
async fn exactly_those_get_a_notice_who_are_owed_one() {
    let worlds: u64 = std::env::var("NOTICE_WORLDS").ok().and_then(|many| many.parse().ok()).unwrap_or(50);
    let mut mails = 0_usize;
    for seed in 0..worlds {
        let mut model = Model::new(seed, READERS).await;
        println!("world {seed} begins at {}", model.now());
        model.live(60).await;
        mails += model.mails;
    }
    println!("{mails} notices in {worlds} worlds of {READERS} users");
    assert!(mails > 60 * usize::try_from(worlds).unwrap(), "there was something to tell: {mails}");
}
