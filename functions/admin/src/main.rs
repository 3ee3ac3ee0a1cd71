//! The process of the function `admin`.

use lambda_http::Error;
use shared::lambda::{Warm, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Warm::Metadata, admin::handle).await
}
