//! Contacts.
/// An address.
#[derive(Clone, Debug)]
pub struct Email(String);
