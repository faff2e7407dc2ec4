use super::*;
use crate::account::Account;
use crate::challenge::rules::Budgets;
use crate::fixture::*;
use crate::language::Language;
use crate::message::model::MessageKind;
use crate::port::store::Count;
use crate::rights::AccessRight;
use crate::user::{Flag, Login};

/// Admin acts in the account, with these rights on bob, who has no flag.
fn fresh(id: UserId, taken: Option<Reason>) -> Fresh {
    Fresh { id, taken, invitation: None }
}

fn scene(held: &[AccessRight]) -> (Account, Acting, User) {
    let account = account(1);
    let admin = user(2, &account);
    let mut bob = user(4, &account);
    bob.flags = Flags::default();
    bob.rights.insert(admin.id, held.iter().copied().collect());
    (account.clone(), acting_as(&admin, &account), bob)
}

fn manager() -> (Account, Acting) {
    let (mut account, acting, _) = scene(&[]);
    account.rights.insert(acting.user.value.id, rights([AccessRight::ManageAccount]));
    (account, acting)
}

fn plan() -> Plan {
    Plan {
        fresh: fresh_code(800),
        fare: fare(NO_BUDGETS),
        failures: Count::default(),
        wait: Count::default(),
    }
}

fn done(held: &[AccessRight], wanted: &UserChange) -> Decision<ManagedUser> {
    let (account, acting, bob) = scene(held);
    let plan = new_address(&bob, wanted).map(|_| plan());
    change(Who::User(&acting), &stored(bob), &chain([&account]), wanted, plan, &Policy::default(), began())
}

const EDITOR: &[AccessRight] = &[AccessRight::View, AccessRight::EditFlags, AccessRight::EditOther];

fn everything() -> UserChange {
    UserChange::default()
        .flag(Flag::SendSms, true)
        .disabled(true)
        .language(Language::RU)
        .email(email("new@example.com"))
}

#[test]
fn one_commit_holds_the_whole_change_and_pins_what_allowed_it() {
    let decision = done(EDITOR, &everything());
    assert_eq!(touched(&decision.changes), [uuid(800), uuid(4), uuid(900), uuid(2), uuid(1)]);
    assert_eq!(
        trail(&decision.changes),
        [
            "code_issued: email_confirmation",
            "email_pending: -",
            "flags_changed: -",
            "disabled: -",
            "settings_changed: -"
        ]
    );
    assert!(decision.changes.events.iter().all(|event| event.actor == Some(uuid(2))));
    let kept: User = written(&decision.changes, uuid(4)).unwrap();
    assert!(kept.disabled && kept.flags.has(Flag::SendSms) && kept.language == Language::RU);
    assert_eq!(kept.credential_version, 2);
    assert_eq!(kept.confirmed_email().unwrap().as_str(), "u4@example.com", "until he confirms the new one");
    assert_eq!(kept.pending_email.unwrap().challenge.uuid(), uuid(800));
    assert_eq!(decision.changes.messages[0].kind, MessageKind::EmailConfirmationCode);
    let seen = decision.reply.unwrap();
    assert_eq!(seen.email.pending.as_deref(), Some("n•••@example.com"));
}

#[test]
fn the_code_is_bound_to_what_the_user_is_after_the_change() {
    let (_, _, bob) = scene(&[]);
    assert_eq!(changed(&bob, &everything()).credential_version, 2);
    assert_eq!(changed(&bob, &UserChange::default().disabled(false)).credential_version, 1);
}

#[test]
fn every_gate_is_named_and_nothing_is_changed() {
    let refused = |held: &[AccessRight], wanted: &UserChange| {
        let decision = done(held, wanted);
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        let refusal = decision.reply.unwrap_err();
        assert_eq!(trail(&decision.changes), [format!("change_refused: {}", refusal.code())]);
        refusal
    };
    let gates = [Gate::Right(AccessRight::EditFlags), Gate::Right(AccessRight::EditOther)];
    assert_eq!(refused(&[AccessRight::View], &everything()).missing(), gates);
    assert_eq!(refused(&EDITOR[..2], &everything()).missing(), [gates[1]]);
    assert_eq!(refused(&[], &everything()).reason(), Reason::NotFound);
    assert_eq!(refused(&[], &UserChange::default()).reason(), Reason::NotFound, "not even by no change");
}

#[test]
fn what_is_so_already_leaves_no_trace() {
    let same = UserChange::default()
        .flag(Flag::SendSms, false)
        .disabled(false)
        .language(Language::EN)
        .email(email("U4@example.com"));
    let decision = done(EDITOR, &same);
    assert!(decision.changes.is_empty() && decision.reply.is_ok());
}

