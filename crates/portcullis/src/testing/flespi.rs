//! flespi in memory: regions, logins, and tokens with their times, as its pages describe them.
//!
//! A token is valid while its fixed end is ahead or its last use was no longer ago than its `ttl`; every call by it is a
//! use. One that is over is deleted, so that it is as unknown afterwards as one that never was. A token is valid in its
//! own region alone, is seen by tokens of its own account, and only a master token sees others.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::port::ambient::Clock;
use crate::port::flespi::{
    Access, FlespiApi, FlespiError, IssuedToken, NewToken, Region, RegionName, TokenInfo, TokenKind,
};
use crate::secret::FlespiToken;

/// How long a token made by hand lives.
const YEAR: TimeDelta = TimeDelta::days(365);

/// How long the token of a login lives without use.
const LOGIN_LIFE: TimeDelta = TimeDelta::minutes(30);

/// A call that flespi gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Call {
    /// [`FlespiApi::inspect`].
    Inspect,
    /// [`FlespiApi::issue`].
    Issue,
    /// [`FlespiApi::find`].
    Find,
    /// [`FlespiApi::revoke`].
    Revoke,
}

/// A token as flespi holds it; what it is is not shown.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// Its number.
    pub id: u64,
    /// The flespi account it belongs to.
    pub account: u64,
    /// What is noted on it.
    pub info: String,
    /// What it may do.
    pub kind: TokenKind,
    /// Whether a login made it.
    pub login: bool,
    /// Its fixed end.
    pub expire: Option<DateTime<Utc>>,
    /// How long it lives after its last use.
    pub ttl: Option<TimeDelta>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it was used last.
    pub accessed: Option<DateTime<Utc>>,
    key: String,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("id", &self.id).field("info", &self.info).finish_non_exhaustive()
    }
}

impl Held {
    fn is_alive(&self, now: DateTime<Utc>) -> bool {
        let info = self.told();
        info.ends_at().is_some_and(|end| now < end)
    }

    fn told(&self) -> TokenInfo {
        TokenInfo {
            id: Some(self.id),
            kind: self.kind,
            info: Some(self.info.clone()),
            expire: self.expire,
            ttl: self.ttl,
            created: Some(self.created),
            accessed: self.accessed,
        }
    }
}

/// How a call fails that was told to.
#[derive(Clone, Debug)]
struct Fault {
    error: FlespiError,
    done: bool,
}

#[derive(Default)]
struct Book {
    made: u64,
    tokens: BTreeMap<String, BTreeMap<u64, Held>>,
    calls: Vec<(RegionName, Call)>,
    faults: BTreeMap<(Call, usize), Fault>,
    down: Option<FlespiError>,
    told: Option<Result<TokenInfo, FlespiError>>,
}

/// flespi in memory. All clones are one. Each call waits once before and once after it is carried out, so that a caller
/// can be dropped there.
#[derive(Clone)]
pub struct FakeFlespi {
    clock: Arc<dyn Clock>,
    book: Arc<Mutex<Book>>,
}

impl fmt::Debug for FakeFlespi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeFlespi").field("calls", &self.book().calls.len()).finish_non_exhaustive()
    }
}

