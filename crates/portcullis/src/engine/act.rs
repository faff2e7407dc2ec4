//! What every operation of a session does first.

use uuid::Uuid;

use super::Engine;
use super::commit::Try;
use super::record::View;
use crate::decision::Decision;
use crate::error::Error;
use crate::id::SessionId;
use crate::port::store::Start;
use crate::session::model::Acting;

impl Engine {
    /// Reads a session with everything that belongs to it, and decides for its user. A session that is over is refused
    /// and buried. `further` are read too: they are found from the second start on.
    pub(crate) async fn act<T: Send>(
        &self,
        session: SessionId,
        further: &[Start],
        subjects: &[Uuid],
        decide: impl Fn(&Acting, &View, &Try) -> Result<Decision<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        self.act_on(session, further, || subjects.to_vec(), decide).await
    }

    /// As [`Self::act`], with subjects that are named anew at each try.
    pub(crate) async fn act_on<T: Send>(
        &self,
        session: SessionId,
        further: &[Start],
        subjects: impl Fn() -> Vec<Uuid> + Send + Sync,
        decide: impl Fn(&Acting, &View, &Try) -> Result<Decision<T>, Error> + Send + Sync,
    ) -> Result<T, Error> {
        let (decide, subjects) = (&decide, &subjects);
        self.decide(|t| async move {
            let starts = [&[Start::Id(session.uuid())], further].concat();
            let view = self.read(&t, starts, subjects()).await?;
            match view.acting(0)? {
                Ok(acting) => decide(&acting, &view, &t),
                Err(no) => Ok(no.into()),
            }
        })
        .await
    }
}
