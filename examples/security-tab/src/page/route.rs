//! Where the forms post to and what their fields are called.

/// GET: to the tab, or to the sign-in page without a session.
pub(crate) const HOME: &str = "/";
/// GET: the sign-in page. POST: [`field::LOGIN`], [`field::PASSWORD`].
pub(crate) const SIGN_IN: &str = "/sign-in";
/// GET: the code page. POST: [`field::CHALLENGE`], [`field::CODE`].
pub(crate) const SIGN_IN_CODE: &str = "/sign-in/code";
/// POST: [`field::CHALLENGE`], and [`field::CHANNEL`] when another one is wanted.
pub(crate) const SIGN_IN_RESEND: &str = "/sign-in/resend";
/// POST, by the script: [`field::CHALLENGE`]. What came of the message with a code, as a line for its place; 202 while
/// nothing is known, 204 when it was sent.
pub(crate) const CODE_DELIVERY: &str = "/code/delivery";
/// POST, no fields.
pub(crate) const SIGN_OUT: &str = "/sign-out";
/// POST: [`field::PASSWORD`] and the pending action.
pub(crate) const REAUTHENTICATE: &str = "/reauthenticate";
/// POST: [`field::CHALLENGE`], [`field::CODE`] and the pending action.
pub(crate) const REAUTHENTICATE_CODE: &str = "/reauthenticate/code";
/// POST: [`field::CHALLENGE`] and the pending action. A new code for [`REAUTHENTICATE_CODE`].
pub(crate) const REAUTHENTICATE_RESEND: &str = "/reauthenticate/resend";
/// GET: the page that asks whose password was forgotten. POST: [`field::IDENTIFIER`].
pub(crate) const RECOVERY: &str = "/recovery";
/// GET: the answer to every request for a link.
pub(crate) const RECOVERY_SENT: &str = "/recovery/sent";
/// GET: the form of a recovery link, the link itself being in a cookie. POST: [`field::NEW`], [`field::REPEAT`].
pub(crate) const RECOVERY_PASSWORD: &str = "/recovery/password";
/// GET: the form of an invitation, the link itself being in a cookie. POST: [`field::NEW`], [`field::REPEAT`].
pub(crate) const INVITATION: &str = "/invitation";
/// GET: the form of an undo link, the link itself being in a cookie. POST, no fields.
pub(crate) const EMAIL_UNDO: &str = "/email/undo";
/// GET: the tab; [`field::METHOD`] in the query opens that method's panel.
pub(crate) const SETTINGS: &str = "/settings";
/// POST: [`field::ADDRESS`].
pub(crate) const EMAIL: &str = "/settings/email";
/// POST: [`field::CHALLENGE`], [`field::CODE`].
pub(crate) const EMAIL_CONFIRM: &str = "/settings/email/confirm";
/// POST: [`field::CHALLENGE`], empty when no code is on its way.
pub(crate) const EMAIL_RESEND: &str = "/settings/email/resend";
/// POST, no fields: drops the pending address.
pub(crate) const EMAIL_CANCEL: &str = "/settings/email/cancel";
/// POST, no fields: removes the address.
pub(crate) const EMAIL_REMOVE: &str = "/settings/email/remove";
/// POST: [`field::CURRENT`], [`field::NEW`], [`field::REPEAT`]; with a script [`field::ADDRESS`] as it stands in its row.
pub(crate) const PASSWORD: &str = "/settings/password";
/// POST: [`field::METHOD`], and [`field::ADDRESS`] when it is a pending one.
pub(crate) const TWO_FACTOR_SEND: &str = "/settings/two-factor/send";
/// POST: [`field::CHALLENGE`].
pub(crate) const TWO_FACTOR_RESEND: &str = "/settings/two-factor/resend";
/// POST: [`field::METHOD`], [`field::CHALLENGE`], [`field::CODE`].
pub(crate) const TWO_FACTOR_CONFIRM: &str = "/settings/two-factor/confirm";
/// POST, no fields: switches two-factor authentication off.
pub(crate) const TWO_FACTOR_OFF: &str = "/settings/two-factor/off";
/// POST, no fields: drops the code on its way.
pub(crate) const TWO_FACTOR_CANCEL: &str = "/settings/two-factor/cancel";
/// POST: [`field::ENABLED`]: whether notices about blocking are on.
pub(crate) const NOTICES: &str = "/settings/notices";
/// GET: the tab with the form of a flespi token open.
pub(crate) const FLESPI_TYPE: &str = "/settings?flespi=type#flespi";
/// POST, no fields: what a login at flespi lacks. A script opens the window and asks [`FLESPI_HAND_OFF`] instead.
pub(crate) const FLESPI_LOGIN: &str = "/settings/flespi/login";
/// POST, by the script: begins a login at flespi.
pub(crate) const FLESPI_HAND_OFF: &str = "/api/security/flespi/hand-off";
/// POST: [`field::TOKEN`], [`field::REGION`].
pub(crate) const FLESPI_TOKEN: &str = "/settings/flespi/token";
/// POST, no fields: asks flespi what the token is worth.
pub(crate) const FLESPI_CHECK: &str = "/settings/flespi/check";
/// POST, no fields: forgets the token.
pub(crate) const FLESPI_DISCONNECT: &str = "/settings/flespi/disconnect";
/// POST: [`field::SESSION`]. Ends another session of the user.
pub(crate) const SESSION_END: &str = "/settings/sessions/end";
/// POST, no fields: ends every other session of the user.
pub(crate) const SESSIONS_END_OTHERS: &str = "/settings/sessions/end-others";
/// GET: the users one may see; [`field::LOGIN`] or [`field::ACCOUNT`] in the query. One user is at `/admin/users/{id}`.
pub(crate) const ADMIN_USERS: &str = "/admin/users";
/// GET: the form for a new user. POST: [`field::LOGIN`], [`field::ACCOUNT`], [`field::ADDRESS`], [`field::LANGUAGE`],
/// [`field::ZONE`], and [`field::FLAG`] for each that is on.
pub(crate) const ADMIN_USER_NEW: &str = "/admin/users/new";
/// POST: [`field::USER`], [`field::FLAG`] for each that is on, [`field::SHOWN`] for each that was.
pub(crate) const ADMIN_FLAGS: &str = "/admin/users/flags";
/// POST: [`field::USER`], [`field::LANGUAGE`], [`field::ZONE`].
pub(crate) const ADMIN_SETTINGS: &str = "/admin/users/settings";
/// POST: [`field::USER`], [`field::ON`]: whether signing in is on.
pub(crate) const ADMIN_SIGN_IN: &str = "/admin/users/sign-in";
/// POST: [`field::USER`]. Sends a link for a new password.
pub(crate) const ADMIN_RESET: &str = "/admin/users/reset";
/// POST: [`field::USER`]. Sends a link for the first password.
pub(crate) const ADMIN_INVITE: &str = "/admin/users/invitation";
/// POST: [`field::USER`]. Removes the second factor.
pub(crate) const ADMIN_FACTOR: &str = "/admin/users/two-factor";
/// POST: [`field::USER`]. Ends every session.
pub(crate) const ADMIN_SESSIONS: &str = "/admin/users/sessions";
/// POST: [`field::USER`], [`field::TO`], [`field::RIGHT`] for each.
pub(crate) const ADMIN_RIGHTS: &str = "/admin/users/rights";
/// GET: the accounts one may see. One account is at `/admin/accounts/{id}`.
pub(crate) const ADMIN_ACCOUNTS: &str = "/admin/accounts";
/// GET: the form for a new account below [`field::ACCOUNT`]. POST: that, and the fields of [`ADMIN_ACCOUNT_CHANGE`].
pub(crate) const ADMIN_ACCOUNT_NEW: &str = "/admin/accounts/new";
/// POST: [`field::ACCOUNT`], [`field::NAME`], [`field::SMS`], [`field::QUOTA`], [`field::PERIOD`],
/// [`field::EMAIL_NOTIFICATION`], [`field::ZONE`].
pub(crate) const ADMIN_ACCOUNT_CHANGE: &str = "/admin/accounts/change";
/// POST: [`field::ACCOUNT`], [`field::LEFT`], [`field::MINIMUM`], [`field::COUNTING`], [`field::AMOUNT`],
/// [`field::BLOCK_BELOW`], [`field::LIMIT_BELOW`], [`field::PLAN`], [`field::DEALER`].
pub(crate) const ADMIN_ACCOUNT_BILL: &str = "/admin/accounts/bill";
/// POST: [`field::ACCOUNT`], [`field::PAYMENT`], [`field::DAYS`], [`field::AMOUNT`], [`field::COMMENT`].
pub(crate) const ADMIN_ACCOUNT_PAY: &str = "/admin/accounts/pay";
/// POST: [`field::ACCOUNT`], [`field::ON`]: whether it is blocked.
pub(crate) const ADMIN_ACCOUNT_BLOCK: &str = "/admin/accounts/block";
/// POST: [`field::ACCOUNT`], [`field::TO`], [`field::RIGHT`] for each.
pub(crate) const ADMIN_ACCOUNT_RIGHTS: &str = "/admin/accounts/rights";
/// GET: the audit trail, one's own or that of [`field::USER`].
pub(crate) const ADMIN_TRAIL: &str = "/admin/trail";
/// GET, development only: what was sent.
pub(crate) const DEV_MESSAGES: &str = "/dev/messages";
/// GET, development only: the gallery; one state is at `/dev/states/{name}`.
pub(crate) const DEV_STATES: &str = "/dev/states";
/// GET, development only: every message in words, in English; another language is at `/dev/templates/{tag}`.
pub(crate) const DEV_TEMPLATES: &str = "/dev/templates";
/// GET, development only: which notices go out when; [`field::SINCE`] in the query tells what went out since. POST:
/// [`field::BY`]. Moves the clock.
pub(crate) const DEV_TIMELINE: &str = "/dev/timeline";
/// GET: files of [`static_file`](super::static_file), by the rest of the path.
pub(crate) const STATIC: &str = "/static/";

