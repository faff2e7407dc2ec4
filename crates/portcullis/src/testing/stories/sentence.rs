//! What notices promise, in one story: a mail a day in the last five days, none before, none once the date is put off,
//! and again once they are switched on again; with two processes on one store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::kit::{HOUR, left, set_days, switch, told};
use crate::account::NewAccount;
use crate::port::message::Mail;
use crate::port::store::Store;
use crate::testing::World;
use crate::testing::mailbox::Mailbox;
use crate::testing::world::WorldOptions;
use crate::user::User;

/// Two processes share a store. Whose account runs out gets one mail a day with 5, 4, 3, 2, 1 days left, and none
/// before; none once the date is put off, until the new one is near; none while they are switched off, and those that
/// are left once they are on again.
pub async fn one_mail_a_day_from_five_days_before_the_block_until_it_is_put_off(store: &Arc<dyn Store>) {
    let mailbox = Mailbox::new();
    let process = |seed| {
        let options = WorldOptions { store: Arc::clone(store), seed, ..WorldOptions::default() };
        World::with_sender(options, mailbox.clone(), mailbox.clone())
    };
    two_processes_mail(&[process(1), process(2)], "example.com").await;
}

/// What a reader was to be told, all of it: the address, and the days left of each mail in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owed {
    /// Where the mails went.
    pub address: String,
    /// The days left that they told.
    pub days_left: Vec<u32>,
    /// The day of the account's blocking that they told.
    pub blocked_on: Vec<NaiveDate>,
}

/// Plays the story in two processes that share a store and a mailbox, with readers at a domain that no other story uses
/// on that store; gives what each of them was told, as it is in the mailbox.
///
/// For a test whose mails go elsewhere too, which then looks for the same ones there.
pub async fn two_processes_mail(worlds: &[World; 2], domain: &str) -> Vec<Owed> {
    let cast = Cast::new(worlds, domain).await;
    let arrivals = cast.live_through().await;
    cast.judge(&arrivals)
}

/// Nine days later in the morning, when that day's notices are planned already and wait for nine: hours after the first.
const SWITCHED_OFF: i32 = 8 * 24 + 19;
const PUT_OFF: i32 = SWITCHED_OFF;
/// After nine on the day that follows.
const SWITCHED_ON: i32 = 10 * 24;
/// Both dates are over.
const END: i32 = 43 * 24;

struct Cast<'a> {
    worlds: &'a [World; 2],
    domain: &'a str,
    lasting: User,
    switching: User,
    put_off: crate::account::Account,
    disposed: User,
}

/// When each mail arrived, in the order of the mailbox.
type Arrivals = Vec<DateTime<Utc>>;

impl<'a> Cast<'a> {
    async fn new(worlds: &'a [World; 2], domain: &'a str) -> Self {
        let [w, _] = worlds;
        let account = async |name: &str| {
            let new = NewAccount::named(name).with_days(left(12));
            w.security.accounts().create(new).await.unwrap()
        };
        let user = async |account, login: &str, wants: bool| {
            let user = w.user(account, login, Some(&format!("{login}@{domain}"))).await.unwrap();
            if wants {
                switch(w, &user, true).await;
            }
            user
        };
        let (ending, put_off) = (account("ending").await, account("put off").await);
        let lasting = user(&ending, "lasting", true).await;
        let switching = user(&ending, "switching", true).await;
        user(&ending, "silent", false).await;
        let disposed = user(&put_off, "put-off", true).await;
        Self { worlds, domain, lasting, switching, put_off, disposed }
    }

    fn mails(&self) -> Vec<Mail> {
        self.worlds[0].mailbox.mails()
    }

    /// Both processes look every hour, at once.
    async fn live_through(&self) -> Arrivals {
        let [first, second] = self.worlds;
        let mut arrivals = Vec::new();
        for hour in 0..END {
            if hour == SWITCHED_OFF {
                switch(first, &self.switching, false).await;
            }
            if hour == PUT_OFF {
                set_days(second, &self.put_off, left(33)).await;
            }
            if hour == SWITCHED_ON {
                switch(second, &self.switching, true).await;
            }
            let passes = self.worlds.each_ref().map(|world| {
                world.advance(HOUR);
                let security = world.security.clone();
                tokio::spawn(async move { security.worker().pass().await })
            });
            for pass in passes {
                pass.await.unwrap().unwrap();
            }
            arrivals.resize(self.mails().len(), first.now());
        }
        for user in [&self.lasting, &self.switching, &self.disposed] {
            assert!(first.sign_in(user).await.is_err(), "the days are over: nobody signs in");
        }
        arrivals
    }

    fn judge(&self, arrivals: &Arrivals) -> Vec<Owed> {
        let mut got: BTreeMap<String, Vec<(Mail, DateTime<Utc>)>> = BTreeMap::new();
        for (mail, at) in self.mails().into_iter().zip(arrivals) {
            got.entry(mail.to.as_str().to_owned()).or_default().push((mail, *at));
        }
        let mut owed = |login: &str, days_left: &[u32], blocked_on: &[&str]| {
            let address = format!("{login}@{}", self.domain);
            let mails = got.remove(&address).unwrap_or_default();
            let blocked_on: Vec<NaiveDate> = blocked_on.iter().map(|day| day.parse().unwrap()).collect();
            let expected: Vec<_> = days_left.iter().copied().zip(blocked_on.iter().copied()).collect();
            let said: Vec<_> = mails.iter().map(|(mail, _)| told(mail)).collect();
            assert_eq!(said, expected, "what {login} was told");
            let ids: BTreeSet<_> = mails.iter().map(|(mail, _)| mail.id).collect();
            assert_eq!(ids.len(), mails.len(), "each mail of {login} is one of its own");
            for (mail, at) in &mails {
                worded(mail);
                let (left, blocking_day) = told(mail);
                let day = blocking_day - TimeDelta::days(left.into());
                assert_eq!(at.date_naive(), day, "on its day: {login}, {left} days left");
                // What waited for the switch comes within the hour of it.
                let hour = if login == "switching" && left == 2 { "12" } else { "09" };
                assert_eq!(at.format("%H").to_string(), hour, "{login}, {left} days left");
            }
            Owed { address, days_left: days_left.to_vec(), blocked_on }
        };
        let all = vec![
            owed("lasting", &[5, 4, 3, 2, 1], &["2026-11-30"; 5]),
            owed("switching", &[5, 4, 2, 1], &["2026-11-30"; 4]),
            owed("put-off", &[5, 4, 5, 4, 3, 2, 1], &PUT_OFF_DATES),
            owed("silent", &[], &[]),
        ];
        assert!(got.is_empty(), "and nobody else: {:?}", got.keys());
        all
    }
}

/// Twelve days after the first, and thirty-three after the one on which it is put off.
const PUT_OFF_DATES: [&str; 7] =
    ["2026-11-30", "2026-11-30", "2026-12-30", "2026-12-30", "2026-12-30", "2026-12-30", "2026-12-30"];

/// Subject, text and page tell the same number of days, one of them without its plural.
fn worded(mail: &Mail) {
    let (left, _) = told(mail);
    let days = if left == 1 { "1 day".to_owned() } else { format!("{left} days") };
    assert!(
        mail.subject.starts_with(&format!("Your account will be blocked in {days}: ")),
        "{}",
        mail.subject
    );
    for body in [&mail.text, &mail.html] {
        assert!(body.contains(&format!(": {days} left. ")), "{body}");
    }
}
