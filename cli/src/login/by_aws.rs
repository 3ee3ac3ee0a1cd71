//! A password made of who one is to AWS.

use shared::auth::{PresignError, password_for};
use shared::config::sdk_settings;

use super::args::AwsArgs;

/// The user that stands beside the password. Nobody looks at it.
pub(super) const USER: &str = "aws";

/// A new password for the registry of this host.
pub(super) async fn password(host: &str, args: &AwsArgs) -> Result<String, PresignError> {
    let audience = args.audience.as_deref().unwrap_or(host);
    password_for(&sdk_settings().await, args.sts_endpoint.as_ref(), audience).await
}
