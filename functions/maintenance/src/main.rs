//! The process of the function `maintenance`.

use lambda_http::Error;
use shared::lambda::run_background;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_background(maintenance::handle).await
}
