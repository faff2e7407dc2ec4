//! Where the forms post to and what their fields are called.

/// GET: to the tab, or to the sign-in page without a session.
pub(crate) const HOME: &str = "/";
/// GET: the sign-in page. POST: [`field::LOGIN`], [`field::PASSWORD`].
pub(crate) const SIGN_IN: &str = "/sign-in";
/// GET: the code page. POST: [`field::CHALLENGE`], [`field::CODE`].
pub(crate) const SIGN_IN_CODE: &str = "/sign-in/code";
/// POST: [`field::CHALLENGE`], and [`field::CHANNEL`] when another one is wanted.
pub(crate) const SIGN_IN_RESEND: &str = "/sign-in/resend";
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
/// POST: [`field::SESSION`]. Ends another session of the user.
pub(crate) const SESSION_END: &str = "/settings/sessions/end";
/// POST, no fields: ends every other session of the user.
pub(crate) const SESSIONS_END_OTHERS: &str = "/settings/sessions/end-others";
/// GET, development only: what was sent.
pub(crate) const DEV_MESSAGES: &str = "/dev/messages";
/// GET, development only: the gallery; one state is at `/dev/states/{name}`.
pub(crate) const DEV_STATES: &str = "/dev/states";
/// GET: files of [`static_file`](super::static_file), by the rest of the path.
pub(crate) const STATIC: &str = "/static/";

/// The actions a stale sign-in may stop, which go on after it.
pub(crate) const GO_ON: [&str; 4] = [EMAIL, EMAIL_REMOVE, TWO_FACTOR_SEND, TWO_FACTOR_OFF];

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
    /// `none` or `email`.
    pub(crate) const METHOD: &str = "method";
    /// The handle of a session in the list.
    pub(crate) const SESSION: &str = "session";
    /// The route of the action that waits for a confirmation.
    pub(crate) const THEN: &str = "then";
    /// Before the name of each field of the action that waits.
    pub(crate) const THEN_PREFIX: &str = "then.";

    /// The fields an action may carry through a confirmation: none is a secret.
    pub(crate) const CARRIED: [&str; 2] = [ADDRESS, METHOD];
}
