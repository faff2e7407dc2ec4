//! Dead letters: what was given up, and sending it again.

use portcullis::id::MessageId;
use portcullis::message::Message;
use portcullis::port::store::Page;
use portcullis::{Error, Portcullis};
use serde_json::json;

use crate::args::DeadLetters;
use crate::engine::Fault;
use crate::out::{Out, Row, progress, progressed};

/// Messages of one page.
const PAGE: u32 = 100;

pub(crate) async fn run(portcullis: &Portcullis, out: Out, command: &DeadLetters) -> Result<(), Fault> {
    match command {
        DeadLetters::List => out.rows(all(portcullis).await?.iter().map(row).collect()),
        DeadLetters::Resend { id: Some(id), .. } => {
            let message = portcullis.resend_message(MessageId::from_uuid(*id)).await?;
            out.one(row(&message))
        }
        DeadLetters::Resend { id: None, .. } => {
            let dead = all(portcullis).await?;
            out.confirm(&format!("{} messages are sent again", dead.len()))?;
            let (mut resent, mut skipped) = (Vec::new(), 0_u32);
            for (message, nth) in dead.iter().zip(1..) {
                match portcullis.resend_message(message.id).await {
                    Ok(message) => resent.push(row(&message)),
                    // Its code or link is over, or another was faster.
                    Err(Error::Refused(_)) => skipped += 1,
                    Err(error) => return Err(error.into()),
                }
                progress(&format!("{nth} of {}, {skipped} can't be sent again", dead.len()));
            }
            progressed();
            out.rows(resent)
        }
    }
}

async fn all(portcullis: &Portcullis) -> Result<Vec<Message>, Fault> {
    let (mut all, mut page) = (Vec::new(), Page { after: None, limit: PAGE });
    loop {
        let some = portcullis.dead_messages(page).await?;
        let Some(last) = some.last() else { return Ok(all) };
        page.after = Some(last.id.uuid());
        all.extend(some);
    }
}

fn row(message: &Message) -> Row {
    vec![
        ("id", json!(message.id.uuid())),
        ("kind", json!(message.kind.name())),
        ("to", json!(message.to)),
        ("written", json!(message.created_at.to_rfc3339())),
    ]
}
