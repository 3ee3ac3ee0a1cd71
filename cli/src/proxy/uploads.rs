//! Uploads, which the proxy answers itself: bytes are taken as they come, verified here, and only then brought to the
//! registry. A client hears that a blob is stored once the registry has it.

use http::{Method, Response, StatusCode};
use shared::http::{Beginning, Reply, Route, WireBody, begins, chunk_range, empty, standing};
use shared::oci::{Algorithm, RepositoryName, UploadId};

use super::Proxy;
use super::call::{Call, Target};
use super::completing::is_elsewhere;
use super::deliver::Parcel;
use super::error::Error;

impl Proxy {
    /// Answers a request for an upload.
    pub(super) async fn take(&self, call: Call, body: WireBody) -> Result<Response<WireBody>, Error> {
        let route = match &call.target {
            Ok(Target::Uploads(name)) => Route::Uploads { name: name.clone() },
            Ok(Target::Upload(name, id)) => Route::Upload { name: name.clone(), id: id.clone() },
            Ok(Target::Health | Target::Blob(_) | Target::Other) | Err(_) => return Err(call.into_error()),
        };
        let allowed = route.methods();
        match (&route, &call.method) {
            (Route::Uploads { name }, &Method::POST) => self.begin(name, &call, body).await,
            (Route::Upload { name, id }, &Method::PATCH) => self.append(name, id, &call, body).await,
            (Route::Upload { name, id }, &Method::PUT) => self.complete(name, id, &call, body).await,
            (Route::Upload { name, id }, &Method::GET) => self.status(name, id),
            (Route::Upload { name, id }, &Method::DELETE) => {
                self.sessions.cancel(name, id)?;
                Ok(Reply::new(StatusCode::NO_CONTENT).into_response())
            }
            _ => Err(shared::http::Error::MethodNotAllowed { allowed }.into()),
        }
    }

    /// Begins an upload, or does all of it at once. Whoever may not push learns it now, not after gigabytes.
    async fn begin(&self, name: &RepositoryName, call: &Call, body: WireBody) -> Result<Response<WireBody>, Error> {
        let (beginning, algorithm) = begins(&call.query)?;
        let algorithm = algorithm.unwrap_or(Algorithm::Sha256);
        match beginning {
            Beginning::Mount { .. } => {
                if let Some(response) = self.mount(call).await? {
                    return Ok(response);
                }
            }
            Beginning::Whole(digest) => {
                return self.push_whole(Parcel::new(name, &digest, call.authorization()), body).await;
            }
            Beginning::Session => {
                self.upstream.lets_push(name, call.authorization()).await?;
            }
        }
        let session = self.sessions.begin(name, self.spool.create(algorithm).await?);
        Ok(standing(StatusCode::ACCEPTED, name, &session.standing()).into_response())
    }

    /// Asks the registry to mount; none when it would rather have the bytes, which are the proxy's to take.
    async fn mount(&self, call: &Call) -> Result<Option<Response<WireBody>>, Error> {
        let answer = self.ask(call, empty()).await?;
        if answer.status() != StatusCode::ACCEPTED {
            return Ok(Some(self.passed_back(answer)));
        }
        self.upstream.give_up(&answer, call.authorization()).await;
        Ok(None)
    }

    async fn append(
        &self,
        name: &RepositoryName,
        id: &UploadId,
        call: &Call,
        body: WireBody,
    ) -> Result<Response<WireBody>, Error> {
        let session = self.sessions.find(name, id)?;
        let range = chunk_range(&call.headers)?;
        let mut held = session.hold().ok_or_else(|| session.out_of_turn())?;
        let file = held.file()?;
        if is_elsewhere(range, file) {
            return Err(session.out_of_turn());
        }
        self.take_chunk(file, range, body).await?;
        drop(held);
        Ok(standing(StatusCode::ACCEPTED, name, &session.standing()).into_response())
    }

    fn status(&self, name: &RepositoryName, id: &UploadId) -> Result<Response<WireBody>, Error> {
        let session = self.sessions.find(name, id)?;
        if let Some(mut held) = session.hold() {
            held.file()?;
        }
        Ok(standing(StatusCode::NO_CONTENT, name, &session.standing()).into_response())
    }
}
