//! Ids: one type for each kind of thing, made from a given time and given randomness.
//!
//! An id is a UUIDv7, so ids sort by the time they were made; an id that must be found again without
//! being stored (a decoy user, a message that may exist once a day) is a UUIDv8 made by
//! [`Keyring::derive`](crate::keyring::Keyring::derive). Ids are not secrets.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Makes a UUIDv7 of the given instant (milliseconds) and randomness.
///
/// The same inputs give the same id. An instant before 1970 counts as 1970.
///
/// ```
/// use chrono::DateTime;
/// let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
/// let id = portcullis::id::uuid_v7(at, [7; 10]);
/// assert_eq!(id.get_version_num(), 7);
/// assert_eq!(id, portcullis::id::uuid_v7(at, [7; 10]));
/// ```
pub fn uuid_v7(at: DateTime<Utc>, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes an id as it is stored.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// Gives the id as it is stored.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// The id of an account.
    AccountId;
    /// The id of a user.
    UserId;
    /// The id of a request for recovery.
    RequestId;
    /// The id of a payment.
    PaymentId;
    /// The id of a session.
    SessionId;
    /// The id of a challenge.
    ChallengeId;
    /// The id of a message; it is also its Message-ID and idempotency key.
    MessageId;
    /// The id of one commit: the id of its first audit event.
    CommitId;
}

/// The tenant of decoy records, which belong to nobody.
pub const NO_TENANT: AccountId = AccountId(Uuid::nil());
