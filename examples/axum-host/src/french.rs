//! The host's own words, in its own language.

use portcullis::error::PortError;
use portcullis::language::Language;
use portcullis::message::MessageKind;
use portcullis::templates::{BuiltinTemplates, Part};

/// The language of the logbook.
const LANGUAGE: &str = "fr";

/// Kind, subject, text. What is not in here comes in English.
const FRENCH: [(MessageKind, &str, &str); 4] = [
    (
        MessageKind::SignInCode,
        "{{ product }} : code de connexion",
        "Quelqu'un qui connaît votre mot de passe se connecte à {{ product }} sous le nom {{ login }}. Le code :\n\n\
         {{ code }}\n\n\
         Il est valable jusqu'à {{ valid_until }}. Si ce n'est pas vous, changez votre mot de passe.",
    ),
    (
        MessageKind::TwoFactorCode,
        "{{ product }} : code de vérification",
        "Pour activer la vérification en deux étapes de {{ login }}, entrez ce code :\n\n{{ code }}\n\n\
         Il est valable jusqu'à {{ valid_until }}.",
    ),
    (
        MessageKind::TwoFactorOn,
        "{{ product }} : vérification en deux étapes activée",
        "Désormais, {{ login }} se connecte à {{ product }} avec un code en plus du mot de passe.\n\n\
         Si ce n'est pas vous, changez votre mot de passe.",
    ),
    (
        MessageKind::RecoveryLink,
        "{{ product }} : nouveau mot de passe",
        "Pour choisir un nouveau mot de passe, {{ login }}, suivez ce lien :\n\n{{ link }}\n\n\
         Il est valable jusqu'à {{ valid_until }}. Si vous n'avez rien demandé, ne faites rien.",
    ),
];

/// The words of portcullis, and the host's in place of them.
///
/// # Errors
/// [`PortError`] when a template asks for something that no message has: found at the start, and not by a reader.
pub fn templates(product: &str) -> Result<BuiltinTemplates, PortError> {
    let french =
        Language::parse(LANGUAGE).map_err(|_| PortError::new("templates", "the host's language is none"))?;
    let mut templates = BuiltinTemplates::new(product)?;
    for (kind, subject, text) in FRENCH {
        let html = format!("<p>{}</p>", text.replace("\n\n", "</p>\n<p>"));
        templates.replace(&french, kind, Part::Subject, subject)?;
        templates.replace(&french, kind, Part::Text, text)?;
        templates.replace(&french, kind, Part::Html, html)?;
    }
    Ok(templates)
}
