//! Issuers.

use http::StatusCode;

use super::AdminRoute;
use super::answer::Done;
use super::wire::{IssuerView, Issuers, PutIssuer};
use crate::auth::{Issuer, Name};
use crate::clock::Timestamp;
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn issuers(&self, call: &Call) -> Result<Done, Error> {
        let told = |issuers: Vec<Issuer>| Issuers { issuers: issuers.into_iter().map(IssuerView::from).collect() };
        self.page_of(&AdminRoute::Issuers, call, told).await
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
