//! The SMS gateway of the options, and the route on which it reports how far an SMS came.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use portcullis::port::message::SmsSender;
use portcullis::{Error, Portcullis};
use portcullis_axum::HttpOptions;
use portcullis_sms_http::{Callback, Gateway, Receipts, Rejected, SmsHttp, SmsHttpOptions};
use secrecy::SecretString;

use crate::options::Options;
use crate::start::{Failure, kind};

/// Where reports come, before the id of their SMS.
const REPORTS: &str = "/sms/reports";
/// The longest body of a report, in bytes.
const LONGEST_REPORT: usize = 16 * 1024;
/// The user a gateway reports as.
const REPORTER: &str = "gateway";

/// What carries SMS, and what judges the reports about them.
pub(crate) struct SmsGateway {
    /// The sender.
    pub(crate) sender: Arc<dyn SmsSender>,
    /// Who may report; `None` while nobody may.
    pub(crate) receipts: Option<Receipts>,
}

/// The gateway of `--sms-http`, with its secrets from the environment.
///
/// # Errors
/// What is wrong with the URL, the description or the environment.
pub(crate) fn gateway(options: &Options, http: &HttpOptions) -> Result<Option<SmsGateway>, Failure> {
    let Some(url) = &options.sms_http else { return Ok(None) };
    let unfit = |error| Failure::new("--sms-http", error);
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let callback = match environment("PORTCULLIS_SMS_REPORT_SECRET") {
        Some(secret) => {
            let base = format!("{}{REPORTS}", http.public_url());
            let callback = Callback::new(&base, REPORTER, SecretString::from(secret));
            Some(callback.map_err(|error| Failure::new("PORTCULLIS_SMS_REPORT_SECRET", error))?)
        }
        None => None,
    };
    let with = |callback: Option<&Callback>| match callback {
        Some(callback) => SmsHttpOptions::new().reports(callback.clone()),
        None => SmsHttpOptions::new(),
    };
    let from = environment("PORTCULLIS_SMS_FROM").unwrap_or_else(|| "portcullis".to_owned());
    let password = SecretString::from(environment("PORTCULLIS_SMS_PASSWORD").unwrap_or_default());
    let settings = with(callback.as_ref());
    let (sender, receipts) = match target(url).map_err(Failure::from)? {
        Target::Kannel { url, user } => {
            let sender = SmsHttp::kannel(&url, user, password, &from, settings).map_err(unfit)?;
            (sender, callback.as_ref().map(Receipts::kannel))
        }
        Target::Twilio { url, user } => {
            let sender = SmsHttp::twilio_at(&url, user, password, &from, settings).map_err(unfit)?;
            (sender, callback.as_ref().map(Receipts::twilio))
        }
        Target::Described(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::new(format_args!("--sms-http: `{}`", file.display()), kind(&error))
            })?;
            let gateway = Gateway::from_json(&text).map_err(unfit)?.secret("password", password);
            let receipts = callback.as_ref().map(|callback| Receipts::gateway(&gateway, callback));
            let receipts = receipts.transpose().map_err(unfit)?;
            (SmsHttp::gateway(gateway, settings).map_err(unfit)?, receipts)
        }
    };
    Ok(Some(SmsGateway { sender: Arc::new(sender), receipts }))
}

/// What a URL of `--sms-http` names.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Kannel { url: String, user: &'a str },
    Twilio { url: String, user: &'a str },
    Described(&'a Path),
}

/// Reads the value of `--sms-http`.
///
/// # Errors
/// One line that does not hold it.
fn target(url: &str) -> Result<Target<'_>, String> {
    if let Some(file) = url.strip_prefix("file://").filter(|file| !file.is_empty()) {
        return Ok(Target::Described(Path::new(file)));
    }
    let wrong = || {
        "--sms-http must be kannel+http://user@host:port, twilio+https://account@host or file://description, \
         https unless the host is this machine"
            .to_owned()
    };
    let (shape, rest) = url.split_once('+').ok_or_else(wrong)?;
    let (scheme, rest) = rest.split_once("://").ok_or_else(wrong)?;
    let (user, host) = rest.split_once('@').ok_or_else(wrong)?;
    if user.contains(':') {
        return Err("--sms-http: the password belongs in the environment, not in the url".to_owned());
    }
    let url = format!("{scheme}://{host}");
    match shape {
        "kannel" => Ok(Target::Kannel { url, user }),
        "twilio" => Ok(Target::Twilio { url, user }),
        _ => Err(wrong()),
    }
}

/// The route of the reports.
pub(crate) fn router(portcullis: Portcullis, receipts: Receipts) -> Router {
    Router::new()
        .route(&format!("{REPORTS}/{{id}}"), any(report))
        .layer(DefaultBodyLimit::max(LONGEST_REPORT))
        .with_state((portcullis, Arc::new(receipts)))
}

/// Judges one report. What is late, unknown or said before changes nothing and is answered as any other, so that the
/// gateway does not repeat it; one that comes before the gateway's own answer is asked for again.
async fn report(
    State((portcullis, receipts)): State<(Portcullis, Arc<Receipts>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = uri.path_and_query().map_or_else(|| uri.path(), |target| target.as_str());
    let report = match receipts.judge(&method, target, &headers, &body) {
        Ok(report) => report,
        Err(rejected) => {
            if rejected != Rejected::Ignored {
                portcullis.forged_delivery_report();
                tracing::info!(%rejected, "a report about an SMS was turned away");
            }
            let status = StatusCode::from_u16(rejected.status());
            return status.unwrap_or(StatusCode::BAD_REQUEST).into_response();
        }
    };
    match portcullis.delivery_report(&report).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(Error::Refused(refusal)) => {
            let seconds = refusal.retry_after().unwrap_or(1).max(1);
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "a report about an SMS could not be kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_shape_of_its_gateway() {
        let kannel = Target::Kannel { url: "http://127.0.0.1:13013".into(), user: "app" };
        assert_eq!(target("kannel+http://app@127.0.0.1:13013"), Ok(kannel));
        let twilio = Target::Twilio { url: "https://sms.example.com/v1".into(), user: "AC01" };
        assert_eq!(target("twilio+https://AC01@sms.example.com/v1"), Ok(twilio));
        assert_eq!(target("file:///etc/sms.json"), Ok(Target::Described(Path::new("/etc/sms.json"))));
        for wrong in
            ["https://sms.example.com", "kannel+http://host", "smpp+http://a@host", "file://", "kannel+"]
        {
            assert!(target(wrong).unwrap_err().starts_with("--sms-http must be"), "{wrong}");
        }
        let told = target("kannel+http://app:s3cret@127.0.0.1").unwrap_err();
        assert!(told.contains("environment") && !told.contains("s3cret"), "{told}");
    }
}
