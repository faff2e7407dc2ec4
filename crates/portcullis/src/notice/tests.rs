//! A hundred thousand accounts that run out, each with a reader: random dates, zones, switches, blocks, moves,
//! downtimes and crashes, on a store of one record and a few messages. What is judged are the rules; a model that knows
//! clocks and calendars alone says who is owed what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::leave::{self, Stay};
use super::model::NoticeSchedule;
use super::plan::{self, Look, Standing};
use crate::account::rules::Chain;
use crate::account::{Account, DaysChange, TimeZone};
use crate::decision::{Changes, Entity as _, Stored};
use crate::engine::record::{Schema, written as written_all};
use crate::fixture::*;
use crate::id::{MessageId, UserId};
use crate::message::MessageKind;
use crate::message::model::{Draft, Message};
use crate::policy::{CLOCK_SLACK, Policy};
use crate::port::store::Lane;
use crate::user::User;

const ZONES: [&str; 10] = [
    "UTC",
    "Etc/GMT+12",
    "America/New_York",
    "America/Havana",
    "Europe/Riga",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
];

/// Numbers that repeat with their seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, many: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % many
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn minutes(&mut self, many: u64) -> TimeDelta {
        TimeDelta::minutes(i64::try_from(self.below(many)).unwrap())
    }

    fn zone(&mut self) -> &'static str {
        ZONES[usize::try_from(self.below(10)).unwrap()]
    }
}

/// What the model knows.
struct Truth {
    place: Tz,
    reader: Tz,
    ends: Option<NaiveDate>,
    by_hand: bool,
    on: bool,
    told: BTreeSet<NaiveDate>,
    hour: NaiveTime,
}

impl Truth {
    fn blocks_at(&self) -> Option<DateTime<Utc>> {
        let mut at = self.ends?.and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(15);
        // A day begins at the first quarter of an hour that shows it.
        while at.with_timezone(&self.place).date_naive() < self.ends? {
            at += TimeDelta::minutes(15);
        }
        Some(at)
    }

    fn owed(&self, blocks_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<NaiveDate> {
        let blocks_at = blocks_at.filter(|at| now < *at && self.on && !self.by_hand)?;
        let local = |at: DateTime<Utc>| at.with_timezone(&self.reader);
        let today = local(now).date_naive();
        let left = local(blocks_at).date_naive().signed_duration_since(today).num_days();
        let quarter = now.timestamp() - now.timestamp().rem_euclid(900);
        // Clocks go back by two hours at most.
        let mut moments = (0..12).map(|back| Utc.timestamp_opt(quarter - back * 900, 0).unwrap());
        let shown = |at| local(at).date_naive() == today && local(at).time() >= self.hour;
        let came = shown(now) || moments.any(shown);
        ((1..=5).contains(&left) && came && !self.told.contains(&today)).then_some(today)
    }
}

/// A message as the store keeps it.
struct Kept {
    due: DateTime<Utc>,
    sent: bool,
}

/// One account with its reader, and what a store keeps for them.
struct Life {
    policy: Policy,
    account: Account,
    chain: Chain,
    user: User,
    template: Message,
    schedule: Option<NoticeSchedule>,
    claimed: Option<DateTime<Utc>>,
    messages: BTreeMap<NaiveDate, Kept>,
    below: bool,
    truth: Truth,
}

fn name(_: UserId, day: NaiveDate) -> MessageId {
    use chrono::Datelike as _;
    MessageId::from_uuid(uuid(u128::from(day.num_days_from_ce().unsigned_abs())))
}

fn cheap<E>(value: E) -> Stored<E> {
    Stored::new(value, 7, String::new())
}

impl Life {
    fn keep(&mut self, changes: Changes) {
        for Draft { day, not_before, .. } in changes.messages {
            let due = not_before.unwrap();
            self.messages.entry(day.unwrap()).or_insert(Kept { due, sent: false });
        }
    }

    /// Changes the account as its own rule does.
    fn change(&mut self, now: DateTime<Utc>, change: impl FnOnce(&mut Account)) {
        let before = self.account.clone();
        change(&mut self.account);
        let blocked = |account: &Account, at| account.blocked_itself(at);
        if blocked(&before, now + CLOCK_SLACK) && !blocked(&self.account, now - CLOCK_SLACK) {
            self.account.lifts += 1;
        }
        self.chain = Chain(vec![cheap(self.account.clone())]);
        let look = plan::next_look(Some(&before), &self.account, self.schedule.as_ref(), &self.policy, now);
        match look {
            Look::AsItIs => return,
            Look::Never => self.schedule = None,
            Look::At { blocks_at, due_at } => {
                let (account, tenant) = (self.account.id, self.account.tenant);
                let v = Schema::default();
                let (id, walk, again) = (uuid(90), None, false);
                let new = NoticeSchedule { v, id, tenant, account, blocks_at, walk, again, due_at };
                let anew = match &self.schedule {
                    Some(look) => plan::anew(look, blocks_at, due_at, now),
                    None => Some(new),
                };
                if anew.is_none() {
                    return;
                }
                self.schedule = anew;
            }
        }
        self.claimed = None;
    }

