//! What is read from a request's body, and what is answered.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LINK, LOCATION};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AdminRoute;
use crate::auth::{Name, Record};
use crate::http::body::{WireBody, full};
use crate::http::error::Error;
use crate::http::listings::RESERVED;
use crate::http::reply::Reply;
use crate::http::{Api, Call};

/// The most bytes of a request.
const LARGEST: usize = 64 * 1024;

const JSON: &str = "application/json";

/// What was done: the answer, and what the audit is told beside what the path says.
pub(super) struct Done {
    pub(super) reply: Reply,
    /// To what it was done, where the path does not say.
    pub(super) object: Option<String>,
    /// What exactly.
    pub(super) detail: Option<String>,
}

impl Done {
    fn of(reply: Reply) -> Self {
        Self { reply, object: None, detail: None }
    }

    /// Something was told.
    pub(super) fn told(status: StatusCode, value: &impl Serialize) -> Self {
        Self::of(Reply::json(status, JSON, value))
    }

    /// JSON that was written before.
    pub(super) fn written(text: &'static str) -> Self {
        let reply = Reply::new(StatusCode::OK).with(&CONTENT_TYPE, JSON).with(&CONTENT_LENGTH, text.len());
        Self::of(reply.body(full(text)))
    }

    /// Something is there now, in this place.
    pub(super) fn created(value: &impl Serialize, place: &AdminRoute) -> Self {
        let reply = Reply::json(StatusCode::CREATED, JSON, value).with(&LOCATION, place);
        Self { object: place.object(), ..Self::of(reply) }
    }

    /// Something is written, which was not there before or was.
    pub(super) fn put(is_new: bool, value: &impl Serialize) -> Self {
        Self::told(if is_new { StatusCode::CREATED } else { StatusCode::OK }, value)
    }

    /// There is nothing to be told.
    pub(super) fn silent() -> Self {
        Self::of(Reply::new(StatusCode::NO_CONTENT))
    }

    /// With what it was done to.
    pub(super) fn to(self, object: impl Into<String>) -> Self {
        Self { object: Some(object.into()), ..self }
    }

    /// With what exactly was done.
    pub(super) fn detail(self, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into()).filter(|detail| !detail.is_empty());
        Self { detail, ..self }
    }

    /// With a link to the page after `last`, when there is one, of the same list.
    pub(super) fn linked(self, route: &AdminRoute, call: &Call, size: usize, last: Option<&str>) -> Self {
        let Some(last) = last else {
            return self;
        };
        let escaped = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let filter = call.query.first("owner").map(|owner| format!("&owner={}", escaped(owner))).unwrap_or_default();
        let link = format!("<{route}?n={size}&last={}{filter}>; rel=\"next\"", escaped(last));
        Self { reply: self.reply.with(&LINK, link), ..self }
    }
}

/// The first `size` of what was read, and the name of the last when more follow.
pub(super) fn page<T>(mut read: Vec<T>, size: usize, name: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
    let more = read.len() > size;
    read.truncate(size);
    let last = read.last().filter(|_| more).map(|last| name(last).to_owned());
    (read, last)
}

impl Api {
    /// A page of what has names, in the order of these, as `told` tells it.
    pub(super) async fn page_of<R: Record, T: Serialize>(
        &self,
        route: &AdminRoute,
        call: &Call,
        told: impl FnOnce(Vec<R>) -> T,
    ) -> Result<Done, Error> {
        let (size, after) = (call.query.page_size()?, call.parameter::<Name>("last")?);
        let read: Vec<R> = self.administration().list(after.as_ref().map(Name::as_str), size + 1).await?;
        let (records, last) = page(read, size, Record::key);
        let last = last.as_deref();
        Ok(Done::told(StatusCode::OK, &told(records)).linked(route, call, size, last))
    }

    /// What the body says.
    pub(super) async fn read<T: DeserializeOwned>(&self, body: WireBody) -> Result<T, Error> {
        object(&self.whole(body, LARGEST).await?)
    }

    /// The same; a body of nothing says nothing.
    pub(super) async fn read_or_default<T: DeserializeOwned + Default>(&self, body: WireBody) -> Result<T, Error> {
        let bytes = self.whole(body, LARGEST).await?;
        if bytes.is_empty() { Ok(T::default()) } else { object(&bytes) }
    }
}

/// What an object of JSON says. Of a list, its fields would be taken in their order.
fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Error::Json(serde::de::Error::custom("an object is expected")));
    }
    serde_json::from_slice(bytes).map_err(Error::Json)
}
