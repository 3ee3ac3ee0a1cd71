//! What AWS says of who signed a request: a presigned `sts:GetCallerIdentity`, which the caller makes and AWS answers.
//!
//! The URL is sent only to AWS, and only when it is a request for exactly that. With it goes a header that says which
//! registry it is meant for, and that has to be signed too: what another was shown is no good here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::HeaderName;
use serde_json::{Map, Value};
use url::Url;

use super::error::{IssuerError, Refusal};
use super::fetch::{self, Fetcher};
use super::{LEEWAY, LONGEST};
use crate::clock::Timestamp;

/// What stands before the URL of a request in a password's place.
const PREFIX: &str = "aws:";

/// The header that says which registry a request is meant for.
pub(super) const REGISTRY: &str = "x-ringhold-registry";

/// The headers that are signed, as a request spells them: those two and no other, as no other is sent.
const SIGNED_HEADERS: &str = "host;x-ringhold-registry";

/// What every request has in its query.
pub(super) const ACTION: (&str, &str) = ("Action", "GetCallerIdentity");
pub(super) const VERSION: (&str, &str) = ("Version", "2011-06-15");
const ALGORITHM: (&str, &str) = ("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
const CREDENTIAL: &str = "X-Amz-Credential";
const DATE: &str = "X-Amz-Date";
const EXPIRES: &str = "X-Amz-Expires";
const SIGNED: &str = "X-Amz-SignedHeaders";
const SIGNATURE: &str = "X-Amz-Signature";
const SESSION: &str = "X-Amz-Security-Token";
const NAMES: [&str; 9] = [ACTION.0, VERSION.0, ALGORITHM.0, CREDENTIAL, DATE, EXPIRES, SIGNED, SIGNATURE, SESSION];

/// The longest that a request may be good for.
pub(super) const LIFE: Duration = Duration::from_mins(15);

/// The password that a request is presented as.
#[must_use]
pub fn password_of(url: &Url) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(url.as_str()))
}

/// The URL in a password, if there is one.
pub(super) fn url_in(password: &str) -> Option<String> {
    let encoded = password.strip_prefix(PREFIX)?.trim_end_matches('=');
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
    url.starts_with("http").then_some(url)
}

/// A request that may be sent: it asks AWS for nothing but who has signed it.
#[derive(Debug)]
pub(super) struct Request {
    url: Url,
    /// When it ends.
    pub(super) until: Timestamp,
}

impl Request {
    /// Reads a URL, and looks at all of it.
    pub(super) fn read(text: &str, endpoint: Option<&Url>, now: Timestamp) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let url: Url = text.parse().map_err(|_| Refusal::Request("it has no URL"))?;
        let region = region(&url, endpoint).ok_or(Refusal::Request("it is for another host"))?;
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if !is_bare || url.path() != "/" {
            return Err(Refusal::Request("it is for another path"));
        }
        let query = query(&url).ok_or(Refusal::Request("its query has another name, or one twice"))?;
        let value = |name: &str| query.get(name).map(|value| &**value);
        if [ACTION, VERSION, ALGORITHM].iter().any(|(name, expected)| value(name) != Some(*expected)) {
            return Err(Refusal::Request("it asks for something else"));
        }
        if value(SIGNED) != Some(SIGNED_HEADERS) {
            return Err(Refusal::Request("it is not signed for a registry"));
        }
        if !value(CREDENTIAL).is_some_and(|scope| is_scope(scope, region)) {
            return Err(Refusal::Request("it is signed for something else"));
        }
        if value(SIGNATURE).is_none() {
            return Err(Refusal::Request("it is not signed"));
        }
        let since = value(DATE).and_then(moment).ok_or(Refusal::Claim(DATE))?;
        let life = value(EXPIRES).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let life = life.filter(|life| *life <= LIFE).ok_or(Refusal::Claim(EXPIRES))?;
        if now.plus(LEEWAY) < since {
            return Err(Refusal::Future);
        }
        let until = since.plus(life);
        if until <= now {
            return Err(Refusal::Expired);
        }
        Ok(Self { url, until })
    }

    /// Who has signed it, for the registry that calls itself so.
    pub(super) async fn signer(
        &self,
        fetcher: &Fetcher,
        audience: &str,
    ) -> Result<Result<Signer, Refusal>, IssuerError> {
        let answer =
            fetch::in_time(fetcher.get(&self.url, Some((HeaderName::from_static(REGISTRY), audience)))).await?;
        let body = String::from_utf8_lossy(&answer.body);
        match answer.status {
            StatusCode::OK => Signer::read(&body).map(Ok).ok_or(IssuerError::Document(None)),
            status if status.is_client_error() && !is_busy(status, &body) => Ok(Err(Refusal::Unsigned)),
            status => Err(IssuerError::Status(status.as_u16())),
        }
    }
}

