//! The first administrator of a registry that starts closed: the user `admin`, with a password that lies where only the
//! registry and its owner can read it. It is good for nothing but setting another.

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::accounts::{Accounts, User};
use super::password::Password;
use super::pattern::Pattern;
use super::permit::Grant;
use super::principal::Name;
use super::role::Role;
use super::sign_in::SignInError;
use crate::clock::Timestamp;

/// What the first administrator is called.
pub const FIRST_ADMIN: &str = "admin";

/// Where the first password lies.
#[async_trait]
pub trait FirstPassword: fmt::Debug + Send + Sync + 'static {
    /// Reads it.
    async fn read(&self) -> Result<Password, Box<dyn std::error::Error + Send + Sync>>;
}

/// Makes the first administrator of a registry without users, for somebody who knows the first password.
pub(super) async fn claim(
    accounts: &Accounts,
    first: &dyn FirstPassword,
    name: Name,
    given: &Password,
) -> Result<(), SignInError> {
    let kept = first.read().await.map_err(SignInError::FirstPassword)?;
    if verify_slices_are_equal(kept.expose().as_bytes(), given.expose().as_bytes()).is_err() {
        return Err(SignInError::Wrong);
    }
    let user = User {
        name,
        password: kept.hash().await?,
        must_change_password: true,
        grants: vec![Grant { repositories: Pattern::everything(), role: Role::Admin }],
        groups: Vec::new(),
        is_disabled: false,
        signed_out: Timestamp::default(),
        created: Timestamp::now(),
    };
    // Of two who do so at once, one makes it, and both have it.
    accounts.create(&user).await?;
    Ok(())
}