impl FakeFlespi {
    /// A flespi with the regions `eu` and `ru` and no tokens, which reads this clock.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use chrono::{DateTime, TimeDelta};
    /// use portcullis::port::flespi::{FlespiApi, FlespiError, RegionName};
    /// use portcullis::testing::ambient::TestClock;
    /// use portcullis::testing::flespi::FakeFlespi;
    ///
    /// let clock = Arc::new(TestClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
    /// let flespi = FakeFlespi::new(Arc::clone(&clock) as Arc<_>);
    /// let (eu, ru) = (RegionName::parse("eu")?, RegionName::parse("ru")?);
    /// let token = flespi.hold("eu", |held| (held.expire, held.ttl) = (None, Some(TimeDelta::hours(1))));
    /// assert!(flespi.inspect(&eu, &token).await.is_ok());
    /// assert_eq!(flespi.inspect(&ru, &token).await, Err(FlespiError::Unauthorized));
    /// clock.advance(TimeDelta::hours(1));
    /// assert_eq!(flespi.inspect(&eu, &token).await, Err(FlespiError::Unauthorized));
    /// # Ok(()) }
    /// ```
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, book: Arc::default() }
    }

    /// Logs in with the first account of a region; gives what the pop-up posts.
    pub fn log_in(&self, region: &str) -> String {
        self.log_in_as(region, 1)
    }

    /// Logs in with an account of a region; gives what the pop-up posts.
    pub fn log_in_as(&self, region: &str, account: u64) -> String {
        let token = self.hold(region, |held| {
            (held.login, held.expire, held.ttl) = (true, None, Some(LOGIN_LIFE));
            (held.account, held.info) = (account, "login".to_owned());
        });
        let host = if region == "eu" { "flespi.io".to_owned() } else { format!("{region}.flespi.io") };
        format!(
            "FlespiLogin|token:{{\"token\":\"{}\",\"region\":{{\"name\":\"{region}\",\"default\":{},\
             \"rest\":\"https://{host}\",\"mqtt\":\"mqtt.{host}:8883\",\"cdn\":\"https://cdn.{host}\"}}}}",
            token.expose(),
            region == "eu",
        )
    }

    /// Makes a token by hand: a master token of the first account that ends in 365 days, unless it is changed.
    ///
    /// # Panics
    /// Never: 64 digits are a token.
    #[expect(clippy::expect_used, reason = "64 hexadecimal digits are a token")]
    pub fn hold(&self, region: &str, change: impl FnOnce(&mut Held)) -> FlespiToken {
        let mut book = self.book();
        book.made += 1;
        let id = book.made;
        let key = HEXLOWER.encode(&Sha256::digest(format!("{region} {id}")));
        let mut held = Held {
            id,
            account: 1,
            info: "by hand".to_owned(),
            kind: TokenKind::Master,
            login: false,
            expire: self.clock.now().checked_add_signed(YEAR),
            ttl: None,
            created: self.clock.now(),
            accessed: None,
            key: key.clone(),
        };
        change(&mut held);
        book.tokens.entry(region.to_owned()).or_default().insert(id, held);
        FlespiToken::parse(key).expect("64 hexadecimal digits are a token")
    }

    /// The living tokens of a region, by number.
    pub fn living(&self, region: &str) -> Vec<Held> {
        let now = self.clock.now();
        let book = self.book();
        let tokens = book.tokens.get(region).into_iter().flat_map(BTreeMap::values);
        tokens.filter(|held| held.is_alive(now)).cloned().collect()
    }

    /// The living tokens that were issued by a call, in every region.
    pub fn issued(&self) -> Vec<Held> {
        let living = ["eu", "ru"].map(|region| self.living(region)).concat();
        living.into_iter().filter(|held| held.info.starts_with("portcullis ")).collect()
    }

    /// Lets the logins of a region go on being used, by a page of flespi that is open.
    pub fn use_logins(&self, region: &str) {
        let now = self.clock.now();
        let mut book = self.book();
        let tokens = book.tokens.get_mut(region).into_iter().flat_map(BTreeMap::values_mut);
        tokens.filter(|held| held.login && held.is_alive(now)).for_each(|held| held.accessed = Some(now));
    }

    /// Deletes a token, as its owner may at any time.
    pub fn delete(&self, region: &str, id: u64) {
        if let Some(tokens) = self.book().tokens.get_mut(region) {
            tokens.remove(&id);
        }
    }

    /// Orders the `nth` call of a sort to fail, counted from 1 from the beginning; `done` says whether it is carried out
    /// all the same.
    pub fn fail(&self, call: Call, nth: usize, error: FlespiError, done: bool) {
        self.book().faults.insert((call, nth), Fault { error, done });
    }

    /// Forgets every failure that was ordered.
    pub fn mend(&self) {
        let mut book = self.book();
        (book.faults, book.down, book.told) = (BTreeMap::new(), None, None);
    }

    /// Lets every call fail like this, uncarried out; `None` lets them work again.
    pub fn go_down(&self, error: Option<FlespiError>) {
        self.book().down = error;
    }

    /// Lets every [`Call::Inspect`] be answered like this; `None` lets it tell what is so again.
    pub fn tell(&self, answer: Option<Result<TokenInfo, FlespiError>>) {
        self.book().told = answer;
    }

    /// The calls that came, in order, with the region whose host each came to.
    pub fn calls(&self) -> Vec<(RegionName, Call)> {
        self.book().calls.clone()
    }

    /// How often a call came.
    pub fn count(&self, call: Call) -> usize {
        self.book().calls.iter().filter(|(_, came)| *came == call).count()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a call out, unless it was told to fail.
    async fn call<T>(
        &self,
        region: &RegionName,
        call: Call,
        act: impl FnOnce(&mut BTreeMap<u64, Held>, DateTime<Utc>, &mut u64) -> Result<T, FlespiError> + Send,
    ) -> Result<T, FlespiError> {
        if !["eu", "ru"].contains(&region.as_str()) {
            return Err(FlespiError::UnknownRegion);
        }
        Once(false).await;
        let answer = {
            let mut book = self.book();
            book.calls.push((region.clone(), call));
            let nth = book.calls.iter().filter(|(_, came)| *came == call).count();
            let fault = book.faults.remove(&(call, nth));
            let fault = fault.or(book.down.clone().map(|error| Fault { error, done: false }));
            if let Some(Fault { error, done: false }) = fault {
                Err(error)
            } else {
                let now = self.clock.now();
                let Book { made, tokens, .. } = &mut *book;
                let tokens = tokens.entry(region.as_str().to_owned()).or_default();
                tokens.retain(|_, held| held.is_alive(now));
                let answer = act(tokens, now, made);
                fault.map_or(answer, |fault| Err(fault.error))
            }
        };
        Once(false).await;
        answer
    }
}

