//! The sender against a scripted server, and against a real one where the environment names it.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod injection;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod real;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod support;