#[test]
fn an_address_takes_a_fresh_sign_in_the_own_one_and_anothers() {
    let (account, acting, bob) = scene(EDITOR);
    let wanted = UserChange::default().email(email("new@example.com"));
    let named = |who: Who<'_>, target: &Stored<User>, now| {
        change(who, target, &chain([&account]), &wanted, Some(plan()), &Policy::default(), now)
    };
    let stale = acting.session.value.fresh_until;
    let (who, bob) = (Who::User(&acting), stored(bob));
    for (target, proposed) in [(&acting.user, false), (&bob, true)] {
        let decision = named(who, target, stale - TICK);
        let kept: User = written(&decision.changes, target.value.id.uuid()).unwrap();
        assert_eq!(kept.pending_email.unwrap().proposed_by_other, proposed);
        let decision = named(who, target, stale);
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        assert_eq!(decision.reply.unwrap_err().reason(), Reason::StaleSignIn);
    }
    let by_program = named(Who::Program, &bob, stale);
    let kept: User = written(&by_program.changes, uuid(4)).unwrap();
    assert!(kept.pending_email.unwrap().proposed_by_other);
}

#[test]
fn other_changes_of_a_user_take_no_fresh_sign_in() {
    let (account, acting, bob) = scene(EDITOR);
    let stale = acting.session.value.fresh_until;
    let wanted = UserChange::default().disabled(true);
    let who = Who::User(&acting);
    let decision = change(who, &stored(bob), &chain([&account]), &wanted, None, &Policy::default(), stale);
    assert!(decision.reply.is_ok());
}

#[test]
fn a_used_up_budget_refuses_the_whole_change() {
    let (account, acting, bob) = scene(EDITOR);
    let mut plan = plan();
    plan.fare = fare(Budgets { user: until(10, began() + TICK), ..NO_BUDGETS });
    let decision = change(
        Who::User(&acting),
        &stored(bob),
        &chain([&account]),
        &everything(),
        Some(plan),
        &Policy::default(),
        began(),
    );
    assert_eq!(decision.reply.unwrap_err().reason(), Reason::TooSoon);
    assert!(touched(&decision.changes).is_empty() && decision.changes.counters.is_empty());
}

fn order() -> NewUser {
    let mut new = NewUser::new(Login::parse("dora").unwrap(), account(1).id);
    new.flags = Flags::default().with(Flag::SendSms, true);
    new
}

fn created(new: &NewUser, taken: Option<Reason>) -> Decision<ManagedUser> {
    let (account, acting) = manager();
    let id = UserId::from_uuid(uuid(50));
    create(Who::User(&acting), new, fresh(id, taken), &chain([&account]), &Policy::default(), began())
}

#[test]
fn who_creates_a_user_is_the_first_of_his_creators() {
    let (account, mut acting) = manager();
    acting.user.value.creators = vec![UserId::from_uuid(uuid(77))];
    let id = UserId::from_uuid(uuid(50));
    let decision = create(
        Who::User(&acting),
        &order(),
        fresh(id, None),
        &chain([&account]),
        &Policy::default(),
        began(),
    );
    assert_eq!(touched(&decision.changes), [uuid(50), uuid(1), uuid(900), uuid(2)]);
    let kept: User = written(&decision.changes, uuid(50)).unwrap();
    assert_eq!(kept.creators, [acting.user.value.id, UserId::from_uuid(uuid(77))]);
    assert!(kept.password.is_none() && kept.flags == order().flags);
    assert_eq!(decision.changes.events[0].actor, Some(uuid(2)));
}

#[test]
fn a_password_and_a_proved_address_are_only_the_users_own_to_give() {
    let (account, _) = manager();
    let mut with_password = order();
    with_password.password = user(9, &account).password;
    let mut with_email = order();
    with_email.confirmed_email = Some(email("d@example.com"));
    let mut with_id = order();
    with_id.id = Some(UserId::from_uuid(uuid(60)));
    let mut with_creator = order();
    with_creator.creator = Some(UserId::from_uuid(uuid(61)));
    for new in [with_password, with_email, with_id, with_creator] {
        let decision = created(&new, None);
        assert!(touched(&decision.changes).is_empty());
        assert_eq!(decision.reply.unwrap_err().missing(), [Gate::Policy]);
    }
}

