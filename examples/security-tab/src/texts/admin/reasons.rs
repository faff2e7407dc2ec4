//! Why something happened, and what a message or code was for, by the words an audit event names.

use crate::texts::Language;

/// What an audit event says beside its action, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Because {
    /// Why it happened: the end of a sentence.
    Why(&'static str),
    /// What it was for or how it was done: words of their own.
    What(&'static str),
}

/// Every reason with words of its own: its name, then English and Russian.
const WHY: &[(&str, &str, &str)] = &[
    ("no_sms", "no SMS can be sent here", "SMS здесь не отправляются"),
    ("no_phone", "no confirmed phone number", "нет подтверждённого номера"),
    ("service_sms", "SMS are not active in the account", "SMS не включены в учётной записи"),
    ("quota_sms", "the SMS limit of the account is used up", "лимит SMS учётной записи исчерпан"),
    ("sms_country_not_served", "no SMS go to that country", "в эту страну SMS не отправляются"),
    ("sms_number", "the limit of the number", "лимит номера"),
    ("sms_new_number", "the limit of a new number", "лимит нового номера"),
    ("sms_cool_down", "too soon after the last SMS", "слишком скоро после предыдущего SMS"),
    ("sms_user", "the limit of the user", "лимит пользователя"),
    ("sms_user_unverified", "the limit of codes nobody typed", "лимит невведённых кодов"),
    ("sms_source", "the limit of the source address", "лимит адреса отправителя"),
    ("sms_source_new", "the limit of the address for new numbers", "лимит адреса для новых номеров"),
    ("sms_account", "the limit of the account", "лимит учётной записи"),
    ("sms_account_new", "the limit of the account for new numbers", "лимит учётной записи для новых номеров"),
    ("sms_country", "the limit of the country", "лимит страны"),
    ("sms_country_new", "the limit of the country for new numbers", "лимит страны для новых номеров"),
    (
        "sms_unverified",
        "the limit of the country for codes nobody typed",
        "лимит страны для невведённых кодов",
    ),
    ("sms_unverified_new", "the same limit for new numbers", "тот же лимит для новых номеров"),
    ("sms_everybody", "the limit of all together", "общий лимит"),
    ("sms_everybody_new", "the limit of all for new numbers", "общий лимит для новых номеров"),
    ("on_its_way", "it is on its way", "в пути"),
    ("delivered", "it arrived", "доставлено"),
    ("undelivered", "it will not arrive", "не доставлено"),
    ("ambiguous", "what flespi did is not known", "неизвестно, что сделал flespi"),
    ("unavailable", "flespi could not be reached", "flespi недоступен"),
    ("forbidden", "the token may not do this", "токену это не разрешено"),
    ("throttled", "flespi was asked too often", "слишком много обращений к flespi"),
    ("unauthorized", "flespi does not accept the token", "flespi не принимает токен"),
    ("unknown", "it is not known", "неизвестно"),
    ("no_right", "the token may not delete itself", "токен не может удалить себя"),
    ("no_such_region", "there is no such region", "такого региона нет"),
    ("not_connected", "flespi is not connected", "flespi не подключён"),
    ("rejected", "flespi did not accept the token", "flespi не принял токен"),
    ("disconnected", "flespi is no longer connected", "flespi больше не подключён"),
    ("hand_off_dead", "the login at flespi is no longer valid", "вход в flespi больше не действует"),
    ("bad_credentials", "wrong login or password", "неверное имя или пароль"),
    ("unknown_login", "unknown login", "неизвестное имя"),
    ("wrong_password", "wrong password", "неверный пароль"),
    ("no_password", "there is no password yet", "пароля ещё нет"),
    ("wrong_code", "wrong code", "неверный код"),
    ("wrong_secret", "the link is not genuine", "ссылка не настоящая"),
    ("challenge_dead", "the code or link is no longer valid", "код или ссылка больше не действует"),
    ("challenge_gone", "the code or link is no longer there", "кода или ссылки больше нет"),
    ("spent", "it was used already", "уже использовано"),
    ("dead", "it was cancelled", "отменено"),
    ("expired", "its time is over", "срок истёк"),
    ("superseded", "a newer one took its place", "заменено более новым"),
    ("voided", "the account was blocked since", "учётную запись с тех пор блокировали"),
    ("old_epoch", "a backup was restored since", "с тех пор восстановлена резервная копия"),
    ("credentials_changed", "password or factor changed since", "пароль или второй фактор с тех пор изменён"),
    ("destination_changed", "the address changed since", "адрес с тех пор изменён"),
    ("meant_for_another", "it was made for something else", "предназначено для другого"),
    ("locked", "too many wrong codes", "слишком много неверных кодов"),
    ("too_soon", "too soon after the last one", "слишком скоро после предыдущего"),
    ("no_sends_left", "it was sent too often", "отправлено слишком много раз"),
    ("too_many_attempts", "too many attempts", "слишком много попыток"),
    ("not_allowed", "not allowed", "не разрешено"),
    ("signed_out", "not signed in", "вход не выполнен"),
    ("stale_sign_in", "the sign-in was too long ago", "вход был слишком давно"),
    ("unchanged", "it is so already", "это уже так"),
    ("in_use", "it is in use", "используется"),
    ("address_taken", "another user has the address", "адрес указан у другого пользователя"),
    ("email_unconfirmed", "no confirmed address", "нет подтверждённого адреса"),
    ("weak_password", "the password is too weak", "слишком слабый пароль"),
    ("repeat_differs", "the new passwords differ", "новые пароли не совпадают"),
    ("login_taken", "another user has the login", "имя уже занято"),
    ("external_id_taken", "another user has the external id", "внешний идентификатор уже занят"),
    ("not_found", "not found", "не найдено"),
    ("already_set_up", "there is an account already", "учётная запись уже есть"),
    ("disabled", "sign-in is switched off", "вход выключен"),
    ("blocked", "the account is blocked", "учётная запись заблокирована"),
    ("change_password", "no permission to change the password", "нет разрешения менять пароль"),
    ("policy", "the security policy", "политика безопасности"),
    ("idle", "it was not used for too long", "слишком долго не использовался"),
    ("ended", "it was ended", "завершён"),
    ("by_user", "ended by the user", "завершён пользователем"),
    ("user_gone", "the user is no longer there", "пользователя больше нет"),
    ("refused", "the mail server refused it", "почтовый сервер отказал"),
    ("tries_used", "every attempt to send it failed", "все попытки отправки не удались"),
    ("service_off", "the service is not active in the account", "услуга не включена в учётной записи"),
    ("switched_off", "the notices were switched off", "уведомления выключены"),
    ("day_over", "its day is over", "его день прошёл"),
    ("no_day", "it names no day", "день не указан"),
    ("date_moved", "the blocking date was moved", "дата блокировки перенесена"),
    ("zone_moved", "the time zone was changed", "часовой пояс изменён"),
    ("not_a_dealer", "the account may have none below it", "у учётной записи не может быть подчинённых"),
    ("too_deep", "there are too many accounts above it", "над учётной записью слишком много других"),
    ("unknown_plan", "there is no such plan", "такого тарифного плана нет"),
    ("invalid_balance", "the balance is too large", "слишком большая сумма"),
    ("invalid_days", "too many days", "слишком много дней"),
    ("not_taken_over", "the mail server did not take it over", "почтовый сервер не принял"),
];

/// What has words of its own without being a reason.
const WHAT: &[(&str, &str, &str)] = &[
    ("password_sms", "By password and a code by SMS", "По паролю и коду из SMS"),
    ("two_factor_sms", "For two-factor authentication by SMS", "Для двухфакторной аутентификации по SMS"),
    ("sms", "Codes by SMS", "Коды по SMS"),
    ("manual", "Entered manually", "Введён вручную"),
    ("done", "Done", "Выполнено"),
    ("flespi_login", "For a login at flespi", "Для входа в flespi"),
    ("flespi_expiring", "Notice of a flespi token that ends", "Предупреждение об окончании токена flespi"),
    ("misconfigured", "Sending is misconfigured", "Отправка настроена неверно"),
    ("content_gone", "Its content was removed", "Содержимое удалено"),
    ("content_unreadable", "Its content cannot be read", "Содержимое не читается"),
    ("bootstrap", "The first administrator", "Первый администратор"),
    ("password", "By password", "По паролю"),
    ("password_email", "By password and a code by email", "По паролю и коду из письма"),
    ("email", "Codes by email", "Коды по электронной почте"),
    ("sign_in", "To sign in", "Для входа"),
    ("reauthentication", "To confirm who it is", "Для подтверждения личности"),
    ("email_confirmation", "To confirm an address", "Для подтверждения адреса"),
    ("two_factor_email", "For two-factor authentication", "Для двухфакторной аутентификации"),
    ("recovery", "To recover the password", "Для восстановления пароля"),
    ("invitation", "Invitation", "Приглашение"),
    ("flespi_hand_off", "Login at flespi", "Вход в flespi"),
    ("email_undo", "To undo a change of the address", "Для отмены изменения адреса"),
    ("sign_in_code", "Code to sign in", "Код для входа"),
    ("reauthentication_code", "Code to confirm who it is", "Код для подтверждения личности"),
    ("email_confirmation_code", "Code to confirm an address", "Код для подтверждения адреса"),
    ("two_factor_code", "Code for two-factor authentication", "Код для двухфакторной аутентификации"),
    ("codes_locked", "Notice of too many wrong codes", "Уведомление о неверных кодах"),
    ("email_changed", "Notice of a changed address", "Уведомление об изменении адреса"),
    ("password_changed", "Notice of a changed password", "Уведомление об изменении пароля"),
    (
        "two_factor_on",
        "Notice of two-factor authentication switched on",
        "Уведомление о включении двухфакторной аутентификации",
    ),
    (
        "two_factor_off",
        "Notice of two-factor authentication switched off",
        "Уведомление о выключении двухфакторной аутентификации",
    ),
    ("recovery_link", "Link to recover the password", "Ссылка для восстановления пароля"),
    ("invitation_link", "Link of an invitation", "Ссылка приглашения"),
    ("blocking_notice", "Notice of a coming block", "Предупреждение о скорой блокировке"),
    ("shown", "The link was shown to the operator", "Ссылка показана оператору"),
];

impl Language {
    /// What an event says beside its action. `None` for a name without words.
    pub(crate) fn because(self, name: &str) -> Option<Because> {
        let find = |table: &'static [(&str, &str, &str)]| {
            let (_, english, russian) = table.iter().find(|(known, _, _)| *known == name)?;
            Some(match self {
                Self::English => *english,
                Self::Russian => *russian,
            })
        };
        find(WHY).map(Because::Why).or_else(|| find(WHAT).map(Because::What))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use portcullis::challenge::Purpose;
    use portcullis::decision::Reason;
    use portcullis::message::MessageKind;

    use super::*;

    /// Literals in the sources of events that no event names: counters, fields, errors of input and parts of a record.
    const ELSEWHERE: &[&str] = &[
        "balance",
        "days",
        "flespi_checks",
        "flespi_connection",
        "flespi_hand_offs",
        "flespi_token",
        "invalid_phone",
        "invalid_region",
        "parent",
        "phone",
        "plan",
        "region",
        "invalid_plans",
        "plans",
        "address",
        "administrative_recovery",
        "code_failures",
        "dead_links",
        "email_codes",
        "email_notification",
        "external_id",
        "held",
        "http",
        "https",
        "id",
        "invalid_email",
        "invalid_external_id",
        "invalid_invitation",
        "invalid_name",
        "invitations",
        "invitations_by",
        "kind",
        "localhost",
        "login",
        "message",
        "name",
        "password_change_failures",
        "password_failures",
        "password_wait",
        "forged",
        "late",
        "repeated",
        "sealed",
        "services",
        "sign_in_failures",
        "invalid_phone",
        "invalid_sms_name",
        "no_mailbox",
        "phone",
        "sms_account_new_told",
        "sms_account_told",
        "sms_country_new_told",
        "sms_country_told",
        "sms_credentials",
        "sms_everybody_new_told",
        "sms_everybody_told",
        "sms_line",
        "sms_name",
        "sms_new_wait",
        "sms_unverified_new_told",
        "sms_unverified_told",
        "sms_wait",
        "templates",
        "top_accounts",
        "unknown_field",
        "user",
    ];

    /// The code of the files of the core in which events get their words, without comments, attributes and tests.
    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !["testing", "templates", "tests"].contains(&&*name) {
                sources(&path, found);
            }
            let skipped = ["decision.rs", "audit.rs", "tests.rs", "fixture.rs"].contains(&&*name);
            if path.extension().is_none_or(|kind| kind != "rs") || skipped || path.is_dir() {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().lines().map(str::trim_start);
            let code: Vec<_> =
                code.filter(|line| !line.starts_with("//") && !line.starts_with('#')).collect();
            let code = code.join("\n");
            let words =
                [".event(", "because(", "suppress(", "Suppress(", ", &'static str>", "Option<&'static str>"];
            if words.iter().any(|word| code.contains(word)) {
                found.push(code);
            }
        }
    }

    /// Every literal that could be the name of an action or a reason.
    fn literals() -> BTreeSet<String> {
        let mut found = Vec::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/portcullis/src")), &mut found);
        assert!(found.len() > 15, "the sources were found: {}", found.len());
        let mut names = BTreeSet::new();
        for code in &found {
            for literal in code.split('"').skip(1).step_by(2) {
                let is_name = !literal.is_empty()
                    && literal.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                if is_name {
                    names.insert(literal.to_owned());
                }
            }
        }
        names
    }

    fn is_worded(name: &str) -> bool {
        Language::English.because(name).is_some() || Language::English.action(name).is_some()
    }

    #[test]
    fn whatever_the_core_writes_into_the_trail_has_words() {
        let codes = literals();
        for name in ["signed_in", "email_undo_ended", "message_held", "wrong_password", "content_gone"] {
            assert!(codes.contains(name), "the sources hold {name}");
        }
        let bare: Vec<_> =
            codes.iter().filter(|name| !is_worded(name) && !ELSEWHERE.contains(&name.as_str())).collect();
        assert_eq!(bare, Vec::<&String>::new(), "give it words here, or say that no event names it");
        let because = |name: &str| assert!(Language::English.because(name).is_some(), "{name}");
        for reason in Reason::ALL {
            because(reason.code());
        }
        for kind in MessageKind::ALL {
            because(kind.name());
        }
        for purpose in Purpose::ALL {
            because(purpose.name());
        }
    }

    #[test]
    fn no_action_has_words_that_the_core_never_writes() {
        let codes = literals();
        let idle: Vec<_> = Language::actions().filter(|name| !codes.contains(*name)).collect();
        assert_eq!(idle, Vec::<&str>::new());
    }

    #[test]
    fn every_reason_has_words_in_both_languages() {
        let names: BTreeSet<_> = WHY.iter().chain(WHAT).map(|(name, _, _)| name).collect();
        assert_eq!(names.len(), WHY.len() + WHAT.len());
        for (name, english, russian) in WHY.iter().chain(WHAT) {
            assert!(english.is_ascii() && !english.contains('_'), "{name}");
            assert!(russian.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "{name}");
        }
        assert_eq!(Language::English.because("wrong_code"), Some(Because::Why("wrong code")));
        assert_eq!(Language::Russian.because("sign_in_code"), Some(Because::What("Код для входа")));
        assert_eq!(Language::Russian.because("no_such_reason"), None);
    }
}