/// The actions on the tab that a stale sign-in may stop, which go on after it.
pub(crate) const GO_ON: [&str; 8] = [
    EMAIL,
    EMAIL_CONFIRM,
    EMAIL_REMOVE,
    TWO_FACTOR_SEND,
    TWO_FACTOR_OFF,
    FLESPI_LOGIN,
    FLESPI_TOKEN,
    FLESPI_DISCONNECT,
];
/// The same on the pages for administrators.
pub(crate) const ADMIN_GO_ON: [&str; 6] =
    [ADMIN_USER_NEW, ADMIN_RESET, ADMIN_INVITE, ADMIN_FACTOR, ADMIN_RIGHTS, ADMIN_ACCOUNT_RIGHTS];

/// Names of form fields.
pub(crate) mod field {
    /// The name a user signs in with.
    pub(crate) const LOGIN: &str = "login";
    /// A login or an e-mail address.
    pub(crate) const IDENTIFIER: &str = "identifier";
    /// A password. Never sent back to a page.
    pub(crate) const PASSWORD: &str = "password";
    /// The password in use. Never sent back to a page.
    pub(crate) const CURRENT: &str = "current";
    /// A new password. Never sent back to a page.
    pub(crate) const NEW: &str = "new";
    /// The same once more.
    pub(crate) const REPEAT: &str = "repeat";
    /// A code as it was typed; spaces are to be dropped.
    pub(crate) const CODE: &str = "code";
    /// The sealed id of a challenge.
    pub(crate) const CHALLENGE: &str = "challenge";
    /// `email` where a code by SMS may go by mail.
    pub(crate) const CHANNEL: &str = "channel";
    /// An e-mail address.
    pub(crate) const ADDRESS: &str = "address";
    /// A phone number.
    pub(crate) const PHONE: &str = "phone";
    /// `none`, `email` or `sms`.
    pub(crate) const METHOD: &str = "method";
    /// There when notices about blocking are to be on.
    pub(crate) const ENABLED: &str = "enabled";
    /// A flespi token. Never sent back to a page.
    pub(crate) const TOKEN: &str = "token";
    /// The name of a region of flespi.
    pub(crate) const REGION: &str = "region";
    /// `type` in the query opens the form of a flespi token.
    pub(crate) const FLESPI: &str = "flespi";
    /// The handle of a session in the list.
    pub(crate) const SESSION: &str = "session";
    /// The id of a user.
    pub(crate) const USER: &str = "user";
    /// The id of an account.
    pub(crate) const ACCOUNT: &str = "account";
    /// A flag that is to be on.
    pub(crate) const FLAG: &str = "flag";
    /// A flag that was on when the page was made.
    pub(crate) const SHOWN: &str = "shown";
    /// A language of the messages, by its tag.
    pub(crate) const LANGUAGE: &str = "language";
    /// The IANA name of a time zone.
    pub(crate) const ZONE: &str = "zone";
    /// `yes` or `no`.
    pub(crate) const ON: &str = "on";
    /// The login of who gets rights.
    pub(crate) const TO: &str = "to";
    /// The id of who has rights, in the query of a page that lists them: the form begins with them.
    pub(crate) const HOLDER: &str = "holder";
    /// A right that is to be held.
    pub(crate) const RIGHT: &str = "right";
    /// The name of an account.
    pub(crate) const NAME: &str = "name";
    /// There when SMS are on.
    pub(crate) const SMS: &str = "sms";
    /// The number of SMS in a period; empty without a limit.
    pub(crate) const QUOTA: &str = "quota";
    /// The period of that number.
    pub(crate) const PERIOD: &str = "period";
    /// Days that are left.
    pub(crate) const LEFT: &str = "left";
    /// The same as the page showed them.
    pub(crate) const LEFT_SHOWN: &str = "left_shown";
    /// How many days may be left at least.
    pub(crate) const MINIMUM: &str = "minimum";
    /// There when days are counted down.
    pub(crate) const COUNTING: &str = "counting";
    /// An amount of money, in the smallest unit.
    pub(crate) const AMOUNT: &str = "amount";
    /// The balance as the page showed it.
    pub(crate) const AMOUNT_SHOWN: &str = "amount_shown";
    /// Below this an account is blocked.
    pub(crate) const BLOCK_BELOW: &str = "block_below";
    /// Below this paid services are off.
    pub(crate) const LIMIT_BELOW: &str = "limit_below";
    /// The name of a plan.
    pub(crate) const PLAN: &str = "plan";
    /// There when an account may have others below it.
    pub(crate) const DEALER: &str = "dealer";
    /// The id of a payment.
    pub(crate) const PAYMENT: &str = "payment";
    /// The days of a payment.
    pub(crate) const DAYS: &str = "days";
    /// What a payment was for.
    pub(crate) const COMMENT: &str = "comment";
    /// There when notices by mail are on.
    pub(crate) const EMAIL_NOTIFICATION: &str = "email_notification";
    /// How far the clock is moved: `hour`, `day` or `notice`.
    pub(crate) const BY: &str = "by";
    /// What the clock showed before it was moved, RFC 3339.
    pub(crate) const SINCE: &str = "since";
    /// The route of the action that waits for a confirmation.
    pub(crate) const THEN: &str = "then";
    /// Before the name of each field of the action that waits.
    pub(crate) const THEN_PREFIX: &str = "then.";

    /// The fields an action may carry through a confirmation: none is a secret.
    pub(crate) const CARRIED: [&str; 11] =
        [ADDRESS, PHONE, METHOD, USER, ACCOUNT, LOGIN, LANGUAGE, ZONE, FLAG, TO, RIGHT];
}
