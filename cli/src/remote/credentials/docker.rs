//! The credentials that docker keeps: in its configuration, or by a helper that this names.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{CredentialsError, Login, helper};

/// Docker's configuration, read when it is needed.
#[derive(Debug, Clone)]
pub(crate) struct DockerConfig(PathBuf);

/// Where credentials were put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The helper of this name has them.
    ByHelper(String),
    /// They are in this file, for everybody to read who can read it.
    InFile(PathBuf),
}

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
        let config: Config = self.read().await?;
        match config.helper(key) {
            Some(name) => match helper::get(name, key).await? {
                Some(login) => Ok(Some(login)),
                None => config.kept(host(key)),
            },
            None => config.kept(host(key)),
        }
    }

    /// Keeps a password for the registry under `key`, as `docker login` does: with the helper, or in the file.
    pub(crate) async fn store(&self, key: &str, username: &str, password: &str) -> Result<Kept, CredentialsError> {
        let config: Config = self.read().await?;
        if let Some(name) = config.helper(key) {
            helper::store(name, key, username, password).await?;
            return Ok(Kept::ByHelper(name.to_owned()));
        }
        // What else the file says is kept as it is.
        let mut file: Map<String, Value> = self.read().await?;
        let auths = file.entry("auths").or_insert_with(|| json!({}));
        if let Some(auths) = auths.as_object_mut() {
            auths.retain(|other, _| host(other) != host(key));
            auths.insert(key.to_owned(), json!({ "auth": BASE64_STANDARD.encode(format!("{username}:{password}")) }));
        }
        let path = self.0.clone();
        let written = tokio::task::spawn_blocking(move || write(&path, &file)).await;
        let written = written.unwrap_or_else(|error| Err(error.into()));
        written.map_err(|source| CredentialsError::Write { path: self.0.clone(), source })?;
        Ok(Kept::InFile(self.0.clone()))
    }

    async fn read<T: Default + for<'de> Deserialize<'de>>(&self) -> Result<T, CredentialsError> {
        let path = self.0.clone();
        match tokio::fs::read(&path).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| CredentialsError::Parse { path, source }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(T::default()),
            Err(source) => Err(CredentialsError::Read { path, source }),
        }
    }
}

/// Writes the file, all of it or none, for nobody else to read. A link goes on leading to it.
fn write(path: &Path, file: &Map<String, Value>) -> std::io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let beside = directory.join(format!(".config.json.{}", Uuid::new_v4()));
    let written = (|| {
        let mut bytes = Vec::new();
        // Docker's own indentation.
        file.serialize(&mut Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t")))?;
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        new.write_all(&bytes)?;
        new.sync_all()?;
        std::fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // There may be none; and what is wrong is told already.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

impl Config {
    /// The helper that keeps the registry's credentials.
    fn helper(&self, key: &str) -> Option<&str> {
        let of_registry = self.cred_helpers.get(key).or_else(|| self.cred_helpers.get(host(key)));
        of_registry.or(self.creds_store.as_ref()).map(String::as_str).filter(|name| !name.is_empty())
    }

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
pub(crate) fn host(key: &str) -> &str {
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
    async fn what_is_kept_is_found_and_nothing_else_of_the_file_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("below/link"));
        std::fs::create_dir(&real).unwrap();
        std::fs::create_dir(directory.path().join("below")).unwrap();
        let file = real.join("config.json");
        let before =
            r#"{"auths":{"https://r.example/v1/":{"auth":"old"},"other":{"auth":"YTpi"}},"detachKeys":"ctrl-e"}"#;
        std::fs::write(&file, before).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::create_dir(&link).unwrap();
        std::os::unix::fs::symlink(&file, link.join("config.json")).unwrap();
        let config = DockerConfig::new(Some(&link));
        let kept = config.store("r.example", "alice", "a:b").await.unwrap();
        assert_eq!(kept, Kept::InFile(link.join("config.json")));
        assert_eq!(config.login("r.example").await.unwrap(), Some(password("alice", "a:b")));
        assert_eq!(config.login("other").await.unwrap(), Some(password("a", "b")));
        let written = "{\n\t\"auths\": {\n\t\t\"other\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t},\n\t\t\"r.example\": {\n\t\t\t\"auth\": \
                       \"YWxpY2U6YTpi\"\n\t\t}\n\t},\n\t\"detachKeys\": \"ctrl-e\"\n}";
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(link.join("config.json").is_symlink());
        assert_eq!(std::fs::read_dir(&real).unwrap().count(), 1, "nothing is left behind");
    }

    #[tokio::test]
    async fn the_first_login_makes_the_file_and_a_broken_one_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("new/.docker");
        let config = DockerConfig::new(Some(&below));
        config.store("r.example", "alice", "secret").await.unwrap();
        assert_eq!(config.login("r.example").await.unwrap(), Some(password("alice", "secret")));
        assert_eq!(std::fs::metadata(&below).unwrap().permissions().mode() & 0o777, 0o700);
        for broken in ["{", r#"{"auths":[]}"#] {
            std::fs::write(below.join("config.json"), broken).unwrap();
            let refused = config.store("r.example", "alice", "secret").await;
            assert!(matches!(refused, Err(CredentialsError::Parse { .. })), "{refused:?}");
            assert_eq!(std::fs::read_to_string(below.join("config.json")).unwrap(), broken);
        }
    }

    #[tokio::test]
    async fn a_helper_is_given_what_it_shall_keep() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("helper");
        let script = "#!/bin/sh\n[ \"$1\" = store ] && cat > \"$0.kept\"\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        helper::give(program.to_str().unwrap().to_owned(), r#"{"ServerURL":"r.example"}"#).unwrap();
        let kept = std::fs::read_to_string(directory.path().join("helper.kept")).unwrap();
        assert_eq!(kept, "{\"ServerURL\":\"r.example\"}\n");
        std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
        let refused = helper::give(program.to_str().unwrap().to_owned(), "{}");
        assert!(matches!(refused, Err(CredentialsError::HelperStore(_))), "{refused:?}");
        let config = directory.path().join("config.json");
        std::fs::write(&config, r#"{"credHelpers":{"r.example":"not-there"}}"#).unwrap();
        let refused = DockerConfig::new(Some(directory.path())).store("r.example", "a", "b").await;
        assert!(matches!(refused, Err(CredentialsError::Helper { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn a_helper_is_a_name_and_no_path() {
        let error = login(r#"{"credsStore":"../evil"}"#, "r.example").await.unwrap_err();
        assert!(matches!(error, CredentialsError::HelperName(_)), "{error}");
    }
}
