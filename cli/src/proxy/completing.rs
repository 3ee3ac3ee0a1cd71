//! Taking in a blob's bytes, and its last step: it is verified here, and brought to the registry.

use futures::StreamExt;
use http::Response;
use http_body::Body;
use shared::http::{WireBody, chunk_range, completes, incoming, stored};
use shared::oci::{ContentRange, RepositoryName, UploadId};
use shared::registry;

use super::Proxy;
use super::call::Call;
use super::deliver::{Delivery, Parcel};
use super::error::Error;
use super::sessions::Phase;
use super::spool::SpoolFile;
use crate::remote::LocalBlob;

impl Proxy {
    /// Takes a blob that comes with its digest in one request.
    pub(super) async fn push_whole(&self, parcel: Parcel, body: WireBody) -> Result<Response<WireBody>, Error> {
        self.upstream.lets_push(&parcel.name, parcel.authorization.as_ref()).await?;
        let mut file = self.spool.create(parcel.digest.algorithm()).await?;
        self.take_chunk(&mut file, None, body).await?;
        self.bring(&mut file, &parcel).await?;
        Ok(stored(&parcel.name, &parcel.digest).into_response())
    }

    /// Completes an upload. When that fails nothing is lost: the upload is as it was, and can be completed again.
    pub(super) async fn complete(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        call: &Call,
        body: WireBody,
    ) -> Result<Response<WireBody>, Error> {
        let range = chunk_range(&call.headers)?;
        let session = self.sessions.find(name, id)?;
        let parcel = Parcel::new(name, &completes(&call.query)?, call.authorization());
        let (brings_more, under_way) = (!body.is_end_stream(), self.deliveries.under_way(&parcel));
        let held = session.hold();
        // A client that did not wait for the end of a delivery, and asks again.
        if let Some(delivery) = under_way.filter(|_| brings_more || held.is_none()) {
            self.wait_for(delivery, body).await?;
            if let Some(mut held) = held {
                *held.phase = Phase::Completed(parcel.digest.clone());
            }
            return Ok(stored(name, &parcel.digest).into_response());
        }
        let mut held = held.ok_or_else(|| session.out_of_turn())?;
        if matches!(&*held.phase, Phase::Completed(completed) if *completed == parcel.digest) {
            self.read_away(body).await?;
            return Ok(stored(name, &parcel.digest).into_response());
        }
        let file = held.file()?;
        if is_elsewhere(range, file) {
            return Err(session.out_of_turn());
        }
        let before = file.standing();
        let brought = async {
            self.take_chunk(file, range, body).await?;
            self.bring(file, &parcel).await
        };
        if let Err(error) = brought.await {
            file.rewind(before).await?;
            return Err(error);
        }
        *held.phase = Phase::Completed(parcel.digest.clone());
        Ok(stored(name, &parcel.digest).into_response())
    }

    /// Takes a body that may say which bytes it has.
    pub(super) async fn take_chunk(
        &self,
        file: &mut SpoolFile,
        range: Option<ContentRange>,
        body: WireBody,
    ) -> Result<(), Error> {
        let (before, offset, announced) = (file.standing(), file.size(), body.size_hint().exact());
        file.take(incoming(body, self.body_idle), announced).await?;
        let actual = file.size() - offset;
        match range.map(|range| range.len()).filter(|expected| *expected != actual) {
            Some(expected) => {
                file.rewind(before).await?;
                Err(registry::Error::WrongLength { expected, actual }.into())
            }
            None => Ok(()),
        }
    }

    /// Verifies a blob, and brings it to the registry if that lacks it.
    async fn bring(&self, file: &mut SpoolFile, parcel: &Parcel) -> Result<(), Error> {
        let (expected, actual) = (parcel.digest.clone(), file.digest(parcel.digest.algorithm()).await?);
        if actual != expected {
            return Err(registry::Error::DigestMismatch { expected, actual }.into());
        }
        if self.upstream.has(parcel).await? {
            return Ok(());
        }
        let blob = LocalBlob { digest: actual, size: file.size(), path: file.path().to_owned(), offset: 0 };
        Ok(self.deliveries.deliver(parcel.clone(), blob).await?)
    }

    /// Waits for a delivery. The body, which repeats what is on its way already, is read only afterwards: engines that
    /// give an answer so many seconds after their last byte have not sent that yet.
    async fn wait_for(&self, delivery: Delivery, body: WireBody) -> Result<(), Error> {
        delivery.await?;
        self.read_away(body).await
    }

    async fn read_away(&self, body: WireBody) -> Result<(), Error> {
        let mut body = incoming(body, self.body_idle);
        while let Some(bytes) = body.next().await {
            bytes?;
        }
        Ok(())
    }
}

/// Whether a body says that it goes on at another byte than the upload does.
pub(super) fn is_elsewhere(range: Option<ContentRange>, file: &SpoolFile) -> bool {
    range.is_some_and(|range| range.first() != file.size())
}
