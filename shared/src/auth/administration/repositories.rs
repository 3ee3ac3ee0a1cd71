//! What is settled about repositories.

use super::super::accounts::RepositorySettings;
use super::super::action::Action;
use super::super::caller::Caller;
use super::super::decision::Visibility;
use super::{AdminError, Administration};
use crate::oci::RepositoryName;

impl Administration<'_> {
    /// The settings after `after` of up to `limit` repositories that the caller administers.
    pub async fn repositories(
        &self,
        caller: &Caller,
        after: Option<&RepositoryName>,
        limit: usize,
    ) -> Result<Vec<RepositorySettings>, AdminError> {
        const PAGE: usize = 500;
        let mut found: Vec<RepositorySettings> = Vec::new();
        let mut after = after.map(ToString::to_string);
        while found.len() < limit {
            let page: Vec<RepositorySettings> = self.accounts.list(after.as_deref(), PAGE).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|settings| settings.name.to_string());
            let administers =
                |settings: &RepositorySettings| caller.powers.on(settings.name.as_str()).contains(Action::Administer);
            found.extend(page.into_iter().filter(administers));
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Says who may read a repository, whether it exists yet or not; true when nothing was said of it before.
    pub async fn set_visibility(&self, name: &RepositoryName, visibility: Visibility) -> Result<bool, AdminError> {
        let settings = RepositorySettings { name: name.clone(), visibility };
        self.put(&settings, |_, _| {}).await.map(|(is_new, _)| is_new)
    }

    /// Settles nothing about a repository any more.
    pub async fn remove_repository(&self, name: &RepositoryName) -> Result<(), AdminError> {
        self.remove::<RepositorySettings>(name.as_str()).await.map(drop)
    }
}
