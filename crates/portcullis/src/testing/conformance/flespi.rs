//! What everything that calls flespi must do.
//!
//! The test of an adapter gives tokens of a flespi of its own, by a [`FlespiRig`]; [`run_all`] panics with a sentence when
//! the adapter breaks the contract of [`FlespiApi`].

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use crate::port::flespi::{Access, FlespiApi, FlespiError, NewToken, RegionName, TokenKind};
use crate::secret::FlespiToken;

/// Gives tokens of a flespi that is the test's own.
#[async_trait]
pub trait FlespiRig: Send + Sync {
    /// What calls it; with two regions at least.
    fn api(&self) -> Arc<dyn FlespiApi>;

    /// The time there.
    fn now(&self) -> DateTime<Utc>;

    /// A living token of a region and of one account there, the same at each call: a master token, or a standard one.
    async fn token(&self, region: &RegionName, master: bool) -> FlespiToken;

    /// How many calls came to the host of a region since the rig was made.
    async fn calls(&self, region: &RegionName) -> usize;
}

fn done<T>(answer: Result<T, FlespiError>, what: &str) -> T {
    match answer {
        Ok(done) => done,
        Err(error) => panic!("{what}, but {error}"),
    }
}

fn two(rig: &dyn FlespiRig) -> [RegionName; 2] {
    let regions = rig.api().regions();
    match regions.as_slice() {
        [first, second, ..] => [first.name.clone(), second.name.clone()],
        _ => panic!("two regions at least are needed"),
    }
}

fn wanted(rig: &dyn FlespiRig, info: &str, access: Access) -> NewToken {
    let expire = rig.now().trunc_subsecs(0) + TimeDelta::days(365);
    NewToken { info: info.to_owned(), expire, access }
}

/// Each region has its name once, a place, and origins without a path.
pub fn regions_are_told_apart(rig: &dyn FlespiRig) {
    let mut regions = rig.api().regions();
    let all = regions.len();
    regions.sort_by(|a, b| a.name.cmp(&b.name));
    regions.dedup_by(|a, b| a.name == b.name);
    assert_eq!(regions.len(), all, "each region has its name once");
    for region in regions {
        let host = region.origin.split_once("://").map_or("", |(_, host)| host);
        assert!(!host.is_empty() && !host.contains('/'), "an origin has no path: {}", region.origin);
        assert!(region.login_url.contains("://"), "a login page has an address: {}", region.login_url);
        assert!(!region.place.is_empty(), "a region has a place: {}", region.name.as_str());
    }
}

/// A token is issued as it was asked for, found by what is noted on it, and gone once it is revoked.
pub async fn a_token_lives_as_it_was_asked_for(rig: &dyn FlespiRig) {
    let (api, [region, _]) = (rig.api(), two(rig));
    let by = rig.token(&region, true).await;
    for (nth, access) in [(1, Access::Master), (2, Access::Standard)] {
        let kind = if access == Access::Master { TokenKind::Master } else { TokenKind::Standard };
        let asked = wanted(rig, &format!("conformance {nth}"), access);
        let issued = done(api.issue(&region, &by, &asked).await, "a master token issues tokens");
        assert_eq!(issued.info.kind, kind, "a token may do what was asked for");
        let told = done(api.inspect(&region, &issued.token).await, "a new token is accepted");
        assert_eq!(told.id, Some(issued.id), "a token has the number that its issue told");
        assert_eq!(told.kind, kind, "a token may do what was asked for");
        assert_eq!(told.expire, Some(asked.expire), "a token ends when it was asked to");
        assert_eq!(told.info.as_deref(), Some(asked.info.as_str()), "what was to be noted on it is");
        let found = done(api.find(&region, &by, &asked.info).await, "a master token finds tokens");
        assert_eq!(found, [issued.id], "a token is found by exactly what is noted on it");
        let part: String = asked.info.chars().take(11).collect();
        let found = done(api.find(&region, &by, &part).await, "a master token finds tokens");
        assert_eq!(found, [0; 0], "a part of what is noted finds nothing");
        done(api.revoke(&region, &by, issued.id).await, "a master token revokes tokens");
        done(api.revoke(&region, &by, issued.id).await, "what is revoked already counts as revoked");
        let gone = api.inspect(&region, &issued.token).await;
        assert_eq!(gone.err(), Some(FlespiError::Unauthorized), "a revoked token is not valid");
    }
}

