//! How a connection is opened: the way to the server, the privacy it must have, who is asking.

use std::fmt;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::dialogue::{Dialogue, Failure, Login, Wire};
use crate::outcome::{Fault, Step};
use crate::tls::Trust;
use crate::url::{Scheme, Server};

/// A connection ready for a mail.
pub(crate) type Connection = Dialogue<Box<dyn Wire>>;

/// Everything it takes to open a connection.
pub(crate) struct Route {
    pub(crate) server: Server,
    pub(crate) login: Option<Login>,
    /// `None`: in clear, which only loopback or a `danger_` option allows.
    pub(crate) trust: Option<Trust>,
    pub(crate) hello_name: String,
}

impl Route {
    /// A connection that is private, if it has to be, and authenticated, if there are credentials.
    pub(crate) async fn open(&self, deadline: Instant) -> Result<Connection, Failure> {
        let tcp = self.reach(deadline).await.map_err(|fault| (Step::Connect, fault))?;
        let mut connection: Connection = match (&self.trust, self.server.scheme) {
            (None, _) => {
                let mut clear: Connection = Dialogue::new(Box::new(tcp));
                clear.greeting(deadline).await?;
                clear
            }
            (Some(trust), Scheme::Implicit) => {
                let mut secure = shaken(trust, tcp, deadline).await?;
                secure.greeting(deadline).await?;
                secure
            }
            (Some(trust), Scheme::Submission) => {
                let mut clear = Dialogue::new(tcp);
                clear.greeting(deadline).await?;
                let info = clear.hello(&self.hello_name, deadline).await?;
                let tcp = clear.start_tls(&info, deadline).await?;
                shaken(trust, tcp, deadline).await?
            }
        };
        let info = connection.hello(&self.hello_name, deadline).await?;
        if let Some(login) = &self.login {
            connection.log_in(login, &info, deadline).await?;
        }
        Ok(connection)
    }

    /// Tries the server's addresses in turn, each with its share of the time.
    async fn reach(&self, deadline: Instant) -> Result<TcpStream, Fault> {
        let look_up = lookup_host((self.server.host.as_str(), self.server.port));
        let found = timeout_at(deadline, look_up).await.map_err(|_| Fault::TimedOut)?;
        let mut addresses: Vec<_> = found.map_err(|_| Fault::Cut)?.collect();
        addresses.reverse();
        let mut fault = Fault::Cut;
        while let Some(address) = addresses.pop() {
            let left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_add(1);
            let share = Instant::now() + deadline.duration_since(Instant::now()) / left;
            fault = match timeout_at(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Commands are small and wait for answers; without it each could wait for a delayed ACK.
                    return stream.set_nodelay(true).map(|()| stream).map_err(|_| Fault::Cut);
                }
                Ok(Err(_)) => Fault::Cut,
                Err(_) => Fault::TimedOut,
            };
        }
        Err(fault)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("host", &self.server.host)
            .field("port", &self.server.port)
            .field("scheme", &self.server.scheme)
            .field("clear", &self.trust.is_none())
            .field("authenticates", &self.login.is_some())
            .finish_non_exhaustive()
    }
}

async fn shaken(trust: &Trust, tcp: TcpStream, deadline: Instant) -> Result<Connection, Failure> {
    match timeout_at(deadline, trust.shake(tcp)).await {
        Ok(Ok(stream)) => Ok(Dialogue::new(Box::new(stream))),
        Ok(Err(fault)) => Err((Step::StartTls, fault)),
        Err(_) => Err((Step::StartTls, Fault::TimedOut)),
    }
}
