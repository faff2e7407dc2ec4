//! The adapter against the stand-in, and against servers that answer what flespi never would.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod strings;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