/// What a token may not do is refused as that, and does not happen.
pub async fn rights_are_told_apart(rig: &dyn FlespiRig) {
    let (api, [region, _]) = (rig.api(), two(rig));
    let (master, plain) = (rig.token(&region, true).await, rig.token(&region, false).await);
    let kind = done(api.inspect(&region, &plain).await, "a standard token is accepted").kind;
    assert_eq!(kind, TokenKind::Standard, "a standard token is one");
    let kind = done(api.inspect(&region, &master).await, "a master token is accepted").kind;
    assert_eq!(kind, TokenKind::Master, "a master token is one");
    let asked = wanted(rig, "conformance forbidden", Access::Standard);
    let refused = api.issue(&region, &plain, &asked).await.err();
    assert_eq!(refused, Some(FlespiError::Forbidden), "a standard token issues none");
    let found = done(api.find(&region, &master, &asked.info).await, "a master token finds tokens");
    assert_eq!(found, [0; 0], "what was refused did not happen");
}

/// A token goes to the host of the region it is named with and nowhere else; a region that is not compiled in is asked
/// nothing at all.
pub async fn a_token_goes_to_its_region_alone(rig: &dyn FlespiRig) {
    let (api, [first, second]) = (rig.api(), two(rig));
    let token = rig.token(&first, true).await;
    let before = [rig.calls(&first).await, rig.calls(&second).await];
    let foreign = api.inspect(&second, &token).await.err();
    assert_eq!(foreign, Some(FlespiError::Unauthorized), "a token of one region is nothing in another");
    assert_eq!(rig.calls(&first).await, before[0], "the other region was asked nothing");
    done(api.inspect(&first, &token).await, "a token is accepted where it is from");
    assert_eq!(rig.calls(&second).await, before[1] + 1, "the other region was asked nothing");
    let before = [rig.calls(&first).await, rig.calls(&second).await];
    let Ok(unknown) = RegionName::parse("nowhere-7") else { return };
    let asked = wanted(rig, "conformance nowhere", Access::Standard);
    let answers = [
        api.inspect(&unknown, &token).await.err(),
        api.issue(&unknown, &token, &asked).await.err(),
        api.find(&unknown, &token, "x").await.err(),
        api.revoke(&unknown, &token, 1).await.err(),
    ];
    for answer in answers {
        assert_eq!(answer, Some(FlespiError::UnknownRegion), "there is no such region");
    }
    assert_eq!(before, [rig.calls(&first).await, rig.calls(&second).await], "nobody was asked");
}

/// Runs every case.
///
/// ```
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use chrono::{DateTime, Utc};
/// use portcullis::port::ambient::Clock as _;
/// use portcullis::port::flespi::{FlespiApi, RegionName, TokenKind};
/// use portcullis::secret::FlespiToken;
/// use portcullis::testing::ambient::TestClock;
/// use portcullis::testing::conformance::flespi::{FlespiRig, run_all};
/// use portcullis::testing::flespi::FakeFlespi;
///
/// /// The rig of the flespi in memory.
/// struct Memory(Arc<TestClock>, FakeFlespi);
///
/// #[async_trait]
/// impl FlespiRig for Memory {
///     fn api(&self) -> Arc<dyn FlespiApi> {
///         Arc::new(self.1.clone())
///     }
///     fn now(&self) -> DateTime<Utc> {
///         self.0.now()
///     }
///     async fn token(&self, region: &RegionName, master: bool) -> FlespiToken {
///         let kind = if master { TokenKind::Master } else { TokenKind::Standard };
///         self.1.hold(region.as_str(), |held| held.kind = kind)
///     }
///     async fn calls(&self, region: &RegionName) -> usize {
///         self.1.calls().iter().filter(|(to, _)| to == region).count()
///     }
/// }
///
/// let clock = Arc::new(TestClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
/// let flespi = FakeFlespi::new(Arc::clone(&clock) as Arc<_>);
/// portcullis::testing::block_on(run_all(&Memory(clock, flespi)));
/// ```
pub async fn run_all(rig: &dyn FlespiRig) {
    regions_are_told_apart(rig);
    a_token_lives_as_it_was_asked_for(rig).await;
    rights_are_told_apart(rig).await;
    a_token_goes_to_its_region_alone(rig).await;
}

#[cfg(test)]
mod tests;
