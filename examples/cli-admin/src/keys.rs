//! The keyring file, and what is sealed under its keys.

use portcullis::keyring::Keyring;
use portcullis::port::ambient::{Clock as _, SystemClock, SystemRandom};
use portcullis::port::store::Page;
use serde_json::json;

use crate::args::{Args, Keys};
use crate::engine::{Fault, open_with};
use crate::out::{Out, progress, progressed};

/// Messages of one page.
const PAGE: u32 = 100;

pub(crate) async fn run(args: &Args, out: Out, command: &Keys) -> Result<(), Fault> {
    let (now, file) = (SystemClock::default().now(), &*args.keys);
    if let Keys::New = command {
        let keyring = Keyring::generate(&SystemRandom::default(), now)?;
        keyring.write_new_file(file)?;
        return list(out, &keyring);
    }
    let mut keyring = Keyring::from_file(file)?;
    match command {
        Keys::New | Keys::List => {}
        Keys::Rotate => {
            keyring.rotate(&SystemRandom::default(), now)?;
            keyring.replace_file(file)?;
        }
        Keys::Reseal => {
            let others = keyring.key_ids().filter(|id| *id != keyring.current()).map(str::to_owned);
            reseal(args, &keyring, others.collect()).await?;
        }
        Keys::Retire { id } => {
            out.confirm(&format!("what key {id} made can't be read any more"))?;
            let mut rest = keyring.clone();
            rest.retire(id)?;
            reseal(args, &keyring, vec![id.clone()]).await?;
            rest.replace_file(file)?;
            keyring = rest;
        }
    }
    list(out, &keyring)
}

/// Seals anew what waits under these keys, so that they can go.
async fn reseal(args: &Args, keyring: &Keyring, keys: Vec<String>) -> Result<(), Fault> {
    let portcullis = open_with(args, keyring.clone(), None).await?;
    let (mut sealed, mut left) = (0, 0);
    for key in keys {
        let mut page = Page { after: None, limit: PAGE };
        loop {
            let done = portcullis.reseal(&key, page).await?;
            (sealed, left) = (sealed + done.sealed, left + done.left);
            progress(&format!("key {key}: {sealed} sealed anew, {left} left"));
            let Some(after) = done.next else { break };
            page.after = Some(after);
        }
    }
    progressed();
    if left == 0 { Ok(()) } else { Err("a worker holds what is left: try again in some minutes".into()) }
}

fn list(out: Out, keyring: &Keyring) -> Result<(), Fault> {
    let row = |id: &str| {
        vec![
            ("id", json!(id)),
            ("made", json!(keyring.made_at(id).map(|at| at.to_rfc3339()))),
            ("current", json!(id == keyring.current())),
        ]
    };
    out.rows(keyring.key_ids().map(row).collect())
}
