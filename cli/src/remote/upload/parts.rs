//! The parts of a direct upload: each is summed, asked for, and sent by itself.

use std::io::Read;
use std::io::{Seek, SeekFrom};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, Digest};
use futures::stream::{self, StreamExt, TryStreamExt};
use http::header::{CONTENT_LENGTH, ETAG};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use shared::http::direct::{PartRequest, PartRequests, PartSent, PartWanted, PartsSent, PartsWanted};
use url::Url;

use super::super::answer::header;
use super::super::call::{Call, Payload};
use super::super::{LocalBlob, Refusal, RemoteError, retry};
use super::Upload;
use super::direct::Begun;

/// How many parts are sent at a time.
const AT_ONCE: usize = 4;

/// How many URLs are asked for, one after the other, because the last one has expired.
const MOST_URLS: u32 = 5;

/// Bytes summed at a time.
const PIECE: usize = 256 * 1024;

impl Upload<'_> {
    /// Sends all parts, a few at a time.
    pub(super) async fn put_parts(&self, begun: &Begun) -> Result<PartsSent, RemoteError> {
        let offer = &begun.offer;
        if offer.part_size == 0 || self.blob.size.div_ceil(offer.part_size) != u64::from(offer.parts) {
            return Err(self.unusable("parts that do not make the blob"));
        }
        let parts = stream::iter(1..=offer.parts).map(|number| self.put_numbered(begun, number));
        let parts = parts.buffered(AT_ONCE).try_collect().await?;
        Ok(PartsSent { parts })
    }

    async fn put_numbered(&self, begun: &Begun, number: u32) -> Result<PartSent, RemoteError> {
        let offset = u64::from(number - 1) * begun.offer.part_size;
        let length = begun.offer.part_size.min(self.blob.size - offset);
        let checksum = checksum(self.blob, offset, length).await?;
        let ask = || async {
            let part = PartWanted { number, checksum: checksum.clone() };
            let question = PartsWanted { parts: vec![part] };
            let answer: PartRequests = self.ask(Method::POST, &begun.session, &question).await?;
            let request = answer.requests.into_iter().next();
            let request = request.filter(|request| (request.offset, request.length) == (offset, length));
            request.ok_or_else(|| self.unusable("a request for another part"))
        };
        let etag = self.put_part(ask().await?, ask).await?;
        let etag = etag.ok_or_else(|| self.unusable("a bucket that says no ETag"))?;
        Ok(PartSent { number, checksum: checksum.clone(), etag })
    }

    /// Sends the bytes of one request to the bucket, and returns its `ETag`. Where the URL has expired, asks for another.
    pub(super) async fn put_part<Asked>(
        &self,
        mut request: PartRequest,
        ask: impl Fn() -> Asked,
    ) -> Result<Option<String>, RemoteError>
    where
        Asked: Future<Output = Result<PartRequest, RemoteError>>,
    {
        let mut urls = 1;
        loop {
            let call = self.put(&request)?;
            let response = retry::patiently(|| self.remote.registry.http.send(&call, None)).await?;
            match response.status() {
                StatusCode::OK | StatusCode::CREATED => return Ok(header(response.headers(), &ETAG)),
                StatusCode::FORBIDDEN if urls < MOST_URLS => request = ask().await?,
                _ => return Err(Refusal::read("a blob's bytes", response).await.into()),
            }
            urls += 1;
        }
    }

    /// The request itself, with the headers that are signed and no others.
    fn put(&self, request: &PartRequest) -> Result<Call, RemoteError> {
        if request.offset.saturating_add(request.length) > self.blob.size {
            return Err(self.unusable("a request for more bytes than the blob has"));
        }
        let url = Url::parse(&request.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let mut call = Call::new(Method::PUT, url.ok_or_else(|| self.unusable("a bucket without a URL"))?);
        call.payload = Payload::Region(self.blob.region(request.offset, request.length, &self.meter));
        for (name, value) in &request.headers {
            let name: Option<HeaderName> = name.parse().ok();
            let header = name.zip(HeaderValue::from_str(value).ok());
            let (name, value) = header.ok_or_else(|| self.unusable("headers that are none"))?;
            // The length is told with the bytes.
            if name != CONTENT_LENGTH {
                call.headers.insert(name, value);
            }
        }
        Ok(call)
    }
}

/// CRC-64/NVME of some bytes of a blob, as S3 writes it.
async fn checksum(blob: &LocalBlob, offset: u64, length: u64) -> Result<String, RemoteError> {
    let (path, start) = (blob.path.clone(), blob.offset + offset);
    let summed = tokio::task::spawn_blocking(move || -> std::io::Result<u64> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let (mut rest, mut crc, mut piece) = (file.take(length), Digest::new(CrcAlgorithm::Crc64Nvme), vec![0; PIECE]);
        loop {
            match rest.read(&mut piece)? {
                0 => return Ok(crc.finalize()),
                count => crc.update(&piece[..count]),
            }
        }
    });
    let summed = summed.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let summed = summed.map_err(|source| RemoteError::File { path: blob.path.clone(), source })?;
    Ok(BASE64_STANDARD.encode(summed.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_checksum_is_of_the_parts_bytes_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"xx123456789yy").unwrap();
        let digest = shared::oci::Digest::of(shared::oci::Algorithm::Sha256, b"x123456789y");
        let blob = LocalBlob { digest, size: 11, path: file.path().to_owned(), offset: 1 };
        // The check value in the catalogue of CRCs is ae8b14860a799888.
        assert_eq!(checksum(&blob, 1, 9).await.unwrap(), "rosUhgp5mIg=");
    }
}
