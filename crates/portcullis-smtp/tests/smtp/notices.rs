//! The core's story of an account that runs out, with a real mail server: two processes on one store mail its readers by
//! SMTP, and what arrived is read by IMAP.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis::memory::MemoryStore;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::Store;
use portcullis::testing::World;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::stories::{self, Owed};
use portcullis::testing::world::WorldOptions;
use portcullis_smtp::SmtpSender;

use crate::real::{Servers, fresh_id, quoted_printable};

/// Sends by SMTP, and keeps what the server took over where the story looks for it.
struct Kept {
    sender: SmtpSender,
    mailbox: Mailbox,
}

#[async_trait]
impl MailSender for Kept {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        let receipt = self.sender.send(mail).await?;
        self.mailbox.send(mail).await?;
        Ok(receipt)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_gets_one_mail_a_day_by_smtp_until_the_date_is_put_off() {
    let Some(servers) = Servers::named("one_mail_a_day_by_smtp") else { return };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mailbox = Mailbox::new();
    let mut seed = 0;
    let worlds = servers.senders().map(|sender| {
        seed += 1;
        let options = WorldOptions { store: Arc::clone(&store), seed, ..WorldOptions::default() };
        World::with_sender(options, Kept { sender, mailbox: mailbox.clone() }, mailbox.clone())
    });
    // The mailbox of the server is everybody's: nobody else has this domain.
    let domain = format!("{}.example.org", fresh_id());
    let owed = stories::two_processes_mail(&worlds, &domain).await;
    let told: Vec<_> = owed.iter().map(|owed| owed.days_left.as_slice()).collect();
    assert_eq!(told, [&[5, 4, 3, 2, 1][..], &[5, 4, 2, 1], &[5, 4, 5, 4, 3, 2, 1], &[]]);
    for owed in &owed {
        read_by_imap(&servers, owed, &mailbox.to(&owed.address)).await;
    }
}

/// What arrived at an address is what was owed there, in the order in which the server took it over.
async fn read_by_imap(servers: &Servers, owed: &Owed, taken_over: &[Mail]) {
    let Owed { address, days_left, blocked_on, .. } = owed;
    let arrived = servers.holding("Envelope-to", address, days_left.len()).await;
    assert_eq!(arrived.len(), days_left.len(), "so many, and no more, for {address}");
    // exim delivers at once what it takes at once: the mailbox has no order of its own.
    let mut by_id: BTreeMap<_, _> =
        arrived.iter().map(|raw| (header(raw, "Message-ID"), raw.as_str())).collect();
    assert_eq!(by_id.len(), arrived.len(), "each under an id of its own");
    for ((mail, left), day) in taken_over.iter().zip(days_left).zip(blocked_on) {
        let raw =
            by_id.remove(&format!("<{}@portcullis.test>", mail.id)).expect("what was taken over arrived");
        let days = if *left == 1 { "1 day".to_owned() } else { format!("{left} days") };
        assert_eq!(header(raw, "Subject"), format!("Your account will be blocked in {days}: portcullis"));
        assert_eq!(header(raw, "To"), *address);
        let body = quoted_printable(raw.split_once("\r\n\r\n").unwrap().1);
        let said = body.matches(&format!("will be blocked on {day}: {days} left. ")).count();
        assert_eq!(said, 2, "as text and as a page: {body}");
    }
}

/// The value of a header that stands once, unfolded.
fn header(raw: &str, name: &str) -> String {
    let (headers, _) = raw.split_once("\r\n\r\n").unwrap();
    let headers = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
    let values: Vec<_> =
        headers.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
    let [value] = values.as_slice() else { panic!("one {name}: {values:?}") };
    (*value).to_owned()
}
