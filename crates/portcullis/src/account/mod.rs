//! Accounts: customers in a hierarchy, their services, their time zone, blocked or not.

mod flow;
pub(crate) mod model;
pub(crate) mod rules;

pub use flow::Accounts;
pub use model::{Account, NewAccount, Period, Service, TimeZone};
