//! The same bytes, put by the SDK as fast as it can: whole, or in parts of 8 MiB, eight at once.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use crate::MIB;
use crate::stage::Stage;

const BUCKET: &str = "one";
const PART: usize = 8 * MIB;
const TOGETHER: usize = 8;

pub(crate) async fn put(stage: &Stage, content: &Bytes) {
    let key = format!("raw/{}", harness::content::digest(&content[..content.len().min(1024)]).hex());
    if content.len() <= PART {
        let put = stage.s3.put_object().bucket(BUCKET).key(&key).body(ByteStream::from(content.clone()));
        put.send().await.expect("it is put");
    } else {
        in_parts(stage, &key, content).await;
    }
}

async fn in_parts(stage: &Stage, key: &str, content: &Bytes) {
    let begun = stage.s3.create_multipart_upload().bucket(BUCKET).key(key).send().await.expect("it is begun");
    let id = begun.upload_id.expect("it has an id");
    let parts = (1..).zip((0..content.len()).step_by(PART)).map(|(number, start)| {
        let part = content.slice(start..(start + PART).min(content.len()));
        let call = stage.s3.upload_part().bucket(BUCKET).key(key).upload_id(&id).part_number(number);
        async move {
            let sent = call.body(ByteStream::from(part)).send().await?;
            Ok::<_, aws_sdk_s3::Error>(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
        }
    });
    let parts: Vec<_> = stream::iter(parts).buffered(TOGETHER).try_collect().await.expect("parts are put");
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let end = stage.s3.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id).multipart_upload(parts);
    end.send().await.expect("it is completed");
}
