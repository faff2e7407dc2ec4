//! HTTP routes of portcullis for axum, and a tower service for other hosts.
