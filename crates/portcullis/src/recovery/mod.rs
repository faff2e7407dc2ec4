//! Recovery: getting back in by a mailed link, without the password.

pub(crate) mod rules;
