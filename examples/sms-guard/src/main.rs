//! A pumping attack: thirty bots make a service send SMS to numbers whose owners are paid for each, and what the spend
//! guard lets through.
//!
//! ```sh
//! cargo run -p sms-guard
//! ```
//!
//! The whole engine runs in memory on a clock that is moved. The bots have accounts with passwords, ask every two minutes
//! each for a code to a number they never used before, from three addresses. Carol, whose number was confirmed long ago,
//! goes on signing in: what is kept for confirmed numbers is not what the bots spend.
//!
//! The numbers are those of the default policy. Numbers that nobody confirmed share a quarter of each budget: 25 SMS an
//! hour from one address, and 250 a day in one account, whatever number of bots there is. The trail tells the operator
//! before a budget is spent, and what is refused costs nothing.

#![expect(clippy::print_stdout, reason = "a story is told on standard output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::contact::{Phone, SourceAddress};
use portcullis::memory::MemoryStore;
use portcullis::testing::{Dump as _, World};

const BOTS: u8 = 30;
const ADDRESSES: u8 = 3;
const CAROL: &str = "+37120000045";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = MemoryStore::new();
    let world = World::on(Arc::new(store.clone()));
    let account = world.account_with_sms("Fleet").await?;
    let carol = world.user(&account, "carol", Some("carol@example.com")).await?;
    let session = world.sign_in(&carol).await?;
    world.switch_sms_on(session.id, CAROL).await?;
    let mut bots = Vec::new();
    for nth in 0..BOTS {
        bots.push(world.user(&account, &format!("bot{nth}"), None).await?);
    }

    let (mut numbers, mut asked_in_all, mut sent_in_all) = (0, 0, 0);
    for hour in 1..=6 {
        let mut sessions = Vec::new();
        for bot in &bots {
            sessions.push(world.sign_in(bot).await?.id);
        }
        let (mut asked, mut refused) = (0, BTreeMap::<&str, u32>::new());
        let before = world.handset.submitted().len();
        for _ in 0..5 {
            for (session, nth) in sessions.iter().zip(0..) {
                numbers += 1;
                let number = Phone::parse(&format!("+2526{:08}", 10_000_000 + numbers))?;
                let from = SourceAddress::from(IpAddr::from([198, 51, 100, nth % ADDRESSES]));
                asked += 1;
                if let Err(portcullis::Error::Refused(no)) =
                    world.security.two_factor().ask_sms(*session, Some(&number), &from).await
                {
                    for gate in no.missing() {
                        *refused.entry(gate.name()).or_default() += 1;
                    }
                    if no.missing().is_empty() {
                        *refused.entry(no.code()).or_default() += 1;
                    }
                }
            }
            world.run_worker().await?;
            world.advance(TimeDelta::minutes(2));
        }
        let sent = world.handset.submitted().len() - before;
        (asked_in_all, sent_in_all) = (asked_in_all + asked, sent_in_all + sent);
        println!("hour {hour}: the bots ask for {asked} SMS, {sent} are sent");
        for (why, count) in &refused {
            println!("        {count:>3} times refused: {why}");
        }
        let admitted = world.sign_in(&carol).await?;
        println!("        carol signs in by a code to her number: {}", admitted.assurance.name());
        world.advance(TimeDelta::minutes(50));
    }
    for event in store.contents().await?.audit.iter().filter(|event| event.action == "sms_budget_alert") {
        let budget = event.reason.as_deref().unwrap_or_default();
        println!("{}, the trail tells: the budget {budget} is nearly spent", event.at.format("%H:%M"));
    }
    println!("in all: {asked_in_all} asked for, {sent_in_all} sent and paid for");
    Ok(())
}
