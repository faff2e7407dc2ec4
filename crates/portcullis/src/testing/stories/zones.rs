//! Readers anywhere, and on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::kit::{HOUR, address, another, counted, days, move_to, reader, told};
use crate::port::store::Store;
use crate::testing::World;

/// At nine by the clocks of each reader, from the farthest east to the farthest west.
pub async fn each_reader_has_his_own_days_wherever_he_is(store: &Arc<dyn Store>) {
    let w = World::on(Arc::clone(store));
    let account = counted(&w, "demo", 8).await;
    let zones = ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns"];
    for (nth, zone) in zones.iter().enumerate() {
        let user = reader(&w, &account, &format!("user{nth}")).await;
        move_to(&w, &user, zone).await;
    }
    let mut arrivals: BTreeMap<usize, Vec<DateTime<Utc>>> = BTreeMap::new();
    for _ in 0..10 * 24 {
        w.advance(HOUR);
        let before: Vec<_> = (0..4).map(|nth| days(&w, &format!("user{nth}")).len()).collect();
        w.run_worker().await.unwrap();
        for (nth, before) in before.into_iter().enumerate() {
            if days(&w, &format!("user{nth}")).len() > before {
                arrivals.entry(nth).or_default().push(w.now());
            }
        }
    }
    for (nth, zone) in zones.iter().enumerate() {
        assert_eq!(days(&w, &format!("user{nth}")), [5, 4, 3, 2, 1], "{zone}");
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        let hours: BTreeSet<_> =
            arrivals[&nth].iter().map(|at| at.with_timezone(&zone).format("%H").to_string()).collect();
        assert_eq!(hours, ["09".to_owned()].into(), "{zone}");
    }
}

/// Moved from zone to zone, a reader gets one for each day on which his clocks came to nine.
pub async fn a_reader_who_travels_gets_one_for_each_day_of_his_own(store: &Arc<dyn Store>) {
    journeys(store, &[1, 6, 11]).await;
}

/// The same with all journeys that begin so many hours after the first.
///
/// More than [`STORIES`](super::STORIES) make: a database that is slow takes minutes for twelve.
pub async fn journeys(store: &Arc<dyn Store>, starts: &[i32]) {
    // East and west, before and after nine: the days he sees are counted once each, and none is missing on which his
    // clocks showed nine or later while a worker ran.
    let mut journey = 0;
    for route in [
        ["America/New_York", "Asia/Tokyo", "UTC"],
        ["Pacific/Kiritimati", "Pacific/Honolulu", "Pacific/Kiritimati"],
        ["Etc/GMT+12", "Pacific/Kiritimati", "Etc/GMT+12"],
    ] {
        for start in starts.iter().copied() {
            journey += 1;
            let (w, login) = (another(store, journey), format!("alice{journey}"));
            let account = counted(&w, "demo", 6).await;
            let alice = reader(&w, &account, &login).await;
            let mut zone: chrono_tz::Tz = "UTC".parse().unwrap();
            let mut owed = BTreeSet::new();
            let blocks_at = "2026-11-24T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
            for hour in 0..6 * 24 {
                w.advance(HOUR);
                if hour >= start && (hour - start) % 31 == 0 {
                    let name = route[usize::try_from((hour - start) / 31).unwrap() % route.len()];
                    move_to(&w, &alice, name).await;
                    zone = name.parse().unwrap();
                }
                w.run_worker().await.unwrap();
                let local = w.now().with_timezone(&zone);
                let blocking_day = blocks_at.with_timezone(&zone).date_naive();
                let ahead = blocking_day.signed_duration_since(local.date_naive()).num_days();
                let nine = local.time() >= "09:00:00".parse().unwrap();
                if nine && (1..=5).contains(&ahead) && w.now() < blocks_at {
                    owed.insert(local.date_naive());
                }
            }
            let sent: Vec<_> = w
                .mailbox
                .to(&address(&login))
                .iter()
                .map(told)
                .map(|(left, blocked)| blocked - TimeDelta::days(left.into()))
                .collect();
            assert_eq!(sent.len(), sent.iter().collect::<BTreeSet<_>>().len(), "each day once: {sent:?}");
            let sent: BTreeSet<_> = sent.into_iter().collect();
            assert_eq!(sent, owed, "{route:?} from hour {start}");
        }
    }
}
