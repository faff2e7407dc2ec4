//! Calling flespi to issue and to remove tokens: by the request that redeemed, and by the worker after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use uuid::Uuid;

use super::holder::Holder;
use super::issue::{self, Issued, Look, Standing, Swept, Tried};
use super::model::{By, Connected, FlespiConnection, Leftover, Use};
use super::notice;
use crate::account::rules::Chain;
use crate::decision::{Changes, Decision, Stored};
use crate::engine::Engine;
use crate::engine::record::View;
use crate::error::Error;
use crate::id::MessageId;
use crate::port::flespi::{FlespiApi, FlespiError, IssuedToken, RegionName, TokenKind};
use crate::port::store::Start;
use crate::secret::FlespiToken;
use crate::session::rules::after;
use crate::user::User;

/// An issued token that is not kept yet, or why there is none.
type Outcome = Result<IssuedToken, FlespiError>;

/// What became of each leftover.
type Sweep = BTreeMap<(Uuid, Option<u64>), Swept>;

impl Engine {
    /// Does what a connection has waited for: notices, a token to be issued, tokens to be removed. Doing it twice does
    /// nothing more.
    pub(crate) async fn tend_flespi(&self, claimed: &Stored<FlespiConnection>) -> Result<(), Error> {
        let id = claimed.value.id;
        self.tell_of_flespi(id).await?;
        if claimed.value.work_at.is_none_or(|at| self.now() < at) {
            return Ok(());
        }
        // Its last call is over before another attempt begins.
        let until = after(self.now(), self.policy.claim_life - self.policy.flespi_call_longest);
        if claimed.value.connecting.is_some()
            && let Some((operation, attempt)) = self.take_over(id).await?
        {
            self.issue_flespi(id, operation, attempt, until).await?;
        }
        self.clear_flespi(id).await
    }

