//! Every step of the dialogue with every trouble: what the sender says, and what it never says in clear.

use std::time::Duration;

use crate::support::certificates::{Certificates, certificates};
use crate::support::server::{At, STEPS, Script, Seen, Server, Trouble};
use crate::support::{Kind, PASSWORD, PATIENCE, kind, mail, options, sender};
use portcullis::port::message::{MailSender as _, SendError};
use portcullis_smtp::SmtpSender;

/// What a trouble at a step has to be called.
pub(crate) fn expected(at: At, trouble: &Trouble) -> Kind {
    match (at, trouble) {
        (_, Trouble::Say(reply)) if reply.starts_with('4') => Kind::Transient,
        (At::Greeting | At::Hello | At::StartTls | At::Auth | At::From, Trouble::Say(reply))
            if reply.starts_with('5') =>
        {
            Kind::Misconfigured
        }
        (_, Trouble::Say(reply)) if reply.starts_with('5') => Kind::Permanent,
        (At::End, _) => Kind::Ambiguous,
        (_, _) => Kind::Transient,
    }
}

async fn cell(made: &Certificates, at: At, trouble: Trouble, timeout: Duration) {
    let cell = format!("{at:?} {trouble:?}");
    let server = Server::start(Script::new(made.good.clone()).with(at, trouble.clone())).await;
    let trusting = || options().root_certificates(made.authority.clone());
    let impatient = sender("smtp", server.port, trusting().timeout(timeout));
    let error = impatient.send(&mail(1)).await.expect_err(&cell);
    assert_eq!(kind(&error), expected(at, &trouble), "{cell}: {error}");
    says_nothing(&error);
    if at != At::End && matches!(trouble, Trouble::Flood | Trouble::Lines) {
        assert!(error.to_string().contains("too long"), "{cell}: {error}");
    }
    private(&server.seen(), &cell);

    // The trouble is over with its connection: the next try passes, under the same Message-ID.
    let sender = sender("smtp", server.port, options().root_certificates(made.authority.clone()));
    sender.send(&mail(1)).await.expect(&cell);
    let seen = server.seen();
    private(&seen, &cell);
    let ids = seen.ids();
    let id = "Message-ID: <00000000-0000-0000-0000-000000000001@example.com>";
    assert!(ids.iter().all(|seen| seen == id), "{cell}: {ids:?}");
    assert_eq!(ids.len(), if at == At::End { 2 } else { 1 }, "{cell}");
    assert_eq!(seen.connections, 2, "{cell}");
}

/// Nothing but the greeting's answer and STARTTLS goes in clear.
pub(crate) fn private(seen: &Seen, cell: &str) {
    for (line, encrypted) in &seen.commands {
        let open = line == "EHLO app.example.com" || line == "STARTTLS";
        assert!(*encrypted || open, "{cell}: {line} went in clear");
    }
    let clear = String::from_utf8_lossy(&seen.clear);
    for secret in [PASSWORD, "AHBsb2dpbi50ZXN0", "bob@", "924417", "YzRuNHJ5"] {
        assert!(!clear.contains(secret), "{cell}: {secret} went in clear");
    }
}

/// The words of an error are ours, not the server's.
fn says_nothing(error: &SendError) {
    let text = format!("{error} {error:?}");
    for word in ["scripted", "SECRET", PASSWORD, "bob@", "924417", "\n"] {
        assert!(!text.contains(word), "{text}");
    }
}

macro_rules! rows {
    ($($name:ident: $trouble:expr;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(made) = certificates(stringify!($name)) else { return };
            for at in STEPS {
                cell(made, at, $trouble, PATIENCE).await;
            }
        }
    )+};
}

rows! {
    refused_for_now_anywhere: Trouble::Say("451 later SECRET 924417\r\n");
    refused_for_now_with_a_hang_up_anywhere: Trouble::Say("421 bye SECRET\r\n");
    refused_for_good_anywhere: Trouble::Say("550-no SECRET\r\n550 924417 bob@example.org\r\n");
    cut_anywhere: Trouble::Cut;
    garbage_anywhere: Trouble::Say("\u{fffd}\0 SECRET nonsense\r\n");
    a_reply_that_does_not_belong_anywhere: Trouble::Say("252 SECRET\r\n");
    flooded_anywhere: Trouble::Flood;
    flooded_with_lines_anywhere: Trouble::Lines;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_anywhere_ends_with_the_timeout() {
    let Some(made) = certificates("hung_anywhere_ends_with_the_timeout") else { return };
    let cells = STEPS.map(|at| tokio::spawn(cell(made, at, Trouble::Hang, Duration::from_secs(3))));
    for cell in cells {
        tokio::time::timeout(PATIENCE, cell).await.expect("a hang outlived its timeout").unwrap();
    }
}

#[tokio::test]
async fn a_demand_for_credentials_is_the_set_ups_fault_at_every_step() {
    let Some(made) = certificates("a_demand_for_credentials") else { return };
    for at in STEPS {
        for reply in ["530 authenticate\r\n", "534 too weak\r\n", "535 wrong\r\n"] {
            let server = Server::start(Script::new(made.good.clone()).with(at, Trouble::Say(reply))).await;
            let sender = sender("smtp", server.port, options().root_certificates(made.authority.clone()));
            let error = sender.send(&mail(1)).await.unwrap_err();
            assert_eq!(kind(&error), Kind::Misconfigured, "{at:?} {reply}");
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_transient() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let error = sender("smtp", port, options()).send(&mail(1)).await.unwrap_err();
    assert_eq!(kind(&error), Kind::Transient);
}

#[tokio::test]
async fn a_server_that_accepts_nobody_ends_with_the_timeout() {
    // Bound and never accepted: the kernel completes the handshake, and nobody ever speaks.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["smtp", "smtps"] {
        let sender = sender(scheme, port, options().timeout(Duration::from_millis(100)));
        let mail = mail(1);
        let send = tokio::time::timeout(PATIENCE, sender.send(&mail));
        let error = send.await.expect("the timeout did not hold").unwrap_err();
        assert_eq!(kind(&error), Kind::Transient, "{scheme}");
    }
}

#[tokio::test]
async fn a_server_whose_queue_is_full_ends_with_the_timeout() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Taken up to the last place: a further connection is not even shaken hands with.
    let mut waiting = Vec::new();
    let moment = Duration::from_millis(200);
    while let Ok(connected) = tokio::time::timeout(moment, tokio::net::TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 100, "the queue has no end");
    }
    let sender = sender("smtp", address.port(), options().timeout(moment));
    let mail = mail(1);
    let send = tokio::time::timeout(PATIENCE, sender.send(&mail));
    let error = send.await.expect("the timeout did not hold").unwrap_err();
    assert_eq!(kind(&error), Kind::Transient);
    assert!(error.to_string().contains("not reached in time"), "{error}");
}

