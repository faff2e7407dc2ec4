//! What the pages for administrators say.

pub(super) mod en;
mod events;
mod reasons;
pub(super) mod ru;

pub(crate) use reasons::Because;

catalogue! {
    AdminTexts:
    users: &'static str,
    accounts: &'static str,
    own_trail: &'static str,
    sections: &'static str,
    find: &'static str,
    find_lead: &'static str,
    account: &'static str,
    own_account: &'static str,
    choose_account: &'static str,
    list: &'static str,
    no_user_found: &'static str,
    no_users: &'static str,
    next_page: &'static str,
    first_page: &'static str,
    user_here: &'static str,
    user_disabled: &'static str,
    user_blocked: &'static str,
    user_no_password: &'static str,
    create_user: &'static str,
    create: &'static str,
    created: &'static str,
    email_waits: &'static str,
    password_state: &'static str,
    password_set: &'static str,
    password_not_set: &'static str,
    flags: &'static str,
    flag_change_password: &'static str,
    flag_send_sms: &'static str,
    flag_change_settings: &'static str,
    flag_create_items: &'static str,
    flag_lacked: &'static str,
    flag_one_way: &'static str,
    cannot_grant: &'static str,
    sign_in_row: &'static str,
    sign_in_on: &'static str,
    sign_in_off: &'static str,
    disable: &'static str,
    disable_warning: &'static str,
    enable: &'static str,
    settings: &'static str,
    language: &'static str,
    language_en: &'static str,
    language_ru: &'static str,
    zone: &'static str,
    zone_help: &'static str,
    zone_empty_help: &'static str,
    access: &'static str,
    reset: &'static str,
    reset_help: &'static str,
    reset_go: &'static str,
    no_confirmed_address: &'static str,
    no_address: &'static str,
    invitation: &'static str,
    invitation_help: &'static str,
    invitation_email_help: &'static str,
    invitation_waits: &'static str,
    invite: &'static str,
    invite_again: &'static str,
    second_factor: &'static str,
    second_factor_on: &'static str,
    second_factor_remove: &'static str,
    second_factor_warning: &'static str,
    second_factor_forget: &'static str,
    sessions: &'static str,
    sessions_end: &'static str,
    sessions_warning: &'static str,
    rights: &'static str,
    rights_lead: &'static str,
    rights_to: &'static str,
    rights_save: &'static str,
    rights_held: &'static str,
    rights_none: &'static str,
    rights_gone: &'static str,
    rights_change: &'static str,
    right_view: &'static str,
    right_view_details: &'static str,
    right_manage_access: &'static str,
    right_delete: &'static str,
    right_rename: &'static str,
    right_edit_other: &'static str,
    right_manage_user_access: &'static str,
    right_act_on_behalf: &'static str,
    right_edit_flags: &'static str,
    right_manage_account: &'static str,
    trail_of: &'static str,
    trail_link: &'static str,
    trail_none: &'static str,
    older: &'static str,
    by_you: &'static str,
    by_somebody: &'static str,
    because: &'static str,
    accounts_lead: &'static str,
    no_accounts: &'static str,
    below: &'static str,
    none_below: &'static str,
    create_account: &'static str,
    parent: &'static str,
    name: &'static str,
    properties: &'static str,
    services: &'static str,
    service_sms: &'static str,
    service_email_notification: &'static str,
    quota: &'static str,
    quota_help: &'static str,
    period: &'static str,
    period_none: &'static str,
    period_hour: &'static str,
    period_day: &'static str,
    period_week: &'static str,
    period_month: &'static str,
    block: &'static str,
    block_off: &'static str,
    block_on: &'static str,
    block_above: &'static str,
    block_go: &'static str,
    block_warning: &'static str,
    unblock: &'static str,
    users_of: &'static str,
    said_saved: &'static str,
    said_sign_in_off: &'static str,
    said_sign_in_on: &'static str,
    said_reset_sent: &'static str,
    said_invited: &'static str,
    said_factor_removed: &'static str,
    said_sessions_ended: &'static str,
    said_rights_set: &'static str,
    said_user_created: &'static str,
    said_user_invited: &'static str,
    said_account_created: &'static str,
    said_blocked: &'static str,
    said_unblocked: &'static str,
    invalid_login: &'static str,
    login_taken: &'static str,
    invalid_zone: &'static str,
    invalid_name: &'static str,
    invalid_quota: &'static str,
    no_such_account: &'static str,
    no_such_user: &'static str,
    not_found_title: &'static str,
    not_found: &'static str,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::texts::Language;

    fn names_in_braces(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn both_catalogues_name_the_same_values_and_are_in_their_own_language() {
        let english = Language::English.admin().entries();
        let russian = Language::Russian.admin().entries();
        let cyrillic = |text: &str| text.chars().any(|c| ('\u{400}'..='\u{4ff}').contains(&c));
        for ((key, ours), (_, theirs)) in english.iter().zip(&russian) {
            assert_eq!(names_in_braces(ours[0]), names_in_braces(theirs[0]), "{key}");
            assert!(!ours[0].trim().is_empty() && cyrillic(theirs[0]), "{key}");
            assert!(*key == "language_ru" || !cyrillic(ours[0]), "{key}");
        }
    }
}
