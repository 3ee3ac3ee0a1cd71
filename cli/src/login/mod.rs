//! `ringhold login`: saying who one is to a registry, once for all commands, or anew each time by AWS.

mod args;
mod by_aws;
mod error;
mod helper;
mod input;

pub(crate) use args::{HelperCommand, LoginArgs};
pub(crate) use error::LoginError;
pub(crate) use helper::{arguments, credential_helper};

use http::StatusCode;

use crate::remote::{Credentials, DockerConfig, Kept, Remote, Welcome, credentials_key, registry_url};

/// Signs in, and keeps what that was done with.
pub(crate) async fn run(args: &LoginArgs) -> Result<(), LoginError> {
    let registry = || LoginError::Registry(args.registry.clone());
    let base = registry_url(&args.registry, args.plain_http).ok_or_else(registry)?;
    let key = credentials_key(&base);
    let (user, password) = match &args.user {
        Some(user) if !args.aws => (user.as_str(), given()?),
        _ => (by_aws::USER, by_aws::password(&key, &args.aws_args).await?),
    };
    if args.print {
        println!("{password}");
        return Ok(());
    }
    let remote = Remote::new(base, Credentials::password(user, &password))?;
    let welcome = remote.sign_in().await.map_err(|error| match error.status() {
        Some(StatusCode::UNAUTHORIZED) => LoginError::Refused { registry: key.clone(), user: user.to_owned() },
        _ => LoginError::Remote(error),
    })?;
    let kept = DockerConfig::new(args.docker_config.as_deref()).store(&key, user, &password).await?;
    match welcome {
        Welcome::Known => eprintln!("signed in to {key} as {user}"),
        Welcome::Anybody => eprintln!("{key} lets everybody in, and has not looked at the password"),
    }
    match kept {
        Kept::ByHelper(name) => eprintln!("the password is kept by docker-credential-{name}"),
        Kept::InFile(path) => eprintln!("the password is kept in {}, not encrypted", path.display()),
    }
    if args.aws {
        eprintln!(
            "it is good for a quarter of an hour: `ringhold credential-helper` makes docker ask for a new one each time"
        );
    }
    Ok(())
}

/// The password on standard input, without the line's end.
fn given() -> Result<String, LoginError> {
    let password = input::read().map_err(LoginError::Input)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err(LoginError::NoPassword) } else { Ok(password.to_owned()) }
}
