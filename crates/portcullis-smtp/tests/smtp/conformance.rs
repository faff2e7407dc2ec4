//! The core's suite of mail senders, against the scripted server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis::port::message::MailSender;
use portcullis::testing::conformance::FarSide;
use portcullis::testing::conformance::mail::{ArrivedMail, MailRig, run_all};

use crate::real::quoted_printable;
use crate::support::certificates::{Certificates, certificates};
use crate::support::server::{At, Script, Server, Trouble};
use crate::support::{PATIENCE, options, sender};

struct Rig {
    made: &'static Certificates,
    server: Mutex<Option<Server>>,
}

#[async_trait]
impl MailRig for Rig {
    async fn sender(&self, far: FarSide) -> Option<Arc<dyn MailSender>> {
        let script = Script::new(self.made.good.clone());
        let script = match far {
            FarSide::TakesOver | FarSide::Unreachable => script,
            FarSide::RefusesForNow => script.with(At::From, Trouble::Say("451 924417 later\r\n")),
            FarSide::RefusesForGood => script.with(At::To, Trouble::Say("550 no 924417\r\n")),
            FarSide::RefusesCredentials => script.with(At::Auth, Trouble::Say("535 wrong\r\n")),
            FarSide::LosesAnswer => script.with(At::End, Trouble::Cut),
            FarSide::Silent => script.with(At::Greeting, Trouble::Hang),
            _ => return None,
        };
        let server = Server::start(script).await;
        let patience = if far == FarSide::Silent { Duration::from_secs(1) } else { PATIENCE };
        let trusting = options().root_certificates(self.made.authority.clone()).timeout(patience);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = if far == FarSide::Unreachable { free } else { server.port };
        let made = sender("smtp", port, trusting);
        *self.server.lock().unwrap() = Some(server);
        Some(Arc::new(made))
    }

    async fn arrived(&self) -> Vec<ArrivedMail> {
        let seen = self.server.lock().unwrap().as_ref().unwrap().seen();
        let receivers = seen.commands.iter().filter_map(|(line, _)| line.strip_prefix("RCPT TO:<"));
        let receivers: Vec<_> = receivers.map(|rest| rest.split('>').next().unwrap().to_owned()).collect();
        let whole = |mail: &Vec<u8>| String::from_utf8(mail.clone()).unwrap().replace("\r\n..", "\r\n.");
        let mails = seen.mails.iter().zip(seen.ids()).zip(receivers);
        mails
            .map(|((mail, identity), to)| ArrivedMail { to, identity, whole: quoted_printable(&whole(mail)) })
            .collect()
    }
}

#[tokio::test]
async fn the_sender_keeps_the_contract() {
    let Some(made) = certificates("the_sender_keeps_the_contract") else { return };
    run_all(&Rig { made, server: Mutex::default() }).await;
}