#[tokio::test]
async fn no_mail_depends_on_how_the_server_says_goodbye() {
    let Some(made) = certificates("no_mail_depends_on_how_the_server_says_goodbye") else { return };
    for trouble in [
        Trouble::Say("451 later\r\n"),
        Trouble::Say("550 no\r\n"),
        Trouble::Say("nonsense\r\n"),
        Trouble::Hang,
        Trouble::Cut,
        Trouble::Flood,
    ] {
        let mut script = Script::new(made.good.clone()).with(At::Quit, trouble.clone());
        script.always = true;
        let server = Server::start(script).await;
        let sender = sender("smtp", server.port, options().root_certificates(made.authority.clone()));
        for number in [1, 2] {
            sender.send(&mail(number)).await.unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        }
        drop(sender);
        let seen = server.seen();
        assert_eq!((seen.mails.len(), seen.count("QUIT")), (2, 0), "{trouble:?}: nothing waits for it");
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_pool_has() {
    let server = Server::start(Script::clear()).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let sender = SmtpSender::from_url(&url, None, options().pool_size(1)).unwrap();
    let mails = [mail(1), mail(2), mail(3)];
    let (first, second, third) =
        tokio::join!(sender.send(&mails[0]), sender.send(&mails[1]), sender.send(&mails[2]));
    for outcome in [first, second, third] {
        outcome.unwrap();
    }
    assert_eq!(server.seen().connections, 1);
    assert_eq!(server.seen().mails.len(), 3);
}

#[tokio::test]
async fn a_mail_that_waits_for_a_connection_waits_no_longer_than_its_timeout() {
    let mut script = Script::clear().with(At::Greeting, Trouble::Hang);
    script.always = true;
    let server = Server::start(script).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let options = options().pool_size(1).timeout(Duration::from_millis(300));
    let sender = SmtpSender::from_url(&url, None, options).unwrap();
    let mails = [mail(1), mail(2)];
    let both = async { tokio::join!(sender.send(&mails[0]), sender.send(&mails[1])) };
    let (first, second) = tokio::time::timeout(PATIENCE, both).await.expect("a wait outlived its timeout");
    assert_eq!(kind(&first.unwrap_err()), Kind::Transient);
    assert_eq!(kind(&second.unwrap_err()), Kind::Transient);
}

#[tokio::test]
async fn connections_are_used_again_and_a_dead_one_is_replaced() {
    let Some(made) = certificates("connections_are_used_again") else { return };
    let server = Server::start(Script::new(made.good.clone()).with(At::To, Trouble::Say("550 no\r\n"))).await;
    let trusting = || options().root_certificates(made.authority.clone());
    let first = sender("smtp", server.port, trusting());
    // A refused receiver leaves the connection good: both sides are in step.
    assert_eq!(kind(&first.send(&mail(1)).await.unwrap_err()), Kind::Permanent);
    assert_eq!(kind(&first.send(&mail(2)).await.unwrap_err()), Kind::Permanent);
    assert_eq!(server.seen().connections, 1);
    assert_eq!(server.seen().count("RSET"), 1);

    // 421 ends it.
    let server =
        Server::start(Script::new(made.good.clone()).with(At::To, Trouble::Say("421 bye\r\n"))).await;
    let second = sender("smtp", server.port, trusting());
    assert_eq!(kind(&second.send(&mail(1)).await.unwrap_err()), Kind::Transient);
    second.send(&mail(2)).await.unwrap();
    second.send(&mail(3)).await.unwrap();
    assert_eq!(server.seen().connections, 2);

    // A parked connection on which the server said goodbye is replaced before anything is lost.
    let parting = Script::new(made.good.clone()).with(At::End, Trouble::SayMore("421 idle\r\n"));
    let server = Server::start(parting).await;
    let third = sender("smtp", server.port, trusting());
    third.send(&mail(1)).await.unwrap();
    third.send(&mail(2)).await.unwrap();
    assert_eq!(server.seen().connections, 2);
}
