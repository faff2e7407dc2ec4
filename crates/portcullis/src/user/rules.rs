//! When a user may be created, and what bumps the credential version.

use chrono::{DateTime, Utc};

use super::model::{ConfirmedEmail, Method, NewUser, User};
use crate::account::Account;
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::commit::Try;
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::UserId;
use crate::invitation::rules::{Invitation, invite};
use crate::policy::Policy;

/// The credential version of a new user.
pub(crate) const FIRST_VERSION: u64 = 1;

/// What a creation found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) account: Option<Stored<Account>>,
    /// How many blocks were lifted in the account and those above it.
    pub(crate) lifts: u64,
    pub(crate) creator: Option<Stored<User>>,
    /// The user that has the id already.
    pub(crate) existing: Option<Stored<User>>,
    /// What the last try found another user to hold.
    pub(crate) taken: Option<Reason>,
    /// The link for the address that is invited.
    pub(crate) invitation: Option<Invitation>,
}

/// What the last try found another user to hold.
pub(crate) fn taken(t: &Try) -> Option<Reason> {
    [("login", Reason::LoginTaken), ("email", Reason::AddressTaken), ("external_id", Reason::ExternalIdTaken)]
        .into_iter()
        .find_map(|(key, reason)| t.found_taken(key).then_some(reason))
}

