//! What SMS may cost: budgets, the quota of the account, and which countries are served.
//!
//! Every SMS costs money, and there are people who earn by it: they ask a service for codes to thousands of numbers and
//! share the price with an operator. So each SMS is *charged*, in segments, against every budget at once, in the commit
//! that leaves it to be sent; no budget is ever passed, not even by one. Numbers that nobody has confirmed yet may take
//! only a share of the budgets that many people draw on, so that who makes up numbers leaves the rest to those who only
//! want to sign in.
//!
//! A rule charges in four steps:
//!
//! 1. [`Submission::new`] says who sends to which number. Its [`Submission::subjects`] are read with everything else.
//! 2. [`Submission::left`] compares what was read with the policy. [`Left::lacks`] names everything that is missing.
//! 3. [`Left::charge`] puts the steps on the counters into the changes and gives the [`Charge`], which is kept beside the
//!    message. Where something is missing it does nothing but tell the trail of a budget that is used up.
//! 4. Once, in the commit that gives the message up for good, [`Charge::give_back`] takes it all back. The part that
//!    [`Charge::unverified`] gives is kept beside the challenge and given back in the commit that takes the right code.
//!
//! A commit that ran into a limit (`Exhausted`) is decided anew on a new read, as always: what is exhausted may also be
//! the turn of a window or the crossing of the alert.
//!
//! ```
//! use chrono::DateTime;
//! use portcullis::account::{Period, Service};
//! use portcullis::contact::Phone;
//! use portcullis::decision::Changes;
//! use portcullis::keyring::Keyring;
//! use portcullis::policy::Policy;
//! use portcullis::port::ambient::SystemRandom;
//! use portcullis::port::store::Counts;
//! use portcullis::spend::{Lack, Payer, Standing, Submission};
//! # use portcullis::testing::World;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let w = World::new();
//! # let account = w.account("demo").await?;
//! # let user = w.user(&account, "alice", None).await?;
//! # let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
//! # let keyring = Keyring::generate(&SystemRandom::default(), now)?;
//! # let source = uuid::Uuid::from_u128(7);
//! let policy = Policy::default();
//! let phone = Phone::parse("+37120000045")?;
//! let payer = Payer::new(&user, &account, Service::on(Some(1000), Period::Day));
//! let code = Submission::new(&keyring, &phone, Standing::Confirmed, payer, source);
//!
//! let counters = Counts::new(); // of `code.subjects()`, as they were read
//! let left = code.left(&policy, |counter| counters.get(counter).copied().unwrap_or_default(), now);
//! assert!(left.lacks().is_empty());
//! let mut changes = Changes::none();
//! let charge = left.charge(&mut changes).expect("nothing is missing");
//! assert_eq!(charge.segments(), 1);
//!
//! let payer = Payer::new(&user, &account, Service::off());
//! let code = Submission::new(&keyring, &phone, Standing::Confirmed, payer, source);
//! let left = code.left(&policy, |_| Default::default(), now);
//! assert_eq!(left.lacks(), [Lack::Service]);
//! # Ok(()) }
//! ```

mod country;
mod limits;
mod model;
mod quota;
mod rules;
#[cfg(test)]
mod tests;
mod usage;

pub(crate) use country::serves;
pub(crate) use limits::{checks, longest_window};
pub(crate) use usage::usage;

pub use country::PrefixRule;
pub use model::{Budget, Charge, Lack, Payer, Standing, Submission};
pub use quota::{Quota, Usage};
pub use rules::Left;
pub use usage::{AccountUsage, BudgetUsage};
