//! Calling flespi to issue and to remove tokens: by the request that redeemed, and by the worker after it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use uuid::Uuid;

use super::issue::{self, Issued, Standing, Swept, Tried};
use super::model::{By, Connected, FlespiConnection, Leftover, Use};
use super::notice;
use crate::account::rules::Chain;
use crate::decision::{Changes, Decision, Stored};
use crate::engine::Engine;
use crate::engine::record::View;
use crate::error::Error;
use crate::id::MessageId;
use crate::keyring::OpenError;
use crate::port::flespi::{FlespiApi, FlespiError, IssuedToken, RegionName};
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
        let until = after(self.now(), self.policy.claim_life);
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
                Some(connection) => issue::take(connection, &self.policy, t.now),
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
                if memo_ref.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
                    let region = connecting.region.clone();
                    let outcome = if issue::is_over(connecting, &self.policy, t.now) {
                        None
                    } else {
                        let login = self.open_token(owner, Use::Login, &connecting.sealed)?;
                        let outcome = self.issue_anew(&**api, &region, &login, operation, until).await;
                        Some((outcome, login, region))
                    };
                    *memo_ref.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
                }
                let tried = match &*memo_ref.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some((Ok(issued), ..)) => Tried::Issued(Issued {
                        number: issued.id,
                        sealed: owner.seal(Use::Token, &issued.token, &self.keyring(), self.random_bytes()?),
                        shown: issued.token.shown().to_owned(),
                        info: issued.info.clone(),
                    }),
                    Some((Err(error), ..)) => Tried::Failed(error.clone()),
                    None => Tried::Failed(FlespiError::Unavailable { detail: "it took too long" }),
                };
                Ok(issue::settle(connection, tried, &self.policy, self.now()))
            })
            .await?;
        if result.0 == Standing::Overtaken {
            let issued = memo.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some((Ok(issued), login, region)) = issued {
                // Whoever went on finds it too, by what is noted on it; this only comes sooner.
                if let Err(error) = api.revoke(&region, &login, issued.id).await {
                    tracing::warn!(%error, "a token that nobody keeps is left for the worker to revoke");
                }
            }
        }
        Ok(result)
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
        for number in api.find(region, login, &issue::note(operation)).await? {
            in_time()?;
            api.revoke(region, login, number).await?;
        }
        in_time()?;
        api.issue(region, login, &issue::wanted(operation, &self.policy, self.now())).await
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
                let name = leftover.name();
                let known = memo.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
                let came_to = if let Some(came_to) = known {
                    came_to
                } else {
                    let came_to = self.sweep(&**api, &connection.value, leftover).await?;
                    memo.lock().unwrap_or_else(PoisonError::into_inner).insert(name, came_to.clone());
                    came_to
                };
                let later = matches!(came_to, Swept::Later(_));
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
        let mut seen = false;
        for by in &leftover.by {
            let token = match connection.owner().open(by.of, &by.sealed, &self.keyring()) {
                Ok(token) => token,
                Err(OpenError::UnknownKey) => {
                    return self.open_token(connection.owner(), by.of, &by.sealed).map(|_| Swept::Blind);
                }
                Err(OpenError::Malformed | OpenError::Tampered) => continue,
            };
            match sweep_by(api, leftover, by, &token).await {
                Ok(()) => seen = true,
                Err(FlespiError::Unauthorized | FlespiError::Forbidden) => {}
                Err(error) => return Ok(Swept::Later(error)),
            }
        }
        Ok(if seen { Swept::Done } else { Swept::Blind })
    }

    /// Mails the notice of a token's end that is due.
    async fn tell_of_flespi(&self, id: Uuid) -> Result<(), Error> {
        self.decide(|t| async move {
            let view = self.read(&t, vec![Start::Id(id)], Vec::new()).await?;
            let Some(connection) = view.start::<FlespiConnection>(0)? else {
                return Ok(Decision::yes((), Changes::none()));
            };
            let (user, chain) = reader(&view, &connection.value)?;
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
fn reader(view: &View, connection: &FlespiConnection) -> Result<(Option<Stored<User>>, Chain), Error> {
    let user = view.record::<User>(connection.user.uuid())?;
    let chain = match &user {
        Some(user) => view.chain(&user.value)?,
        None => Chain(Vec::new()),
    };
    Ok((user, chain))
}

/// Removes by one token what is noted with the operation, itself at last if it is one of them; a login goes when
/// nothing is left.
async fn sweep_by(
    api: &dyn FlespiApi,
    leftover: &Leftover,
    by: &By,
    token: &FlespiToken,
) -> Result<(), FlespiError> {
    let region = &leftover.region;
    let mut numbers = api.find(region, token, &issue::note(leftover.operation)).await?;
    numbers.retain(|number| Some(*number) != leftover.keep);
    numbers.sort_by_key(|number| Some(*number) == by.number);
    for number in numbers {
        api.revoke(region, token, number).await?;
    }
    if by.goes
        && let Some(number) = api.inspect(region, token).await?.id
    {
        api.revoke(region, token, number).await?;
    }
    Ok(())
}