/// Whether it has not been looked at, for lack of time.
fn is_busy(status: StatusCode, body: &str) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || body.contains("<Code>Throttling")
}

/// The region whose service is at this URL, where AWS answers; none when it is somebody else's.
fn region<'a>(url: &'a Url, endpoint: Option<&Url>) -> Option<Region<'a>> {
    if let Some(endpoint) = endpoint {
        return (url.origin() == endpoint.origin()).then_some(Region::Any);
    }
    if url.scheme() != "https" || url.port().is_some() {
        return None;
    }
    let Some(url::Host::Domain(host)) = url.host() else {
        return None;
    };
    if host == "sts.amazonaws.com" {
        return Some(Region::Is("us-east-1"));
    }
    let rest = host.strip_prefix("sts.")?;
    let name = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    is_region(name).then_some(Region::Is(name))
}

#[derive(Debug, Clone, Copy)]
enum Region<'a> {
    Any,
    Is(&'a str),
}

/// Whether it is what AWS calls a region: `eu-central-1`. Other services have hosts of that form too, and give their
/// customers names below them: `sts.s3.amazonaws.com` is somebody's bucket.
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is = |part: &str, of: fn(&u8) -> bool| !part.is_empty() && part.bytes().all(|byte| of(&byte));
    match parts.as_slice() {
        [words @ .., number] if words.len() >= 2 => {
            words.iter().all(|word| is(word, u8::is_ascii_lowercase)) && is(number, u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// The query, if it has only names that are known, and each once.
fn query(url: &Url) -> Option<BTreeMap<Cow<'_, str>, Cow<'_, str>>> {
    let mut query = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        if !NAMES.contains(&&*name) || query.insert(name, value).is_some() {
            return None;
        }
    }
    Some(query)
}

/// Whether a signature is by somebody's key, for this service in this region: `<key>/<day>/<region>/sts/aws4_request`.
fn is_scope(scope: &str, region: Region<'_>) -> bool {
    let parts: Vec<&str> = scope.split('/').collect();
    let is_there = |signed: &str| match region {
        Region::Any => is_region(signed),
        Region::Is(region) => signed == region,
    };
    matches!(parts.as_slice(), [key, _, signed, "sts", "aws4_request"] if !key.is_empty() && is_there(signed))
}

/// A time as it is signed: `20260102T030405Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let is_shaped = bytes.len() == 16 && bytes[8] == b'T' && bytes[15] == b'Z';
    let digits = |range: std::ops::Range<usize>| {
        let digits = text.get(range).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<i64>().ok())
    };
    let date_time = is_shaped.then(|| {
        let [month, day] = [digits(4..6)?, digits(6..8)?];
        let [hour, minute, second] = [digits(9..11)?, digits(11..13)?, digits(13..15)?];
        let is_real = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
        is_real.then_some((days(digits(0..4)?, month, day) * 24 + hour) * 3600 + minute * 60 + second)
    })??;
    Some(Timestamp::from_millis(u64::try_from(date_time).ok()? * 1000))
}

/// How many days there are from 1970-01-01 to that day, by the calendar of Gregory.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March: the day that is only sometimes there is the last.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let of_years = year * 365 + year / 4 - year / 100 + year / 400;
    of_years + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Who has signed a request, as AWS knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    arn: String,
    account: String,
    user_id: String,
}