/// The token that a call comes with, used by it.
fn used<'a>(
    tokens: &'a mut BTreeMap<u64, Held>,
    by: &FlespiToken,
    now: DateTime<Utc>,
) -> Result<&'a mut Held, FlespiError> {
    let held = tokens.values_mut().find(|held| held.key == by.expose()).ok_or(FlespiError::Unauthorized)?;
    held.accessed = Some(now);
    Ok(held)
}

/// The account of a master token.
fn master(
    tokens: &mut BTreeMap<u64, Held>,
    by: &FlespiToken,
    now: DateTime<Utc>,
) -> Result<u64, FlespiError> {
    let held = used(tokens, by, now)?;
    if held.kind == TokenKind::Master { Ok(held.account) } else { Err(FlespiError::Forbidden) }
}

#[async_trait]
impl FlespiApi for FakeFlespi {
    #[expect(clippy::expect_used, reason = "the names are fixed")]
    fn regions(&self) -> Vec<Region> {
        let region = |name: &str, place: &str, origin: &str| Region {
            name: RegionName::parse(name).expect("a name of letters"),
            place: place.to_owned(),
            origin: origin.to_owned(),
            login_url: format!("{origin}/login/#/providers"),
        };
        vec![region("eu", "Netherlands", "https://flespi.io"), region("ru", "Russia", "https://ru.flespi.io")]
    }

    async fn inspect(&self, region: &RegionName, token: &FlespiToken) -> Result<TokenInfo, FlespiError> {
        let told = self.book().told.clone();
        self.call(region, Call::Inspect, |tokens, now, _| {
            told.unwrap_or_else(|| used(tokens, token, now).map(|held| held.told()))
        })
        .await
    }

    async fn issue(
        &self,
        region: &RegionName,
        by: &FlespiToken,
        wanted: &NewToken,
    ) -> Result<IssuedToken, FlespiError> {
        self.call(region, Call::Issue, |tokens, now, made| {
            let account = master(tokens, by, now)?;
            *made += 1;
            let id = *made;
            let key = HEXLOWER.encode(&Sha256::digest(format!("{region:?} {id}")));
            let kind = match &wanted.access {
                Access::Standard => TokenKind::Standard,
                Access::Master => TokenKind::Master,
                Access::Acl(_) => TokenKind::Acl,
            };
            let held = Held {
                id,
                account,
                info: wanted.info.clone(),
                kind,
                login: false,
                expire: Some(wanted.expire),
                ttl: None,
                created: now,
                accessed: None,
                key: key.clone(),
            };
            let info = held.told();
            tokens.insert(id, held);
            let token = FlespiToken::parse(key).map_err(|_| FlespiError::Ambiguous { detail: "no token" })?;
            Ok(IssuedToken { id, token, info })
        })
        .await
    }

    async fn find(&self, region: &RegionName, by: &FlespiToken, info: &str) -> Result<Vec<u64>, FlespiError> {
        self.call(region, Call::Find, |tokens, now, _| {
            let account = master(tokens, by, now)?;
            let same = |held: &&Held| held.account == account && held.info == info;
            Ok(tokens.values().filter(same).map(|held| held.id).collect())
        })
        .await
    }

    async fn revoke(&self, region: &RegionName, by: &FlespiToken, id: u64) -> Result<(), FlespiError> {
        self.call(region, Call::Revoke, |tokens, now, _| {
            let account = master(tokens, by, now)?;
            tokens.retain(|number, held| *number != id || held.account != account);
            Ok(())
        })
        .await
    }
}

/// Waits once.
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if core::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
}