    /// Makes this the attempt that may keep what it issues.
    async fn take_over(&self, id: Uuid) -> Result<Option<(Uuid, u32)>, Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
            Ok(match view.start::<FlespiConnection>(0)? {
                Some(connection) => {
                    let holder = holder(&view, &connection.value)?;
                    issue::take(connection, &holder, &self.policy, t.now)
                }
                None => Decision::yes(None, Changes::none()),
            })
        })
        .await
    }

    /// Issues the token of an operation, if this is its newest attempt, and keeps it. Gives the connection as it was
    /// kept, if it was.
    pub(crate) async fn issue_flespi(
        &self,
        id: Uuid,
        operation: Uuid,
        attempt: u32,
        until: DateTime<Utc>,
    ) -> Result<(Standing, Option<FlespiConnection>), Error> {
        let api = &self.flespi_api()?;
        let memo: Mutex<Option<(Outcome, FlespiToken, RegionName)>> = Mutex::new(None);
        let memo_ref = &memo;
        let result = self
            .decide(|t| async move {
                let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
                let overtaken = || Decision::yes((Standing::Overtaken, None), Changes::none());
                let Some(connection) = view.start::<FlespiConnection>(0)? else {
                    return Ok(overtaken());
                };
                let Some(connecting) = issue::mine(&connection.value, operation, attempt) else {
                    return Ok(overtaken());
                };
                let owner = connection.value.owner();
                let holder = holder(&view, &connection.value)?;
                if let Err(why) = holder.may_have(connecting, &self.policy, t.now) {
                    let void = Tried::Void(why);
                    return Ok(issue::settle(connection, &holder, void, &self.policy, self.now()));
                }
                if memo_ref.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
                    let region = connecting.region.clone();
                    let outcome = if issue::is_over(connecting, &self.policy, t.now) {
                        None
                    } else {
                        let login = self.open_token(owner, Use::Login, &region, &connecting.sealed)?;
                        let outcome = self.issue_anew(&**api, &region, &login, operation, until).await;
                        Some((outcome, login, region))
                    };
                    *memo_ref.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
                }
                let tried = match &*memo_ref.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some((Ok(issued), _, region)) => Tried::Issued(Issued {
                        number: issued.id,
                        sealed: self.seal_token(owner, Use::Token, region, &issued.token)?,
                        shown: issued.token.shown().to_owned(),
                        info: issued.info.clone(),
                    }),
                    Some((Err(error), ..)) => Tried::Failed(error.clone()),
                    None => Tried::Failed(FlespiError::Unavailable { detail: "it took too long" }),
                };
                Ok(issue::settle(connection, &holder, tried, &self.policy, self.now()))
            })
            .await?;
        if matches!(result.0, Standing::Overtaken | Standing::Void) {
            let issued = memo.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some((Ok(issued), login, region)) = issued
                && let Err(error) = api.revoke(&region, &login, issued.id).await
            {
                tracing::warn!(%error, "a token that nobody keeps is left for the worker to revoke");
                self.leave_orphan(id, operation, &region, &login, &issued).await?;
            }
        }
        Ok(result)
    }

    /// Leaves a token that nobody keeps to the worker.
    async fn leave_orphan(
        &self,
        id: Uuid,
        operation: Uuid,
        region: &RegionName,
        login: &FlespiToken,
        issued: &IssuedToken,
    ) -> Result<(), Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
            let Some(connection) = view.start::<FlespiConnection>(0)? else {
                return Ok(Decision::yes((), Changes::none()));
            };
            let owner = connection.value.owner();
            let mut by = vec![By::login(self.seal_token(owner, Use::Login, region, login)?)];
            if issued.info.kind == TokenKind::Master {
                let sealed = self.seal_token(owner, Use::Token, region, &issued.token)?;
                by.push(By::token(Some(issued.id), sealed));
            }
            Ok(issue::orphan(connection, operation, region, by, t.now))
        })
        .await
    }

    /// Removes what the operation issued before, whose key nobody can have any more, and issues a token.
    async fn issue_anew(
        &self,
        api: &dyn FlespiApi,
        region: &RegionName,
        login: &FlespiToken,
        operation: Uuid,
        until: DateTime<Utc>,
    ) -> Outcome {
        let in_time = || {
            let late = FlespiError::Unavailable { detail: "it took too long" };
            if issue::is_late(until, self.now()) { Err(late) } else { Ok(()) }
        };
        in_time()?;
        for number in api.find(region, login, &issue::note(operation)).await? {
            in_time()?;
            api.revoke(region, login, number).await?;
        }
        in_time()?;
        let wanted = issue::wanted(operation, &self.policy, self.now());
        let mut issued = api.issue(region, login, &wanted).await?;
        // An answer may leave out what was asked for.
        issued.info.expire = issued.info.expire.or(Some(wanted.expire));
        Ok(issued)
    }

    /// Looks for what operations have left at flespi, and removes it.
    async fn clear_flespi(&self, id: Uuid) -> Result<(), Error> {
        let api = &self.flespi_api()?;
        let memo: Mutex<Sweep> = Mutex::default();
        let memo = &memo;
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
            let Some(connection) = view.start::<FlespiConnection>(0)? else {
                return Ok(Decision::yes((), Changes::none()));
            };
            if connection.value.leftovers.is_empty() {
                return Ok(Decision::yes((), Changes::none()));
            }
            let mut swept = Vec::new();
            for leftover in &connection.value.leftovers {
                if t.now < leftover.not_before {
                    break;
                }
                let name = leftover.name();
                let known = memo.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
                let came_to = if let Some(came_to) = known {
                    came_to
                } else {
                    let came_to = self.sweep(&**api, &connection.value, leftover).await?;
                    memo.lock().unwrap_or_else(PoisonError::into_inner).insert(name, came_to.clone());
                    came_to
                };
                let later = matches!(came_to, Swept::Later { .. });
                swept.push((name, came_to));
                // The next ones may take a token that this one still takes.
                if later {
                    break;
                }
            }
            Ok(issue::clear(connection, &swept, &self.policy, self.now()))
        })
        .await
    }

    /// Removes what one operation has left, by each of its tokens in turn.
    async fn sweep(
        &self,
        api: &dyn FlespiApi,
        connection: &FlespiConnection,
        leftover: &Leftover,
    ) -> Result<Swept, Error> {
        let needed = match &connection.connecting {
            Some(it) => self.open_token(connection.owner(), Use::Login, &it.region, &it.sealed).ok(),
            None => None,
        };
        let mut looks = Vec::new();
        for by in &leftover.by {
            let look = match self.open_token(connection.owner(), by.of, &leftover.region, &by.sealed) {
                Ok(token) => {
                    // A login that is at work goes when it is done.
                    let goes = by.goes && !needed.as_ref().is_some_and(|needed| needed.same_as(&token));
                    sweep_by(api, leftover, &By { goes, ..by.clone() }, &token).await
                }
                // What was tampered with opens by no key.
                Err(Error::Corrupt { .. }) => continue,
                // A key that is missing may come back.
                Err(Error::Unavailable(_)) => {
                    let error = Some(FlespiError::Unavailable { detail: "the key is missing" });
                    Look { error, found: false, stays: false }
                }
                Err(error) => return Err(error),
            };
            let waits = look.error.as_ref().is_some_and(issue::passes);
            looks.push(look);
            if waits {
                break;
            }
        }
        Ok(issue::sweep(leftover, &looks))
    }

    /// Mails the notice of a token's end that is due.
    async fn tell_of_flespi(&self, id: Uuid) -> Result<(), Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
            let Some(connection) = view.start::<FlespiConnection>(0)? else {
                return Ok(Decision::yes((), Changes::none()));
            };
            let Holder { user, chain } = holder(&view, &connection.value)?;
            let owner = connection.value.user.uuid();
            let name = |connected: &Connected, day: NaiveDate, days: u32| {
                let parts = [
                    owner.as_bytes().as_slice(),
                    connected.operation.as_bytes(),
                    &day.num_days_from_ce().to_be_bytes(),
                    &days.to_be_bytes(),
                ]
                .concat();
                MessageId::from_uuid(self.keyring().derive("flespi_expiring", &parts))
            };
            let user = user.as_ref().map(|user| &user.value);
            Ok(notice::tell(connection, user, &chain, &name, &self.policy, t.now))
        })
        .await
    }
}

