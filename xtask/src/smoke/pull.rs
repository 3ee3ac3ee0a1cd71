//! How long does a pull take?

use super::Result;
use super::finding::{Finding, Question};
use super::manifests::{OCI, plain};
use super::stack::Stack;

const PULL: Question =
    Question { asks: "How long does the pull of a small image take, and again?", relies: "nothing: for the record" };

/// Pulls an image of one layer twice: HEAD and GET of its manifest, its configuration, its layer.
pub(super) fn ask(stack: &Stack) -> Result<Vec<Finding>> {
    let (config, layer) = (stack.noise(3000), stack.noise(1_000_000));
    for blob in [&config, &layer] {
        stack.push(blob)?;
    }
    let manifest = plain(OCI, &config, &layer);
    let put = stack.put_manifest("pull", OCI, manifest.as_bytes())?;
    if put.status != 201 {
        return Ok(vec![PULL.unanswered(format!("the image cannot be pushed: {}", put.tell()))]);
    }
    let paths = [super::stack::digest(&config), super::stack::digest(&layer)]
        .map(|digest| stack.path(&format!("blobs/{digest}")));
    let mut times = Vec::new();
    for _ in 0..2 {
        let mut seconds = 0.0;
        for method in ["HEAD", "GET"] {
            seconds += stack.ask(method, &stack.path("manifests/pull"))?.seconds;
        }
        for path in &paths {
            let first = stack.ask("GET", path)?;
            seconds += first.seconds;
            if let Some(location) = first.header("location").filter(|_| first.status == 307) {
                seconds += stack.follow("GET", location)?.seconds;
            }
        }
        times.push(format!("{seconds:.2} s"));
    }
    Ok(vec![PULL.judge(true, format!("{}, one request after the other, a connection each", times.join(", then ")))])
}