/// Makes a user in an account.
pub(crate) fn create(
    new: &NewUser,
    id: UserId,
    found: &Found,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<User> {
    let (account, creator) = (found.account.as_ref(), found.creator.as_ref());
    // Asked before what is taken: a repeated creation may have lost a race against itself.
    if let Some(existing) = &found.existing {
        let same = existing.value.login == new.login && existing.value.account == new.account;
        return if same {
            Decision::yes(existing.value.clone(), Changes::none())
        } else {
            Decision::no(Reason::InUse.into(), Changes::none())
        };
    }
    if let Some(reason) = found.taken {
        return Decision::no(reason.into(), Changes::none());
    }
    let Some(account) = account else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    if new.creator.is_some() && creator.is_none() {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    }
    let creators: Vec<UserId> = creator
        .map(|creator| {
            std::iter::once(creator.value.id).chain(creator.value.creators.iter().copied()).collect()
        })
        .unwrap_or_default();
    if creators.len() > usize::try_from(policy.chain_longest).unwrap_or(usize::MAX) {
        return Decision::no(Reason::NotAllowed.into(), Changes::none());
    }
    let mut user = fresh(new, id, &account.value, creators, policy, now);
    let mut changes = Changes::none();
    if let (Some(address), Some(invitation)) = (&new.invited_email, found.invitation.clone())
        && let Err(refusal) = invite(&mut changes, &mut user, found.lifts, address, invitation, policy, now)
    {
        return Decision::no(refusal, Changes::none());
    }
    changes.insert(&user);
    changes.guard(account);
    changes.event(Event::of("user_created", user.tenant.uuid(), id.uuid()).by(new.creator.map(UserId::uuid)));
    Decision::yes(user, changes)
}

/// A user that is not stored yet.
pub(crate) fn fresh(
    new: &NewUser,
    id: UserId,
    account: &Account,
    creators: Vec<UserId>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> User {
    User {
        v: Schema::default(),
        id,
        tenant: account.tenant,
        account: account.id,
        ancestors: account.ancestors.clone(),
        creators,
        login: new.login.clone(),
        external_id: new.external_id.clone(),
        password: new.password.clone(),
        password_changed_at: new.password.is_some().then_some(now),
        long_enough_alone: new.password.is_some() && new.long_enough_alone,
        email: new.confirmed_email.clone().map(|address| ConfirmedEmail {
            address,
            confirmed_at: now,
            unique: policy.email_unique,
        }),
        pending_email: None,
        invitation: None,
        claims: Vec::new(),
        phone: None,
        recovered_by_mail: false,
        two_factor: Method::None,
        pending_two_factor: None,
        flags: new.flags.clone(),
        disabled: false,
        credential_version: FIRST_VERSION,
        language: new.language.clone(),
        time_zone: new.time_zone.unwrap_or(account.time_zone),
        blocking_notices: false,
        flespi: None,
        rights: std::collections::BTreeMap::new(),
        created_at: now,
    }
}

/// Marks every session, challenge and remembered browser that relied on the old credentials as dead, and drops what
/// was pending under them.
// INVARIANT: every change of password, address, factor or `disabled` goes through here.
pub(crate) fn bump_credentials(user: &mut User) {
    user.credential_version += 1;
    user.pending_email = None;
    user.invitation = None;
    user.pending_two_factor = None;
}

/// Checks a new user as a whole: who has a password or a proved address needs no invitation.
pub(crate) fn check(new: &NewUser) -> Result<(), InputError> {
    check_external_id(new.external_id.as_deref())?;
    if new.invited_email.is_some() && (new.password.is_some() || new.confirmed_email.is_some()) {
        return Err(InputError::new(
            "email",
            "invalid_invitation",
            "who has a password or a confirmed address is not invited",
        ));
    }
    Ok(())
}

/// Checks an id given by another system.
pub(crate) fn check_external_id(external_id: Option<&str>) -> Result<(), InputError> {
    match external_id {
        Some(id) if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) => {
            Err(InputError::new(
                "external_id",
                "invalid_external_id",
                "an external id has 1 to 200 bytes and no control characters",
            ))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Entity;
    use crate::fixture::*;
    use crate::id::AccountId;
    use crate::user::Login;
    use crate::user::model::PendingEmail;

    fn found() -> Found {
        Found { account: Some(stored(under(&account(1), 3))), ..Found::default() }
    }

    fn new() -> NewUser {
        NewUser::new(Login::parse("user2").unwrap(), AccountId::from_uuid(uuid(3)))
    }

    fn made(new: &NewUser, found: &Found) -> Decision<User> {
        create(new, UserId::from_uuid(uuid(2)), found, &Policy::default(), began())
    }

    fn refused(new: &NewUser, found: &Found) -> Reason {
        let decision = made(new, found);
        assert!(decision.changes.is_empty());
        decision.reply.unwrap_err().reason()
    }

    #[test]
    fn a_user_belongs_to_the_tenant_of_the_account_which_is_pinned() {
        let decision = made(&new(), &found());
        assert_eq!(touched(&decision.changes), [uuid(2), uuid(3)]);
        assert_eq!(trail(&decision.changes), ["user_created: -"]);
        let user = decision.reply.unwrap();
        assert_eq!((user.tenant.uuid(), user.account.uuid()), (uuid(1), uuid(3)));
        assert_eq!(user.ancestors, [AccountId::from_uuid(uuid(1))]);
        assert_eq!((user.two_factor, user.disabled, user.flags.iter().count()), (Method::None, false, 0));
    }

    #[test]
    fn without_a_password_nothing_is_long_enough() {
        let mut new = new();
        new.long_enough_alone = true;
        assert!(!made(&new, &found()).reply.unwrap().long_enough_alone);
        new.password = user(2, &account(1)).password;
        let user = made(&new, &found()).reply.unwrap();
        assert_eq!((user.long_enough_alone, user.password_changed_at), (true, Some(began())));
    }

    #[test]
    fn whether_an_address_is_unique_is_the_policys_word() {
        let mut new = new();
        new.confirmed_email = Some(email("a@example.com"));
        for (policy, unique) in [(Policy::default(), true), (Policy::wialon_hosting(), false)] {
            let user = create(&new, UserId::from_uuid(uuid(2)), &found(), &policy, began()).reply.unwrap();
            assert_eq!(user.email.unwrap().unique, unique);
        }
    }

    #[test]
    fn what_is_missing_or_taken_is_refused() {
        assert_eq!(refused(&new(), &Found::default()), Reason::NotFound);
        let mut made_by = new();
        made_by.creator = Some(UserId::from_uuid(uuid(8)));
        assert_eq!(refused(&made_by, &found()), Reason::NotFound);
        for taken in [Reason::LoginTaken, Reason::AddressTaken, Reason::ExternalIdTaken] {
            assert_eq!(refused(&new(), &Found { taken: Some(taken), ..found() }), taken);
        }
    }

    #[test]
    fn the_same_creation_again_gives_the_user_also_when_it_raced_itself() {
        let mut existing = user(2, &account(3));
        existing.account = AccountId::from_uuid(uuid(3));
        let raced =
            Found { existing: Some(stored(existing.clone())), taken: Some(Reason::LoginTaken), ..found() };
        let decision = made(&new(), &raced);
        assert!(decision.changes.is_empty());
        assert_eq!(decision.reply.unwrap().id, existing.id);
        existing.login = Login::parse("other").unwrap();
        assert_eq!(refused(&new(), &Found { existing: Some(stored(existing)), ..found() }), Reason::InUse);
    }

    #[test]
    fn the_chain_of_creators_is_at_most_16_long() {
        let mut new = new();
        let mut creator = user(8, &account(1));
        new.creator = Some(creator.id);
        creator.creators = (20..35).map(|n| UserId::from_uuid(uuid(n))).collect();
        let by = |creator: &User| Found { creator: Some(stored(creator.clone())), ..found() };
        let made = made(&new, &by(&creator)).reply.unwrap();
        assert_eq!((made.creators.len(), made.creators.first()), (16, Some(&creator.id)));
        creator.creators.push(UserId::from_uuid(uuid(35)));
        assert_eq!(refused(&new, &by(&creator)), Reason::NotAllowed);
    }

    #[test]
    fn what_relied_on_the_old_credentials_is_dropped() {
        let mut user = user(2, &account(1));
        let challenge = crate::id::ChallengeId::from_uuid(uuid(800));
        user.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge));
        user.pending_two_factor = Some(challenge);
        bump_credentials(&mut user);
        assert_eq!(user.credential_version, 2);
        assert!(user.pending_email.is_none() && user.pending_two_factor.is_none());
    }

    #[test]
    fn an_external_id_is_one_tenants_own() {
        let keys = |tenant| {
            let mut new = new();
            new.external_id = Some("crm-2".to_owned());
            let found = Found { account: Some(stored(account(tenant))), ..Found::default() };
            let user = made(&new, &found).reply.unwrap();
            Entity::keys(&user).into_iter().filter(|key| key.name == "external_id").collect::<Vec<_>>()
        };
        assert!(matches!(&keys(1)[..], [key] if key.unique));
        assert_eq!(keys(1), keys(1));
        assert_ne!(keys(1), keys(2));
    }

    #[test]
    fn an_external_id_has_1_to_200_bytes() {
        assert!(check_external_id(None).is_ok() && check_external_id(Some(&"a".repeat(200))).is_ok());
        for id in ["", "a\tb", &"a".repeat(201)] {
            assert_eq!(check_external_id(Some(id)).unwrap_err().code(), "invalid_external_id", "{id:?}");
        }
    }
}
