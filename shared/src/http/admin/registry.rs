//! What is settled about repositories and the registry: visibility, keys, mode.

use http::StatusCode;

use super::AdminRoute;
use super::answer::{Done, page};
use super::wire::{KeyView, Keys, ModeView, PutVisibility, Repositories, RepositoryView, RotateKeys};
use crate::auth::{Action, AdminError, Need, RepositorySettings};
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};
use crate::oci::RepositoryName;

impl Api {
    pub(super) async fn repositories(&self, call: &Call) -> Result<Done, Error> {
        if call.query.first("name").is_some() {
            let name = self.administered_repository(call).await?;
            let settings: RepositorySettings = self.administration().get(name.as_str()).await?;
            return Ok(Done::told(StatusCode::OK, &Repositories { repositories: vec![settings.into()] }));
        }
        let (size, after) = (call.query.page_size()?, call.parameter::<RepositoryName>("last")?);
        let read = self.administration().repositories(&call.caller, after.as_ref(), size + 1).await?;
        let (read, last) = page(read, size, |settings| settings.name.as_str());
        let repositories = Repositories { repositories: read.into_iter().map(RepositoryView::from).collect() };
        let done = Done::told(StatusCode::OK, &repositories);
        Ok(done.linked(&AdminRoute::Repositories, call, size, last.as_deref()))
    }

    pub(super) async fn set_repository(&self, call: &Call, body: WireBody) -> Result<Done, Error> {
        let name = self.administered_repository(call).await?;
        let PutVisibility { visibility } = self.read(body).await?;
        let is_new = self.administration().set_visibility(&name, visibility).await?;
        let view = RepositoryView { name: name.clone(), visibility };
        Ok(Done::put(is_new, &view).to(name.as_str()).detail(visibility.as_str()))
    }

    pub(super) async fn unset_repository(&self, call: &Call) -> Result<Done, Error> {
        let name = self.administered_repository(call).await?;
        self.administration().remove_repository(&name).await?;
        Ok(Done::silent().to(name.as_str()))
    }

    /// The repository of the query, when the caller administers it.
    async fn administered_repository(&self, call: &Call) -> Result<RepositoryName, Error> {
        let name: RepositoryName = call.needed("name")?;
        if self.gate.may(&call.caller, Action::Administer, &name).await? {
            return Ok(name);
        }
        Err(AdminError::Needs(Need::Action(Action::Administer, name)).into())
    }

    pub(super) async fn keys(&self) -> Result<Done, Error> {
        let keys = self.gate.keys().await?;
        Ok(Done::told(StatusCode::OK, &Keys { keys: keys.into_iter().map(KeyView::from).collect() }))
    }

    pub(super) async fn rotate_keys(&self, body: WireBody) -> Result<Done, Error> {
        let RotateKeys { at_once } = self.read_or_default(body).await?;
        let key = self.gate.rotate_keys(at_once).await?;
        let done = Done::told(StatusCode::OK, &KeyView::from(key.clone()));
        Ok(done.to(format!("key:{}", key.kid)).detail(if at_once { "at once" } else { "with an overlap" }))
    }

    pub(super) async fn mode(&self) -> Result<Done, Error> {
        Ok(Done::told(StatusCode::OK, &ModeView { mode: self.gate.mode().await? }))
    }

    pub(super) async fn set_mode(&self, body: WireBody) -> Result<Done, Error> {
        let view: ModeView = self.read(body).await?;
        self.gate.switch(view.mode).await?;
        Ok(Done::told(StatusCode::OK, &view).to(view.mode.as_str()))
    }
}
