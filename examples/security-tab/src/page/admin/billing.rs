//! Days, balance and payments of an account.

use crate::page::{Gate, Html, Sentence, Time};
use crate::texts::Language;

/// The form of days and balance, as stored or as it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Billing {
    /// The days left.
    pub(crate) left: String,
    /// The same as the page showed them.
    pub(crate) left_shown: String,
    /// How many days may be left at least.
    pub(crate) minimum: String,
    /// Whether they are counted down.
    pub(crate) counting: bool,
    /// The balance, in the smallest unit of the currency.
    pub(crate) amount: String,
    /// The same as the page showed it.
    pub(crate) amount_shown: String,
    /// Below this the account is blocked; empty if it never is.
    pub(crate) block_below: String,
    /// Below this paid services are off; empty if they never are.
    pub(crate) limit_below: String,
    /// The name of the plan; empty without one.
    pub(crate) plan: String,
    /// Whether it may have accounts below it.
    pub(crate) dealer: bool,
    /// The day on which it is blocked.
    pub(crate) blocks: Option<Time>,
    /// The payments, newest first.
    pub(crate) payments: Vec<PaymentLine>,
    /// The payment as it was typed.
    pub(crate) payment: PaymentFields,
    /// Gates that are closed for changing it.
    pub(crate) gates: Vec<Gate>,
}

/// How much was used of what there is.
#[derive(Debug, Clone)]
pub(crate) struct UsageLine {
    /// How much.
    pub(crate) used: u32,
    /// How much there may be; `None` without a limit.
    pub(crate) limit: Option<u32>,
    /// When it is counted anew, if something is counted and that comes.
    pub(crate) until: Option<Time>,
}

/// What an account has used.
#[derive(Debug, Clone)]
pub(crate) struct UsageFacts {
    /// Segments of SMS, of the quota.
    pub(crate) sms: UsageLine,
    /// The same, of the budget that no account exceeds.
    pub(crate) sms_budget: UsageLine,
    /// Notices by mail, of their quota.
    pub(crate) mails: UsageLine,
}

/// A payment as it was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct PaymentFields {
    /// The id it is recorded under, once however often the form is sent.
    pub(crate) id: String,
    /// The days it adds.
    pub(crate) days: String,
    /// The amount it adds.
    pub(crate) amount: String,
    /// What it was for.
    pub(crate) comment: String,
}

/// A payment in the list.
#[derive(Debug, Clone)]
pub(crate) struct PaymentLine {
    /// When it was recorded.
    pub(crate) at: Time,
    /// The days it added.
    pub(crate) days: i32,
    /// The amount it added.
    pub(crate) amount: i64,
    /// What it was for.
    pub(crate) comment: String,
}

impl Billing {
    pub(super) fn blocks_line(&self, language: Language) -> Html {
        let texts = language.admin();
        match &self.blocks {
            Some(date) => Sentence::new(texts.blocks_on).time("date", date).html(),
            None => Html::text(language.texts().blocking_never),
        }
    }
}

impl UsageLine {
    pub(super) fn line(&self, language: Language) -> Html {
        let texts = language.admin();
        let used = |text| Sentence::new(text).number("used", self.used);
        match (self.limit, &self.until) {
            (None, _) => used(texts.usage_free).html(),
            (Some(limit), None) => used(texts.usage_of).number("limit", limit).html(),
            (Some(limit), Some(until)) => {
                used(texts.usage_of_until).number("limit", limit).time("time", until).html()
            }
        }
    }
}

impl PaymentLine {
    pub(super) fn line(&self, language: Language) -> Html {
        Sentence::new(language.admin().payment_line)
            .text("days", &self.days.to_string())
            .text("amount", &self.amount.to_string())
            .html()
    }
}
