//! Whom the adapter believes to be flespi.

use portcullis::port::flespi::{FlespiApi as _, FlespiError};
use portcullis_flespi::FlespiBuilder;

use crate::support::certificates::certificates;
use crate::support::{Raw, name, say, token, towards, wanted};

const GOOD: &str = "{\"result\":[{\"id\":7,\"access\":{\"type\":1}}]}";

fn over_tls(server: &Raw) -> FlespiBuilder {
    towards(&format!("https://localhost:{}", server.port))
}

#[tokio::test]
async fn a_certificate_of_a_known_authority_is_believed() {
    let Some(made) = certificates("a_certificate_of_a_known_authority") else { return };
    let server = Raw::start_tls(made.good.clone(), [say("200 OK", "", GOOD)]).await;
    let flespi = over_tls(&server).root_certificates(made.authority.clone()).build().unwrap();
    assert_eq!(flespi.inspect(&name("eu"), &token()).await.unwrap().id, Some(7));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn any_other_certificate_gets_no_token() {
    let Some(made) = certificates("any_other_certificate") else { return };
    let none = |builder: FlespiBuilder| builder;
    let known = |builder: FlespiBuilder| builder.root_certificates(made.authority.clone());
    let cases: [(_, &dyn Fn(FlespiBuilder) -> FlespiBuilder); 3] =
        [(&made.good, &none), (&made.wrong_name, &known), (&made.untrusted, &known)];
    for (config, trusting) in cases {
        let server = Raw::start_tls(config.clone(), [say("200 OK", "", GOOD)]).await;
        let flespi = trusting(over_tls(&server)).build().unwrap();
        let refused = FlespiError::Unavailable { detail: "the certificate is not accepted" };
        assert_eq!(flespi.issue(&name("eu"), &token(), &wanted("x")).await.unwrap_err(), refused);
        assert_eq!(flespi.inspect(&name("eu"), &token()).await.unwrap_err(), refused);
        assert_eq!(
            (server.requests().len(), server.connections()),
            (0, 2),
            "what is barred is not tried again"
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_no_token() {
    let server = Raw::start([say("200 OK", "", GOOD)]).await;
    let flespi = over_tls(&server).build().unwrap();
    let refused = FlespiError::Unavailable { detail: "there is no connection" };
    assert_eq!(flespi.issue(&name("eu"), &token(), &wanted("x")).await.unwrap_err(), refused);
    assert_eq!(server.requests().len(), 1);
    assert!(!server.requests()[0].contains(token().expose()));
}
