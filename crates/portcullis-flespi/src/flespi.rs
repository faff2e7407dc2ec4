//! The calls.

use std::fmt;

use async_trait::async_trait;
use portcullis::port::flespi::{
    Access, FlespiApi, FlespiError, IssuedToken, NewToken, Region, RegionName, TokenInfo,
};
use portcullis::secret::FlespiToken;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::{self, Noted};
use crate::builder::{FlespiBuilder, SetupError};
use crate::outcome::{Effect, Trouble};
use crate::wire::{Call, Wire};

/// How many parts of one list are asked for, before it is called endless.
const MOST_PAGES: usize = 64;

/// Calls flespi. Each call has a connection of its own; it may be used by any number of tasks at once.
pub struct Flespi {
    regions: Vec<Region>,
    wire: Wire,
}

/// How the regions that flespi lists compare with those of the program; see [`Flespi::compare_regions`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionsFound {
    /// Listed, and known to the program.
    pub known: Vec<RegionName>,
    /// Listed, and not known: a later release may know them.
    pub unknown: Vec<RegionName>,
    /// Known, and not listed.
    pub missing: Vec<RegionName>,
}

impl Flespi {
    /// Calls the regions that are compiled in: `eu` (`https://flespi.io`, Netherlands) and `ru` (`https://ru.flespi.io`,
    /// Russia).
    ///
    /// ```
    /// use portcullis::port::flespi::FlespiApi as _;
    /// let flespi = portcullis_flespi::Flespi::new()?;
    /// assert_eq!(flespi.regions()[0].origin, "https://flespi.io");
    /// # Ok::<(), portcullis_flespi::SetupError>(())
    /// ```
    ///
    /// # Errors
    /// [`SetupError::Client`].
    pub fn new() -> Result<Self, SetupError> {
        Self::builder().build()
    }

    /// Starts from the same, with what the host decides.
    ///
    /// ```
    /// let flespi = portcullis_flespi::Flespi::builder().app("fleet.example.com").build()?;
    /// # Ok::<(), portcullis_flespi::SetupError>(())
    /// ```
    pub fn builder() -> FlespiBuilder {
        FlespiBuilder::new()
    }

    pub(crate) fn of(regions: Vec<Region>, wire: Wire) -> Self {
        Self { regions, wire }
    }

    /// Compares the regions that flespi lists with those of the program, by their names. Sends no token, and takes no
    /// host over from the answer: this is for operators, who update the program.
    ///
    /// ```no_run
    /// # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis::port::flespi::RegionName;
    /// let flespi = portcullis_flespi::Flespi::new()?;
    /// let found = flespi.compare_regions(&RegionName::parse("eu")?).await?;
    /// assert_eq!(found.missing, []);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`FlespiError`].
    pub async fn compare_regions(&self, asked: &RegionName) -> Result<RegionsFound, FlespiError> {
        let items = self.read("regions", asked, "/auth/regions", None).await?;
        let listed = answer::region_names(&items);
        let known_here = |name: &RegionName| self.regions.iter().any(|region| region.name == *name);
        let missing = self.regions.iter().map(|region| &region.name).filter(|name| !listed.contains(name));
        let missing = missing.cloned().collect();
        let (known, unknown) = listed.into_iter().partition(known_here);
        Ok(RegionsFound { known, unknown, missing })
    }

    /// Asks for the region of the customer that a master token belongs to; `None` if the answer names none.
    ///
    /// ```no_run
    /// # async fn doc(token: portcullis::secret::FlespiToken) -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis::port::flespi::RegionName;
    /// let (flespi, eu) = (portcullis_flespi::Flespi::new()?, RegionName::parse("eu")?);
    /// assert_eq!(flespi.customer_region(&eu, &token).await?, Some(eu));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`FlespiError`].
    pub async fn customer_region(
        &self,
        region: &RegionName,
        by: &FlespiToken,
    ) -> Result<Option<RegionName>, FlespiError> {
        let items = self.read("customer", region, "/platform/customer?fields=region", Some(by)).await?;
        let item = understood(answer::only(items), Effect::Reads)?;
        Ok(answer::customer_region(&item))
    }

