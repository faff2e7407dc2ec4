//! The core's suite of what calls flespi, against the stand-in.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use flespi_stand_in::{FlespiStandIn, Place};
use portcullis::port::flespi::{FlespiApi, RegionName};
use portcullis::secret::FlespiToken;
use portcullis::testing::conformance::flespi::{FlespiRig, run_all};
use serde_json::json;

use crate::support::{name, towards};

struct Rig {
    stand_in: FlespiStandIn,
    master: FlespiToken,
    standard: FlespiToken,
}

#[async_trait]
impl FlespiRig for Rig {
    fn api(&self) -> Arc<dyn FlespiApi> {
        let (eu, ru) = (self.stand_in.url(Place::Eu), self.stand_in.url(Place::Ru));
        Arc::new(towards(eu).region("ru", "Russia", ru).build().unwrap())
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.stand_in.now(), 0).unwrap()
    }

    async fn token(&self, region: &RegionName, master: bool) -> FlespiToken {
        assert_eq!(region, &name("eu"), "the tokens are of the first region");
        if master { self.master.clone() } else { self.standard.clone() }
    }

    async fn calls(&self, region: &RegionName) -> usize {
        let place = if region == &name("eu") { Place::Eu } else { Place::Ru };
        self.stand_in.requests(place).len()
    }
}

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let key = |made: flespi_stand_in::Made| FlespiToken::parse(made.key).unwrap();
    let master = key(stand_in.log_in(Place::Eu));
    let standard = key(stand_in.make(Place::Eu, &json!({"ttl": 600})).unwrap());
    run_all(&Rig { stand_in, master, standard }).await;
}
