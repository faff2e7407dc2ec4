//! Real sockets: what the sender makes of every answer, what it never does, what it never says.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod real;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
