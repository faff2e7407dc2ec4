//! PostgreSQL store for portcullis: one round trip a read, one a commit.
