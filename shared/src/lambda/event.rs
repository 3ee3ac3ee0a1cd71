//! What a gateway makes of a request, and the request back out of it.
//!
//! Read by types of our own, of just the fields that matter: a request's path keeps its dots and its name's case, a header
//! that no HTTP library would send is left out, and nothing that a client writes makes reading fail.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use url::form_urlencoded;

use super::answer::decoded_len;
use crate::http::{Error, Peer, REQUEST_ID, WireBody, full};

/// What must not stand in a query as it is.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\\').add(b'^').add(b'`');

/// What must not stand in a path as it is. An HTTP API decodes paths, the others do not: `%` may begin an escape.
const PATH: &AsciiSet = &QUERY.add(b'?').add(b'{').add(b'|').add(b'}');

/// The stage whose name is no prefix of the API's paths but a part of them: `/v2/`.
const STAGE_IN_PATH: &str = "v2";

/// How the client came to the gateway, which sets it.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A request as a gateway passes it on: an HTTP API or a function's URL in form 2.0, a REST API in form 1.0.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayEvent {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    headers: Option<BTreeMap<String, Option<String>>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    query_string_parameters: Option<BTreeMap<String, Option<String>>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    request_context: Context,
    body: Option<String>,
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    request_id: Option<String>,
    stage: Option<String>,
    path: Option<String>,
    http: Option<HttpContext>,
    identity: Option<Identity>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpContext {
    method: Option<String>,
    source_ip: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    source_ip: Option<String>,
}

/// The form of an event, which is the form of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 1.0: names have lists of values.
    Rest,
    /// 2.0: values of one name are joined.
    Http,
}

/// Why an event is no request.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableEvent {
    /// Neither form has it.
    #[error("the event has no method and path of HTTP")]
    NoTarget,
    /// The body is marked as base64, and is not.
    #[error("the request's body did not arrive as it was sent")]
    Base64(#[from] base64::DecodeError),
    /// The gateway took the body for text, which it was not.
    #[error("the request's body had {sent} bytes and arrived with {arrived}: send it under a media type of its own")]
    Altered {
        /// How many bytes the client sent.
        sent: u64,
        /// How many there are now.
        arrived: u64,
    },
}

impl GatewayEvent {
    pub(super) fn form(&self) -> Form {
        if self.raw_path.is_some() { Form::Http } else { Form::Rest }
    }

    /// The gateway's own name of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_context.request_id.as_deref()
    }

    /// How many bytes its body has.
    pub(super) fn body_size(&self) -> usize {
        let size = |body: &String| if self.is_base64_encoded { decoded_len(body.as_bytes()) } else { body.len() };
        self.body.as_ref().map_or(0, size)
    }

    /// How the request's log calls it: its method and path.
    pub(super) fn target(&self) -> (String, String) {
        (self.method().unwrap_or_default().to_owned(), self.path().unwrap_or_default())
    }

    /// The request, its body's bytes as the client sent them.
    pub fn into_request(self) -> Result<Request<WireBody>, UnreadableEvent> {
        let method = self.method().and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        let uri = self.uri();
        let mut headers = self.sent_headers();
        // Whatever the client calls its request.
        headers.remove(REQUEST_ID);
        headers.extend(self.request_id().and_then(|id| Some((REQUEST_ID, HeaderValue::from_str(id).ok()?))));
        let peer = self.peer(&headers);
        let body = self.decoded_body(&headers)?;
        // The body is whole now, however it was sent.
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let mut request = Request::new(full(body));
        *request.method_mut() = method.ok_or(UnreadableEvent::NoTarget)?;
        *request.uri_mut() = uri.ok_or(UnreadableEvent::NoTarget)?;
        *request.headers_mut() = headers;
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        Ok(request)
    }

    /// Where the gateway has the request from. It speaks nothing but TLS where it does not say what was spoken.
    fn peer(&self, headers: &HeaderMap) -> Option<Peer> {
        let Context { http, identity, .. } = &self.request_context;
        let of_http = http.as_ref().and_then(|http| http.source_ip.as_deref());
        let of_rest = identity.as_ref().and_then(|identity| identity.source_ip.as_deref());
        let address: IpAddr = of_http.or(of_rest)?.parse().ok()?;
        let is_secure = headers.get(FORWARDED_PROTO).is_none_or(|spoken| spoken == "https");
        Some(Peer { address: address.to_canonical(), is_secure })
    }

    fn method(&self) -> Option<&str> {
        let in_context = self.request_context.http.as_ref().and_then(|http| http.method.as_deref());
        in_context.or(self.http_method.as_deref())
    }

    /// The path that the client asked for, without the stage that the API was deployed to.
    fn path(&self) -> Option<String> {
        let (context, stage) = (&self.request_context, self.request_context.stage.as_deref());
        let path = match (&self.raw_path, stage) {
            (None, Some(STAGE_IN_PATH)) => context.path.as_ref().or(self.path.as_ref())?,
            (None, _) => self.path.as_ref()?,
            (Some(path), None | Some(STAGE_IN_PATH)) => path,
            (Some(path), Some(stage)) => {
                let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
                return Some(rest.filter(|rest| rest.starts_with('/')).unwrap_or(path).to_owned());
            }
        };
        Some(path.clone())
    }

    fn uri(&self) -> Option<Uri> {
        let path = self.path()?;
        let mut target = utf8_percent_encode(&path, PATH).to_string();
        if let Some(query) = self.query().filter(|query| !query.is_empty()) {
            target.push('?');
            target.push_str(&query);
        }
        Some(Uri::from(PathAndQuery::try_from(target).ok()?))
    }

    /// Form 2.0 has the query as it was sent; form 1.0 has its pairs, decoded.
    fn query(&self) -> Option<String> {
        if let Some(raw) = &self.raw_query_string {
            return Some(utf8_percent_encode(raw, QUERY).to_string());
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        match (&self.multi_value_query_string_parameters, &self.query_string_parameters) {
            (Some(lists), _) => {
                let pairs = lists.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
                query.extend_pairs(pairs);
            }
            (None, Some(single)) => {
                query.extend_pairs(single.iter().map(|(name, value)| (name, value.as_deref().unwrap_or_default())));
            }
            (None, None) => return None,
        }
        Some(query.finish())
    }

    /// The headers of form 1.0 are lists; those of form 2.0 are joined. What could not be a header on the wire is none.
    fn sent_headers(&self) -> HeaderMap {
        let lists = self.multi_value_headers.iter().flatten();
        let single = self.headers.iter().flatten().filter(|_| self.multi_value_headers.is_none());
        let listed = lists.flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())));
        let sent = listed.chain(single.map(|(name, value)| (name, value.as_deref().unwrap_or_default())));
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        headers
    }

    fn decoded_body(self, headers: &HeaderMap) -> Result<Bytes, UnreadableEvent> {
        let Some(body) = self.body else { return Ok(Bytes::new()) };
        if self.is_base64_encoded {
            return Ok(BASE64_STANDARD.decode(body)?.into());
        }
        let sent = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        match sent {
            Some(sent) if sent != body.len() as u64 => {
                Err(UnreadableEvent::Altered { sent, arrived: body.len() as u64 })
            }
            _ => Ok(body.into()),
        }
    }
}

impl From<UnreadableEvent> for Error {
    fn from(error: UnreadableEvent) -> Self {
        Self::Unreadable(error.into())
    }
}

#[cfg(test)]
mod tests;
