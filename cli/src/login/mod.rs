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
use url::Url;

use crate::remote::{Credentials, DockerConfig, Kept, Remote, Welcome, base_url, credentials_key};

/// Signs in, and keeps what that was done with.
pub(crate) async fn run(args: &LoginArgs) -> Result<(), LoginError> {
    let base = registry(&args.registry, args.plain_http)?;
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

/// Where the registry is that is called so.
fn registry(text: &str, plain: bool) -> Result<Url, LoginError> {
    let host = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    let base = base_url(host, plain).map_err(|_| LoginError::Registry(text.to_owned()))?;
    let is_host = base.path() == "/" && base.query().is_none() && base.fragment().is_none() && !host.contains('@');
    if is_host && !host.contains("://") { Ok(base) } else { Err(LoginError::Registry(text.to_owned())) }
}

/// The password on standard input, without the line's end.
fn given() -> Result<String, LoginError> {
    let password = input::read().map_err(LoginError::Input)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err(LoginError::NoPassword) } else { Ok(password.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_a_host_and_nothing_more() {
        let key = |text| registry(text, false).map(|base| (credentials_key(&base), base.scheme().to_owned()));
        let secure = |host: &str| (host.to_owned(), "https".to_owned());
        assert_eq!(key("registry.example").unwrap(), secure("registry.example"));
        assert_eq!(key("https://registry.example:5000/").unwrap(), secure("registry.example:5000"));
        assert_eq!(key("docker.io").unwrap(), secure("https://index.docker.io/v1/"));
        assert_eq!(key("127.0.0.1:5000").unwrap(), ("127.0.0.1:5000".to_owned(), "http".to_owned()));
        for text in
            ["", "registry.example/app", "http://registry.example", "u:p@registry.example", "r.example?a", "a b"]
        {
            assert!(matches!(key(text), Err(LoginError::Registry(_))), "{text}");
        }
    }
}
