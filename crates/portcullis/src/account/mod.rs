//! Accounts: customers in a hierarchy, their services, days and balance, their time zone, blocked or not.

mod balance;
pub(crate) mod chain;
mod days;
mod flow;
pub(crate) mod model;
mod payment;
pub(crate) mod rules;
pub(crate) mod service;
mod zone;

pub use balance::{Balance, BalanceChange};
pub use days::{DayCounter, DaysChange};
pub use flow::Accounts;
pub use model::{Account, NewAccount};
pub use payment::{Payment, RecordedPayment};
pub use service::{Period, Service};
pub use zone::TimeZone;
