//! Every state of the pages for administrators, from samples.

use super::{
    AccountLine, AccountPage, AccountsPage, AdminAddress, AdminSaid, Billing, Block, Choice, Doer, FLAGS,
    FlagBox, HolderLine, NewAccountPage, NewUserPage, NotFoundPage, Note, PaymentLine, Place, RIGHTS,
    RightsForm, ServiceFields, Tab, TrailLine, TrailPage, Trouble, UsageFacts, UsageLine, UserFacts,
    UserLine, UserPage, UsersPage,
};
use crate::page::samples::{MASKED, Samples};
use crate::page::{
    CodeLine, Frame, Gate, Identity, PendingAction, Problem, Reauthenticate, Step, Time, field, route,
};

const ID: &str = "706f7274-6375-8c6c-8000-64656d6f0013";
const LONG: &str = "a_login_of_fifty_characters_that_has_to_be_broken_";

/// The pages by name.
pub(in crate::page) fn pages(samples: Samples) -> Result<Vec<(&'static str, String)>, askama::Error> {
    let mut pages = Vec::new();
    for (name, page) in users(samples) {
        pages.push((name, page.html()?));
    }
    for (name, page) in new_users(samples) {
        pages.push((name, page.html()?));
    }
    for (name, page) in user_pages(samples) {
        pages.push((name, page.html()?));
    }
    for (name, page) in accounts(samples) {
        pages.push((name, page.html()?));
    }
    for (name, page) in new_accounts(samples) {
        pages.push((name, page.html()?));
    }
    let own = trail(samples);
    let of = Some((ID.to_owned(), "bob".to_owned()));
    pages.push(("admin-trail-of-user", TrailPage { of, earlier: Some(ID.into()), ..own.clone() }.html()?));
    pages.push(("admin-trail-none", TrailPage { lines: Vec::new(), ..own.clone() }.html()?));
    pages.push(("admin-trail", own.html()?));
    pages.push(("admin-not-found", NotFoundPage { frame: frame(samples), tab: Tab::Users }.html()?));
    let all = AccountsPage { frame: frame(samples), accounts: lines(), note: None };
    pages.push(("admin-accounts-none", AccountsPage { accounts: Vec::new(), ..all.clone() }.html()?));
    pages.push(("admin-accounts", all.html()?));
    Ok(pages)
}

fn frame(samples: Samples) -> Frame {
    let identity = Identity { login: "admin".into(), account: "demo".into(), administers: true };
    Frame { identity: Some(identity), ..samples.outside() }
}

fn choices() -> Vec<Choice> {
    let choice = |id: &str, name: &str, chosen| Choice { id: id.to_owned(), name: name.to_owned(), chosen };
    vec![choice(ID, "demo", true), choice("706f7274-6375-8c6c-8000-64656d6f0002", "child", false)]
}

fn languages() -> Vec<Choice> {
    let named = [
        ("en", "English"),
        ("ru", "Russian (Русский)"),
        ("es", "Spanish (Español)"),
        ("de", "German (Deutsch)"),
    ];
    let choice = |(id, name): (&str, &str)| Choice { id: id.into(), name: name.into(), chosen: id == "en" };
    named.map(choice).into()
}

fn lines() -> Vec<AccountLine> {
    let line = |name: &str, depth, blocked| AccountLine { id: ID.into(), name: name.into(), depth, blocked };
    vec![line("demo", 0, false), line("child", 1, false), line("a fleet that did not pay", 2, true)]
}

fn users(samples: Samples) -> Vec<(&'static str, UsersPage)> {
    let user = |login: &str| UserLine {
        id: ID.into(),
        login: login.into(),
        address: None,
        own: false,
        disabled: false,
        blocked: false,
        password: true,
    };
    let page = UsersPage {
        frame: frame(samples),
        login: String::new(),
        accounts: choices(),
        users: vec![
            UserLine { own: true, ..user("admin") },
            UserLine { address: Some(MASKED.into()), ..user("alice") },
            UserLine { disabled: true, blocked: true, password: false, ..user(LONG) },
        ],
        next: Some(ID.into()),
        later: true,
        create: Some(Vec::new()),
        note: None,
    };
    let none = UsersPage { users: Vec::new(), next: None, later: false, ..page.clone() };
    vec![
        ("admin-users-none", UsersPage { create: Some(vec![Gate::Right]), ..none.clone() }),
        ("admin-users-not-found", UsersPage { login: "nobody".into(), create: None, ..none }),
        ("admin-users", page),
    ]
}

