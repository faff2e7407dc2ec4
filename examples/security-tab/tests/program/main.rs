//! The program from outside: its command line, JSON, forms without a script, and `/dev`.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod billing;
#[cfg(test)]
mod dev;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod init;
#[cfg(test)]
mod json;
#[cfg(test)]
mod kannel;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod links;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod password;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod postgres_faults;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sms;
#[cfg(test)]
mod stale;
#[cfg(test)]
mod start;
#[cfg(test)]
mod timeline;
#[cfg(test)]
mod tools;
