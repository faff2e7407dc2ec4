//! The pages for administrators: users, accounts and the audit trail. They are plain forms in every browser.

mod account;
mod billing;
mod note;
mod rights;
mod samples;
mod trail;
mod user;
mod users;

#[cfg(test)]
pub(crate) use account::PERIODS;
pub(crate) use account::{AccountLine, AccountPage, AccountsPage, Block, NewAccountPage, ServiceFields};
pub(crate) use billing::{Billing, PaymentFields, PaymentLine, UsageFacts, UsageLine};
pub(crate) use note::{AdminSaid, Note, Place, Trouble};
pub(crate) use rights::{HolderLine, RIGHTS, RightsForm};
pub(super) use samples::pages;
pub(crate) use trail::{Doer, TrailLine, TrailPage};
pub(crate) use user::{AdminAddress, FLAGS, FlagBox, UserFacts, UserPage, gates_of};
pub(crate) use users::{Choice, NewUserPage, NotFoundPage, UserLine, UsersPage};

/// The part of the administration a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Users.
    Users,
    /// Accounts.
    Accounts,
    /// The own audit trail.
    Trail,
}
