//! A world prepared for one operation, and the operation, not yet begun.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::{Account, NewAccount, Payment};
use portcullis::audit::AuditEvent;
use portcullis::contact::{Email, Phone};
use portcullis::error::PortError;
use portcullis::id::{MessageId, PaymentId};
use portcullis::manage::{AccountChange, Manage, UserChange};
use portcullis::memory::MemoryStore;
use portcullis::port::flespi::RegionName;
use portcullis::port::message::{DeliveryReport, DeliveryState, SendError};
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use portcullis::recovery::Identifier;
use portcullis::rights::{AccessRight, Action, Actor};
use portcullis::secret::Password;
use portcullis::sign_in::{Reauthenticated, SignInResult};
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::faulty::FaultyStore;
use portcullis::testing::world::{PASSWORD, World, attempt, source, wrong_code};
use portcullis::testing::{Contents, Dump};
use portcullis::user::{Flag, Flags, Login, NewUser, User};
use uuid::Uuid;

const NUMBER: &str = "+37120000045";

/// The store in memory, which waits once before and once after each call, so that a future can be dropped there.
#[derive(Debug)]
pub(crate) struct Yielding(MemoryStore);

struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Yielding {
    pub(crate) fn contents(&self) -> Contents {
        let mut dump = self.0.contents();
        match dump.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(contents) => contents.unwrap(),
            Poll::Pending => panic!("the store in memory never waits"),
        }
    }
}

macro_rules! yielding {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        Once(false).await;
        let answer = $self.0.$call($($argument),*).await;
        Once(false).await;
        answer
    }};
}

#[async_trait]
impl Store for Yielding {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        yielding!(self.read(read))
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        yielding!(self.list(key, page))
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        yielding!(self.claim(lane, now, until, limit))
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        yielding!(self.waiting(lane, now, at_most))
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        yielding!(self.commit(commit))
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        yielding!(self.audit(subject, page))
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        yielding!(self.purge(what, before, limit))
    }
}

macro_rules! operations {
    ($($name:ident $succeeds:literal $changes:literal,)+) => {
        /// Every public operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Op { $($name,)+ }

        impl Op {
            pub(crate) const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];

            /// Whether the prepared case is answered with yes.
            pub(crate) fn succeeds(self) -> bool {
                match self { $(Self::$name => $succeeds,)+ }
            }

            /// Whether the prepared case keeps something.
            pub(crate) fn changes(self) -> bool {
                match self { $(Self::$name => $changes,)+ }
            }
        }
    };
}

operations! {
    SignIn true true,
    SignInWrong false true,
    SignInUnknown false true,
    SignInAskingCode true true,
    CodeRight true true,
    CodeWrong false true,
    CodeResend true true,
    Reauthenticate true true,
    ReauthenticateAskingCode true true,
    ReauthenticateByCode true true,
    SessionCurrent true false,
    SessionCurrentMoved true true,
    SessionCurrentIdle false true,
    SessionList true false,
    SessionEnd true true,
    SessionEndUnknown false true,
    SessionEndOthers true true,
    SessionEndOthersNone true false,
    SignOut true true,
    EmailSet true true,
    EmailConfirm true true,
    EmailResend true true,
    EmailCancel true true,
    EmailClear true true,
    NoticesOn true true,
    NoticesOff true true,
    NoticesRefused false true,
    NoticesOutlook true false,
    EmailUndoPeek true false,
    EmailUndo true true,
    EmailUndoTwice false true,
    TwoFactorAsk true true,
    TwoFactorEnable true true,
    TwoFactorResend true true,
    TwoFactorCancel true true,
    TwoFactorDisable true true,
    SmsAsk true true,
    SmsAskNoPhone false true,
    SmsEnable true true,
    SmsResend true true,
    SmsSignIn true true,
    SignInPending true false,
    SignInPendingDead false false,
    PhoneRemove true true,
    PhoneRemoveInUse false true,
    DeliveryReport true true,
    DeliveryReportUnknown true false,
    PasswordChange true true,
    PasswordChangeWrong false true,
    RecoveryRequest true true,
    RecoveryRequestSoon true true,
    RecoveryPeek true false,
    RecoverySet true true,
    RecoverySetTwice false true,
    Settings true false,
    UserCreate true true,
    UserPrepare true false,
    UserGet true false,
    UserByLogin true false,
    UserByExternalId true false,
    AccountCreate true true,
    AccountGet true false,
    AccountBlock true true,
    Verdict true false,
    SetFlags true true,
    SetDisabled true true,
    GrantOnUser true true,
    GrantOnAccount true true,
    ManageCreateUser true true,
    ManageUser true false,
    ManageUserUnseen false true,
    ManageByLogin true false,
    ManageByLoginUnseen true true,
    ManageUsers true false,
    ManageChangeUser true true,
    ManageEndSessions true true,
    ManageRemoveTwoFactor true true,
    ManageSendRecovery true true,
    ManageGrant true true,
    ManageTrail true false,
    ManageCreateAccount true true,
    ManageAccount true false,
    ManageUsage true false,
    ManageUsageUnseen false true,
    ManageAccounts true false,
    ManageAllBelow true false,
    ManageChangeAccount true true,
    ManagePay true true,
    ManagePayAgain true false,
    ManagePayments true false,
    VerdictOnAccount true false,
    Audit true false,
    UserCreateInvited true true,
    InvitationSend true true,
    InvitationSendRefused false true,
    InvitationShow true true,
    InvitationSetTaken false true,
    Bootstrap true true,
    BootstrapAgain false false,
    HeldMessages true false,
    ReleaseMessage true true,
    DeadMessages true false,
    ResendMessage true true,
    Backlog true false,
    FlespiBegin true true,
    FlespiRedeem true true,
    FlespiRedeemDead false true,
    FlespiManual true true,
    FlespiCheck true true,
    FlespiDisconnect true true,
    FlespiToken true true,
    Reseal true true,
    WorkerPass true true,
}