fn flags(on: &[&str], lacked: &[&str]) -> Vec<FlagBox> {
    let flag = |name: &'static str| {
        let stored = on.contains(&name);
        FlagBox { name, on: stored, stored, lacked: lacked.contains(&name) }
    };
    FLAGS.into_iter().map(flag).collect()
}

fn new_users(samples: Samples) -> Vec<(&'static str, NewUserPage)> {
    let page = NewUserPage {
        frame: frame(samples),
        accounts: choices(),
        unchosen: false,
        login: String::new(),
        address: String::new(),
        zone: String::new(),
        languages: languages(),
        flags: flags(&[], &["create_items"]),
        note: None,
        dialog: None,
    };
    let failed = |place, trouble| {
        let note = Some(Note::trouble(place, trouble));
        NewUserPage { login: "dora".into(), address: "dora@".into(), note, ..page.clone() }
    };
    vec![
        ("admin-new-user-login", failed(Place::Login, Trouble::InvalidLogin)),
        ("admin-new-user-taken", failed(Place::Login, Trouble::LoginTaken)),
        ("admin-new-user-address", failed(Place::Address, Trouble::Known(Problem::InvalidEmail))),
        ("admin-new-user-zone", failed(Place::Zone, Trouble::InvalidZone)),
        (
            "admin-new-user-account",
            NewUserPage {
                unchosen: true,
                accounts: choices().into_iter().map(|choice| Choice { chosen: false, ..choice }).collect(),
                ..failed(Place::Account, Trouble::NoSuchAccount)
            },
        ),
        ("admin-new-user-lacked", failed(Place::Flags, Trouble::Lacked)),
        ("admin-new-user-busy", failed(Place::Form, Trouble::Known(Problem::CannotAnswer))),
        (
            "admin-new-user-proof",
            NewUserPage {
                dialog: dialog(route::ADMIN_USER_NEW, field::ACCOUNT, Step::Password(None)),
                login: "dora".into(),
                address: "dora@example.com".into(),
                ..page.clone()
            },
        ),
        ("admin-new-user", page),
    ]
}

fn user_page(samples: Samples) -> UserPage {
    UserPage {
        frame: frame(samples),
        user: UserFacts {
            id: ID.into(),
            login: "bob".into(),
            account: Some((ID.into(), "demo".into())),
            address: AdminAddress { confirmed: Some(MASKED.into()), pending: None },
            password: true,
            two_factor: true,
            disabled: false,
            blocked: false,
            created: Time { rfc3339: "2026-03-02T14:00:00Z".into(), local: "2026-03-02 16:00".into() },
        },
        flags: flags(&["change_settings", "send_sms"], &["create_items", "send_sms"]),
        flags_gates: Vec::new(),
        languages: languages(),
        zone: "Europe/Riga".into(),
        settings_gates: Vec::new(),
        reset_gates: Some(Vec::new()),
        invitation_gates: None,
        factor_gates: Vec::new(),
        sessions_gates: Vec::new(),
        rights: rights_form(),
        trail: true,
        note: None,
        dialog: None,
    }
}

fn rights_form() -> RightsForm {
    RightsForm { to: String::new(), checked: Vec::new(), holders: Some(holders()), gates: Vec::new() }
}

fn holders() -> Vec<HolderLine> {
    let holder = |login: Option<&str>, rights: &[&'static str]| HolderLine {
        id: ID.into(),
        login: login.map(str::to_owned),
        rights: rights.to_vec(),
    };
    vec![holder(Some("alice"), &["view"]), holder(Some(LONG), &RIGHTS), holder(None, &["view", "edit_flags"])]
}

fn dialog(route: &str, of: &str, step: Step) -> Option<Reauthenticate> {
    let pending = PendingAction::new(route, [(of, ID)])?;
    Some(Reauthenticate { login: "admin".into(), pending, step })
}