/// The user of a connection, with his accounts.
fn holder(view: &View, connection: &FlespiConnection) -> Result<Holder, Error> {
    let user = view.record::<User>(connection.user.uuid())?;
    let chain = match &user {
        Some(user) => view.chain(&user.value)?,
        None => Chain(Vec::new()),
    };
    Ok(Holder { user, chain })
}

/// Removes by one token what is noted with the operation, itself at last if it is one of them; a login goes when
/// nothing is left.
async fn sweep_by(api: &dyn FlespiApi, leftover: &Leftover, by: &By, token: &FlespiToken) -> Look {
    let mut look = Look { error: None, found: false, stays: false };
    if let Err(error) = remove(api, leftover, by, token, &mut look).await {
        // It is itself what was to be removed, and is gone.
        look.found |=
            error == FlespiError::Unauthorized && by.number.is_some() && by.number == leftover.number;
        look.error = Some(error);
    }
    look
}

async fn remove(
    api: &dyn FlespiApi,
    leftover: &Leftover,
    by: &By,
    token: &FlespiToken,
    look: &mut Look,
) -> Result<(), FlespiError> {
    let region = &leftover.region;
    let mut numbers = api.find(region, token, &issue::note(leftover.operation)).await?;
    numbers.retain(|number| Some(*number) != leftover.keep);
    numbers.sort_by_key(|number| Some(*number) == by.number);
    look.found = leftover.number.is_some_and(|number| numbers.contains(&number));
    for number in numbers {
        api.revoke(region, token, number).await?;
    }
    if by.goes {
        match api.inspect(region, token).await?.id {
            Some(number) => api.revoke(region, token, number).await?,
            None => look.stays = true,
        }
    }
    Ok(())
}
