//! What a payment changes.

use chrono::{DateTime, Utc};

use super::account_model::ManagedAccount;
use super::accounts::{seen, seen_as};
use crate::account::rules::{Chain, keep};
use crate::account::{Account, BalanceChange, DaysChange, Payment, RecordedPayment};
use crate::audit::Event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::engine::record::Schema;
use crate::id::{PaymentId, UserId};
use crate::rights::Action;
use crate::rights::rules::{self as rights, Who, allow_on_account};

/// Adds a payment to the days and the balance of an account, of which `chain` holds it and those above it; `existing`
/// is the payment that has the id already.
// INVARIANT: the payment and what it changes are one commit, under the version of the account that was read: of two
// payments at once each counts, and none counts twice.
pub(crate) fn pay(
    who: Who<'_>,
    chain: &Chain,
    payment: &Payment,
    id: PaymentId,
    existing: Option<&Stored<RecordedPayment>>,
    now: DateTime<Utc>,
) -> Decision<ManagedAccount> {
    let Some((target, above)) = chain.0.split_first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    let before = &target.value;
    let refuse = |refusal| rights::refuse(who, before.tenant.uuid(), before.id.uuid(), refusal);
    if let Err(refusal) = allow_on_account(who, &Action::BillAccount, before, chain) {
        return refuse(refusal);
    }
    if let Some(existing) = existing {
        return if existing.value.is(before.id, payment) {
            Decision::yes(seen(who, before, chain, now), Changes::none())
        } else {
            refuse(Reason::InUse.into())
        };
    }
    let mut account = target.clone();
    if let Err(reason) = add(&mut account.value, payment, now) {
        return refuse(reason.into());
    }
    let mut changes = Changes::none();
    let kept = keep(before, account, &mut changes, now);
    changes.insert(&RecordedPayment {
        v: Schema::default(),
        id,
        tenant: before.tenant,
        account: before.id,
        days: payment.days,
        amount: payment.amount,
        comment: payment.comment.clone(),
        by: who.id().map(UserId::from_uuid),
        at: now,
    });
    who.pin(chain, &mut changes);
    let event = Event::of("payment_recorded", before.tenant.uuid(), before.id.uuid());
    changes.event(event.by(who.id()).about(id.uuid()));
    Decision::yes(seen_as(who, kept, target, above, now), changes)
}

fn add(account: &mut Account, payment: &Payment, now: DateTime<Utc>) -> Result<(), Reason> {
    if payment.days != 0 {
        let today = account.time_zone.day(now);
        let left = account.days.left(today).saturating_add(payment.days);
        account.days = account.days.changed(DaysChange::default().left(left), today);
        if !account.days.holds() {
            return Err(Reason::InvalidDays);
        }
    }
    let sum = BalanceChange::default().amount(account.balance.amount.saturating_add(payment.amount));
    sum.check().map_err(|_| Reason::InvalidBalance)?;
    account.balance = account.balance.changed(sum);
    Ok(())
}

