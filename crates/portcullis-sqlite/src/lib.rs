//! SQLite store for portcullis: one writer that batches commits, readers beside it.
