//! The stand-in from outside, over HTTP.

#[cfg(test)]
mod api;
#[cfg(test)]
mod control;
#[cfg(test)]
mod login;
#[cfg(test)]
mod published;
#[cfg(test)]
mod support;
