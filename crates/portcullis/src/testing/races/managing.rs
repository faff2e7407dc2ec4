//! Rights taken away while an administrator uses them, for each act there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kit::{Kit, must, word};
use crate::Portcullis;
use crate::account::{Account, NewAccount, Payment};
use crate::contact::Email;
use crate::language::Language;
use crate::manage::{AccountChange, Manage, UserChange};
use crate::port::store::Store;
use crate::rights::{AccessRight, Actor};
use crate::user::{Flag, Login, NewUser, User};

/// An act of an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    CreateUser,
    SetFlags,
    Disable,
    SetLanguage,
    SetAddress,
    EndSessions,
    RemoveFactor,
    SendRecovery,
    GrantOnUser,
    GrantOnAccount,
    CreateAccount,
    RenameAccount,
    BlockAccount,
    Pay,
}

impl Act {
    const ALL: [Self; 14] = [
        Self::CreateUser,
        Self::SetFlags,
        Self::Disable,
        Self::SetLanguage,
        Self::SetAddress,
        Self::EndSessions,
        Self::RemoveFactor,
        Self::SendRecovery,
        Self::GrantOnUser,
        Self::GrantOnAccount,
        Self::CreateAccount,
        Self::RenameAccount,
        Self::BlockAccount,
        Self::Pay,
    ];

    /// The line of the trail in its commit.
    const fn told(self) -> &'static str {
        match self {
            Self::CreateUser => "user_created",
            Self::SetFlags => "flags_changed",
            Self::Disable => "disabled",
            Self::SetLanguage => "settings_changed",
            Self::SetAddress => "email_pending",
            Self::EndSessions => "all_sessions_ended",
            Self::RemoveFactor => "two_factor_removed",
            Self::SendRecovery => "recovery_started",
            Self::GrantOnUser | Self::GrantOnAccount => "rights_changed",
            Self::CreateAccount => "account_created",
            Self::RenameAccount => "account_changed",
            Self::BlockAccount => "account_blocked",
            Self::Pay => "payment_recorded",
        }
    }

    /// The right with the target that is enough for it; `None` where only managing the account is.
    const fn right(self) -> Option<AccessRight> {
        match self {
            Self::SetFlags | Self::Disable | Self::EndSessions | Self::RemoveFactor | Self::SendRecovery => {
                Some(AccessRight::EditFlags)
            }
            Self::SetLanguage | Self::SetAddress => Some(AccessRight::EditOther),
            Self::GrantOnUser => Some(AccessRight::ManageAccess),
            Self::CreateUser
            | Self::GrantOnAccount
            | Self::CreateAccount
            | Self::RenameAccount
            | Self::BlockAccount
            | Self::Pay => None,
        }
    }
}

/// What an act is done to.
#[derive(Clone, Debug)]
struct Scene {
    account: Account,
    target: User,
    address: Email,
    login: String,
}

