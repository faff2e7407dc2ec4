//! Every text a person reads, one catalogue per language.
//!
//! A text is a field of [`Texts`], so a language that lacks one does not compile. Values in a sentence are
//! named in braces and put in by [`Sentence`](crate::page::Sentence), escaped.

use chrono::{Datelike as _, NaiveDate};

mod en;
mod ru;

/// A language the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// Every language, in the order the gallery shows them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Russian];

    /// The language of a BCP 47 tag; English for one that has no catalogue.
    pub(crate) fn of_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ru") { Self::Russian } else { Self::English }
    }

    /// The BCP 47 tag for the `lang` attribute.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// The catalogue.
    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::Russian => &ru::TEXTS,
        }
    }

    /// The catalogue of the pages for administrators.
    pub(crate) fn admin(self) -> &'static admin::AdminTexts {
        match self {
            Self::English => &admin::en::TEXTS,
            Self::Russian => &admin::ru::TEXTS,
        }
    }

    /// A day in words.
    pub(crate) fn day(self, day: NaiveDate) -> String {
        let month = day.month0();
        let months = match self {
            Self::English => en::MONTHS,
            Self::Russian => ru::MONTHS,
        };
        let name =
            usize::try_from(month).ok().and_then(|month| months.get(month)).copied().unwrap_or_default();
        format!("{} {name} {}", day.day(), day.year())
    }

    /// The form of a counted text for `n`, still with its braces.
    pub(crate) fn counted(self, n: u32, plural: &Plural) -> &'static str {
        match self {
            Self::English if n == 1 => plural.one,
            Self::English => plural.many,
            Self::Russian => match (n % 10, n % 100) {
                (_, 11..=14) => plural.many,
                (1, _) => plural.one,
                (2..=4, _) => plural.few,
                _ => plural.many,
            },
        }
    }
}

/// A text in the forms its language counts by; English uses `one` and `many`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plural {
    /// 1, and 21 or 101 where the language says so.
    pub(crate) one: &'static str,
    /// 2 to 4, 22 to 24 and so on, where the language says so.
    pub(crate) few: &'static str,
    /// The rest.
    pub(crate) many: &'static str,
}

macro_rules! catalogue {
    ($texts:ident: $($key:ident: $kind:ty,)+) => {
        /// One language's texts.
        #[derive(Debug)]
        pub(crate) struct $texts {
            $(pub(crate) $key: $kind,)+
        }

        #[cfg(test)]
        impl $texts {
            pub(in crate::texts) fn entries(&self) -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$((stringify!($key), crate::texts::tests::Forms::forms(&self.$key)),)+]
            }
        }
    };
}

pub(crate) mod admin;

