//! Rights: flags, access rights, and the verdict that names every missing gate.

pub(crate) mod flow;
pub(crate) mod grant;
mod model;
pub(crate) mod rules;

pub use flow::{Actor, Rights};
pub use model::{AccessRight, Gate, Verdict};
pub use rules::Action;
