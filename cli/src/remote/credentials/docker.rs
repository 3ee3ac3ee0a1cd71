//! The credentials that docker keeps: in its configuration, or by a helper that this names.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::{CredentialsError, Login, helper};

/// Docker's configuration, read when it is needed.
#[derive(Debug, Clone)]
pub(crate) struct DockerConfig(PathBuf);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Entry")
    }
}

impl DockerConfig {
    /// The configuration in this directory; without one, in the user's home.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        let directory = directory.map(Path::to_owned);
        let usual = || std::env::home_dir().unwrap_or_default().join(".docker");
        Self(directory.unwrap_or_else(usual).join("config.json"))
    }

    /// Who asks the registry that is kept under `key`; a helper goes before what the file holds.
    pub(super) async fn login(&self, key: &str) -> Result<Option<Login>, CredentialsError> {
        let config = self.read().await?;
        let host = host(key);
        let helper = config.cred_helpers.get(key).or_else(|| config.cred_helpers.get(host));
        match helper.or(config.creds_store.as_ref()).filter(|name| !name.is_empty()) {
            Some(name) => match helper::get(name, key).await? {
                Some(login) => Ok(Some(login)),
                None => config.kept(host),
            },
            None => config.kept(host),
        }
    }

    async fn read(&self) -> Result<Config, CredentialsError> {
        let path = self.0.clone();
        match tokio::fs::read(&path).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| CredentialsError::Parse { path, source }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Config::default()),
            Err(source) => Err(CredentialsError::Read { path, source }),
        }
    }
}

impl Config {
    fn kept(&self, wanted: &str) -> Result<Option<Login>, CredentialsError> {
        let entry = self.auths.iter().find(|(key, _)| host(key) == wanted);
        let Some((key, entry)) = entry else {
            return Ok(None);
        };
        entry.login().map_err(|Malformed| CredentialsError::Entry(key.clone()))
    }
}

/// An entry that is none.
struct Malformed;

impl Entry {
    fn login(&self) -> Result<Option<Login>, Malformed> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.identitytoken) {
            return Ok(Some(Login::IdentityToken(token)));
        }
        if let (Some(username), Some(password)) = (filled(&self.username), filled(&self.password)) {
            return Ok(Some(Login::Password { username, password }));
        }
        let Some(auth) = filled(&self.auth) else {
            return Ok(None);
        };
        let decoded = BASE64_STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (username, password) = decoded.as_deref().and_then(|pair| pair.split_once(':')).ok_or(Malformed)?;
        let password = password.trim_end_matches('\0').to_owned();
        Ok(Some(Login::Password { username: username.to_owned(), password }))
    }
}

/// The host of a key, which is a host or a URL.
fn host(key: &str) -> &str {
    let key = key.split_once("://").map_or(key, |(_, rest)| rest);
    key.split('/').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn login(config: &str, key: &str) -> Result<Option<Login>, CredentialsError> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.json"), config).unwrap();
        DockerConfig::new(Some(directory.path())).login(key).await
    }

    fn password(username: &str, password: &str) -> Login {
        Login::Password { username: username.to_owned(), password: password.to_owned() }
    }

    #[tokio::test]
    async fn entries_are_found_under_hosts_and_under_urls() {
        let config =
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"},"r.example:5000":{"auth":"YzpkOmU="}}}"#;
        assert_eq!(login(config, "https://index.docker.io/v1/").await.unwrap(), Some(password("a", "b")));
        assert_eq!(login(config, "r.example:5000").await.unwrap(), Some(password("c", "d:e")));
        assert_eq!(login(config, "r.example").await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_identity_token_goes_before_a_password() {
        let config = r#"{"auths":{"r.example":{"auth":"YTpi","identitytoken":"t"}}}"#;
        assert_eq!(login(config, "r.example").await.unwrap(), Some(Login::IdentityToken("t".to_owned())));
    }

    #[tokio::test]
    async fn no_configuration_is_no_login_and_a_broken_one_is_told_without_its_secrets() {
        let nowhere = DockerConfig::new(Some(Path::new("/nonexistent")));
        assert_eq!(nowhere.login("r.example").await.unwrap(), None);
        assert!(matches!(login("{", "r.example").await, Err(CredentialsError::Parse { .. })));
        let error = login(r#"{"auths":{"r.example":{"auth":"hush!"}}}"#, "r.example").await.unwrap_err();
        assert_eq!(error.to_string(), "the credentials of r.example in docker's configuration are malformed");
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_the_registry_and_may_give_a_token() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("helper");
        let script = "#!/bin/sh\nread -r server\n[ \"$1\" = get ] || exit 2\n\
                      [ \"$server\" = r.example ] || { echo 'credentials not found in native keychain'; exit 1; }\n\
                      echo '{\"ServerURL\":\"r.example\",\"Username\":\"<token>\",\"Secret\":\"s\"}'\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let program = program.to_str().unwrap();
        let found = helper::run(program.to_owned(), "r.example").unwrap();
        assert_eq!(found, Some(Login::IdentityToken("s".to_owned())));
        assert_eq!(helper::run(program.to_owned(), "other.example").unwrap(), None);
    }

    #[tokio::test]
    async fn a_helper_is_a_name_and_no_path() {
        let error = login(r#"{"credsStore":"../evil"}"#, "r.example").await.unwrap_err();
        assert!(matches!(error, CredentialsError::HelperName(_)), "{error}");
    }
}
