//! What the user is mailed of his token's end.

use super::*;

#[tokio::test]
async fn the_user_is_mailed_before_the_end_and_anew_when_it_moves() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let end = s.w.now() + DAY * 365;
    let mut told = 0;
    for days in [31, 30, 29, 7, 1] {
        s.w.clock.set(end - DAY * days);
        s.run().await;
        s.run().await;
        told += usize::from([30, 7, 1].contains(&days));
        let mails = s.w.mailbox.to("alice@example.com");
        assert_eq!(mails.len(), told, "{days}");
        if let Some(mail) = mails.last() {
            assert!(mail.text.contains("2027-11-18"), "{}", mail.text);
        }
    }
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let later = s.w.flespi.hold("eu", |held| held.expire = Some(end + DAY * 100));
    s.w.security.flespi().manual(session, &later, &region("eu")).await.unwrap();
    s.w.security.flespi().check(session).await.unwrap();
    s.w.clock.set(end + DAY * 70);
    s.run().await;
    assert_eq!(s.w.mailbox.to("alice@example.com").len(), told + 1);
}

#[tokio::test]
async fn a_notice_that_is_not_true_any_more_does_not_leave() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let end = s.w.now() + DAY * 365;
    s.w.clock.set(end - DAY * 30);
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    s.w.mailbox.fail_with(Some(portcullis::port::message::SendError::Transient { detail: "busy" }));
    s.run().await;
    s.w.security.flespi().disconnect(session).await.unwrap();
    s.w.mailbox.fail_with(None);
    s.w.advance(DAY);
    s.run().await;
    assert_eq!(s.w.mailbox.to("alice@example.com").len(), 0);
}
