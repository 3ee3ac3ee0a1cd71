//! Bringing a staged blob home. It is read from where it lies until its copy at home is proven and its row says so, and
//! what was staged goes when no URL of it is left.

use super::prove::prove;
use super::work::Next;
use super::{Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{Place, Settlement, Task, Work};
use crate::oci::Digest;
use crate::storage::ObjectPath;

impl Registry {
    pub(super) async fn settle(&self, held: &Work, digest: &Digest, from: &Place) -> Result<Next> {
        let is_staged = self.metadata.blob(digest).await?.is_some_and(|blob| blob.place == *from);
        if !is_staged {
            return Ok(Next::Work(Box::new(self.discard_later(held, from))));
        }
        let (home, path) = (self.storage.home(digest).clone(), ObjectPath::blob(digest));
        let (source, target) = (self.bucket(&from.bucket)?, self.bucket(&home)?);
        let copied = target.copy_from(&**source, &from.path, &path).await?;
        if let Err(error) = prove(&**target, &path, &copied, digest).await {
            target.delete(&path, Some(&copied.version)).await?;
            return Err(error);
        }
        let to = self.place(home, path, copied.version);
        let next = self.discard_later(held, from);
        let settlement =
            Settlement { held: held.clone(), next, digest: digest.clone(), from: from.clone(), to: to.clone() };
        if self.metadata.settle_blob(&settlement).await? {
            return Ok(Next::Recorded);
        }
        // Either somebody else settled it, and may have written over our copy, or it is no longer read at all.
        let came_home = self.metadata.blob(digest).await?.is_some_and(|blob| blob.place.path == to.path);
        if !came_home {
            target.delete(&to.path, Some(&to.version)).await?;
        }
        Ok(Next::Work(Box::new(held.clone().at(Timestamp::now()))))
    }

    /// The work that is left when nobody is sent to the staged object any more: it goes when the last who was is done.
    pub(super) fn discard_later(&self, held: &Work, place: &Place) -> Work {
        let now = Timestamp::now();
        Work::new(held.upload.clone(), Task::Discard { place: place.clone() }, now).at(now.plus(self.terms.url_life))
    }
}
