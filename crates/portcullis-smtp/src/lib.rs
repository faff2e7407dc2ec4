//! SMTP mail sender for portcullis, over lettre and rustls.