async fn done(manage: Manage<'_>, act: Act, scene: &Scene) -> &'static str {
    let (target, account) = (scene.target.id, scene.account.id);
    let change = UserChange::default();
    let view = BTreeSet::from([AccessRight::View]);
    match act {
        Act::CreateUser => {
            let login = must("a login", Login::parse(&scene.login));
            word(&manage.create_user(NewUser::new(login, account)).await)
        }
        Act::SetFlags => word(&manage.change_user(target, &change.flag(Flag::SendSms, false)).await),
        Act::Disable => word(&manage.change_user(target, &change.disabled(true)).await),
        Act::SetLanguage => word(&manage.change_user(target, &change.language(Language::RU)).await),
        Act::SetAddress => word(&manage.change_user(target, &change.email(scene.address.clone())).await),
        Act::EndSessions => word(&manage.end_sessions(target).await),
        Act::RemoveFactor => word(&manage.remove_two_factor(target).await),
        Act::SendRecovery => word(&manage.send_recovery(target).await),
        Act::GrantOnUser => word(&manage.grant(target.uuid(), target, &view).await),
        Act::GrantOnAccount => word(&manage.grant(account.uuid(), target, &view).await),
        Act::CreateAccount => word(&manage.create_account(NewAccount::named("low").under(account)).await),
        Act::RenameAccount => {
            word(&manage.change_account(account, &AccountChange::default().name("other")).await)
        }
        Act::Pay => word(&manage.pay(account, &Payment::new("races").days(1)).await),
        Act::BlockAccount => {
            word(&manage.change_account(account, &AccountChange::default().blocked(true)).await)
        }
    }
}

/// Each act of an administrator, its rights read and about to be kept, while his right is taken away: it is told that
/// there is no such user or account, and nothing came of it, whether the right was kept with the user or the account.
pub async fn a_revoked_right_stops_every_act(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "a_revoked_right_stops_every_act");
    for (nth, act) in Act::ALL.into_iter().enumerate() {
        for with_user in [false, true] {
            let right = match (with_user, act.right()) {
                (false, _) => AccessRight::ManageAccount,
                (true, Some(right)) => right,
                (true, None) => continue,
            };
            let name = format!("{nth}{}", u8::from(with_user));
            let account = kit.account().await;
            let (admin, session) = kit.user(&account, &format!("admin{name}")).await;
            let (target, _) = kit.two_factor(&account, &format!("target{name}")).await;
            let scene = Scene {
                account,
                target,
                address: kit.address(&format!("new{name}")),
                login: kit.login(&format!("created{name}")),
            };
            let held = BTreeSet::from([right, AccessRight::View]);
            let security = kit.world.security.clone();
            let set = async |held: &BTreeSet<AccessRight>| {
                let rights = security.rights();
                let kept = if with_user {
                    rights.grant_on_user(Actor::Program, scene.target.id, admin.id, held).await
                } else {
                    rights.grant_on_account(Actor::Program, scene.account.id, admin.id, held).await
                };
                must("the right", kept);
            };
            set(&held).await;
            let before = standing(&security, &scene).await;
            let gate = kit.stage.hold(act.told());
            let (other, there) = (security.clone(), scene.clone());
            let late =
                tokio::spawn(
                    async move { done(other.manage(Actor::Session(session.id)), act, &there).await },
                );
            gate.somebody_waits().await;
            // The revocation of rights leaves the same line as granting, and would wait at the same gate.
            if matches!(act, Act::GrantOnUser | Act::GrantOnAccount) {
                let manage = security.manage(Actor::Program);
                let disabled = UserChange::default().disabled(true);
                must("disabling the administrator", manage.change_user(admin.id, &disabled).await);
            } else {
                set(&BTreeSet::new()).await;
            }
            gate.open();
            let answer = late.await.expect("the late act is answered");
            assert!(matches!(answer, "not_found" | "signed_out"), "{act:?} {right:?}: {answer}");
            let after = standing(&security, &scene).await;
            assert_eq!(after, before, "{act:?} {right:?}: nothing came of it");
        }
    }
}

/// All that an act could have changed.
async fn standing(security: &Portcullis, scene: &Scene) -> String {
    let user = must("the target", security.users().get(scene.target.id).await);
    let account = must("the account", security.accounts().get(scene.account.id).await);
    let login = must("a login", Login::parse(&scene.login));
    let created = security.users().by_login(&login).await.is_ok();
    let (flags, pending) = (user.flags.clone(), user.pending_email.is_some());
    let rights = (user.rights.contains_key(&scene.target.id), account.rights.contains_key(&scene.target.id));
    let (version, language, factor) =
        (user.credential_version, user.language.as_str(), user.two_factor.name());
    format!(
        "{flags:?} {pending} {} {version} {language} {factor} {rights:?} {} {} {created}",
        user.disabled,
        account.name,
        account.blocked || account.days.value != 0
    )
}
