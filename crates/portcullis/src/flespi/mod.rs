//! flespi: a token issued by logging in there or typed by hand, cared for from login to expiry.
//!
//! *Redeem* keeps what a pop-up posted, as an intent; *issue* follows it and makes the token. Whoever is interrupted, the
//! worker finishes, and nothing stays behind at flespi.

pub(crate) mod check;
mod flow;
pub(crate) mod holder;
pub(crate) mod issue;
pub(crate) mod model;
pub(crate) mod notice;
pub(crate) mod posted;
pub(crate) mod rules;
mod view;
mod work;

pub use flow::{Flespi, OpenedToken};
pub use model::FlespiConnection;
pub use view::{
    CheckStatus, Checked, Expiry, FlespiSettings, FlespiState, HandOff, HeldToken, LastCheck, Source,
};