    async fn read(
        &self,
        name: &'static str,
        region: &RegionName,
        path: &str,
        token: Option<&FlespiToken>,
    ) -> Result<Vec<Value>, FlespiError> {
        let url = self.url(region, path)?;
        let call = Call { name, method: Method::GET, url, token, body: None, effect: Effect::Reads };
        let body = understood(self.wire.call(&call).await, Effect::Reads)?;
        understood(answer::result(&body), Effect::Reads)
    }

    /// INVARIANT: the one place that makes an address, of a host in the table and a path written in this file.
    fn url(&self, region: &RegionName, path: &str) -> Result<String, FlespiError> {
        let known = self.regions.iter().find(|known| known.name == *region);
        let known = known.ok_or(FlespiError::UnknownRegion)?;
        Ok(format!("{}{path}", known.origin))
    }
}

fn understood<T>(read: Result<T, Trouble>, effect: Effect) -> Result<T, FlespiError> {
    read.map_err(|trouble| trouble.error(effect))
}

fn access(wanted: &Access) -> Option<Value> {
    match wanted {
        Access::Standard => Some(json!({"type": 0})),
        Access::Master => Some(json!({"type": 1})),
        Access::Acl(list) => Some(json!({"type": 2, "acl": list})),
        _ => None,
    }
}

#[async_trait]
impl FlespiApi for Flespi {
    fn regions(&self) -> Vec<Region> {
        self.regions.clone()
    }

    async fn inspect(&self, region: &RegionName, token: &FlespiToken) -> Result<TokenInfo, FlespiError> {
        let items = self.read("inspect", region, "/auth/info", Some(token)).await?;
        understood(answer::only(items).and_then(|item| answer::inspected(&item)), Effect::Reads)
    }

    async fn issue(
        &self,
        region: &RegionName,
        by: &FlespiToken,
        wanted: &NewToken,
    ) -> Result<IssuedToken, FlespiError> {
        const PATH: &str = "/platform/tokens?fields=id,key,info,expire,ttl,created,accessed,access";
        let url = self.url(region, PATH)?;
        let access = access(&wanted.access)
            .ok_or(FlespiError::Unavailable { detail: "the adapter does not know this access" })?;
        let body =
            json!([{"info": wanted.info, "expire": wanted.expire.timestamp(), "access": access}]).to_string();
        let call = Call {
            name: "issue",
            method: Method::POST,
            url,
            token: Some(by),
            body: Some(body),
            effect: Effect::Changes,
        };
        let body = understood(self.wire.call(&call).await, Effect::Changes)?;
        let issued = answer::result(&body).and_then(answer::only).and_then(answer::issued);
        understood(issued, Effect::Changes)
    }

    async fn find(&self, region: &RegionName, by: &FlespiToken, info: &str) -> Result<Vec<u64>, FlespiError> {
        const PATH: &str = "/platform/tokens/all?fields=id,info";
        let deadline = self.wire.deadline();
        let mut noted = Noted::default();
        for _ in 0..MOST_PAGES {
            let offset = match noted.seen() {
                0 => String::new(),
                seen => format!("&offset={seen}"),
            };
            let url = self.url(region, &format!("{PATH}{offset}"))?;
            let (token, effect) = (Some(by), Effect::Reads);
            let call = Call { name: "find", method: Method::GET, url, token, body: None, effect };
            let body = understood(self.wire.call_until(&call, deadline).await, effect)?;
            let page = understood(answer::page(&body), effect)?;
            if understood(noted.take(&page, info), effect)? {
                return Ok(noted.found());
            }
        }
        understood(Err(answer::PART), Effect::Reads)
    }

    async fn revoke(&self, region: &RegionName, by: &FlespiToken, id: u64) -> Result<(), FlespiError> {
        let url = self.url(region, &format!("/platform/tokens/{id}"))?;
        let call = Call {
            name: "revoke",
            method: Method::DELETE,
            url,
            token: Some(by),
            body: None,
            effect: Effect::Changes,
        };
        match self.wire.call(&call).await {
            Ok(body) => understood(answer::result(&body).map(drop), Effect::Changes),
            // There is none of that number any more.
            Err(Trouble::Status(404, _)) => Ok(()),
            Err(trouble) => Err(trouble.error(Effect::Changes)),
        }
    }
}

impl fmt::Debug for Flespi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flespi").field("regions", &self.regions).finish_non_exhaustive()
    }
}
