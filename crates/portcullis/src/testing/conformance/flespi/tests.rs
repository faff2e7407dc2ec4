//! The flespi in memory passes, and each planted fault is found.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fault is planted in one place, and nothing elsewhere")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::port::ambient::Clock as _;
use crate::port::flespi::{IssuedToken, Region, TokenInfo};
use crate::testing::ambient::TestClock;
use crate::testing::block_on;
use crate::testing::flespi::FakeFlespi;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    RegionTwice,
    OriginWithPath,
    EndsEarly,
    NotesNothing,
    AlwaysMaster,
    FindsParts,
    RevokesNothing,
    RevokedTwiceFails,
    ForbiddenIsUnauthorized,
    IssuesAllTheSame,
    AsksEverywhere,
    AsksTheFirstForUnknown,
}

struct Planted {
    inner: FakeFlespi,
    fault: Fault,
    master: FlespiToken,
}

fn eu() -> RegionName {
    RegionName::parse("eu").unwrap()
}

#[async_trait]
impl FlespiApi for Planted {
    fn regions(&self) -> Vec<Region> {
        let mut regions = self.inner.regions();
        match self.fault {
            Fault::RegionTwice => regions.push(regions[0].clone()),
            Fault::OriginWithPath => regions[0].origin.push_str("/login"),
            _ => {}
        }
        regions
    }

    async fn inspect(&self, region: &RegionName, token: &FlespiToken) -> Result<TokenInfo, FlespiError> {
        let unknown = !["eu", "ru"].contains(&region.as_str());
        if self.fault == Fault::AsksTheFirstForUnknown && unknown {
            drop(self.inner.inspect(&eu(), token).await);
        }
        let mut answer = self.inner.inspect(region, token).await;
        if self.fault == Fault::AsksEverywhere && answer.is_err() && !unknown {
            answer = self.inner.inspect(&eu(), token).await.and(answer);
        }
        if let (Fault::AlwaysMaster, Ok(info)) = (self.fault, &mut answer) {
            info.kind = TokenKind::Master;
        }
        answer
    }

    async fn issue(
        &self,
        region: &RegionName,
        by: &FlespiToken,
        wanted: &NewToken,
    ) -> Result<IssuedToken, FlespiError> {
        let mut wanted = wanted.clone();
        match self.fault {
            Fault::EndsEarly => wanted.expire -= TimeDelta::days(1),
            Fault::NotesNothing => wanted.info.clear(),
            _ => {}
        }
        let answer = self.inner.issue(region, by, &wanted).await;
        match (self.fault, answer) {
            (Fault::ForbiddenIsUnauthorized, Err(FlespiError::Forbidden)) => Err(FlespiError::Unauthorized),
            (Fault::IssuesAllTheSame, Err(FlespiError::Forbidden)) => {
                self.inner.issue(region, &self.master, &wanted).await?;
                Err(FlespiError::Forbidden)
            }
            (_, answer) => answer,
        }
    }

    async fn find(&self, region: &RegionName, by: &FlespiToken, info: &str) -> Result<Vec<u64>, FlespiError> {
        if self.fault == Fault::FindsParts {
            let living = self.inner.living(region.as_str());
            return Ok(living.iter().filter(|held| held.info.contains(info)).map(|held| held.id).collect());
        }
        self.inner.find(region, by, info).await
    }

    async fn revoke(&self, region: &RegionName, by: &FlespiToken, id: u64) -> Result<(), FlespiError> {
        let there = self.inner.living(region.as_str()).iter().any(|held| held.id == id);
        match self.fault {
            Fault::RevokesNothing => Ok(()),
            Fault::RevokedTwiceFails if !there => Err(FlespiError::Unavailable { detail: "no such token" }),
            _ => self.inner.revoke(region, by, id).await,
        }
    }
}

struct Rig {
    clock: Arc<TestClock>,
    inner: FakeFlespi,
    api: Arc<Planted>,
    plain: FlespiToken,
    master: FlespiToken,
}

#[async_trait]
impl FlespiRig for Rig {
    fn api(&self) -> Arc<dyn FlespiApi> {
        Arc::clone(&self.api) as Arc<dyn FlespiApi>
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn token(&self, region: &RegionName, master: bool) -> FlespiToken {
        assert_eq!(region, &eu());
        if master { self.master.clone() } else { self.plain.clone() }
    }

    async fn calls(&self, region: &RegionName) -> usize {
        self.inner.calls().iter().filter(|(to, _)| to == region).count()
    }
}

fn run(fault: Fault) {
    let clock = Arc::new(TestClock::at(DateTime::from_timestamp(1_795_000_000, 0).unwrap()));
    let inner = FakeFlespi::new(Arc::clone(&clock) as Arc<_>);
    let master = inner.hold("eu", |_| ());
    let plain = inner.hold("eu", |held| held.kind = TokenKind::Standard);
    let api = Arc::new(Planted { inner: inner.clone(), fault, master: master.clone() });
    block_on(run_all(&Rig { clock, inner, api, plain, master }));
}

#[test]
fn the_flespi_in_memory_passes() {
    run(Fault::None);
}

#[test]
fn each_planted_fault_is_found() {
    for (fault, sentence) in [
        (Fault::RegionTwice, "each region has its name once"),
        (Fault::OriginWithPath, "an origin has no path"),
        (Fault::EndsEarly, "a token ends when it was asked to"),
        (Fault::NotesNothing, "what was to be noted on it is"),
        (Fault::AlwaysMaster, "a token may do what was asked for"),
        (Fault::FindsParts, "a part of what is noted finds nothing"),
        (Fault::RevokesNothing, "a revoked token is not valid"),
        (Fault::RevokedTwiceFails, "what is revoked already counts as revoked"),
        (Fault::ForbiddenIsUnauthorized, "a standard token issues none"),
        (Fault::IssuesAllTheSame, "what was refused did not happen"),
        (Fault::AsksEverywhere, "the other region was asked nothing"),
        (Fault::AsksTheFirstForUnknown, "nobody was asked"),
    ] {
        let said = catch_unwind(AssertUnwindSafe(|| run(fault))).expect_err("it is found");
        let said = *said.downcast::<String>().unwrap();
        assert!(said.contains(sentence), "{fault:?}: {said}");
    }
}
