//! Rights: flags, access rights, and the verdict that names every missing gate.

pub mod model;

pub use model::{AccessRight, Gate};
