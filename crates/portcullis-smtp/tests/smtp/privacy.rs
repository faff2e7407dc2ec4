//! What is never said before the connection is private, and to whom.

use crate::support::certificates::certificates;
use crate::support::server::{At, Script, Server, Trouble};
use crate::support::{Kind, PASSWORD, kind, mail, options, sender};
use portcullis::port::message::MailSender as _;
use portcullis_smtp::{Probe, SmtpSender};
use secrecy::SecretString;

#[tokio::test]
async fn a_stripped_starttls_gets_neither_credentials_nor_an_address() {
    let Some(made) = certificates("a_stripped_starttls") else { return };
    let mut unoffered = Script::new(made.good.clone());
    unoffered.starttls = false;
    let refused = Script::new(made.good.clone()).with(At::StartTls, Trouble::Say("454 not now\r\n"));
    for (script, expected, words) in [
        (unoffered, Kind::Misconfigured, "does not offer starttls"),
        (refused, Kind::Transient, "refused for now"),
    ] {
        let server = Server::start(script).await;
        let trusting = options().root_certificates(made.authority.clone());
        let error = sender("smtp", server.port, trusting).send(&mail(1)).await.unwrap_err();
        assert_eq!(kind(&error), expected);
        assert!(error.to_string().contains(words), "{error}");
        let seen = server.seen();
        for verb in ["AUTH", "MAIL", "RCPT", "DATA"] {
            assert_eq!(seen.count(verb), 0, "{:?}", seen.commands);
        }
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_the_set_ups_fault_and_gets_nothing() {
    let Some(made) = certificates("a_wrong_certificate") else { return };
    for implicit in [false, true] {
        for config in [&made.wrong_name, &made.untrusted] {
            let mut script = Script::new(config.clone());
            script.implicit = implicit;
            let server = Server::start(script).await;
            let scheme = if implicit { "smtps" } else { "smtp" };
            let trusting = options().root_certificates(made.authority.clone());
            let sender = sender(scheme, server.port, trusting);
            let error = sender.send(&mail(1)).await.unwrap_err();
            assert_eq!(kind(&error), Kind::Misconfigured, "{scheme}: {error}");
            assert!(matches!(sender.check().await, Probe::Misconfigured { .. }));
            let seen = server.seen();
            assert!(seen.commands.iter().all(|(line, _)| line.starts_with("EHLO ") || line == "STARTTLS"));
            assert!(seen.mails.is_empty());
        }
    }
}

#[tokio::test]
async fn the_right_certificate_is_taken_both_ways_as_pem_and_without_it_is_not() {
    let Some(made) = certificates("the_right_certificate") else { return };
    for implicit in [false, true] {
        let mut script = Script::new(made.good.clone());
        script.implicit = implicit;
        let server = Server::start(script).await;
        let scheme = if implicit { "smtps" } else { "smtp" };
        let trusting = options().root_certificates(made.authority.clone());
        let taken = sender(scheme, server.port, trusting);
        assert_eq!(taken.check().await, Probe::Reachable);
        let receipt = taken.send(&mail(1)).await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some("1tQueue-000001-AB"));
        let strange = sender(scheme, server.port, options());
        assert_eq!(kind(&strange.send(&mail(1)).await.unwrap_err()), Kind::Misconfigured);
    }
}

#[tokio::test]
async fn the_probe_authenticates_and_sends_nothing() {
    let Some(made) = certificates("the_probe") else { return };
    let server = Server::start(Script::new(made.good.clone())).await;
    let trusting = || options().root_certificates(made.authority.clone());
    assert_eq!(sender("smtp", server.port, trusting()).check().await, Probe::Reachable);
    assert_eq!((server.seen().count("AUTH"), server.seen().count("MAIL")), (1, 0));

    let wrong = Script::new(made.good.clone()).with(At::Auth, Trouble::Say("535 wrong\r\n"));
    let server = Server::start(wrong).await;
    let found = sender("smtp", server.port, trusting()).check().await;
    assert!(matches!(found, Probe::Misconfigured { .. }), "{found:?}");

    let later = Script::new(made.good.clone()).with(At::Greeting, Trouble::Say("421 full\r\n"));
    let server = Server::start(later).await;
    let found = sender("smtp", server.port, trusting()).check().await;
    assert!(matches!(found, Probe::Warn { .. }), "{found:?}");
}

#[tokio::test]
async fn what_is_said_ahead_of_tls_is_not_believed_after_it() {
    let Some(made) = certificates("what_is_said_ahead_of_tls") else { return };
    // A middlebox appends replies to the clear-text ones, hoping that they answer what is asked under TLS.
    let ahead = [
        "250 AUTH PLAIN\r\n",
        "250-fake\r\n250 AUTH LOGIN\r\n",
        "235 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n",
    ];
    for at in [At::Greeting, At::Hello, At::StartTls] {
        for more in ahead {
            let server = Server::start(Script::new(made.good.clone()).with(at, Trouble::SayMore(more))).await;
            let trusting = options().root_certificates(made.authority.clone());
            let error = sender("smtp", server.port, trusting).send(&mail(1)).await.expect_err(more);
            assert_eq!(kind(&error), Kind::Transient, "{at:?} {more}");
            assert_eq!(server.seen().count("AUTH"), 0);
            assert_eq!(server.seen().count("MAIL"), 0);
        }
    }
}

#[tokio::test]
async fn login_is_used_where_plain_is_not_offered() {
    let Some(made) = certificates("login_is_used") else { return };
    let mut script = Script::new(made.good.clone());
    script.auth = "LOGIN";
    let server = Server::start(script).await;
    let trusting = || options().root_certificates(made.authority.clone());
    sender("smtp", server.port, trusting()).send(&mail(1)).await.unwrap();
    let seen = server.seen();
    assert!(seen.commands.contains(&("YXBwQGxvZ2luLnRlc3Q=".to_owned(), true)), "{:?}", seen.commands);

    let mut script = Script::new(made.good.clone());
    script.auth = "GSSAPI";
    let server = Server::start(script).await;
    let error = sender("smtp", server.port, trusting()).send(&mail(1)).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Misconfigured);
    assert_eq!(server.seen().count("AUTH"), 0);
}

#[tokio::test]
async fn clear_text_is_for_loopback_and_for_those_who_ask_for_danger() {
    let server = Server::start(Script::clear()).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    SmtpSender::from_url(&url, None, options()).unwrap().send(&mail(1)).await.unwrap();
    assert_eq!(server.seen().mails.len(), 1);

    let mut script = Script::clear();
    script.auth = "PLAIN";
    let server = Server::start(script).await;
    let url = format!("smtp://app@127.0.0.1:{}", server.port);
    let password = || Some(SecretString::from(PASSWORD));
    let guarded = SmtpSender::from_url(&url, password(), options()).unwrap();
    assert_eq!(kind(&guarded.send(&mail(1)).await.unwrap_err()), Kind::Misconfigured);
    assert_eq!(server.seen().count("AUTH"), 0);
    let danger = SmtpSender::from_url(&url, password(), options().danger_plaintext_credentials()).unwrap();
    danger.send(&mail(1)).await.unwrap();
    assert_eq!(server.seen().count("AUTH"), 1);
}

#[test]
fn nothing_that_can_be_printed_holds_the_password() {
    let sender = sender("smtps", 465, options());
    for text in [format!("{sender:?}"), format!("{sender:#?}"), format!("{:?}", options())] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
