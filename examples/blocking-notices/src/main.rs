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

use chrono::{TimeDelta, Timelike as _};
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
    println!("{}  alice asks for notices, bob does not", world.now().format("%a %d %b %H:%M"));

    // A worker looks every hour, as it would in a service.
    for _ in 0..8 * 24 {
        world.advance(TimeDelta::hours(1));
        let now = world.now();
        if now.hour() == 8 {
            match world.sign_in(&alice).await {
                Ok(session) => {
                    let left =
                        world.security.settings(session.id).await?.account.days_left.unwrap_or_default();
                    println!(
                        "\n{}  days left, as the Security tab says: {left}",
                        now.format("%a %d %b %H:%M")
                    );
                }
                // Whoever only knows a login is not told that the account is blocked.
                Err(no) => println!("\n{}  alice can't sign in: {no}", now.format("%a %d %b %H:%M")),
            }
        }
        let down = now.format("%d %H").to_string();
        if down == "22 08" {
            println!("{}  the mail server goes down", now.format("%a %d %b %H:%M"));
            world.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
        } else if down == "22 14" {
            println!("{}  the mail server is back", now.format("%a %d %b %H:%M"));
            world.mailbox.fail_with(None);
        }
        world.run_worker().await?;
        for mail in world.mailbox.take() {
            println!("{}  to {}: {}", now.format("%a %d %b %H:%M"), mail.to.as_str(), mail.subject);
        }
    }
    Ok(())
}
