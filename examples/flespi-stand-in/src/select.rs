//! Which tokens a path means.

use crate::draft::{Fault, INVALID};
use crate::token::Token;

/// The part of a path that chooses items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    All,
    Ids(Vec<u64>),
    Info(String),
}

impl Selector {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(info) = text.strip_prefix("info=") {
            return Ok(Self::Info(info.to_owned()));
        }
        let ids: Option<Vec<u64>> = text.split(',').map(|id| id.parse().ok()).collect();
        ids.map(Self::Ids).ok_or_else(|| Fault::new(INVALID, "invalid selector"))
    }

    pub(crate) fn takes(&self, token: &Token) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&token.id),
            Self::Info(info) => *info == token.info,
        }
    }

    /// The numbers that are named.
    pub(crate) fn named(&self) -> &[u64] {
        match self {
            Self::Ids(ids) => ids,
            Self::All | Self::Info(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_all_or_numbers_or_a_note() {
        assert_eq!(Selector::parse("all"), Ok(Selector::All));
        assert_eq!(Selector::parse("1,2,5"), Ok(Selector::Ids(vec![1, 2, 5])));
        assert_eq!(Selector::parse("info=a b"), Ok(Selector::Info("a b".to_owned())));
        for odd in ["", "ALL", "1,", "1;2", "-1", "{id>1}"] {
            assert!(Selector::parse(odd).is_err(), "{odd:?}");
        }
    }
}
