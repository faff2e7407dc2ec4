//! The stand-in as a whole: started, asked and steered from the same process.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::{Router, middleware};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::gate::{Here, Shared, only_loopback};
use crate::listen::{Door, Scissors};
use crate::options::Options;
use crate::place::Place;
use crate::script::Scripted;
use crate::select::Selector;
use crate::world::{Rate, Seen};
use crate::{api, control, login};

/// Both regions, each on its own port. It ends when it is dropped.
pub struct FlespiStandIn {
    shared: Arc<Shared>,
    came: [Arc<AtomicUsize>; 2],
    serving: JoinSet<io::Result<()>>,
}

/// A token that was made. Its `Debug` hides the key.
#[derive(Clone)]
#[non_exhaustive]
pub struct Made {
    /// Its number.
    pub id: u64,
    /// The token itself.
    pub key: String,
    /// What the login page posts with it: `FlespiLogin|token:{…}`.
    pub message: String,
}

impl FlespiStandIn {
    /// Starts both regions on free ports of 127.0.0.1.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use flespi_stand_in::{FlespiStandIn, Place};
    /// let stand_in = FlespiStandIn::start().await?;
    /// assert_ne!(stand_in.url(Place::Eu), stand_in.url(Place::Ru));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::serve(&Options { eu: free, ru: free }).await
    }

    /// Starts both regions where they are wanted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use flespi_stand_in::{FlespiStandIn, Options, Place};
    /// let options = Options::parse(["--eu", "127.0.0.1:0", "--ru", "127.0.0.1:0"].map(String::from))?;
    /// let stand_in = FlespiStandIn::serve(&options).await?;
    /// assert!(stand_in.url(Place::Eu).starts_with("http://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a port is taken, or an address is not one of loopback.
    pub async fn serve(options: &Options) -> io::Result<Self> {
        let wanted = [options.eu, options.ru];
        if wanted.iter().any(|address| !address.ip().is_loopback()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a stand-in listens on loopback only"));
        }
        let [eu, ru] = wanted;
        let (eu, ru) = (TcpListener::bind(eu).await?, TcpListener::bind(ru).await?);
        let urls = [format!("http://{}", eu.local_addr()?), format!("http://{}", ru.local_addr()?)];
        let shared = Arc::new(Shared::new(urls));
        let came = [Arc::<AtomicUsize>::default(), Arc::default()];
        let mut serving = JoinSet::new();
        for ((place, listener), came) in Place::ALL.into_iter().zip([eu, ru]).zip(&came) {
            let door = Door { listener, came: Arc::clone(came) };
            let routes = routes(&Here { shared: Arc::clone(&shared), place });
            let service = routes.into_make_service_with_connect_info::<Scissors>();
            serving.spawn(async move { axum::serve(door, service).await });
        }
        Ok(Self { shared, came, serving })
    }

    /// Where a region is, as `http://127.0.0.1:8090`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// assert!(stand_in.url(Place::Eu).starts_with("http://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn url(&self, place: Place) -> &str {
        self.shared.url(place)
    }

    /// Logs in at a region: a master token that lives for half an hour after its last use.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// let made = stand_in.log_in(Place::Ru);
    /// assert!(made.message.starts_with("FlespiLogin|token:{"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_in(&self, place: Place) -> Made {
        let (id, posted) = login::posted(&self.shared, place);
        let key = posted.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        Made { id, key, message: format!("FlespiLogin|token:{posted}") }
    }

    /// Makes a token with these properties, as `{"info": "mine", "ttl": 3600, "access": {"type": 1}}`; `None` if they do
    /// not fit. Its message is empty.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// let made = stand_in.make(Place::Eu, &serde_json::json!({"info": "mine", "ttl": 3600}));
    /// assert_eq!(made.unwrap().key.len(), 64);
    /// assert!(stand_in.make(Place::Eu, &serde_json::json!({"info": "eternal"})).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn make(&self, place: Place, wanted: &Value) -> Option<Made> {
        let mut made = self.shared.world(place).create(std::slice::from_ref(wanted), self.now());
        let item = made.items.pop()?;
        let key = item.get("key")?.as_str()?.to_owned();
        Some(Made { id: item.get("id")?.as_u64()?, key, message: String::new() })
    }

    /// Deletes a token; whether it was there.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// let made = stand_in.log_in(Place::Eu);
    /// assert!(stand_in.delete(Place::Eu, made.id));
    /// assert!(!stand_in.delete(Place::Eu, made.id));
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self, place: Place, id: u64) -> bool {
        let deleted = self.shared.world(place).delete(&Selector::Ids(vec![id]), self.now());
        !deleted.items.is_empty()
    }

    /// The tokens of a region, as flespi shows them: without their keys.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// let made = stand_in.log_in(Place::Eu);
    /// assert_eq!(stand_in.tokens(Place::Eu)[0]["id"], made.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tokens(&self, place: Place) -> Vec<Value> {
        let listed = self.shared.world(place).list(&Selector::All, self.now());
        listed.items.into_iter().map(Value::Object).collect()
    }

    /// The time of the stand-in, in seconds since 1970.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// assert!(stand_in.now() > 1_700_000_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// Moves the time by so many seconds, back if negative; `false` if that is more than a hundred years.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// let before = stand_in.now();
    /// assert!(stand_in.advance(3600));
    /// assert!(stand_in.now() >= before + 3600);
    /// # Ok(())
    /// # }
    /// ```
    pub fn advance(&self, seconds: i64) -> bool {
        self.shared.clock.advance(seconds)
    }

    /// Gives an answer ahead, behind those given before.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// stand_in.script(Place::Eu, Scripted::status(503).path("/auth/info"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn script(&self, place: Place, scripted: Scripted) {
        self.shared.world(place).script(scripted);
    }

    /// Limits how many requests a region answers; `None` lifts the limit.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// stand_in.limit(Place::Eu, Some(Rate { limit: 10, per: 60 }));
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(&self, place: Place, rate: Option<Rate>) {
        self.shared.world(place).limit(rate);
    }

    /// Lets a region give no more than so many items of a list at once, with a `pagination` beside them; `None` gives
    /// lists whole.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// stand_in.shorten_lists(Place::Eu, Some(10));
    /// # Ok(())
    /// # }
    /// ```
    pub fn shorten_lists(&self, place: Place, longest: Option<usize>) {
        self.shared.world(place).shorten(longest);
    }

    /// The requests to the API that have arrived at a region, oldest first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// assert_eq!(stand_in.requests(Place::Eu), []);
    /// # Ok(())
    /// # }
    /// ```
    pub fn requests(&self, place: Place) -> Vec<Seen> {
        self.shared.world(place).seen.clone()
    }

    /// Forgets them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// stand_in.forget_requests(Place::Eu);
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget_requests(&self, place: Place) {
        self.shared.world(place).seen.clear();
    }

    /// How many connections a region has accepted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// # use flespi_stand_in::{FlespiStandIn, Place, Rate, Scripted};
    /// let stand_in = FlespiStandIn::start().await?;
    /// assert_eq!(stand_in.connections(Place::Eu), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn connections(&self, place: Place) -> usize {
        let [eu, ru] = &self.came;
        let came = match place {
            Place::Eu => eu,
            Place::Ru => ru,
        };
        came.load(Ordering::SeqCst)
    }

    /// Serves until a region can't any more.
    ///
    /// # Errors
    /// Why it can't.
    pub async fn ended(&mut self) -> io::Result<()> {
        match self.serving.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(_)) | None => Err(io::Error::other("a region has ended")),
        }
    }
}

fn routes(here: &Here) -> Router {
    Router::new()
        .merge(login::router(here.clone()))
        .merge(control::router(here.clone()))
        .fallback_service(api::router(here.clone()))
        .layer(middleware::from_fn(only_loopback))
}

impl fmt::Debug for FlespiStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlespiStandIn").field("urls", &self.shared.urls).finish_non_exhaustive()
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("id", &self.id).finish_non_exhaustive()
    }
}
