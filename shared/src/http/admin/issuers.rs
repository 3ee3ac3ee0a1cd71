//! Issuers.

use http::StatusCode;

use super::AdminRoute;
use super::answer::{Done, page};
use super::wire::{IssuerView, Issuers, PutIssuer};
use crate::auth::{Issuer, Name};
use crate::clock::Timestamp;
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn issuers(&self, call: &Call) -> Result<Done, Error> {
        let (size, after) = (call.query.page_size()?, call.parameter::<Name>("last")?);
        let read: Vec<Issuer> = self.administration().list(after.as_ref().map(Name::as_str), size + 1).await?;
        let (issuers, last) = page(read, size, |issuer| issuer.name.as_str());
        let issuers = Issuers { issuers: issuers.into_iter().map(IssuerView::from).collect() };
        Ok(Done::told(StatusCode::OK, &issuers).linked(&AdminRoute::Issuers, call, size, last.as_deref()))
    }

    pub(super) async fn issuer(&self, name: &Name) -> Result<Done, Error> {
        let issuer: Issuer = self.administration().get(name.as_str()).await?;
        Ok(Done::told(StatusCode::OK, &IssuerView::from(issuer)))
    }

    pub(super) async fn put_issuer(&self, name: &Name, body: WireBody) -> Result<Done, Error> {
        let PutIssuer { issuer, audience, rules } = self.read(body).await?;
        let rules = rules.into_iter().map(Into::into).collect();
        let issuer = Issuer { name: name.clone(), issuer, audience, rules, created: Timestamp::now() };
        let (is_new, issuer) = self.administration().put_issuer(&issuer).await?;
        let detail = issuer.issuer.clone();
        Ok(Done::put(is_new, &IssuerView::from(issuer)).detail(detail))
    }

    pub(super) async fn remove_issuer(&self, name: &Name) -> Result<Done, Error> {
        self.administration().remove_issuer(name.as_str()).await?;
        Ok(Done::silent())
    }
}