impl Signer {
    /// Reads the answer of AWS: the text of three elements, each of which is there once.
    fn read(answer: &str) -> Option<Self> {
        let (_, rest) = answer.split_once("<GetCallerIdentityResult>")?;
        let (result, _) = rest.split_once("</GetCallerIdentityResult>")?;
        let text = |name: &str| {
            let (_, rest) = result.split_once(&format!("<{name}>"))?;
            let (text, rest) = rest.split_once(&format!("</{name}>"))?;
            let is_plain = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '&'));
            let is_once = !rest.contains(&format!("<{name}>"));
            (is_plain && is_once && !text.is_empty()).then(|| text.to_owned())
        };
        Some(Self { arn: text("Arn")?, account: text("Account")?, user_id: text("UserId")? })
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// What rules are told: `account`, `arn`, `userid`, and `role` of whoever acts in one.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let claims = [
            ("account", Some(&*self.account)),
            ("arn", Some(&*self.arn)),
            ("userid", Some(&*self.user_id)),
            ("role", self.role()),
        ];
        claims.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
    }

    /// The role in `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
    fn role(&self) -> Option<&str> {
        let mut parts = self.arn.splitn(6, ':');
        let (service, resource) = (parts.nth(2)?, parts.nth(2)?);
        let (role, session) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
        (service == "sts" && !role.is_empty() && !session.is_empty()).then_some(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:04:05Z.
    const NOW: Timestamp = Timestamp::from_millis(1_767_323_045_000);
    const HOST: &str = "https://sts.eu-central-1.amazonaws.com/";
    const QUERY: &str = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIA%2F20260102%2Feu-central-1%2Fsts%2Faws4_request&X-Amz-Date=20260102T030400Z\
        &X-Amz-Expires=900&X-Amz-SignedHeaders=host%3Bx-ringhold-registry&X-Amz-Signature=00";

    fn read(text: &str) -> Result<Request, Refusal> {
        Request::read(text, None, NOW)
    }

    #[test]
    fn a_request_for_who_signed_it_is_read() {
        let request = read(&format!("{HOST}?{QUERY}")).unwrap();
        assert_eq!(request.until, Timestamp::from_millis(1_767_323_040_000).plus(LIFE));
        assert!(read(&format!("{HOST}?{QUERY}&X-Amz-Security-Token=a%2Fb")).is_ok());
        let global = QUERY.replace("eu-central-1", "us-east-1");
        assert!(read(&format!("https://sts.amazonaws.com/?{global}")).is_ok());
        let china = QUERY.replace("eu-central-1", "cn-north-1");
        assert!(read(&format!("https://sts.cn-north-1.amazonaws.com.cn/?{china}")).is_ok());
    }

    #[test]
    fn no_other_host_is_asked() {
        for host in [
            "http://sts.eu-central-1.amazonaws.com/",
            "https://sts.eu-central-1.amazonaws.com:444/",
            "https://sts.eu-central-1.amazonaws.com./",
            "https://sts.eu-central-1.amazonaws.com.evil.example/",
            "https://evil.example/sts.eu-central-1.amazonaws.com/",
            "https://sts.eu-central-1.amazonaws.com@evil.example/",
            "https://evil.example#sts.eu-central-1.amazonaws.com/",
            "https://u:p@sts.eu-central-1.amazonaws.com/",
            "https://sts.eu-central-1.amazonaws.com/other",
            "https://sts.eu-central-1.amazonaws.com//",
            "https://xsts.eu-central-1.amazonaws.com/",
            "https://sts.evil.eu-central-1.amazonaws.com/",
            "https://s3.eu-central-1.amazonaws.com/",
            "https://sts.s3.amazonaws.com/",
            "https://sts.s3-eu-central-1.amazonaws.com/",
            "https://sts..amazonaws.com/",
            "https://sts.amazonaws.com/",
            "https://sts.us-east-1.amazonaws.com/",
            "https://169.254.169.254/",
            "https://[::1]/",
            "file:///",
            "",
        ] {
            assert!(read(&format!("{host}?{QUERY}")).is_err(), "{host}");
        }
        assert!(read(&format!("{HOST}?{QUERY}#fragment")).is_err());
        assert!(read(&format!("{HOST}?{QUERY}&X-Amz-Security-Token={}", "a".repeat(LONGEST))).is_err());
    }

    #[test]
    fn nothing_else_is_asked_for() {
        for (one, other) in [
            ("GetCallerIdentity", "AssumeRole"),
            ("GetCallerIdentity", "getcalleridentity"),
            ("2011-06-15", "2012-06-15"),
            ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            ("%2Fsts%2F", "%2Fs3%2F"),
            ("eu-central-1", "us-east-1"),
            ("AKIA%2F", "%2F"),
            ("aws4_request", "aws4_request%2F"),
            ("X-Amz-Expires=900", "X-Amz-Expires=901"),
            ("X-Amz-Expires=900", "X-Amz-Expires=-1"),
            ("X-Amz-Expires=900", "x-amz-expires=900"),
            ("T030400Z", "T024900Z"),
            ("T030400Z", "T030436Z"),
            ("T030400Z", "T030400"),
            ("20260102T", "20261302T"),
            ("host%3Bx-ringhold-registry", "host"),
            ("host%3Bx-ringhold-registry", "x-ringhold-registry"),
            ("host%3Bx-ringhold-registry", "host%3Bx-other%3Bx-ringhold-registry"),
            ("host%3Bx-ringhold-registry", "host%3Bx-ringhold-registry-2"),
            ("&X-Amz-Signature=00", ""),
            ("&X-Amz-Date=20260102T030400Z", ""),
            ("&X-Amz-Expires=900", ""),
            ("Action=GetCallerIdentity&", ""),
            ("Action=GetCallerIdentity&", "Action=GetCallerIdentity&Action=GetCallerIdentity&"),
            ("Action=GetCallerIdentity&", "Action=GetCallerIdentity&RoleArn=a&"),
        ] {
            let changed = QUERY.replacen(one, other, 1);
            assert_ne!(changed, QUERY);
            assert!(read(&format!("{HOST}?{changed}")).is_err(), "{other}");
        }
    }

    #[test]
    fn where_another_endpoint_is_set_requests_are_for_that_one_only() {
        let endpoint: Url = "http://127.0.0.1:4566".parse().unwrap();
        let read = |host: &str| Request::read(&format!("{host}?{QUERY}"), Some(&endpoint), NOW);
        assert!(read("http://127.0.0.1:4566/").is_ok());
        for host in [HOST, "http://127.0.0.1/", "https://127.0.0.1:4566/", "http://localhost:4566/"] {
            assert!(read(host).is_err(), "{host}");
        }
    }

    #[test]
    fn passwords_that_begin_so_are_passwords_unless_a_url_follows() {
        let url: Url = format!("{HOST}?{QUERY}").parse().unwrap();
        assert_eq!(url_in(&password_of(&url)).as_deref(), Some(url.as_str()));
        assert_eq!(url_in(&format!("{}==", password_of(&url))).as_deref(), Some(url.as_str()));
        for text in ["aws:", "aws:correct horse battery", "aws:AAAA", "AWS:aHR0cHM6", "aHR0cHM6"] {
            assert_eq!(url_in(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_by_the_calendar() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20000229T235959Z", 951_868_799),
            ("20240301T000000Z", 1_709_251_200),
            ("20260102T030405Z", 1_767_323_045),
            ("21000301T000000Z", 4_107_542_400),
        ] {
            assert_eq!(moment(text), Some(Timestamp::from_millis(seconds * 1000)), "{text}");
        }
        for text in [
            "",
            "20260102T030405",
            "2026-01-02T03:04",
            "20260102t030405Z",
            "+0260102T030405Z",
            "20260102T2404050",
            "é0260102T03040Z",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    fn answer(arn: &str) -> String {
        format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n <GetCallerIdentityResult>\n \
             <Arn>{arn}</Arn>\n <UserId>AROA:s</UserId>\n <Account>123456789012</Account>\n </GetCallerIdentityResult>\n \
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n</GetCallerIdentityResponse>"
        )
    }

    #[test]
    fn who_signed_is_read_from_the_answer_and_nothing_else_from_elsewhere() {
        let signer = Signer::read(&answer("arn:aws:sts::123456789012:assumed-role/deploy/session")).unwrap();
        let expected = serde_json::json!({
            "account": "123456789012", "userid": "AROA:s", "role": "deploy",
            "arn": "arn:aws:sts::123456789012:assumed-role/deploy/session",
        });
        assert_eq!(Value::Object(signer.claims()), expected);
        for arn in [
            "arn:aws:iam::1:user/assumed-role/a/b",
            "arn:aws:sts::1:federated-user/a",
            "arn:aws:iam::1:root",
            "a:b:sts:d:e:assumed-role/a",
        ] {
            assert!(!Signer::read(&answer(arn)).unwrap().claims().contains_key("role"), "{arn}");
        }
        for arn in ["", "a&amp;b", "a</Arn><Arn>b", "a b", "<b/>"] {
            assert_eq!(Signer::read(&answer(arn)), None, "{arn}");
        }
        assert_eq!(Signer::read("<Arn>a</Arn><UserId>b</UserId><Account>c</Account>"), None);
    }
}