#[test]
fn inviting_who_is_created_takes_a_fresh_sign_in() {
    let (account, acting) = manager();
    let stale = acting.session.value.fresh_until;
    let made = |new: &NewUser, now| {
        let evidence = fresh(UserId::from_uuid(uuid(50)), None);
        create(Who::User(&acting), new, evidence, &chain([&account]), &Policy::default(), now)
    };
    let mut invited = order();
    invited.invited_email = Some(email("d@example.com"));
    assert!(made(&invited, stale - TICK).reply.is_ok() && made(&order(), stale).reply.is_ok());
    let decision = made(&invited, stale);
    assert!(touched(&decision.changes).is_empty());
    assert_eq!(decision.reply.unwrap_err().reason(), Reason::StaleSignIn);
}

#[test]
fn a_taken_login_is_told_to_who_may_create_and_to_nobody_else() {
    let taken = created(&order(), Some(Reason::LoginTaken));
    assert_eq!(trail(&taken.changes), ["change_refused: login_taken"]);
    assert_eq!(taken.reply.unwrap_err().reason(), Reason::LoginTaken);
    let (account, acting, _) = scene(&[]);
    let id = UserId::from_uuid(uuid(50));
    let taken = Some(Reason::LoginTaken);
    let outside = create(
        Who::User(&acting),
        &order(),
        fresh(id, taken),
        &chain([&account]),
        &Policy::default(),
        began(),
    );
    assert_eq!(outside.reply.unwrap_err().reason(), Reason::NotFound);
}

#[test]
fn a_login_of_somebody_unseen_is_answered_like_one_of_nobody() {
    let (account, acting, bob) = scene(&[AccessRight::EditFlags]);
    let who = Who::User(&acting);
    let unseen = find(who, &stored(bob.clone()), &chain([&account]), &Policy::default(), began());
    let nobody = found_nobody(who, uuid(60));
    assert_eq!((unseen.reply, nobody.reply), (Ok(None), Ok(None)));
    assert_eq!(trail(&unseen.changes), trail(&nobody.changes));
    assert_eq!(unseen.changes.events[0].tenant, nobody.changes.events[0].tenant);
}

#[test]
fn a_page_that_ends_at_somebody_unseen_names_him_nowhere() {
    let account = account(1);
    // Two blocks of ids with one time each, as a bulk import would make them.
    let (early, late) = (7_u128 << 64, 9_u128 << 64);
    let read: Vec<User> =
        [early + 1, early + 2, late + 1, late + 2, late + 3].map(|n| user(n, &account)).into();
    let ids = |page: &[&User]| page.iter().map(|user| user.id.uuid().as_u128()).collect::<Vec<_>>();
    let of = |wanted, longest, unseen: &[u128]| {
        let listed = |user: &User| !unseen.contains(&user.id.uuid().as_u128());
        let (page, next) = page_of(&read, wanted, longest, |user| user.id.uuid(), listed);
        (ids(&page), next.map(|next| next.as_u128()))
    };
    assert_eq!(
        of(2, 9, &[]),
        (vec![early + 1, early + 2], Some(early + 2)),
        "the wanted ones, and more are there"
    );
    assert_eq!(of(2, 9, &[early + 2, late + 2, late + 3]), (vec![early + 1, late + 1], None), "that is all");
    assert_eq!(of(5, 5, &[]).1, Some(late + 3), "as many as are read at once: there may be more");
    let (page, next) = of(5, 5, &[late + 3]);
    assert_eq!((page, next), (vec![early + 1, early + 2], Some(late)), "the rest of his time comes again");
    let everybody: Vec<u128> = ids(&read.iter().collect::<Vec<_>>());
    assert_eq!(of(5, 5, &everybody), (vec![], Some(late)));
    // Of one time alone, there is no place before him to go on from.
    let (page, next) = page_of(&read[2..], 3, 3, |user| user.id.uuid(), |_| false);
    assert_eq!((page.len(), next), (0, Some(read[4].id.uuid())));
}

#[test]
fn a_user_is_shown_without_a_secret_and_with_what_one_may_do() {
    let (account, acting, bob) = scene(&[AccessRight::View, AccessRight::EditFlags]);
    let seen = show(
        Who::User(&acting),
        &Action::SeeUser,
        &stored(bob),
        &chain([&account]),
        &Policy::default(),
        began(),
    )
    .reply
    .unwrap();
    assert_eq!(seen.email.confirmed.as_deref(), Some("u•••@example.com"));
    assert!(seen.password_set && !format!("{seen:?}").contains("argon2"));
    assert!(seen.may.edit_flags.is_allowed() && seen.may.remove_two_factor.is_allowed());
    assert_eq!(seen.may.change_email.missing(), [Gate::Right(AccessRight::EditOther)]);
    assert_eq!(seen.may.see_trail.missing(), [Gate::Right(AccessRight::ViewDetails)]);
}
