//! What an SMS needs to be found out, read and charged.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::{self, Line};
use crate::account::rules::Chain;
use crate::contact::Phone;
use crate::engine::Engine;
use crate::engine::record::View;
use crate::error::Error;
use crate::rights::Gate;
use crate::spend::{Lack, Left, Payer, Quota, Standing, Submission};
use crate::user::User;

/// The service that SMS take.
const SERVICE: &str = "sms";

/// The subjects whose counters an operation has to read, as far as an earlier try of it found out: the number is only
/// known once its user is read. A first try takes what it did not read for 0, and its commit is refused where it is not.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<Vec<Uuid>>);

impl Learned {
    /// Those found out so far, and these.
    pub(crate) fn and(&self, others: &[Uuid]) -> Vec<Uuid> {
        let mut all = others.to_vec();
        let learned = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(learned.into_iter().filter(|subject| !others.contains(subject)));
        all
    }

    fn note(&self, subjects: &[Uuid]) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = subjects.to_vec();
    }
}

/// What was found out about SMS to a user.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) line: Line,
    /// What is left for one to the number asked about.
    pub(crate) left: Option<Left>,
    /// What is missing, whatever the number.
    pub(crate) missing: Vec<Gate>,
}

impl Engine {
    /// What SMS to a user hang on.
    pub(crate) fn line(&self, view: &View, user: &User) -> Result<Line, Error> {
        let above = user.creators.iter().map(|creator| view.record::<User>(creator.uuid()));
        Ok(Line { sender: self.sms.is_some(), above: above.collect::<Result<_, _>>()? })
    }

    /// What is found out about a code by SMS to a number, or to none yet.
    pub(crate) fn sms_to(
        &self,
        view: &View,
        user: &User,
        chain: &Chain,
        phone: Option<&Phone>,
        source: Uuid,
        learned: Option<&Learned>,
    ) -> Result<Found, Error> {
        let line = self.line(view, user)?;
        let now = view.now();
        let account = chain.0.first();
        let service = chain.service(SERVICE);
        let left = account.zip(phone).map(|(account, phone)| {
            let payer = Payer::new(user, &account.value, service);
            let standing =
                if user.phone.as_ref() == Some(phone) { Standing::Confirmed } else { Standing::New };
            let submission = Submission::new(&self.keyring(), phone, standing, payer, source);
            if let Some(learned) = learned {
                learned.note(&submission.subjects());
            }
            submission.left(&self.policy, |counter| view.count(counter), now)
        });
        let lacks = match (&left, account) {
            (Some(left), _) => left.lacks().to_vec(),
            (None, Some(account)) => {
                Quota::sms(&account.value, service).lack_of_one(|counter| view.count(counter), now)
            }
            (None, None) => vec![Lack::Service],
        };
        let missing = rules::missing(&line, user, chain, &lacks, &self.policy, now);
        Ok(Found { line, left, missing })
    }

    /// What the service lacks for an SMS that is charged already.
    pub(crate) fn quota_kept(view: &View, chain: &Chain, now: DateTime<Utc>) -> Vec<Lack> {
        match chain.0.first() {
            Some(account) => Quota::sms(&account.value, chain.service(SERVICE))
                .lack_of_charged(|counter| view.count(counter), now),
            None => vec![Lack::Service],
        }
    }
}
