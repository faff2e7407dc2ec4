//! Signing in to a real server: by password, and over TLS.

use std::sync::Arc;

use crate::common::{Database, in_database};
use portcullis::port::store::{Read, Store};
use portcullis_postgres::{PostgresOptions, PostgresStore};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// One value, as text.
async fn value(database: &Database, sql: &str) -> Option<String> {
    database.client().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[test]
fn a_wrong_password_gives_one_line_without_it() {
    let test = "a_wrong_password_gives_one_line_without_it";
    in_database(test, async move |database| {
        let rule =
            "SELECT max(auth_method) FROM pg_hba_file_rules WHERE '+portcullis_scram' = ANY (user_name)";
        if value(&database, rule).await.as_deref() != Some("scram-sha-256") {
            return crate::common::skip(test, "the server was not started by scripts/postgres");
        }
        let user = database.url.rsplit('/').next().unwrap().to_owned();
        let client = database.client().await;
        let _ = client.batch_execute("CREATE ROLE portcullis_scram").await;
        let sql = format!("CREATE ROLE {user} LOGIN PASSWORD 'r1ght' IN ROLE portcullis_scram");
        client.batch_execute(&sql).await.unwrap();
        let url = |password: &str| database.url.replace("//postgres@", &format!("//{user}{password}@"));
        PostgresStore::connect(&url(":r1ght")).await.unwrap();
        for password in [":wr0ng", ""] {
            let error = PostgresStore::connect(&url(password)).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("wr0ng") && !shown.contains('\n'), "{shown}");
            assert!(error.to_string().contains("password"), "{shown}");
        }
        client.batch_execute(&format!("DROP ROLE {user}")).await.unwrap();
    });
}

fn options(url: &str, roots: RootCertStore) -> PostgresOptions {
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    PostgresOptions::from_url(url).unwrap().with_tls(tls)
}

#[test]
fn a_connection_over_tls_is_encrypted_and_the_server_verified() {
    let test = "a_connection_over_tls_is_encrypted_and_the_server_verified";
    in_database(test, async move |database| {
        let authority = "SELECT pg_read_file(nullif(current_setting('ssl_ca_file'), ''))
                         WHERE current_setting('ssl') = 'on' UNION ALL SELECT NULL LIMIT 1";
        let Some(authority) = value(&database, authority).await else {
            return crate::common::skip(test, "the server offers no TLS with an authority of its own");
        };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();

        let store = PostgresStore::connect_with(options(&database.url, roots.clone())).await.unwrap();
        store.migrate().await.unwrap();
        store.read(&Read::default()).await.unwrap();
        let encrypted = "SELECT bool_and(s.ssl)::text FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                         WHERE a.datname = current_database() AND a.application_name = 'portcullis'";
        assert_eq!(value(&database, encrypted).await.as_deref(), Some("true"));

        let refused = "store: the server's certificate or encryption was not accepted";
        let stranger = options(&database.url, RootCertStore::empty());
        assert_eq!(PostgresStore::connect_with(stranger).await.unwrap_err().to_string(), refused);
        let other_name = options(&database.url.replace("127.0.0.1", "localhost"), roots);
        assert_eq!(PostgresStore::connect_with(other_name).await.unwrap_err().to_string(), refused);
    });
}
