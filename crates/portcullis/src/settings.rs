//! The whole Security tab of a user as one read model, each control with its verdict.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::account::{Account, Service, TimeZone};
use crate::challenge::Challenge;
use crate::decision::{Changes, Decision, Stored};
use crate::email::EmailSettings;
use crate::engine::record::View;
use crate::engine::{Engine, Portcullis};
use crate::error::Error;
use crate::flespi::FlespiSettings;
use crate::id::{AccountId, ChallengeId, SessionId, UserId};
use crate::language::Language;
use crate::notice::rules::Calendar;
use crate::notice::{NoticeSettings, switch};
use crate::password::PasswordSettings;
use crate::port::store::Count;
use crate::session::CurrentSession;
use crate::session::model::Acting;
use crate::two_factor::{PhoneSettings, TwoFactorSettings};
use crate::user::Login;
use crate::{challenge, email, password, two_factor};

/// The Security tab as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecuritySettings {
    /// The acting session.
    pub session: CurrentSession,
    /// The user.
    pub user: UserSettings,
    /// The address.
    pub email: EmailSettings,
    /// The phone number.
    pub phone: PhoneSettings,
    /// The password.
    pub password: PasswordSettings,
    /// Two-factor authentication.
    pub two_factor: TwoFactorSettings,
    /// Notices.
    pub notices: NoticeSettings,
    /// The flespi connection; `None` where the engine was built without what calls flespi.
    pub flespi: Option<FlespiSettings>,
    /// The account.
    pub account: AccountSettings,
    /// The sessions.
    pub sessions: SessionSettings,
    /// Code points a password needs to be the only factor.
    pub password_minimum_alone: u32,
}

/// The user as he sees himself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSettings {
    /// The id.
    pub id: UserId,
    /// The login.
    pub login: Login,
    /// The language of pages and messages.
    pub language: Language,
    /// The time zone of pages and messages.
    pub time_zone: TimeZone,
}

/// The user's sessions in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSettings {
    /// How many are live, the acting one included.
    pub count: u32,
}

/// The account as its users see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountSettings {
    /// The id.
    pub id: AccountId,
    /// The name.
    pub name: String,
    /// Whether it or an account above it is blocked; nobody sees his own tab then.
    pub blocked: bool,
    /// When it or an account above it is blocked by its days, if nothing changes.
    pub blocks_at: Option<DateTime<Utc>>,
    /// How many days are left until then, by the user's calendar; 0 on the last day.
    pub days_left: Option<u32>,
    /// What it may use, by name.
    pub services: BTreeMap<String, Service>,
}

impl Portcullis {
    /// Gives the whole Security tab of the user whose session acts: one read, one more while a code is waited for, and one list of the user's sessions. A session found dead is removed, so that
    /// it stays dead if the clock steps back.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let tab = security.settings(session.id).await?;
    /// assert_eq!(tab.email.address.as_deref(), Some("alice@example.com"));
    /// let choices = tab.two_factor.options.iter().map(|option| (option.method.name(), option.verdict.is_allowed()));
    /// assert!(choices.eq([("none", true), ("email", true), ("sms", false)]), "the account has no SMS service");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refused `signed_out`.
    pub async fn settings(&self, session: SessionId) -> Result<SecuritySettings, Error> {
        let engine = &self.engine;
        let ((mut tab, codes), acting, now) = engine
            .act(session, &[], &[], |acting, view, t| {
                let (mut tab, codes) = engine.tab(view, acting)?;
                tab.flespi = engine.flespi_settings(view, acting)?;
                Ok(Decision::yes(((tab, codes), acting.clone(), t.now), Changes::none()))
            })
            .await?;
        let [confirming, enabling] = engine.deliveries(codes).await?;
        if let Some(pending) = tab.email.pending.as_mut() {
            pending.code.delivery = confirming;
        }
        if let Some(pending) = tab.two_factor.pending.as_mut() {
            pending.code.delivery = enabling;
        }
        tab.sessions.count = engine.live_sessions(&acting, now).await?.count;
        Ok(tab)
    }
}

impl Engine {
    /// The whole tab, but for the number of sessions, and for what came of the messages with the codes that are waited for:
    /// of the one that confirms an address, and of the one that switches two-factor authentication on.
    fn tab(&self, view: &View, acting: &Acting) -> Result<(SecuritySettings, [Option<Challenge>; 2]), Error> {
        let policy = &self.policy;
        let user = &acting.user.value;
        let account: &Account = match acting.chain.0.first() {
            Some(account) => &account.value,
            None => return Err(Error::Corrupt { kind: "user".into(), why: "its account is missing" }),
        };
        let live = |id: Option<ChallengeId>| -> Result<(Option<Stored<Challenge>>, Count), Error> {
            let Some(id) = id else {
                return Ok((None, Count::default()));
            };
            let challenge = view.record::<Challenge>(id.uuid())?.filter(|challenge| {
                challenge::rules::death(&challenge.value, user, &acting.chain, view.epoch(), view.now())
                    .is_none()
            });
            Ok((challenge, view.count(&Challenge::attempts(id))))
        };
        let (confirmation, confirmation_attempts) = live(user.pending_email.as_ref().map(|p| p.challenge))?;
        let (enabling, enabling_attempts) = live(user.pending_two_factor)?;
        // A pending address whose code has died waits for nothing any more.
        let mut seen = user.clone();
        if confirmation.is_none() {
            seen.pending_email = None;
        }
        let user = &seen;
        let sms = self.sms_to(view, user, &acting.chain, user.phone.as_ref(), Uuid::nil(), None)?;
        let tab = SecuritySettings {
            session: CurrentSession::from(acting),
            user: UserSettings {
                id: user.id,
                login: user.login.clone(),
                language: user.language.clone(),
                time_zone: user.time_zone,
            },
            email: email::rules::settings(user, confirmation.as_ref(), confirmation_attempts, policy),
            password: password::rules::settings(user, policy),
            phone: two_factor::phone_settings(user, enabling.as_ref()),
            two_factor: two_factor::settings(
                user,
                enabling.as_ref(),
                enabling_attempts,
                &sms.missing,
                policy,
            ),
            notices: switch::settings(user, &acting.chain, policy),
            flespi: None,
            account: AccountSettings {
                id: account.id,
                name: account.name.clone(),
                blocked: acting.chain.blocked(view.now()),
                blocks_at: acting.chain.blocks_at(),
                days_left: Calendar::new(user.time_zone, acting.chain.blocks_at(), policy)
                    .days_ahead(view.now()),
                services: acting.chain.services(),
            },
            sessions: SessionSettings { count: 0 },
            password_minimum_alone: policy.password_minimum_alone,
        };
        Ok((tab, [confirmation, enabling].map(|challenge| challenge.map(|challenge| challenge.value))))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use crate::testing::World;

    #[tokio::test]
    async fn a_session_the_tab_saw_dead_stays_dead() {
        let w = World::new();
        let account = w.account("demo").await.unwrap();
        let alice = w.user(&account, "alice", None).await.unwrap();
        let session = w.sign_in(&alice).await.unwrap();
        w.advance(TimeDelta::hours(12));
        assert!(w.security.settings(session.id).await.is_err());
        w.advance(TimeDelta::hours(-1));
        assert!(w.security.sessions().current(session.id).await.is_err(), "the clock stepped back");
    }
}
