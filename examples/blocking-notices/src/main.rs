//! Seven days until an account is blocked: who is mailed when, and what happens when the mail server is down that day.
//!
//! ```sh
//! cargo run -p blocking-notices
//! ```
//!
//! The whole engine runs in memory on a clock that is moved, so a week takes a second, and is the same week each time.
//! Alice has asked for notices and Bob has not.

#![expect(clippy::print_stdout, reason = "a story is told on standard output")]

use std::error::Error;

use chrono::{Datelike as _, TimeDelta, Timelike as _};
use portcullis::account::{DaysChange, NewAccount};
use portcullis::port::message::SendError;
use portcullis::testing::World;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new();
    let days = DaysChange::default().left(7).counting(true);
    let account = world.security.accounts().create(NewAccount::named("Fleet").with_days(days)).await?;
    let alice = world.user(&account, "alice", Some("alice@example.com")).await?;
    world.user(&account, "bob", Some("bob@example.com")).await?;
    let session = world.sign_in(&alice).await?;
    world.security.notices().set_blocking(session.id, true).await?;
    println!("{}  alice asks for notices, bob does not", clock(&world));

    for _ in 0..8 * 24 {
        world.advance(TimeDelta::hours(1));
        let (day, hour) = (world.now().day(), world.now().hour());
        if hour == 8 {
            match world.sign_in(&alice).await {
                Ok(session) => {
                    let left =
                        world.security.settings(session.id).await?.account.days_left.unwrap_or_default();
                    println!("\n{}  days left, as the Security tab says: {left}", clock(&world));
                }
                // Whoever only knows a login is not told that the account is blocked.
                Err(no) => println!("\n{}  alice can't sign in: {no}", clock(&world)),
            }
        }
        if (day, hour) == (22, 8) {
            println!("{}  the mail server goes down", clock(&world));
            world.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
        } else if (day, hour) == (22, 14) {
            println!("{}  the mail server is back", clock(&world));
            world.mailbox.fail_with(None);
        }
        world.run_worker().await?; // every hour; in a service `worker().spawn()` looks by itself
        for mail in world.mailbox.take() {
            println!("{}  to {}: {}", clock(&world), mail.to.as_str(), mail.subject);
        }
    }
    Ok(())
}

fn clock(world: &World) -> String {
    world.now().format("%a %d %b %H:%M").to_string()
}
