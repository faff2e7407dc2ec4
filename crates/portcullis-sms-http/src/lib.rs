#![doc = include_str!("../README.md")]

mod answer;
mod callback;
mod endpoint;
mod from;
mod gateway;
mod kannel;
mod options;
mod outcome;
mod receipts;
mod sender;
mod transport;
mod twilio;

pub use callback::Callback;
pub use gateway::Gateway;
pub use options::{SetupError, SmsHttpOptions};
pub use receipts::{Receipts, Rejected, kannel_report, twilio_report};
pub use sender::SmsHttp;
