//! What calls flespi: the hosts that are compiled in, or in dev mode a stand-in beside the program.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use portcullis::port::flespi::{
    FlespiApi, FlespiError, IssuedToken, NewToken, Region, RegionName, TokenInfo,
};
use portcullis::secret::FlespiToken;
use portcullis_flespi::Flespi;
use tokio::time::timeout;

use crate::mailbox::Failing;
use crate::start::Failure;

/// How long a slow flespi takes for each call.
const SLOW: Duration = Duration::from_secs(3);

/// The regions and where they are, for people.
const PLACES: [(&str, &str); 2] = [("eu", "Netherlands"), ("ru", "Russia")];

/// flespi, which in dev mode can be told to misbehave.
#[derive(Debug)]
pub(crate) struct Caller {
    flespi: Flespi,
    failing: Mutex<Failing>,
}

/// Reads the value of `--flespi-region`.
///
/// # Errors
/// One line that does not hold it.
pub(crate) fn region(value: &str) -> Result<(&'static str, String), String> {
    let known = value.split_once('=').and_then(|(name, url)| {
        let (name, _) = PLACES.into_iter().find(|(known, _)| *known == name)?;
        Some((name, url.to_owned())).filter(|(_, url)| !url.is_empty())
    });
    known.ok_or_else(|| "--flespi-region must be eu=URL or ru=URL".to_owned())
}

impl Caller {
    /// Calls the hosts that are compiled in, but for these regions.
    ///
    /// # Errors
    /// When one of them is no host.
    pub(crate) fn new(moved: &[(&'static str, String)]) -> Result<Self, Failure> {
        let mut builder = Flespi::builder();
        for (name, url) in moved {
            let place = PLACES.into_iter().find(|(known, _)| known == name).map_or("", |(_, place)| place);
            // Only development moves a region, and to a stand-in beside the program.
            builder = builder.region(*name, place, url).allow_private_hosts();
        }
        let flespi = builder.build().map_err(|error| Failure::new("--flespi-region", error))?;
        Ok(Self { flespi, failing: Mutex::default() })
    }

    /// Lets it misbehave from now on.
    pub(crate) fn fail(&self, failing: Failing) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }

    async fn misbehave(&self) -> Result<(), FlespiError> {
        let failing = *self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failing {
            Failing::Off => Ok(()),
            Failing::Down => Err(FlespiError::Unavailable { detail: "switched down at /dev/fail" }),
            Failing::Slow => {
                // Waiting for what never comes is how to wait for a time.
                let _ = timeout(SLOW, std::future::pending::<()>()).await;
                Ok(())
            }
        }
    }
}

#[async_trait]
impl FlespiApi for Caller {
    fn regions(&self) -> Vec<Region> {
        self.flespi.regions()
    }

    async fn inspect(&self, region: &RegionName, token: &FlespiToken) -> Result<TokenInfo, FlespiError> {
        self.misbehave().await?;
        self.flespi.inspect(region, token).await
    }

    async fn issue(
        &self,
        region: &RegionName,
        by: &FlespiToken,
        wanted: &NewToken,
    ) -> Result<IssuedToken, FlespiError> {
        self.misbehave().await?;
        self.flespi.issue(region, by, wanted).await
    }

    async fn find(&self, region: &RegionName, by: &FlespiToken, info: &str) -> Result<Vec<u64>, FlespiError> {
        self.misbehave().await?;
        self.flespi.find(region, by, info).await
    }

    async fn revoke(&self, region: &RegionName, by: &FlespiToken, id: u64) -> Result<(), FlespiError> {
        self.misbehave().await?;
        self.flespi.revoke(region, by, id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_regions_are_moved() {
        assert_eq!(region("ru=http://127.0.0.1:1").unwrap(), ("ru", "http://127.0.0.1:1".to_owned()));
        for wrong in ["ap=http://127.0.0.1:1", "ru=", "ru", "RU=http://h", "=http://h", ""] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
        assert!(Caller::new(&[("eu", "http://127.0.0.1:1".to_owned())]).is_ok());
        assert!(
            Caller::new(&[("eu", "http://example.com".to_owned())]).is_err(),
            "in the open, and elsewhere"
        );
    }
}
