//! What happened, in words, by the action an audit event names.

use crate::texts::Language;

/// Every action with words of its own: its name, then English and Russian.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("signed_in", "Signed in", "Вход выполнен"),
    ("sign_in_refused", "Sign-in refused", "Во входе отказано"),
    ("signed_out", "Signed out", "Выход"),
    ("session_ended", "A session was ended", "Сеанс завершён"),
    ("session_end_refused", "Ending a session was refused", "В завершении сеанса отказано"),
    ("other_sessions_ended", "All other sessions were ended", "Все остальные сеансы завершены"),
    ("all_sessions_ended", "All sessions were ended", "Все сеансы завершены"),
    ("session_used", "Used the session", "Сеанс использован"),
    ("reauthenticated", "Confirmed to be the user", "Личность подтверждена"),
    ("code_issued", "A code was made", "Код создан"),
    ("code_refused", "A code was refused", "Код отклонён"),
    ("resend_refused", "Another code was refused", "В повторном коде отказано"),
    ("email_pending", "A new email address waits for confirmation", "Новый адрес ожидает подтверждения"),
    ("email_confirmed", "The email address was confirmed", "Адрес подтверждён"),
    ("email_cancelled", "The change of the email address was cancelled", "Изменение адреса отменено"),
    ("email_cleared", "The email address was removed", "Адрес удалён"),
    ("email_refused", "A change of the email address was refused", "В изменении адреса отказано"),
    (
        "email_undone",
        "The change of the email address was undone",
        "Изменение адреса отменено прежним владельцем",
    ),
    (
        "email_undo_ended",
        "The change of the email address can no longer be undone",
        "Изменение адреса больше нельзя отменить",
    ),
    (
        "two_factor_pending",
        "Two-factor authentication waits for its code",
        "Двухфакторная аутентификация ожидает код",
    ),
    ("two_factor_on", "Two-factor authentication was switched on", "Двухфакторная аутентификация включена"),
    (
        "two_factor_off",
        "Two-factor authentication was switched off",
        "Двухфакторная аутентификация выключена",
    ),
    (
        "two_factor_cancelled",
        "The code for two-factor authentication was given up",
        "Код для двухфакторной аутентификации отменён",
    ),
    (
        "two_factor_refused",
        "A change of two-factor authentication was refused",
        "В изменении двухфакторной аутентификации отказано",
    ),
    ("two_factor_removed", "The second factor was removed", "Второй фактор снят"),
    ("password_changed", "The password was changed", "Пароль изменён"),
    ("password_refused", "A change of the password was refused", "В изменении пароля отказано"),
    ("password_set", "A password was set by a link", "Пароль задан по ссылке"),
    ("recovery_requested", "A new password was asked for", "Запрошено восстановление пароля"),
    (
        "recovery_started",
        "A link for a new password was sent by an administrator",
        "Ссылка для нового пароля отправлена администратором",
    ),
    ("recovery_refused", "A link for a new password was refused", "В ссылке для нового пароля отказано"),
    ("link_issued", "A link was made", "Ссылка создана"),
    ("link_refused", "A link was refused", "Ссылка отклонена"),
    ("invited", "An invitation was sent", "Приглашение отправлено"),
    ("flags_changed", "Permissions were changed", "Разрешения изменены"),
    ("disabled", "Sign-in was switched off", "Вход выключен"),
    ("enabled", "Sign-in was switched on", "Вход включён"),
    ("settings_changed", "Language or time zone was changed", "Изменён язык или часовой пояс"),
    ("rights_changed", "Rights were set", "Права заданы"),
    ("change_refused", "A change was refused", "В изменении отказано"),
    ("user_created", "The user was created", "Пользователь создан"),
    ("account_created", "The account was created", "Учётная запись создана"),
    ("account_changed", "The account was changed", "Учётная запись изменена"),
    ("account_blocked", "The account was blocked", "Учётная запись заблокирована"),
    ("account_unblocked", "The account was unblocked", "Учётная запись разблокирована"),
    ("payment_recorded", "A payment was recorded", "Записан платёж"),
    (
        "blocking_notices_on",
        "Notices of account blocking were switched on",
        "Уведомления о блокировке включены",
    ),
    (
        "blocking_notices_off",
        "Notices of account blocking were switched off",
        "Уведомления о блокировке выключены",
    ),
    ("notices_refused", "A change of the notices was refused", "В изменении уведомлений отказано"),
    ("notices_planned", "Notices of account blocking were planned", "Уведомления о блокировке запланированы"),
    ("flespi_redeemed", "A login at flespi was taken", "Вход в flespi принят"),
    ("flespi_connected", "flespi was connected", "flespi подключён"),
    ("flespi_not_connected", "flespi could not be connected", "Подключить flespi не удалось"),
    (
        "flespi_postponed",
        "A call of flespi waits to be made again",
        "Обращение к flespi будет повторено позже",
    ),
    (
        "flespi_refused",
        "A change of the flespi connection was refused",
        "В изменении подключения flespi отказано",
    ),
    ("flespi_hand_off_refused", "A login at flespi was refused", "Во входе в flespi отказано"),
    ("flespi_checked", "The flespi token was checked", "Токен flespi проверен"),
    ("flespi_check_refused", "Checking the flespi token was refused", "В проверке токена flespi отказано"),
    ("flespi_token_opened", "The flespi token was used", "Токен flespi использован"),
    (
        "flespi_token_refused",
        "The use of the flespi token was refused",
        "В использовании токена flespi отказано",
    ),
    ("flespi_disconnected", "flespi was disconnected", "flespi отключён"),
    (
        "flespi_notice_skipped",
        "A notice of a flespi token that ends was not sent",
        "Предупреждение об окончании токена flespi не отправлено",
    ),
    ("flespi_cleared", "What was left at flespi was removed", "Лишнее во flespi удалено"),
    ("flespi_token_left", "A token was left at flespi", "Во flespi остался токен"),
    (
        "flespi_resealed",
        "The flespi token was sealed with a new key",
        "Токен flespi перешифрован новым ключом",
    ),
    ("message_readdressed", "A message goes to the new address", "Сообщение уйдёт на новый адрес"),
    ("phone_cleared", "The phone number was removed", "Номер телефона удалён"),
    ("phone_refused", "Removing the phone number was refused", "В удалении номера телефона отказано"),
    ("sms_budget_alert", "A limit of SMS is being used up", "Лимит SMS подходит к концу"),
    ("sms_reported", "The gateway reported how far an SMS came", "Шлюз сообщил о доставке SMS"),
    (
        "sms_fallback",
        "A code goes by email, as no SMS can be sent",
        "Код уходит письмом: SMS отправить нельзя",
    ),
    ("message_maybe_sent", "An SMS may have been sent", "SMS, возможно, отправлено"),
    ("message_sent", "A message was sent", "Сообщение отправлено"),
    ("message_postponed", "A message waits to be sent again", "Сообщение будет отправлено позже"),
    ("message_given_up", "A message could not be sent", "Сообщение отправить не удалось"),
    ("message_held", "A message was held back", "Сообщение задержано"),
    ("message_released", "A message that was held back was released", "Задержанное сообщение отпущено"),
    ("message_resent", "A message that was given up is sent again", "Сообщение отправляется снова"),
    ("message_resealed", "A message was sealed with a new key", "Сообщение перешифровано новым ключом"),
    (
        "message_suppressed",
        "A message was not sent, as it had no reason any more",
        "Сообщение не отправлено: причины больше нет",
    ),
];

#[cfg(test)]
impl Language {
    /// The name of every action with words.
    pub(in crate::texts) fn actions() -> impl Iterator<Item = &'static str> {
        ACTIONS.iter().map(|(name, _, _)| *name)
    }
}

impl Language {
    /// What happened. `None` for an action without words.
    pub(crate) fn action(self, name: &str) -> Option<&'static str> {
        let (_, english, russian) = ACTIONS.iter().find(|(known, _, _)| *known == name)?;
        Some(match self {
            Self::English => english,
            Self::Russian => russian,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_words_in_both_languages_and_no_other_has_any() {
        let names: BTreeSet<_> = ACTIONS.iter().map(|(name, _, _)| name).collect();
        assert_eq!(names.len(), ACTIONS.len());
        for (name, _, _) in ACTIONS {
            let [english, russian] = Language::ALL.map(|language| language.action(name).unwrap());
            assert!(english.is_ascii(), "{name}");
            assert!(russian.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c)), "{name}");
        }
        assert_eq!(Language::English.action("signed_in"), Some("Signed in"));
        assert_eq!(Language::Russian.action("no_such_action"), None);
    }
}
