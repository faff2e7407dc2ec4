//! A pumping attack: thirty bots make a service send SMS to numbers whose owners are paid for each, and what the spend
//! guard lets through.
//!
//! ```sh
//! cargo run -p sms-guard
//! ```
//!
//! The whole engine runs in memory on a clock that is moved. The bots have logins and passwords. For ten minutes of each
//! hour each of them asks every two minutes for a code to a number it never used before, from one of three addresses.
//! Carol, whose number is confirmed, goes on signing in: the bots can't spend what is kept for confirmed numbers.
//!
//! The numbers are those of the default policy. Numbers that nobody confirmed share a quarter of each budget: 25 SMS an
//! hour from one address, and 250 a day in one account, whatever number of bots there is. The trail tells the operator
//! before a budget is spent, and what is refused costs nothing.

#![expect(clippy::print_stdout, reason = "a story is told on standard output")]

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::contact::{Phone, SourceAddress};
use portcullis::memory::MemoryStore;
use portcullis::rights::Gate;
use portcullis::testing::{Dump as _, World};
use portcullis::user::User;

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

    let (mut asked, mut sent) = (0, 0);
    for hour in 1..=6 {
        let refused = attack(&world, &bots, &mut asked).await?;
        let before = sent;
        sent = world.handset.submitted().iter().filter(|sms| sms.to.as_str() != CAROL).count();
        println!("hour {hour}: {} SMS are sent, {refused} are refused", sent - before);
        let admitted = world.sign_in(&carol).await?;
        println!("        carol signs in by a code to her number: {}", admitted.assurance.name());
        world.advance(TimeDelta::minutes(50));
    }
    for event in store.contents().await?.audit.iter().filter(|event| event.action == "sms_budget_alert") {
        let budget = event.reason.as_deref().unwrap_or_default();
        println!("{}, the trail tells: the budget {budget} is nearly spent", event.at.format("%H:%M"));
    }
    println!("in all: {asked} asked for, {sent} sent and paid for");
    Ok(())
}

/// Ten minutes in which every bot asks for five SMS, each to another number; says how many are refused.
async fn attack(world: &World, bots: &[User], asked: &mut u32) -> Result<u32, Box<dyn Error>> {
    let mut sessions = Vec::new();
    for bot in bots {
        sessions.push(world.sign_in(bot).await?.id);
    }
    let mut refused = 0;
    for _ in 0..5 {
        for (session, nth) in sessions.iter().zip(0..) {
            *asked += 1;
            let number = Phone::parse(&format!("+2526{:08}", 10_000_000 + *asked))?;
            let from = SourceAddress::from(IpAddr::from([198, 51, 100, nth % ADDRESSES]));
            match world.security.two_factor().ask_sms(*session, Some(&number), &from).await {
                Ok(_) => {}
                Err(portcullis::Error::Refused(no)) if no.missing() == [Gate::Budget] => refused += 1,
                Err(error) => return Err(error.into()),
            }
        }
        world.run_worker().await?;
        world.advance(TimeDelta::minutes(2));
    }
    Ok(refused)
}
