//! The core's stories of notices, each in a database of its own.

use std::sync::Arc;

use crate::common::in_database;
use portcullis::testing::stories::{STORIES, play};

#[test]
fn the_stories_of_notices_hold_in_a_database() {
    for (name, story) in STORIES {
        in_database(name, async move |database| {
            play(name, *story, Arc::new(database.migrated().await)).await;
        });
    }
}
