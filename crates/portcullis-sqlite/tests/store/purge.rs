//! The worker's purge on a file.

use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::port::store::Store;
use portcullis::secret::Password;
use portcullis::testing::world::attempt;
use portcullis::testing::{Dump as _, World};
use portcullis::user::Login;
use portcullis_sqlite::SqliteStore;

use crate::common::{File, block};

#[test]
fn what_is_long_dead_goes_and_what_lives_stays() {
    let file = File::new();
    block(async {
        let store = Arc::new(SqliteStore::open(file.as_ref()).unwrap());
        let w = World::on(Arc::clone(&store) as Arc<dyn Store>);
        let policy = w.security.policy().clone();
        let account = w.account("demo").await.unwrap();
        let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
        let first = w.sign_in(&alice).await.unwrap();
        w.switch_on(first.id, &alice).await.unwrap();
        let nobody = Login::parse("nobody").unwrap();
        let wrong = Password::parse("not this one".to_owned(), "password").unwrap();
        assert!(w.security.sign_in().start(&nobody, &wrong, &attempt()).await.is_err());
        assert!(w.run_worker().await.unwrap().sent > 0);
        let before = store.contents().await.unwrap();
        assert!(before.records.len() > 2 && !before.counters.is_empty());

        w.advance(policy.session_longest + TimeDelta::seconds(1));
        assert!(w.run_worker().await.unwrap().purged > 0);
        let after = store.contents().await.unwrap();
        let mut kinds: Vec<_> = after.records.iter().map(|record| record.kind.as_str().to_owned()).collect();
        kinds.sort();
        assert_eq!(kinds, ["account", "user"]);
        let counted: Vec<_> = after.counters.iter().map(|(counter, _)| counter.name.as_ref()).collect();
        assert_eq!(counted, ["top_accounts"], "what has no window stays");
        assert_eq!(after.audit.len(), before.audit.len(), "the trail is kept for longer");

        w.advance(policy.audit_kept);
        let live = w.sign_in(&alice).await.unwrap();
        w.run_worker().await.unwrap();
        let last = store.contents().await.unwrap();
        assert!(last.audit.iter().all(|event| event.at > w.now() - policy.audit_kept));
        assert!(w.security.sessions().current(live.id).await.is_ok());
    });
}