/// Lets who manages an account, or one above it, read its payments.
pub(crate) fn read(who: Who<'_>, chain: &Chain) -> Decision<()> {
    let Some(target) = chain.0.first() else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    match allow_on_account(who, &Action::ChangeAccount, &target.value, chain) {
        Ok(()) => Decision::yes((), Changes::none()),
        Err(refusal) => rights::refuse(who, target.value.tenant.uuid(), target.value.id.uuid(), refusal),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::account::{DayCounter, TimeZone};
    use crate::decision::Entity;
    use crate::fixture::*;
    use crate::policy::{AMOUNT_LARGEST, DAYS_FURTHEST};
    use crate::rights::{AccessRight, Gate};
    use crate::session::model::Acting;

    /// Admin manages the top account; five days are left of the one below.
    fn scene() -> (Account, Account, Acting) {
        let mut top = account(1);
        let mut low = under(&top, 3);
        let admin = user(2, &top);
        top.rights.insert(admin.id, rights([AccessRight::ManageAccount]));
        let as_of = TimeZone::UTC.day(began());
        low.days = DayCounter { value: 5, as_of, minimum: 0, counting: true };
        (top.clone(), low, acting_as(&admin, &top))
    }

    fn paid(low: &Account, payment: &Payment, now: DateTime<Utc>) -> Decision<ManagedAccount> {
        let (top, _, acting) = scene();
        let id = PaymentId::from_uuid(uuid(60));
        pay(Who::User(&acting), &chain([low, &top]), payment, id, None, now)
    }

    fn kept(decision: &Decision<ManagedAccount>) -> Account {
        written(&decision.changes, uuid(3)).unwrap()
    }

    #[test]
    fn a_payment_adds_to_what_is_left_today_in_one_commit() {
        let (_, low, _) = scene();
        let payment = Payment::new("invoice 17").days(30).amount(9_900);
        let decision = paid(&low, &payment, began() + TimeDelta::days(2));
        assert_eq!(touched(&decision.changes), [uuid(3), uuid(60), uuid(900), uuid(2), uuid(1)]);
        assert_eq!(trail(&decision.changes), ["payment_recorded: -"]);
        assert_eq!((kept(&decision).days.value, kept(&decision).balance.amount), (33, 9_900));
        let record: RecordedPayment = written(&decision.changes, uuid(60)).unwrap();
        assert!(record.is(low.id, &payment) && record.by.map(UserId::uuid) == Some(uuid(2)));
        assert_eq!(record.keys(), [RecordedPayment::of_account(low.id)]);
        let seen = decision.reply.unwrap();
        assert_eq!((seen.days.left, seen.days_left, seen.balance.amount), (33, Some(33), 9_900));
    }

    #[test]
    fn money_alone_leaves_the_days_as_they_are_anchored() {
        let (_, low, _) = scene();
        let later = began() + TimeDelta::days(2);
        let account = kept(&paid(&low, &Payment::new("cash").amount(-5), later));
        assert_eq!((account.days, account.balance.amount), (low.days, -5));
    }

    #[test]
    fn a_payment_lifts_the_block_of_its_account() {
        let (_, low, _) = scene();
        let late = began() + TimeDelta::days(6);
        assert_eq!(kept(&paid(&low, &Payment::new("late").days(2), late)).lifts, 1);
        assert_eq!(kept(&paid(&low, &Payment::new("late").days(1), late)).lifts, 0, "it is not enough");
        assert_eq!(kept(&paid(&low, &Payment::new("early").days(1), began())).lifts, 0);
    }

    #[test]
    fn the_same_payment_again_changes_nothing_and_another_under_its_id_is_refused() {
        let (top, low, acting) = scene();
        let payment = Payment::new("cash").days(1);
        let record: RecordedPayment = written(&paid(&low, &payment, began()).changes, uuid(60)).unwrap();
        let again = |account: &Account, payment: &Payment| {
            let who = Who::User(&acting);
            let record = stored(record.clone());
            pay(who, &chain([account, &top]), payment, record.value.id, Some(&record), began())
        };
        let same = again(&low, &payment);
        assert!(same.changes.is_empty() && same.reply.is_ok());
        for other in [Payment::new("cash").days(2), Payment::new("cheque").days(1), payment.clone().amount(1)]
        {
            assert_eq!(again(&low, &other).reply.unwrap_err().reason(), Reason::InUse);
        }
        assert_eq!(again(&under(&top, 4), &payment).reply.unwrap_err().reason(), Reason::InUse);
    }

    #[test]
    fn a_payment_is_recorded_from_above() {
        let (mut top, mut low, acting) = scene();
        low.rights = std::mem::take(&mut top.rights);
        let who = Who::User(&acting);
        let id = PaymentId::from_uuid(uuid(60));
        let refused = pay(who, &chain([&low, &top]), &Payment::new("mine").days(99), id, None, began());
        assert_eq!(refused.reply.unwrap_err().missing(), [Gate::Right(AccessRight::ManageAccount)]);
        assert!(read(who, &chain([&low, &top])).reply.is_ok(), "he sees what others paid in");
        low.rights.values_mut().for_each(|held| *held = rights([AccessRight::View]));
        assert!(read(who, &chain([&low, &top])).reply.is_err());
    }

    #[test]
    fn what_an_account_cannot_hold_is_refused() {
        let (_, mut low, _) = scene();
        let most = Payment::new("much").days(DAYS_FURTHEST - 5);
        assert!(paid(&low, &most, began()).reply.is_ok());
        let beyond = paid(&low, &most.days(DAYS_FURTHEST - 4), began());
        assert_eq!(trail(&beyond.changes), ["change_refused: invalid_days"]);
        low.balance.amount = AMOUNT_LARGEST;
        let beyond = paid(&low, &Payment::new("much").amount(1), began());
        assert_eq!(beyond.reply.unwrap_err().reason(), Reason::InvalidBalance);
        assert!(paid(&low, &Payment::new("less").amount(-1), began()).reply.is_ok());
    }
}