    fn act(&mut self, dice: &mut Dice, now: DateTime<Utc>) {
        match dice.below(8) {
            0..=2 => {
                self.truth.on = !self.truth.on || dice.one_in(3);
                if self.user.blocking_notices != self.truth.on && !self.chain.blocked(now) {
                    self.user.blocking_notices = self.truth.on;
                    let mut changes = Changes::none();
                    plan::begin(&mut changes, &self.user, &self.chain, &name, &self.policy, now);
                    self.keep(changes);
                }
                self.truth.on = self.user.blocking_notices;
            }
            3 => {
                let zone = dice.zone();
                self.truth.reader = zone.parse().unwrap();
                self.user.time_zone = TimeZone::parse(zone).unwrap();
                self.resettle(now);
            }
            4 | 5 => {
                let left = i32::try_from(dice.below(14)).unwrap();
                let counting = !dice.one_in(5);
                let today = now.with_timezone(&self.truth.place).date_naive();
                self.truth.ends = counting.then(|| today + TimeDelta::days(left.into()));
                let days = DaysChange::default().left(left).counting(counting);
                self.change(now, |account| {
                    account.days = account.days.changed(days, account.time_zone.day(now));
                });
            }
            6 => {
                let zone = dice.zone();
                self.truth.place = zone.parse().unwrap();
                self.change(now, |account| account.time_zone = TimeZone::parse(zone).unwrap());
            }
            _ => {
                self.truth.by_hand = !self.truth.by_hand;
                self.change(now, |account| account.blocked = !account.blocked);
            }
        }
    }

    fn message(&self, day: NaiveDate, due_at: DateTime<Utc>) -> Message {
        Message { id: name(self.user.id, day), day: Some(day), due_at, ..self.template.clone() }
    }

    fn resettle(&mut self, now: DateTime<Utc>) {
        let mut standing = BTreeMap::new();
        for day in plan::days_to_move(self.user.time_zone, now) {
            if let Some(kept) = self.messages.get(&day) {
                let mut message = self.message(day, kept.due);
                if kept.sent {
                    message.outcome = crate::message::Outcome::Sent;
                }
                let due = message.due();
                standing.insert(message.id, Standing { message: stored(message), due });
            }
        }
        let mut changes = Changes::none();
        plan::resettle(&mut changes, &self.user, &self.chain, standing, &name, &self.policy, now);
        for moved in written_all::<Message>(&changes).unwrap() {
            self.messages.get_mut(&moved.day.unwrap()).unwrap().due = moved.due_at;
        }
        self.keep(changes);
    }

