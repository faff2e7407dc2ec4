//! Secrets.
use secrecy::SecretString;
/// A code.
#[derive(Clone, Debug)]
pub struct Code(SecretString);
