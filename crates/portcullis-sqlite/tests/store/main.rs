//! The store as a host sees it: its promises kept in files, batches and races, and its answers those of the reference.

#[cfg(test)]
mod batching;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod common;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod economy;
#[cfg(test)]
mod files;
#[cfg(test)]
mod purge;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod round;
#[cfg(test)]
mod same_as_memory;
#[cfg(test)]
mod stories;
