//! What the benches share: the engine with users to sign in, the same work in bare SQL, and a meter.

pub mod bare;
pub mod bare_postgres;
pub mod crowd;
pub mod files;
pub mod meter;
pub mod ours;
pub mod script;
pub mod tape;
pub mod turns;

/// What a bench step gives, or why the bench can't go on.
pub type Fallible<T> = Result<T, Box<dyn core::error::Error + Send + Sync>>;
