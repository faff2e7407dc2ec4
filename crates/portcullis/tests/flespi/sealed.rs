//! What a token is sealed with and for.

use super::*;

#[test]
fn keys_are_rotated_while_tokens_are_read() {
    use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let s = scene().await;
        s.connect("eu").await;
        let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
        let mut users = vec![s.alice.id];
        for nth in 0..20 {
            let user = s.w.user(&account, &format!("user{nth}"), None).await.unwrap();
            let session = s.w.sign_in(&user).await.unwrap().id;
            let token = s.w.flespi.hold("ru", |_| ());
            s.w.security.flespi().manual(session, &token, &region("ru")).await.unwrap();
            users.push(user.id);
        }
        let security = &s.w.security;
        let mut before = Vec::new();
        for user in &users {
            before.push(security.flespi().token(*user, "before").await.unwrap().token);
        }
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (security, users, before) = (security.clone(), users.clone(), before.clone());
                let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
                tokio::spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        for (user, before) in users.iter().zip(&before) {
                            let opened = security.flespi().token(*user, "meanwhile").await.unwrap();
                            assert_eq!(opened.token.expose(), before.expose());
                            reads.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        let some_are_read = async || {
            let until = reads.load(Ordering::SeqCst) + 10;
            while reads.load(Ordering::SeqCst) < until {
                assert!(readers.iter().all(|reader| !reader.is_finished()), "a token could not be read");
                tokio::task::yield_now().await;
            }
        };
        some_are_read().await;
        let mut keys = security.keyring();
        let old = keys.current().to_owned();
        keys.rotate(&SeededRandom::new(7), s.w.now()).unwrap();
        security.replace_keyring(keys);
        let (mut sealed, mut after) = (0, None);
        loop {
            some_are_read().await;
            let page = security.reseal(&old, Page { after, limit: 5 }).await.unwrap();
            sealed += page.sealed;
            if page.next.is_none() {
                break;
            }
            after = page.next;
        }
        let again = security.reseal(&old, Page { after: None, limit: 100 }).await.unwrap();
        assert_eq!((sealed, again.sealed, again.left, again.next), (21, 0, 0, None), "all is done");
        let mut keys = security.keyring();
        keys.retire(&old).unwrap();
        security.replace_keyring(keys);
        some_are_read().await;
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap();
        }
        s.run().await;
        assert_eq!(s.left(), (0, 1), "the login was sealed anew too, and is revoked");
        // Sessions of the retired key are no matter here: the token is asked for by the host.
        assert_eq!(s.trail().await.iter().filter(|line| line.starts_with("flespi_resealed")).count(), 1);
    });
}

#[tokio::test]
async fn a_row_moved_to_another_user_does_not_open() {
    let s = scene().await;
    s.connect("eu").await;
    let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
    let bob = s.w.user(&account, "bob", None).await.unwrap();
    let records = s.store.inner().contents().await.unwrap().records;
    let find = |kind: &str, id: Option<uuid::Uuid>| {
        let wanted = |record: &&portcullis::port::store::Record| {
            record.kind.as_str() == kind && id.is_none_or(|id| record.id == id)
        };
        records.iter().find(wanted).unwrap().clone()
    };
    let mut connection = find("flespi_connection", None);
    let mut moved = find("user", Some(bob.id.uuid()));
    let (alices, bobs) = (s.alice.id.to_string(), bob.id.to_string());
    moved.body = moved.body.replace("\"flespi\":null", &format!("\"flespi\":\"{}\"", connection.id));
    moved.refs.push(connection.id);
    s.write(moved).await;
    let flespi = s.w.security.flespi();
    assert_eq!(refused(flespi.token(bob.id, "steal").await), Reason::NotConnected, "it names another user");
    connection.body = connection.body.replace(&alices, &bobs);
    s.write(connection).await;
    assert!(matches!(flespi.token(bob.id, "steal").await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn a_row_moved_to_another_region_does_not_open_and_its_token_goes_nowhere() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let records = s.store.inner().contents().await.unwrap().records;
    let mut row = records.into_iter().find(|record| record.kind.as_str() == "flespi_connection").unwrap();
    assert_eq!(row.body.matches("\"region\":\"eu\"").count(), 1);
    row.body = row.body.replace("\"region\":\"eu\"", "\"region\":\"ru\"");
    s.write(row).await;
    let flespi = s.w.security.flespi();
    assert!(matches!(flespi.token(s.alice.id, "steal").await, Err(Error::Corrupt { .. })));
    assert!(matches!(flespi.check(s.session).await, Err(Error::Corrupt { .. })));
    flespi.disconnect(s.session).await.unwrap();
    s.finish().await;
    assert!(
        s.w.flespi.calls().iter().all(|(to, _)| to.as_str() == "eu"),
        "nothing is sent to the other host"
    );
}