fn payment() -> Payment {
    Payment::new("invoice 17").days(30).amount(9_900).under(PaymentId::from_uuid(Uuid::from_u128(17)))
}

/// A prepared world, and the operation.
pub(crate) struct Stage {
    pub(crate) store: Arc<FaultyStore<Yielding>>,
    /// How many messages the operation itself sends.
    pub(crate) messages: u64,
    // Not `Send` would not compile here.
    pub(crate) operation: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    world: Arc<World>,
}

impl Stage {
    /// Hashes are computed on threads of their own; what was asked is done when a later one is.
    pub(crate) fn let_hashes_finish(&self) {
        self.world.let_hashes_finish();
    }
}

/// Prepares the world for an operation. The same operation is always prepared alike, to the last byte.
#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
pub(crate) async fn prepare(op: Op) -> Stage {
    let store = Arc::new(FaultyStore::new(Yielding(MemoryStore::new())));
    let w = Arc::new(World::on(Arc::clone(&store) as Arc<dyn Store>));
    let account = w.account_with_sms("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let bob = w.user(&account, "bob", None).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    let s = w.security.clone();
    let address = Email::parse("new@example.com").unwrap();
    let password = || Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let rights: BTreeSet<_> = AccessRight::ALL.into_iter().collect();
    let program = Actor::Program;
    s.rights().grant_on_account(program, account.id, alice.id, &rights).await.unwrap();
    let mut messages = 0;

    let operation: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> =
        match op {
            Op::SignIn => {
                Box::pin(
                    async move { s.sign_in().start(&alice.login, &password(), &attempt()).await.map(drop) },
                )
            }
            Op::SignInWrong => Box::pin(async move {
                let wrong = Password::parse("not this one".to_owned(), "password")?;
                s.sign_in().start(&alice.login, &wrong, &attempt()).await.map(drop)
            }),
            Op::SignInUnknown => Box::pin(async move {
                let nobody = Login::parse("nobody")?;
                s.sign_in().start(&nobody, &password(), &attempt()).await.map(drop)
            }),
            Op::SignInAskingCode => {
                w.switch_on(session, &alice).await.unwrap();
                Box::pin(
                    async move { s.sign_in().start(&alice.login, &password(), &attempt()).await.map(drop) },
                )
            }
            Op::CodeRight | Op::CodeWrong | Op::CodeResend => {
                w.switch_on(session, &alice).await.unwrap();
                let SignInResult::CodeRequired { code: asked, .. } =
                    s.sign_in().start(&alice.login, &password(), &attempt()).await.unwrap()
                else {
                    panic!("a code is asked")
                };
                w.run_worker().await.unwrap();
                let code = w.code_of(&alice).await.unwrap();
                match op {
                    Op::CodeResend => {
                        w.advance(TimeDelta::minutes(1));
                        Box::pin(async move { s.sign_in().resend(asked.id, &attempt()).await.map(drop) })
                    }
                    Op::CodeWrong => Box::pin(async move {
                        s.sign_in().code(asked.id, &wrong_code(&code), &attempt(), None).await.map(drop)
                    }),
                    _ => Box::pin(async move {
                        s.sign_in().code(asked.id, &code, &attempt(), None).await.map(drop)
                    }),
                }
            }
            Op::Reauthenticate => Box::pin(async move {
                s.sign_in().reauthenticate(session, &password(), &attempt()).await.map(drop)
            }),
            Op::ReauthenticateAskingCode => {
                let session = w.switch_on(session, &alice).await.unwrap().id;
                Box::pin(async move {
                    s.sign_in().reauthenticate(session, &password(), &attempt()).await.map(drop)
                })
            }
            Op::ReauthenticateByCode => {
                let session = w.switch_on(session, &alice).await.unwrap().id;
                let Reauthenticated::CodeRequired { code: asked, .. } =
                    s.sign_in().reauthenticate(session, &password(), &attempt()).await.unwrap()
                else {
                    panic!("a code is asked")
                };
                w.run_worker().await.unwrap();
                let code = w.code_of(&alice).await.unwrap();
                Box::pin(async move {
                    s.sign_in().code(asked.id, &code, &attempt(), Some(session)).await.map(drop)
                })
            }
            Op::SessionCurrent => Box::pin(async move { s.sessions().current(session).await.map(drop) }),
            Op::SessionCurrentMoved => {
                w.advance(TimeDelta::minutes(20));
                Box::pin(async move { s.sessions().current(session).await.map(drop) })
            }
            Op::SessionCurrentIdle => {
                w.advance(TimeDelta::hours(12));
                Box::pin(async move { s.sessions().current(session).await.map(drop) })
            }
            Op::SessionEnd => {
                let other = w.sign_in(&alice).await.unwrap().id;
                Box::pin(async move { s.sessions().end(session, other).await })
            }
            Op::SessionEndUnknown => {
                let other = w.sign_in(&bob).await.unwrap().id;
                Box::pin(async move { s.sessions().end(session, other).await })
            }
            Op::SessionEndOthers | Op::SessionEndOthersNone => {
                if op == Op::SessionEndOthers {
                    w.sign_in(&alice).await.unwrap();
                }
                Box::pin(async move { s.sessions().end_others(session).await.map(drop) })
            }
            Op::SessionList => Box::pin(async move { s.sessions().list(session).await.map(drop) }),
            Op::SignOut => Box::pin(async move { s.sessions().sign_out(session).await }),
            Op::EmailSet => Box::pin(async move { s.email().set(session, &address).await.map(drop) }),
            Op::EmailConfirm | Op::EmailResend | Op::EmailCancel => {
                let asked = s.email().set(session, &address).await.unwrap();
                w.run_worker().await.unwrap();
                let code = w.mailbox.last_code("new@example.com").unwrap();
                w.advance(TimeDelta::minutes(1));
                match op {
                    Op::EmailResend => {
                        Box::pin(
                            async move { s.email().resend(session, asked.id, &source()).await.map(drop) },
                        )
                    }
                    Op::EmailCancel => Box::pin(async move { s.email().cancel(session).await }),
                    _ => Box::pin(async move {
                        s.email().confirm(session, asked.id, &code, &source()).await.map(drop)
                    }),
                }
            }
            Op::NoticesOn => Box::pin(async move { s.notices().set_blocking(session, true).await.map(drop) }),
            Op::NoticesOff => {
                s.notices().set_blocking(session, true).await.unwrap();
                Box::pin(async move { s.notices().set_blocking(session, false).await.map(drop) })
            }
            Op::NoticesRefused => {
                let session = w.sign_in(&bob).await.unwrap().id;
                Box::pin(async move { s.notices().set_blocking(session, true).await.map(drop) })
            }
            Op::NoticesOutlook => Box::pin(async move { s.notices().outlook(alice.id).await.map(drop) }),
            Op::EmailClear => Box::pin(async move { s.email().clear(session).await.map(drop) }),
            Op::EmailUndoPeek | Op::EmailUndo | Op::EmailUndoTwice => {
                s.email().clear(session).await.unwrap();
                w.run_worker().await.unwrap();
                let token = w.mailbox.last_link("alice@example.com").unwrap();
                if op == Op::EmailUndoTwice {
                    s.email().undo(&token, &attempt()).await.unwrap();
                }
                match op {
                    Op::EmailUndoPeek => Box::pin(async move { s.email().peek_undo(&token).await.map(drop) }),
                    _ => Box::pin(async move { s.email().undo(&token, &attempt()).await }),
                }
            }
            Op::TwoFactorAsk => Box::pin(async move { s.two_factor().ask(session, None).await.map(drop) }),
            Op::TwoFactorEnable | Op::TwoFactorResend | Op::TwoFactorCancel => {
                let asked = s.two_factor().ask(session, None).await.unwrap();
                w.run_worker().await.unwrap();
                let code = w.code_of(&alice).await.unwrap();
                w.advance(TimeDelta::minutes(1));
                match op {
                    Op::TwoFactorResend => Box::pin(async move {
                        s.two_factor().resend(session, asked.id, &source()).await.map(drop)
                    }),
                    Op::TwoFactorCancel => Box::pin(async move { s.two_factor().cancel(session).await }),
                    _ => Box::pin(async move {
                        s.two_factor().enable(session, asked.id, &code, &source()).await.map(drop)
                    }),
                }
            }
            Op::SmsAsk => Box::pin(async move {
                let phone = Phone::parse(NUMBER)?;
                s.two_factor().ask_sms(session, Some(&phone), &source()).await.map(drop)
            }),
            Op::SmsAskNoPhone => {
                Box::pin(async move { s.two_factor().ask_sms(session, None, &source()).await.map(drop) })
            }
            Op::SmsEnable | Op::SmsResend | Op::DeliveryReport => {
                let phone = Phone::parse(NUMBER).unwrap();
                let asked = s.two_factor().ask_sms(session, Some(&phone), &source()).await.unwrap();
                w.run_worker().await.unwrap();
                let code = w.handset.last_code(NUMBER).unwrap();
                let sent = w.handset.submitted().first().unwrap().id;
                w.advance(TimeDelta::minutes(2));
                match op {
                    Op::SmsResend => Box::pin(async move {
                        s.two_factor().resend(session, asked.id, &source()).await.map(drop)
                    }),
                    Op::DeliveryReport => Box::pin(async move {
                        let report = DeliveryReport::new(sent, DeliveryState::Delivered);
                        s.delivery_report(&report).await.map(drop)
                    }),
                    _ => Box::pin(async move {
                        s.two_factor().enable(session, asked.id, &code, &source()).await.map(drop)
                    }),
                }
            }
            Op::DeliveryReportUnknown => Box::pin(async move {
                let unknown = MessageId::from_uuid(Uuid::from_u128(7));
                let report = DeliveryReport::new(unknown, DeliveryState::Delivered);
                s.delivery_report(&report).await.map(drop)
            }),
            Op::SmsSignIn => {
                w.switch_sms_on(session, NUMBER).await.unwrap();
                w.advance(TimeDelta::minutes(2));
                Box::pin(
                    async move { s.sign_in().start(&alice.login, &password(), &attempt()).await.map(drop) },
                )
            }
            Op::SignInPending | Op::SignInPendingDead => {
                w.switch_on(session, &alice).await.unwrap();
                let SignInResult::CodeRequired { code: asked, .. } =
                    s.sign_in().start(&alice.login, &password(), &attempt()).await.unwrap()
                else {
                    panic!("a code is asked")
                };
                w.run_worker().await.unwrap();
                if op == Op::SignInPendingDead {
                    w.advance(s.policy().code_life);
                }
                Box::pin(async move { s.sign_in().pending(asked.id).await.map(drop) })
            }
            Op::PhoneRemove | Op::PhoneRemoveInUse => {
                let mut session = w.switch_sms_on(session, NUMBER).await.unwrap().id;
                if op == Op::PhoneRemove {
                    session = s.two_factor().disable(session).await.unwrap().session.id;
                }
                Box::pin(async move { s.phone().remove(session).await.map(drop) })
            }
            Op::TwoFactorDisable => {
                let session = w.switch_on(session, &alice).await.unwrap().id;
                Box::pin(async move { s.two_factor().disable(session).await.map(drop) })
            }
            Op::PasswordChange | Op::PasswordChangeWrong => Box::pin(async move {
                let new = Password::parse("seven quiet lanterns".to_owned(), "new")?;
                let current = if op == Op::PasswordChange { password() } else { new.clone() };
                s.password().change(session, &current, &new, &new, &attempt()).await.map(drop)
            }),
            Op::RecoveryRequest => {
                Box::pin(async move { s.recovery().request(&Identifier::parse("alice")?, &attempt()).await })
            }
            Op::RecoveryRequestSoon | Op::RecoveryPeek | Op::RecoverySet | Op::RecoverySetTwice => {
                s.recovery().request(&Identifier::parse("alice").unwrap(), &attempt()).await.unwrap();
                w.run_worker().await.unwrap();
                let token = w.mailbox.last_link("alice@example.com").unwrap();
                let new = Password::parse("seven quiet lanterns".to_owned(), "new").unwrap();
                if op == Op::RecoverySetTwice {
                    s.recovery().set_password(&token, &new, &new, &attempt()).await.unwrap();
                }
                Box::pin(async move {
                    match op {
                        Op::RecoveryRequestSoon => {
                            s.recovery().request(&Identifier::parse("alice")?, &attempt()).await
                        }
                        Op::RecoveryPeek => s.recovery().peek(&token).await.map(drop),
                        _ => s.recovery().set_password(&token, &new, &new, &attempt()).await,
                    }
                })
            }
            Op::Settings => Box::pin(async move { s.settings(session).await.map(drop) }),
            Op::UserCreate => Box::pin(async move {
                s.users().create(NewUser::new(Login::parse("carol")?, account.id)).await.map(drop)
            }),
            Op::UserPrepare => Box::pin(async move {
                let carol = NewUser::new(Login::parse("carol")?, account.id);
                s.users().prepare(&carol).await.map(drop)
            }),
            Op::UserGet => Box::pin(async move { s.users().get(bob.id).await.map(drop) }),
            Op::UserByLogin => Box::pin(async move { s.users().by_login(&bob.login).await.map(drop) }),
            Op::UserByExternalId => {
                let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
                carol.external_id = Some("crm-7".to_owned());
                s.users().create(carol).await.unwrap();
                Box::pin(async move { s.users().by_external_id(account.tenant, "crm-7").await.map(drop) })
            }
            Op::AccountCreate => Box::pin(async move {
                s.accounts().create(NewAccount::named("child").under(account.id)).await.map(drop)
            }),
            Op::AccountGet => Box::pin(async move { s.accounts().get(account.id).await.map(drop) }),
            Op::AccountBlock => {
                Box::pin(async move { s.accounts().set_blocked(account.id, true).await.map(drop) })
            }
            Op::Verdict => Box::pin(async move {
                s.rights().verdict(session, &Action::SetDisabled(true), bob.id).await.map(drop)
            }),
            Op::SetFlags => Box::pin(async move {
                let flags = Flags::default().with(Flag::ChangePassword, true);
                s.rights().set_flags(Actor::Session(session), bob.id, flags).await.map(drop)
            }),
            Op::SetDisabled => Box::pin(async move {
                s.rights().set_disabled(Actor::Session(session), bob.id, true).await.map(drop)
            }),
            Op::GrantOnUser => Box::pin(async move {
                let rights = [AccessRight::View].into();
                s.rights().grant_on_user(Actor::Session(session), bob.id, alice.id, &rights).await
            }),
            Op::GrantOnAccount => Box::pin(async move {
                let rights = [AccessRight::View].into();
                s.rights().grant_on_account(Actor::Session(session), account.id, bob.id, &rights).await
            }),
            Op::ManageRemoveTwoFactor => {
                w.switch_on(session, &alice).await.unwrap();
                Box::pin(async move { s.manage(program).remove_two_factor(alice.id).await })
            }
            Op::ManageUserUnseen | Op::ManageByLoginUnseen => {
                let session = w.sign_in(&bob).await.unwrap().id;
                Box::pin(async move {
                    let bob = s.manage(Actor::Session(session));
                    if op == Op::ManageUserUnseen {
                        bob.user(alice.id).await.map(drop)
                    } else {
                        bob.user_by_login(&alice.login).await.map(drop)
                    }
                })
            }
            Op::ManageUsageUnseen => {
                let session = w.sign_in(&bob).await.unwrap().id;
                Box::pin(async move {
                    manage(s.manage(Actor::Session(session)), op, &account, &alice, &bob).await
                })
            }
            Op::ManagePayAgain => {
                s.manage(program).pay(account.id, &payment()).await.unwrap();
                Box::pin(async move {
                    manage(s.manage(Actor::Session(session)), op, &account, &alice, &bob).await
                })
            }
            Op::ManageCreateUser
            | Op::ManageUser
            | Op::ManageByLogin
            | Op::ManageUsers
            | Op::ManageChangeUser
            | Op::ManageEndSessions
            | Op::ManageSendRecovery
            | Op::ManageGrant
            | Op::ManageTrail
            | Op::ManageCreateAccount
            | Op::ManageAccount
            | Op::ManageUsage
            | Op::ManageAccounts
            | Op::ManageAllBelow
            | Op::ManagePay
            | Op::ManagePayments
            | Op::ManageChangeAccount => Box::pin(async move {
                manage(s.manage(Actor::Session(session)), op, &account, &alice, &bob).await
            }),
            Op::VerdictOnAccount => Box::pin(async move {
                s.rights().verdict_on_account(session, &Action::CreateAccount, account.id).await.map(drop)
            }),
            Op::Audit => {
                Box::pin(async move { s.audit(alice.id, Page { after: None, limit: 10 }).await.map(drop) })
            }
            Op::UserCreateInvited => Box::pin(async move {
                let mut carol = NewUser::new(Login::parse("carol")?, account.id);
                carol.invited_email = Some(address);
                s.users().create(carol).await.map(drop)
            }),
            Op::InvitationSend => {
                let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
                carol.invited_email = Some(address);
                let carol = s.users().create(carol).await.unwrap();
                Box::pin(async move { s.invitation().send(Actor::Session(session), carol.id).await })
            }
            Op::InvitationShow => {
                let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
                carol.invited_email = Some(address);
                let carol = s.users().create(carol).await.unwrap();
                Box::pin(async move { s.invitation().show(carol.id).await.map(drop) })
            }
            Op::InvitationSendRefused => {
                Box::pin(async move { s.invitation().send(Actor::Session(session), bob.id).await })
            }
            Op::InvitationSetTaken => {
                let mut carol = NewUser::new(Login::parse("carol").unwrap(), account.id);
                carol.invited_email = Some(address);
                s.users().create(carol).await.unwrap();
                w.run_worker().await.unwrap();
                let token = w.mailbox.last_link("new@example.com").unwrap();
                w.user(&account, "first", Some("new@example.com")).await.unwrap();
                let new = Password::parse("seven quiet lanterns".to_owned(), "new").unwrap();
                Box::pin(async move { s.recovery().set_password(&token, &new, &new, &attempt()).await })
            }
            Op::Bootstrap | Op::BootstrapAgain => {
                let empty = Arc::new(FaultyStore::new(Yielding(MemoryStore::new())));
                let fresh = World::on(Arc::clone(&empty) as Arc<dyn Store>);
                if op == Op::BootstrapAgain {
                    fresh.account("any").await.unwrap();
                }
                let engine = fresh.security.clone();
                let operation = Box::pin(async move {
                    engine.bootstrap("Fleet", &Login::parse("root")?, &address).await.map(drop)
                });
                return Stage { store: empty, messages, operation, world: Arc::new(fresh) };
            }
            Op::HeldMessages | Op::ReleaseMessage => {
                w.switch_on(session, &alice).await.unwrap();
                let mut keys = s.keyring();
                keys.next_epoch();
                s.replace_keyring(keys);
                w.advance(s.policy().restored_message_life);
                s.worker().pass().await.unwrap();
                let page = Page { after: None, limit: 10 };
                let held = s.held_messages(page).await.unwrap().first().map(|message| message.id).unwrap();
                match op {
                    Op::HeldMessages => Box::pin(async move { s.held_messages(page).await.map(drop) }),
                    _ => Box::pin(async move { s.release_message(held).await.map(drop) }),
                }
            }
            Op::DeadMessages | Op::ResendMessage => {
                w.switch_on(session, &alice).await.unwrap();
                w.mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
                s.worker().pass().await.unwrap();
                let page = Page { after: None, limit: 10 };
                let dead = s.dead_messages(page).await.unwrap().first().map(|message| message.id).unwrap();
                match op {
                    Op::DeadMessages => Box::pin(async move { s.dead_messages(page).await.map(drop) }),
                    _ => Box::pin(async move { s.resend_message(dead).await.map(drop) }),
                }
            }
            Op::Backlog => Box::pin(async move { s.backlog().await.map(drop) }),
            Op::FlespiBegin => Box::pin(async move { s.flespi().begin(session).await.map(drop) }),
            Op::FlespiRedeem | Op::FlespiRedeemDead => {
                let nonce = s.flespi().begin(session).await.unwrap().nonce;
                let message = w.flespi.log_in("eu");
                if op == Op::FlespiRedeemDead {
                    w.advance(s.policy().flespi_hand_off_life);
                }
                Box::pin(async move { s.flespi().redeem(session, nonce.expose(), message).await.map(drop) })
            }
            Op::FlespiManual => {
                let token = w.flespi.hold("eu", |_| ());
                Box::pin(async move {
                    s.flespi().manual(session, &token, &RegionName::parse("eu")?).await.map(drop)
                })
            }
            Op::FlespiCheck | Op::FlespiDisconnect | Op::FlespiToken => {
                let nonce = s.flespi().begin(session).await.unwrap().nonce;
                let message = w.flespi.log_in("eu");
                s.flespi().redeem(session, nonce.expose(), message).await.unwrap();
                Box::pin(async move {
                    match op {
                        Op::FlespiCheck => s.flespi().check(session).await.map(drop),
                        Op::FlespiDisconnect => s.flespi().disconnect(session).await,
                        _ => s.flespi().token(alice.id, "try").await.map(drop),
                    }
                })
            }
            Op::Reseal => {
                s.two_factor().ask(session, None).await.unwrap();
                let mut keys = s.keyring();
                let old = keys.current().to_owned();
                keys.rotate(&SeededRandom::new(7), w.now()).unwrap();
                s.replace_keyring(keys);
                Box::pin(async move { s.reseal(&old, Page { after: None, limit: 10 }).await.map(drop) })
            }
            Op::WorkerPass => {
                s.two_factor().ask(session, None).await.unwrap();
                messages = 1;
                Box::pin(async move { s.worker().pass().await.map(drop) })
            }
        };
    Stage { store, messages, operation, world: w }
}

/// What alice, who manages the account, does to bob and in it.
async fn manage(
    manage: Manage<'_>,
    op: Op,
    account: &Account,
    alice: &User,
    bob: &User,
) -> Result<(), Error> {
    let page = Page { after: None, limit: 10 };
    match op {
        Op::ManageCreateUser => {
            let mut new = NewUser::new(Login::parse("carol")?, account.id);
            new.flags = Flags::all();
            manage.create_user(new).await.map(drop)
        }
        Op::ManageUser => manage.user(bob.id).await.map(drop),
        Op::ManageByLogin => manage.user_by_login(&bob.login).await.map(drop),
        Op::ManageUsers => manage.users(Some(account.id), page).await.map(drop),
        Op::ManageChangeUser => {
            let change = UserChange::default().flag(Flag::SendSms, false).disabled(true);
            let change = change.email(Email::parse("new@example.com")?);
            manage.change_user(bob.id, &change).await.map(drop)
        }
        Op::ManageEndSessions => manage.end_sessions(bob.id).await,
        Op::ManageSendRecovery => manage.send_recovery(alice.id).await,
        Op::ManageGrant => manage.grant(account.id.uuid(), bob.id, &[AccessRight::View].into()).await,
        Op::ManageTrail => manage.trail(bob.id, page).await.map(drop),
        Op::ManageCreateAccount => {
            manage.create_account(NewAccount::named("child").under(account.id)).await.map(drop)
        }
        Op::ManageAccount => manage.account(account.id).await.map(drop),
        Op::ManageUsage | Op::ManageUsageUnseen => manage.usage(account.id).await.map(drop),
        Op::ManageAllBelow => manage.all_below(Some(account.id), page).await.map(drop),
        Op::ManageAccounts => manage.accounts(Some(account.id), page).await.map(drop),
        Op::ManagePay | Op::ManagePayAgain => manage.pay(account.id, &payment()).await.map(drop),
        Op::ManagePayments => manage.payments(account.id, page).await.map(drop),
        _ => manage.change_account(account.id, &AccountChange::default().blocked(true)).await.map(drop),
    }
}
