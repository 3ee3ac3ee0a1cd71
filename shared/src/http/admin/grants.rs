//! Grants.

use http::StatusCode;

use super::answer::Done;
use super::wire::{HeldGrant, HeldGrants};
use crate::auth::{self, Subject};
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn grants(&self, call: &Call) -> Result<Done, Error> {
        let subject: Option<Subject> = call.parameter("subject")?;
        let held = self.administration().grants(&call.caller, subject.as_ref()).await?;
        let grants = HeldGrants { grants: held.into_iter().map(HeldGrant::from).collect() };
        Ok(Done::told(StatusCode::OK, &grants))
    }

    pub(super) async fn add_grant(&self, call: &Call, body: WireBody) -> Result<Done, Error> {
        let held: auth::HeldGrant = self.read::<HeldGrant>(body).await?.into();
        let is_new = self.administration().add_grant(&call.caller, &held).await?;
        let (object, detail) = told(&held);
        Ok(Done::put(is_new, &HeldGrant::from(held)).to(object).detail(detail))
    }

    pub(super) async fn remove_grant(&self, call: &Call) -> Result<Done, Error> {
        let grant = auth::Grant { repositories: call.needed("repositories")?, role: call.needed("role")? };
        let held = auth::HeldGrant { subject: call.needed("subject")?, grant };
        self.administration().remove_grant(&call.caller, &held).await?;
        let (object, detail) = told(&held);
        Ok(Done::silent().to(object).detail(detail))
    }
}

/// Whose it is, and what, as the audit is told it.
fn told(auth::HeldGrant { subject, grant }: &auth::HeldGrant) -> (String, String) {
    (subject.to_string(), format!("{} on {}", grant.role, grant.repositories))
}
