//! Commits in a transaction of the host's, together with rows of its own.

use portcullis::error::Error;
use portcullis::port::store::{Commit, CommitError, Counts};
use portcullis::user::{NewUser, User};
use portcullis::{Portcullis, Prepared};

use crate::commit::{COMMIT, Call};
use crate::error::statement;
use crate::pool::within;
use crate::store::PostgresStore;

impl PostgresStore {
    /// Keeps a commit in a transaction of the host's, together with whatever else the host writes there. Nothing is kept
    /// before the host has committed that transaction, and nothing may be answered before.
    ///
    /// The transaction must run at `READ COMMITTED`. From here on its lock timeout is the store's, and it holds what the
    /// commit locked: the less follows, the better. After an error it can only be rolled back. Whoever does not know
    /// whether his transaction was committed may run it again with the *same* commit, if his own rows bear that too.
    ///
    /// ```no_run
    /// use portcullis::port::store::Commit;
    /// use portcullis_postgres::PostgresStore;
    /// use portcullis_postgres::deadpool_postgres::Client;
    /// # async fn run(store: PostgresStore, client: &mut Client, commit: &Commit) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = client.transaction().await?;
    /// store.commit_in(&transaction, commit).await?;
    /// transaction.execute("INSERT INTO driver (name) VALUES ('alice')", &[]).await?;
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As of a commit of its own, but never `Unknown`: a transaction that was not committed kept nothing.
    pub async fn commit_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        commit: &Commit,
    ) -> Result<Counts, CommitError> {
        let call = Call::of(commit).map_err(CommitError::Port)?;
        let lock_wait = self.lock_wait();
        let params = call.params(&commit.now, &lock_wait);
        match within(self.waits().statement, transaction.query_typed(self.named(COMMIT), &params)).await {
            Ok(Ok(rows)) => call.counts(&rows, commit).map_err(CommitError::Port),
            Ok(Err(error)) => {
                let refused = call.refused(&error);
                Err(if refused == CommitError::Unknown {
                    CommitError::Port(statement(&error))
                } else {
                    refused
                })
            }
            Err(failure) => Err(CommitError::Port(failure.into())),
        }
    }

    /// Creates a user in a transaction of the host's. The host writes its own rows, commits, and then calls
    /// [`kept`](Prepared::kept) and answers; a transaction that is rolled back leaves no user.
    ///
    /// The account must have been committed before: what the transaction has written is not looked at.
    ///
    /// ```no_run
    /// use portcullis::Portcullis;
    /// use portcullis::user::NewUser;
    /// use portcullis_postgres::PostgresStore;
    /// use portcullis_postgres::deadpool_postgres::Client;
    /// # async fn run(store: PostgresStore, security: Portcullis, client: &mut Client, new: &NewUser) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = client.transaction().await?;
    /// let created = store.create_user_in(&transaction, &security, new).await?;
    /// let id = created.value().id.uuid();
    /// transaction.execute("INSERT INTO driver (user_id) VALUES ($1)", &[&id]).await?;
    /// transaction.commit().await?;
    /// let user = created.kept(); // now it may be answered
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `users().create`. [`Error::Contended`] means that others were faster, and that the whole transaction may
    /// be tried again.
    pub async fn create_user_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        security: &Portcullis,
        new: &NewUser,
    ) -> Result<Prepared<User>, Error> {
        let prepared = security.users().prepare(new).await?;
        if let Some(commit) = prepared.commit()
            && let Err(why) = self.commit_in(transaction, commit).await
        {
            return Err(prepared.refused(why));
        }
        Ok(prepared)
    }
}
