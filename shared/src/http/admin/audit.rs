//! What was done.

use std::time::Duration;

use http::StatusCode;

use super::answer::Done;
use super::wire::{ActView, Acts};
use crate::auth::ActsWanted;
use crate::clock::Timestamp;
use crate::http::error::Error;
use crate::http::{Api, Call};

/// How far back is looked when nothing is said of that.
const USUAL: Duration = Duration::from_hours(7 * 24);

/// How many acts are told when nothing is said of that, and at most.
const USUAL_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// A text that is no moment.
#[derive(Debug, thiserror::Error)]
#[error("a moment is written as 2026-11-24T16:41:10Z, or a day as 2026-11-24")]
struct NoMoment;

/// A text that leads on from nothing.
#[derive(Debug, thiserror::Error)]
#[error("it is what an answer says as `next`")]
struct NoCursor;

impl Api {
    pub(super) async fn audit(&self, call: &Call) -> Result<Done, Error> {
        let until = moment(call, "until")?.unwrap_or_else(|| Timestamp::now().plus(Duration::from_secs(1)));
        let from = moment(call, "from")?.unwrap_or_else(|| until.minus(USUAL));
        let filter = |name| call.query.first(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let size = if call.query.first("n").is_some() { call.query.page_size()? } else { USUAL_PAGE };
        let wanted = ActsWanted {
            from,
            until,
            after: after(call)?,
            who: filter("who"),
            object: filter("object"),
            refused: call.parameter("refused")?.unwrap_or(false),
            limit: size.clamp(1, LARGEST_PAGE),
        };
        let (acts, next) = self.gate.acts(&wanted).await?;
        let next = next.map(|(at, id)| format!("{}-{id}", at.as_millis()));
        Ok(Done::told(StatusCode::OK, &Acts { acts: acts.into_iter().map(ActView::from).collect(), next }))
    }
}

fn moment(call: &Call, name: &'static str) -> Result<Option<Timestamp>, Error> {
    let read = |text| Timestamp::from_rfc3339(text).ok_or(Error::Parameter { name, source: NoMoment.into() });
    call.query.first(name).map(read).transpose()
}

fn after(call: &Call) -> Result<Option<(Timestamp, String)>, Error> {
    let read = |text: &str| {
        let (at, id) = text.split_once('-')?;
        Some((Timestamp::from_millis(at.parse().ok()?), id.to_owned()))
    };
    let failed = || Error::Parameter { name: "after", source: NoCursor.into() };
    call.query.first("after").map(|text| read(text).ok_or_else(failed)).transpose()
}
