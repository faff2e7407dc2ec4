//! The views for people.

use std::sync::Arc;

use crate::common::in_database;
use portcullis::port::store::Store;
use portcullis::testing::canary::live_through;

#[test]
fn the_views_show_a_whole_story_and_no_secret_of_it() {
    in_database("the_views_show_a_whole_story_and_no_secret_of_it", async |database| {
        let store = Arc::new(database.migrated().await);
        let lived = live_through(Arc::clone(&store) as Arc<dyn Store>, 1).await.unwrap();
        let client = database.client().await;
        let views = "SELECT relname::text FROM pg_class WHERE relkind = 'v' AND relname LIKE 'portcullis%' ORDER BY 1";
        let views: Vec<String> =
            client.query(views, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(views.len(), 11, "{views:?}");
        let mut filled = Vec::new();
        for view in views {
            let rows = client.query(&format!("SELECT v::text FROM {view} v"), &[]).await.unwrap();
            if !rows.is_empty() {
                filled.push(view.clone());
            }
            for row in rows {
                let line: String = row.get(0);
                assert_eq!(lived.found_in(line.as_bytes()), Vec::<String>::new(), "{view}");
                assert!(!line.contains("$argon2"), "{view}");
            }
        }
        for view in ["accounts", "users", "sessions", "challenges", "messages", "due", "trail"] {
            assert!(filled.contains(&format!("portcullis_{view}")), "{view} is empty: {filled:?}");
        }
    });
}