fn user_pages(samples: Samples) -> Vec<(&'static str, UserPage)> {
    let page = user_page(samples);
    let said = |said| UserPage { note: Some(Note::said(said)), ..page.clone() };
    let failed = |place, trouble| UserPage { note: Some(Note::trouble(place, trouble)), ..page.clone() };
    let asked = |step| UserPage { dialog: dialog(route::ADMIN_FACTOR, field::USER, step), ..page.clone() };
    let mut invited = page.clone();
    invited.user.password = false;
    invited.user.two_factor = false;
    invited.user.address = AdminAddress { confirmed: None, pending: Some(MASKED.into()) };
    invited.reset_gates = None;
    invited.invitation_gates = Some(Vec::new());
    let mut alone = invited.clone();
    alone.user.address = AdminAddress::default();
    alone.rights.holders = Some(Vec::new());
    let mut off = page.clone();
    off.user.disabled = true;
    off.user.blocked = true;
    let gates = vec![Gate::Right];
    let mut closed = invited.clone();
    closed.flags_gates.clone_from(&gates);
    closed.settings_gates.clone_from(&gates);
    closed.reset_gates = Some(gates.clone());
    closed.factor_gates.clone_from(&gates);
    closed.sessions_gates.clone_from(&gates);
    closed.rights.gates.clone_from(&gates);
    closed.rights.holders = None;
    closed.invitation_gates = Some(gates);
    closed.trail = false;
    let mut rights = failed(Place::RightsTo, Trouble::NoSuchUser);
    rights.rights.to = "nobody".into();
    rights.rights.checked = vec!["view", "edit_flags"];
    let mail = Samples::line(crate::page::Place::Administer);
    vec![
        ("admin-user-invited", invited),
        ("admin-user-no-invitation", alone),
        ("admin-user-off", off),
        ("admin-user-gates", closed),
        ("admin-user-said-created", said(AdminSaid::UserInvited)),
        ("admin-user-said-flags", said(AdminSaid::FlagsSaved)),
        ("admin-user-said-words", said(AdminSaid::SettingsSaved)),
        ("admin-user-said-off", said(AdminSaid::SignInOff)),
        ("admin-user-said-invited", said(AdminSaid::Invited)),
        ("admin-user-said-reset", said(AdminSaid::ResetSent)),
        ("admin-user-said-factor", said(AdminSaid::FactorRemoved)),
        ("admin-user-said-sessions", said(AdminSaid::SessionsEnded)),
        ("admin-user-said-rights", said(AdminSaid::RightsSet)),
        ("admin-user-lacked", failed(Place::Flags, Trouble::Lacked)),
        ("admin-user-zone", failed(Place::Zone, Trouble::InvalidZone)),
        ("admin-user-no-address", failed(Place::Reset, Trouble::NoAddress)),
        ("admin-user-rights", rights),
        ("admin-proof-password", asked(Step::Password(None))),
        ("admin-proof-wrong", asked(Step::Password(Some(Problem::WrongPassword)))),
        ("admin-proof-mail", asked(Step::Code(mail.clone()))),
        (
            "admin-proof-mail-wrong",
            asked(Step::Code(CodeLine { problem: Some(Problem::WrongCode { left: 4 }), ..mail })),
        ),
        ("admin-user", page),
    ]
}