    /// What a worker does; it may die before it keeps a page. Gives the days whose notices were sent.
    fn pass(&mut self, dice: &mut Dice, now: DateTime<Utc>, dies: bool) -> Vec<NaiveDate> {
        while let Some(schedule) = &self.schedule
            && self.claimed.unwrap_or(schedule.due_at) <= now
        {
            if dies && dice.one_in(2) {
                self.claimed = Some(now + self.policy.claim_life);
                return Vec::new();
            }
            self.claimed = None;
            let walk = plan::place(schedule, now);
            let until = plan::planned_until(walk.began);
            let next = plan::go_on(schedule, Some(&self.account), None, &self.policy, now);
            if walk.below == self.below
                && let Some((_, planned)) = plan::owed(&self.user, &self.chain, &self.policy, now, until)
            {
                for planned in planned {
                    let kept = Kept { due: planned.at, sent: false };
                    self.messages.entry(planned.day).or_insert(kept);
                }
            }
            self.schedule = next;
        }
        let due: Vec<_> = self
            .messages
            .iter()
            .filter(|(_, kept)| !kept.sent && kept.due <= now)
            .map(|(day, kept)| (*day, kept.due))
            .collect();
        let mut sent = Vec::new();
        for (day, due) in due {
            let to = self.user.confirmed_email().unwrap();
            match leave::leave(&self.message(day, due), to, &self.user, &self.chain, &self.policy, now) {
                Ok(_) => {
                    self.messages.get_mut(&day).unwrap().sent = true;
                    sent.push(day);
                }
                Err(Stay::Until(at)) => self.messages.get_mut(&day).unwrap().due = at,
                Err(Stay::Forget(_)) => drop(self.messages.remove(&day)),
                Err(Stay::Readdress(_)) => panic!("nobody has another address"),
            }
        }
        sent
    }
}

fn template() -> Message {
    let draft = Draft {
        id: MessageId::from_uuid(uuid(70)),
        tenant: uuid(1),
        user: UserId::from_uuid(uuid(2)),
        kind: MessageKind::BlockingNotice,
        to: email("u2@example.com").into(),
        lane: Lane::Bulk,
        code: None,
        charge: None,
        once_at: None,
        not_before: None,
        day: None,
    };
    Message::sealed(draft, &keyring(), [3; 24], began()).unwrap()
}

/// Lives through one account's end; gives how many notices were sent.
fn live(seed: u64, template: &Message) -> usize {
    let mut dice = Dice(seed);
    let begins = ["2026-03-22", "2026-10-20", "2028-02-22", "2026-12-26"];
    let day: NaiveDate = begins[usize::try_from(dice.below(4)).unwrap()].parse().unwrap();
    let mut now = day.and_time(NaiveTime::MIN).and_utc() + dice.minutes(2880);
    let hour = [9, 9, 9, 0, 2, 23][usize::try_from(dice.below(6)).unwrap()];
    let (place, reader) = (dice.zone(), dice.zone());
    let mut account = account(1);
    account.time_zone = TimeZone::parse(place).unwrap();
    let mut user = user(2, &account);
    user.time_zone = TimeZone::parse(reader).unwrap();
    let mut life = Life {
        policy: Policy { notice_hour: hour, ..Policy::default() },
        chain: Chain(vec![cheap(account.clone())]),
        account,
        user,
        template: template.clone(),
        schedule: None,
        claimed: None,
        messages: BTreeMap::new(),
        below: dice.one_in(2),
        truth: Truth {
            place: place.parse().unwrap(),
            reader: reader.parse().unwrap(),
            ends: None,
            by_hand: false,
            on: false,
            told: BTreeSet::new(),
            hour: NaiveTime::from_hms_opt(hour.into(), 0, 0).unwrap(),
        },
    };
    let left = i32::try_from(4 + dice.below(6)).unwrap();
    let days = DaysChange::default().left(left).counting(true);
    life.truth.ends = Some(now.with_timezone(&life.truth.place).date_naive() + TimeDelta::days(left.into()));
    life.change(now, |account| {
        account.days = account.days.changed(days, account.time_zone.day(now));
    });
    life.user.blocking_notices = true;
    life.truth.on = true;
    let mut changes = Changes::none();
    plan::begin(&mut changes, &life.user, &life.chain, &name, &life.policy, now);
    life.keep(changes);
    let end = now + Days::new(12);
    let mut count = 0;
    let mut blocks_at = life.truth.blocks_at();
    while now < end {
        now += if dice.one_in(8) { TimeDelta::days(1) + dice.minutes(4320) } else { dice.minutes(960) };
        if dice.one_in(5) {
            life.act(&mut dice, now);
            blocks_at = life.truth.blocks_at();
        }
        let dies = dice.one_in(10);
        if dies {
            // One worker dies on the way; what it had claimed is another one's five minutes later.
            let early = life.truth.owed(blocks_at, now);
            for day in life.pass(&mut dice, now, true) {
                assert_eq!(Some(day), early, "seed {seed} at {now}");
                life.truth.told.insert(day);
                count += 1;
            }
            now += life.policy.claim_life;
        }
        let owed = life.truth.owed(blocks_at, now);
        let sent = life.pass(&mut dice, now, false);
        assert_eq!(sent, owed.into_iter().collect::<Vec<_>>(), "seed {seed} at {now}");
        count += sent.len();
        life.truth.told.extend(sent);
    }
    count
}

#[test]
fn a_hundred_thousand_accounts_run_out_and_every_reader_gets_exactly_what_he_is_owed() {
    let lives: u64 = std::env::var("NOTICE_LIVES").ok().and_then(|many| many.parse().ok()).unwrap_or(100_000);
    let template = template();
    let half = |from| (from..lives).step_by(2).map(|seed| live(seed, &template)).sum::<usize>();
    let count = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().unwrap()
    });
    println!("{count} notices in {lives} lives");
    assert!(count > usize::try_from(lives).unwrap(), "there was something to tell");
}