catalogue! {
    Texts:
    product: &'static str,
    skip_to_content: &'static str,
    sign_out: &'static str,
    signed_in_as: &'static str,
    busy: &'static str,
    no_answer: &'static str,
    times_in: &'static str,
    dev_strip: &'static str,
    dev_link: &'static str,
    banner: Plural,
    administration: &'static str,

    user_settings: &'static str,
    tabs: &'static str,
    security: &'static str,

    sign_in: &'static str,
    sign_in_title: &'static str,
    login: &'static str,
    password: &'static str,
    show: &'static str,
    show_password: &'static str,
    hide: &'static str,
    signed_out: &'static str,
    code_title: &'static str,
    code_lead: &'static str,
    back_to_sign_in: &'static str,
    email_instead: &'static str,

    forgotten: &'static str,
    forgotten_title: &'static str,
    forgotten_lead: &'static str,
    login_or_email: &'static str,
    send_link: &'static str,
    link_sent_title: &'static str,
    link_sent_lead: &'static str,
    link_life: Plural,
    link_valid_until: &'static str,
    link_signs_out: &'static str,
    recovery_title: &'static str,
    recovery_lead: &'static str,
    invitation_title: &'static str,
    invitation_lead: &'static str,
    set_password: &'static str,
    undo_title: &'static str,
    undo_lead: &'static str,
    undo_go: &'static str,
    lost_link_title: &'static str,
    lost_link_lead: &'static str,
    dead_link_title: &'static str,
    dead_link_lead: &'static str,
    dead_invitation_lead: &'static str,
    recover_password: &'static str,

    authorization: &'static str,
    email: &'static str,
    email_help: &'static str,
    email_none: &'static str,
    email_pending: &'static str,
    email_pending_until_then: &'static str,
    email_confirmed: &'static str,
    save: &'static str,
    cancel_change: &'static str,
    remove: &'static str,
    remove_warning: &'static str,
    remove_address: &'static str,
    used_by_two_factor: &'static str,
    used_by_notices: &'static str,

    change_password: &'static str,
    new_password: &'static str,
    repeat_password: &'static str,
    ok: &'static str,
    password_rule: Plural,

    two_factor: &'static str,
    two_factor_off: &'static str,
    two_factor_on: &'static str,
    two_factor_on_sms: &'static str,
    two_factor_sms_by_email: &'static str,
    two_factor_sms_stopped: &'static str,
    method: &'static str,
    method_off: &'static str,
    method_email: &'static str,
    method_sms: &'static str,
    phone: &'static str,
    phone_example: &'static str,
    phone_help: &'static str,
    send_sms: &'static str,
    show_method: &'static str,
    code_goes_to: &'static str,
    code_also_confirms: &'static str,
    address_first: &'static str,
    off_warning: &'static str,
    turn_off: &'static str,
    cancel: &'static str,

    advanced: &'static str,
    blocking_notices: &'static str,
    blocking_notices_help: Plural,
    blocking_on: &'static str,
    blocking_never: &'static str,

    sessions: &'static str,
    sessions_lead: &'static str,
    session_began: &'static str,
    session_used: &'static str,
    session_here: &'static str,
    session_end: &'static str,
    proof_password: &'static str,
    proof_password_email: &'static str,
    proof_password_sms: &'static str,
    sessions_end_others: &'static str,
    sessions_end_warning: &'static str,
    sessions_end_go: &'static str,
    sessions_no_others: &'static str,

    code_sent: &'static str,
    code: &'static str,
    confirm: &'static str,
    send_email: &'static str,
    send_again: &'static str,
    send_again_in: &'static str,
    send_again_at: &'static str,

    dialog_title: &'static str,
    dialog_lead: &'static str,
    current_password: &'static str,
    go_on: &'static str,

    said_email_confirmed: &'static str,
    said_change_canceled: &'static str,
    said_email_removed: &'static str,
    said_password_changed: &'static str,
    said_two_factor_on: &'static str,
    said_two_factor_off: &'static str,
    said_saved: &'static str,
    said_session_ended: &'static str,
    said_sessions_ended: &'static str,
    said_password_set: &'static str,
    said_email_undone: &'static str,

    bad_credentials: &'static str,
    wrong_password: &'static str,
    too_many_attempts: &'static str,
    invalid_email: &'static str,
    invalid_identifier: &'static str,
    unchanged_email: &'static str,
    address_taken: &'static str,
    link_address_taken: &'static str,
    address_in_use: &'static str,
    wrong_code: Plural,
    code_dead: &'static str,
    locked: &'static str,
    start_again: &'static str,
    no_more_codes: &'static str,
    no_more_codes_now: &'static str,
    send_failed: &'static str,
    password_too_short: Plural,
    password_repeat_differs: &'static str,
    password_unchanged: &'static str,
    password_short: Plural,
    password_long: Plural,
    password_common: &'static str,
    password_context: &'static str,
    password_needs_upper: &'static str,
    password_needs_lower: &'static str,
    password_needs_digit: &'static str,
    password_needs_special: &'static str,
    cannot_answer: &'static str,

    invalid_phone: &'static str,
    unchanged_phone: &'static str,
    maybe_sent: &'static str,

    gate_service_sms: &'static str,
    gate_quota_sms: &'static str,
    gate_quota_sms_until: &'static str,
    gate_send_sms: &'static str,
    gate_send_sms_above: &'static str,
    gate_no_phone: &'static str,
    gate_budget: &'static str,
    gate_blocked: &'static str,
    gate_right: &'static str,
    gate_change_password: &'static str,
    gate_policy: &'static str,
    gate_email_unconfirmed: &'static str,
    gate_service_email_notification: &'static str,

    flespi: &'static str,
    flespi_authorization: &'static str,
    flespi_login: &'static str,
    flespi_manual: &'static str,
    flespi_finish: &'static str,
    flespi_blocked: &'static str,
    flespi_open: &'static str,
    flespi_unfinished: &'static str,
    flespi_connecting: &'static str,
    flespi_token: &'static str,
    flespi_region: &'static str,
    flespi_region_choose: &'static str,
    flespi_region_eu: &'static str,
    flespi_region_ru: &'static str,
    flespi_check: &'static str,
    flespi_edit: &'static str,
    flespi_disconnect: &'static str,
    flespi_disconnect_warning: &'static str,
    flespi_obtained: &'static str,
    flespi_entered: &'static str,
    flespi_valid_until: &'static str,
    flespi_end_unknown: &'static str,
    flespi_active_until: &'static str,
    flespi_active: &'static str,
    flespi_expired_on: &'static str,
    flespi_expired: &'static str,
    flespi_rejected: &'static str,
    flespi_unanswered: &'static str,
    flespi_last_known: &'static str,
    flespi_was_active: &'static str,
    flespi_was_expired: &'static str,
    flespi_was_rejected: &'static str,
    flespi_token_invalid: &'static str,
    flespi_region_missing: &'static str,
    said_flespi_login_next: &'static str,
    said_flespi_token_next: &'static str,
    flespi_hand_off_dead: &'static str,
    flespi_not_accepted: &'static str,
    flespi_bad_message: &'static str,
    flespi_no_region: &'static str,
    flespi_unavailable: &'static str,
    gate_top_user: &'static str,

    dev_messages: &'static str,
    dev_messages_lead: &'static str,
    dev_no_messages: &'static str,
    dev_channel_email: &'static str,
    dev_channel_sms: &'static str,
    dev_to: &'static str,
    dev_html: &'static str,
    dev_states: &'static str,
    dev_states_lead: &'static str,
    dev_templates: &'static str,
    dev_templates_lead: &'static str,
    dev_templates_languages: &'static str,
    dev_timeline: &'static str,
    dev_timeline_lead: &'static str,
    dev_timeline_clock_title: &'static str,
    dev_timeline_clock: &'static str,
    dev_timeline_next: &'static str,
    dev_timeline_no_next: &'static str,
    dev_timeline_hour: &'static str,
    dev_timeline_day: &'static str,
    dev_timeline_to_next: &'static str,
    dev_timeline_moved: &'static str,
    dev_timeline_went_out: &'static str,
    dev_timeline_nothing: &'static str,
    dev_timeline_mail: &'static str,
    dev_timeline_empty: &'static str,
    dev_timeline_user: &'static str,
    dev_timeline_now: &'static str,
    dev_timeline_block: &'static str,
    dev_timeline_hour_of: &'static str,
    dev_timeline_sent: &'static str,
    dev_timeline_sent_at: &'static str,
    dev_timeline_fresh: &'static str,
    dev_timeline_planned: &'static str,
    dev_timeline_withheld: &'static str,
    dev_timeline_switched_off: &'static str,
    dev_timeline_unconfirmed: &'static str,
    dev_timeline_disabled: &'static str,
    dev_timeline_blocked: &'static str,
    dev_timeline_service_off: &'static str,
    dev_timeline_day_over: &'static str,
    dev_timeline_given_up: &'static str,
    dev_timeline_held: &'static str,
    dev_timeline_other: &'static str,
    dev_timeline_left: Plural,
}

#[cfg(test)]
mod tests;
