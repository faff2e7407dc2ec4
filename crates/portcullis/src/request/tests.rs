use serde::de::DeserializeOwned;

use super::*;
use crate::account::{Balance, BalanceChange, DaysChange, Payment, Period, Service};
use crate::rights::AccessRight;
use crate::user::{Flag, Flags};

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn wrong<T>(result: Result<T, InputError>) -> (String, &'static str) {
    let Err(error) = result else { panic!("an error") };
    (error.field().to_owned(), error.code())
}

fn named(field: &str, code: &'static str) -> (String, &'static str) {
    (field.to_owned(), code)
}

#[test]
fn unknown_fields_are_refused() {
    fn refuses<T: DeserializeOwned>(text: &str) {
        assert!(serde_json::from_str::<T>(text).is_ok(), "{text}");
        let more = text.replacen('{', r#"{"strange": 1, "#, 1).replace(", }", "}");
        assert!(serde_json::from_str::<T>(&more).is_err(), "{more}");
    }
    const ID: &str = "00000000-0000-0000-0000-000000000001";
    refuses::<SignInRequest>(r#"{"login": "a", "password": "b"}"#);
    refuses::<ReauthenticateRequest>(r#"{"password": "b"}"#);
    refuses::<CodeRequest>(r#"{"challenge": "a", "code": "b"}"#);
    refuses::<ResendRequest>(r#"{"challenge": "a"}"#);
    refuses::<ChallengeRequest>(r#"{"challenge": "a"}"#);
    refuses::<EmailRequest>(r#"{"address": "a"}"#);
    refuses::<TwoFactorChallengeRequest>(r#"{"method": "a"}"#);
    refuses::<TwoFactorRequest>(r#"{"method": "a"}"#);
    refuses::<FlagsRequest>("{}");
    refuses::<UserChangeRequest>("{}");
    refuses::<ServiceRequest>(r#"{"on": true}"#);
    refuses::<DaysRequest>("{}");
    refuses::<BalanceRequest>("{}");
    refuses::<NewAccountRequest>(r#"{"name": "a"}"#);
    refuses::<AccountChangeRequest>("{}");
    refuses::<PaymentRequest>(r#"{"comment": "a"}"#);
    refuses::<NewUserRequest>(&format!(r#"{{"login": "a", "account": "{ID}"}}"#));
    refuses::<RightsRequest>(&format!(r#"{{"item": "{ID}", "rights": []}}"#));
}

#[test]
fn a_sign_in_names_the_field_that_is_wrong() {
    let request = |login: &str, password: &str| SignInRequest {
        login: Raw::from(login.to_owned()),
        password: Raw::from(password.to_owned()),
    };
    let (login, password) = request("alice", "correct horse").parse().unwrap();
    assert_eq!((login.as_str(), password.expose()), ("alice", "correct horse"));
    assert_eq!(wrong(request("", "b").parse()), named("login", "invalid_login"));
    assert_eq!(wrong(request("a", "").parse()), named("password", "missing"));
    let long = ReauthenticateRequest { password: Raw::from("a".repeat(1025)) };
    assert_eq!(wrong(long.parse()), named("password", "too_long"));
}

#[test]
fn a_code_and_a_channel_are_checked() {
    let (challenge, code) = read::<CodeRequest>(r#"{"challenge": "tok", "code": "123456"}"#).parse().unwrap();
    assert_eq!((challenge.expose(), code.expose()), ("tok", "123456"));
    let short = read::<CodeRequest>(r#"{"challenge": "tok", "code": "12"}"#).parse();
    assert_eq!(wrong(short), named("code", "invalid_code"));
    let channel = |text: &str| read::<ResendRequest>(text).parse().map(|(_, channel)| channel);
    assert_eq!(channel(r#"{"challenge": "tok"}"#), Ok(None));
    assert_eq!(channel(r#"{"challenge": "tok", "channel": "email"}"#), Ok(Some(Channel::Email)));
    let sms = channel(r#"{"challenge": "tok", "channel": "pigeon"}"#);
    assert_eq!(wrong(sms), named("channel", "invalid_channel"));
    assert_eq!(read::<ChallengeRequest>(r#"{"challenge": "tok"}"#).parse().expose(), "tok");
}

#[test]
fn an_address_is_named_by_its_field() {
    let address = |text: &str| EmailRequest { address: Raw::from(text.to_owned()) }.parse();
    assert_eq!(address("a@example.com").unwrap().as_str(), "a@example.com");
    assert_eq!(wrong(address("a@")), named("address", "invalid_email"));
}

#[test]
fn two_factor_takes_what_its_method_needs_and_no_more() {
    let ask = |text: &str| read::<TwoFactorChallengeRequest>(text).parse();
    assert!(matches!(ask(r#"{"method": "email"}"#), Ok(TwoFactorAsk::Email(None))));
    let address = ask(r#"{"method": "email", "address": "a@example.com"}"#);
    assert!(matches!(address, Ok(TwoFactorAsk::Email(Some(address))) if address.as_str() == "a@example.com"));
    assert!(matches!(ask(r#"{"method": "sms"}"#), Ok(TwoFactorAsk::Sms(None))));
    let phone = ask(r#"{"method": "sms", "phone": "+37120000045"}"#);
    assert!(matches!(phone, Ok(TwoFactorAsk::Sms(Some(phone))) if phone.as_str() == "+37120000045"));
    for number in
        ["20000045", "+371 20000045", "+37120000045;+37120000046", "0037120000045", "+3712000004512345"]
    {
        let text = format!(r#"{{"method": "sms", "phone": "{number}"}}"#);
        assert_eq!(wrong(ask(&text)), named("phone", "invalid_phone"), "{number}");
    }
    let both = r#"{"method": "sms", "address": "a@example.com"}"#;
    assert_eq!(wrong(ask(both)), named("address", "unknown_field"));
    let both = r#"{"method": "email", "phone": "+37120000045"}"#;
    assert_eq!(wrong(ask(both)), named("phone", "unknown_field"));
    assert_eq!(wrong(ask(r#"{"method": "none"}"#)), named("method", "invalid_method"));
    assert_eq!(wrong(ask(r#"{"method": "email", "address": "a"}"#)), named("address", "invalid_email"));

    let put = |text: &str| read::<TwoFactorRequest>(text).parse();
    assert!(matches!(put(r#"{"method": "none"}"#), Ok(TwoFactorChange::Off)));
    let on = put(r#"{"method": "email", "challenge": "tok", "code": "123456"}"#).unwrap();
    assert!(
        matches!(on, TwoFactorChange::On { method: Method::Email, challenge, code } if challenge.expose() == "tok" && code.expose() == "123456")
    );
    for (text, field, code) in [
        (r#"{"method": "pigeon"}"#, "method", "invalid_method"),
        (r#"{"method": "email", "code": "123456"}"#, "challenge", "missing"),
        (r#"{"method": "email", "challenge": "tok"}"#, "code", "missing"),
        (r#"{"method": "email", "challenge": "tok", "code": "1"}"#, "code", "invalid_code"),
        (r#"{"method": "none", "challenge": "tok"}"#, "challenge", "unknown_field"),
        (r#"{"method": "none", "code": "123456"}"#, "code", "unknown_field"),
    ] {
        assert_eq!(wrong(put(text)), named(field, code), "{text}");
    }
}

const ID: &str = "00000000-0000-0000-0000-000000000001";

#[test]
fn a_new_user_has_only_the_switches_that_are_named() {
    let user = |more: &str| {
        read::<NewUserRequest>(&format!(r#"{{"login": "alice", "account": "{ID}"{more}}}"#)).parse()
    };
    let (new, email) = user("").unwrap();
    assert!(new.flags == Flags::default() && email.is_none() && new.confirmed_email.is_none());
    let (new, email) = user(
        r#", "flags": {"send_sms": true, "create_items": false}, "email": "a@example.com", "time_zone": "Europe/Riga",
            "language": "ru", "external_id": "crm-1""#,
    )
    .unwrap();
    assert_eq!(new.flags, Flags::default().with(Flag::SendSms, true));
    assert_eq!(email.unwrap().as_str(), "a@example.com");
    assert!(new.confirmed_email.is_none(), "nobody is believed to have an address");
    assert_eq!((new.language, new.external_id.as_deref()), (crate::language::Language::RU, Some("crm-1")));
    for (more, field, code) in [
        (r#", "email": "a""#, "email", "invalid_email"),
        (r#", "time_zone": "Riga""#, "time_zone", "invalid_time_zone"),
        (r#", "language": "?""#, "language", "invalid_language"),
        (r#", "flags": {"disabled": true}"#, "flags", "unknown_field"),
    ] {
        assert_eq!(wrong(user(more)), named(field, code));
    }
}

#[test]
fn a_switch_that_is_not_named_stays() {
    let request = read::<UserChangeRequest>(r#"{"flags": {"change_password": false, "disabled": true}}"#);
    let all_but = Flags::all().with(Flag::ChangePassword, false);
    assert_eq!(request.flags.onto(&Flags::all()), all_but);
    assert_eq!(request.flags.onto(&Flags::default()), Flags::default());
    assert_eq!(request.flags.disabled, Some(true));
    let on: FlagsRequest =
        read(r#"{"change_password": true, "send_sms": true, "change_settings": true, "create_items": true}"#);
    assert_eq!(on.onto(&Flags::default()), Flags::all(), "every switch can be named");
}

#[test]
fn rights_and_services_go_by_their_names() {
    let names: Vec<_> = AccessRight::ALL.iter().map(|right| format!("\"{}\"", right.name())).collect();
    let request = format!(r#"{{"item": "{ID}", "rights": [{}]}}"#, names.join(","));
    let (item, rights) = read::<RightsRequest>(&request).parse().unwrap();
    assert_eq!((item.to_string().as_str(), rights.len()), (ID, AccessRight::ALL.len()));
    let strange = read::<RightsRequest>(&format!(r#"{{"item": "{ID}", "rights": ["own"]}}"#)).parse();
    assert_eq!(wrong(strange), named("rights", "invalid_right"));
    let account = read::<NewAccountRequest>(
        r#"{"name": "low", "time_zone": "Europe/Riga", "services": {"sms": {"on": true, "quota": 5, "period": "day"}}}"#,
    )
    .parse()
    .unwrap();
    let sms = account.services["sms"];
    assert_eq!((sms.on, sms.quota, sms.period), (true, Some(5), Period::Day));
    assert_eq!((account.name.as_str(), account.time_zone.name()), ("low", "Europe/Riga"));
    let zone = read::<NewAccountRequest>(r#"{"name": "low", "time_zone": "Riga"}"#).parse();
    assert_eq!(wrong(zone), named("time_zone", "invalid_time_zone"));
}

#[test]
fn a_new_account_has_what_is_named_and_no_more() {
    let account = |text: &str| read::<NewAccountRequest>(text).parse().unwrap();
    let bare = account(r#"{"name": "low"}"#);
    assert!(!bare.dealer && !bare.blocked && bare.plan.is_none() && bare.services.is_empty());
    assert_eq!((bare.days, bare.balance), (DaysChange::default(), Balance::default()));
    let full = account(&format!(
        r#"{{"id": "{ID}", "name": "low", "parent": "{ID}", "dealer": true, "plan": "basic", "services": {{"sms": null}},
            "days": {{"left": 30, "minimum": -2, "counting": true}},
            "balance": {{"amount": 9900, "block_below": -100, "limit_below": null}}, "blocked": true}}"#
    ));
    let id = full.id.unwrap();
    assert_eq!((id.to_string().as_str(), full.parent), (ID, Some(id)));
    assert!(full.dealer && full.blocked && full.services.is_empty(), "what is null follows the plan");
    assert_eq!(full.plan.as_deref(), Some("basic"));
    assert_eq!(full.days, DaysChange::default().left(30).minimum(-2).counting(true));
    let (amount, block_below, limit_below) = (9900, Some(-100), None);
    assert_eq!(full.balance, Balance { amount, block_below, limit_below });
}

#[test]
fn of_an_account_only_what_is_named_is_changed_and_null_is_none() {
    let change = |text: &str| read::<AccountChangeRequest>(text).parse().unwrap();
    let nothing = change("{}");
    assert!(nothing.name.is_none() && nothing.dealer.is_none() && nothing.plan.is_none());
    assert!(nothing.plans.is_none() && nothing.services.is_empty() && nothing.by_plan.is_empty());
    assert!(nothing.blocked.is_none() && nothing.time_zone.is_none());
    assert_eq!((nothing.days, nothing.balance), (DaysChange::default(), BalanceChange::default()));
    let much = change(
        r#"{"name": "high", "dealer": false, "plan": null, "plans": {"basic": {"sms": {"on": true, "quota": 5}}},
            "services": {"sms": null, "email_notification": {"on": false}}, "days": {"left": 3},
            "balance": {"block_below": null, "limit_below": 7}, "blocked": false, "time_zone": "Europe/Riga"}"#,
    );
    assert_eq!((much.name.as_deref(), much.dealer, much.plan), (Some("high"), Some(false), Some(None)));
    assert_eq!(much.plans.unwrap()["basic"]["sms"], Service::on(Some(5), Period::None));
    assert_eq!(much.by_plan.into_iter().collect::<Vec<_>>(), ["sms"]);
    assert_eq!(much.services["email_notification"], Service::off());
    assert_eq!(much.days, DaysChange::default().left(3));
    let BalanceChange { amount, block_below, limit_below, .. } = much.balance;
    assert_eq!((amount, block_below, limit_below), (None, Some(None), Some(Some(7))));
    assert_eq!((much.blocked, much.time_zone.unwrap().name()), (Some(false), "Europe/Riga"));
    assert_eq!(change(r#"{"plan": "basic"}"#).plan, Some(Some("basic".to_owned())));
    let zone = read::<AccountChangeRequest>(r#"{"time_zone": "Riga"}"#).parse();
    assert_eq!(wrong(zone), named("time_zone", "invalid_time_zone"));
}

#[test]
fn a_payment_has_an_id_if_it_is_named() {
    let payment = |text: &str| read::<PaymentRequest>(text).payment();
    assert_eq!(payment(r#"{"comment": "a"}"#), Payment::new("a"));
    let full = payment(&format!(r#"{{"id": "{ID}", "days": -3, "amount": 9900, "comment": "invoice 17"}}"#));
    assert_eq!(full.id.unwrap().to_string(), ID);
    assert_eq!(Payment { id: None, ..full }, Payment::new("invoice 17").days(-3).amount(9900));
}

#[test]
fn nothing_that_came_in_is_printed() {
    let request: CodeRequest = read(r#"{"challenge": "tok-canary", "code": "123456"}"#);
    assert_eq!(format!("{request:?}"), "CodeRequest { challenge: .., code: .. }");
}

#[cfg(feature = "validation")]
#[test]
fn the_errors_of_the_validator_do_not_carry_what_came_in() {
    use validator::Validate as _;
    let request =
        SignInRequest { login: Raw::from("canary ".repeat(20)), password: Raw::from(String::new()) };
    let errors = request.validate().unwrap_err();
    let fields: Vec<_> = errors.field_errors().keys().map(ToString::to_string).collect();
    assert!(fields.len() == 2 && fields.iter().any(|field| field == "login"), "{fields:?}");
    let printed = format!("{errors:?} {errors}");
    assert!(printed.contains("length") && !printed.contains("canary"), "{printed}");
    let fine = SignInRequest { login: Raw::from("ä".repeat(50)), password: Raw::from("b".to_owned()) };
    assert!(fine.validate().is_ok());
}