fn accounts(samples: Samples) -> Vec<(&'static str, AccountPage)> {
    let page = AccountPage {
        frame: frame(samples),
        id: ID.into(),
        title: "child".into(),
        parent: Some((ID.into(), "demo".into())),
        name: "child".into(),
        services: services(),
        zone: "Europe/Riga".into(),
        usage: UsageFacts {
            sms: UsageLine { used: 17, limit: Some(1000), until: Some(midnight()) },
            sms_budget: UsageLine { used: 412, limit: Some(1000), until: Some(midnight()) },
            mails: UsageLine { used: 3, limit: None, until: None },
        },
        billing: billing(samples),
        block: Block::Off,
        below: lines().into_iter().skip(2).map(|line| AccountLine { depth: 0, ..line }).collect(),
        gates: Vec::new(),
        create_gates: Vec::new(),
        rights: rights_form(),
        note: None,
        dialog: None,
    };
    let mut closed = page.clone();
    closed.gates = vec![Gate::Right];
    closed.create_gates.clone_from(&closed.gates);
    closed.rights = RightsForm { holders: None, gates: closed.gates.clone(), ..rights_form() };
    let mut alone = page.clone();
    alone.rights.holders = Some(Vec::new());
    let mut asked = page.clone();
    asked.dialog = dialog(route::ADMIN_ACCOUNT_RIGHTS, field::ACCOUNT, Step::Password(None));
    asked.rights.to = "alice".into();
    asked.rights.checked = vec!["view", "manage_account"];
    let note = |note| AccountPage { note: Some(note), ..page.clone() };
    vec![
        ("admin-account-blocked", AccountPage { block: Block::On, ..page.clone() }),
        (
            "admin-account-blocked-above",
            AccountPage { block: Block::Above, below: Vec::new(), ..page.clone() },
        ),
        ("admin-account-gates", closed),
        ("admin-account-no-rights", alone),
        ("admin-account-proof", asked),
        ("admin-account-said-rights", note(Note::said(AdminSaid::RightsSet))),
        ("admin-account-rights", note(Note::trouble(Place::RightsTo, Trouble::NoSuchUser))),
        ("admin-account-said-saved", note(Note::said(AdminSaid::AccountSaved))),
        ("admin-account-said-created", note(Note::said(AdminSaid::AccountCreated))),
        ("admin-account-said-blocked", note(Note::said(AdminSaid::Blocked))),
        ("admin-account-bill", note(Note::trouble(Place::Billing, Trouble::InvalidNumber))),
        ("admin-account-payment", note(Note::trouble(Place::Payment, Trouble::InvalidPayment))),
        ("admin-account-paid", note(Note::said(AdminSaid::Paid))),
        ("admin-account-quota", note(Note::trouble(Place::Quota, Trouble::InvalidQuota))),
        ("admin-account-name", note(Note::trouble(Place::Name, Trouble::InvalidName))),
        ("admin-account", page),
    ]
}

fn billing(samples: Samples) -> Billing {
    let line = |days, amount, comment: &str| PaymentLine {
        at: Time { rfc3339: "2026-03-02T14:00:00Z".into(), local: "2026-03-02 16:00".into() },
        days,
        amount,
        comment: comment.into(),
    };
    Billing {
        left: "20".into(),
        left_shown: "20".into(),
        minimum: "0".into(),
        counting: true,
        amount: "9900".into(),
        amount_shown: "9900".into(),
        limit_below: "-5000".into(),
        plan: "basic".into(),
        dealer: true,
        blocks: Some(samples.day(25)),
        payments: vec![line(30, 9900, "invoice 17"), line(-2, 0, LONG)],
        ..Billing::default()
    }
}

fn midnight() -> Time {
    Time { rfc3339: "2026-03-02T22:00:00Z".into(), local: "2026-03-03 00:00".into() }
}

fn services() -> ServiceFields {
    ServiceFields { sms: true, quota: "1000".into(), period: "day".into(), email_notification: true }
}

fn new_accounts(samples: Samples) -> Vec<(&'static str, NewAccountPage)> {
    let page = NewAccountPage {
        frame: frame(samples),
        parent: (ID.into(), "demo".into()),
        name: String::new(),
        services: ServiceFields { period: "none".into(), ..ServiceFields::default() },
        zone: "UTC".into(),
        note: None,
    };
    let zone = Some(Note::trouble(Place::Zone, Trouble::InvalidZone));
    vec![
        ("admin-new-account-zone", NewAccountPage { note: zone, zone: "Riga".into(), ..page.clone() }),
        ("admin-new-account", page),
    ]
}

fn trail(samples: Samples) -> TrailPage {
    let line = |action: &str, doer, reason: Option<&str>| TrailLine {
        at: Time { rfc3339: "2026-03-02T14:00:00Z".into(), local: "2026-03-02 16:00".into() },
        action: action.into(),
        doer,
        reason: reason.map(str::to_owned),
    };
    TrailPage {
        frame: frame(samples),
        of: None,
        lines: vec![
            line("signed_in", Doer::Himself, Some("password_email")),
            line("flags_changed", Doer::Somebody, None),
            line("two_factor_removed", Doer::You, None),
            line("something_new", Doer::Himself, None),
        ],
        earlier: None,
    }
}
