//! A whole engine in the hand of a synchronous test: no runtime, no waiting, every port can be made to fail.
//!
//! ```
//! use portcullis::testing::sync::World;
//!
//! let w = World::new();
//! let alice = w.user("alice").two_factor_email().create();
//! let s = w.sign_in(&alice).code_required();
//! for _ in 0..5 {
//!     s.enter(w.wrong_code(&alice)).refused();
//! }
//! assert_eq!(s.enter(w.last_code(&alice)).refused().code(), "locked");
//! ```
//!
//! ```
//! # use portcullis::testing::sync::World;
//! let w = World::new();
//! let alice = w.user("alice").confirmed_email().notices().days_left(6).create();
//! w.next_day().run_worker();
//! w.run_worker();
//! assert_eq!(w.mail(&alice).count("blocking_notice"), 1);
//! ```
//!
//! ```
//! # use portcullis::testing::sync::World;
//! let w = World::new();
//! let alice = w.user("alice").sms_service(false).can_send_sms(false).create();
//! assert_eq!(w.enable_sms(&alice, "+37120000000").refused().missing(), ["service_sms", "send_sms"]);
//! ```
//!
//! ```
//! # use portcullis::testing::sync::World;
//! let w = World::new();
//! let alice = w.user("alice").two_factor_email().create();
//! w.smtp().down();
//! let s = w.sign_in(&alice).code_required();
//! w.run_worker();
//! assert_eq!(w.waiting(&alice), ["sign_in_code"]);
//! w.smtp().up();
//! w.advance(w.policy().send_retry_first).run_worker();
//! s.enter(w.last_code(&alice)).admitted();
//! ```
//!
//! A host's own code gets the engine by [`World::security`], and is run by [`block_on`](super::block_on). What has no
//! word here is an operation of the engine, run by [`World::run`].
//!
//! What a test did not expect fails it where it stands, with what happened.

mod builder;
mod ledger;
mod post;
mod seen;
mod step;
mod world;

pub use self::builder::WorldBuilder;
pub use self::seen::{Arrived, Seen, Trail};
pub use self::step::{CodeStep, Outcome, Refused, SignedIn};
pub use self::world::World;

#[cfg(test)]
mod tests;
