//! A layer put by the SDK without a registry: whole, or in parts of 8 MiB, eight at once. As is usual for a
//! stream over TLS, the SDK does not hash it to sign it; the server gets a CRC-64/NVME to compare.

use std::ops::Range;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::{StreamExt, TryStreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::MIB;
use crate::layer::Layer;
use crate::stage::Stage;

const BUCKET: &str = "one";
const PART: usize = 8 * MIB;
const TOGETHER: usize = 8;

pub(crate) async fn whole(stage: &Stage, layer: &Layer) {
    let range = 0..layer.size();
    let put = stage.s3.put_object().bucket(BUCKET).key(layer.name()).content_length(length(&range));
    let put = put.checksum_crc64_nvme(layer.checksum(range.clone()).await).body(body(layer, range));
    put.customize().disable_payload_signing().send().await.expect("it is put");
}

pub(crate) async fn in_parts(stage: &Stage, layer: &Layer) {
    let key = layer.name();
    let begun = stage.s3.create_multipart_upload().bucket(BUCKET).key(&key).send().await.expect("it is begun");
    let id = begun.upload_id.expect("it has an id");
    let parts = (1..).zip(layer.ranges(PART)).map(|(number, range)| {
        let call = stage.s3.upload_part().bucket(BUCKET).key(&key).upload_id(&id).part_number(number);
        async move {
            let call = call.content_length(length(&range)).checksum_crc64_nvme(layer.checksum(range.clone()).await);
            let sent = call.body(body(layer, range)).customize().disable_payload_signing().send().await?;
            Ok::<_, aws_sdk_s3::Error>(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
        }
    });
    let parts: Vec<_> = stream::iter(parts).buffered(TOGETHER).try_collect().await.expect("parts are put");
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let end = stage.s3.complete_multipart_upload().bucket(BUCKET).key(&key).upload_id(id).multipart_upload(parts);
    end.send().await.expect("it is completed");
}

fn length(range: &Range<usize>) -> i64 {
    i64::try_from(range.len()).expect("a layer is not that long")
}

fn body(layer: &Layer, range: Range<usize>) -> ByteStream {
    let frames = layer.bytes(range).map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
    ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(stream::iter(frames))))
}
