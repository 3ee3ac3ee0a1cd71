//! Accounts for tests, written straight into the books.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::auth::{
    Accounts, Grant, Password, Permit, RepositorySettings, Robot, Role, Subject, Token, TokenKind, TokenSecret, User,
    Visibility,
};
use shared::clock::Timestamp;
use shared::metadata::EmbeddedStore;

/// The password of every user here.
pub const PASSWORD: &str = "correct horse battery staple";

/// The books of a directory that no process serves.
pub fn of_directory(data: &Path) -> Accounts {
    std::fs::create_dir_all(data).expect("the directory can be made");
    let store = EmbeddedStore::open(data.join("metadata.redb")).expect("nobody serves from there");
    Accounts::new(Arc::new(store))
}

/// A role on the repositories of a pattern.
pub fn grant(repositories: &str, role: Role) -> Grant {
    Grant { repositories: repositories.parse().expect("a pattern"), role }
}

/// Adds a user with these grants, whose password is [`PASSWORD`].
pub async fn add_user(accounts: &Accounts, name: &str, grants: Vec<Grant>) {
    let user = User {
        name: name.parse().expect("a name"),
        password: Password::given(PASSWORD).hash().await.expect("it can be hashed"),
        must_change_password: false,
        grants,
        groups: Vec::new(),
        is_disabled: false,
        signed_out: Timestamp::default(),
        created: Timestamp::now(),
    };
    assert!(accounts.create(&user).await.expect("the books can be written"), "{name} is there already");
}

/// Adds a robot with these grants and a token of it; the token's secret.
pub async fn add_robot(
    accounts: &Accounts,
    name: &str,
    grants: Vec<Grant>,
    limits: Option<Vec<Permit>>,
) -> TokenSecret {
    let name: shared::auth::Name = name.parse().expect("a name");
    let created = Timestamp::now();
    let robot = Robot { name: name.clone(), grants, groups: Vec::new(), is_disabled: false, created };
    assert!(accounts.create(&robot).await.expect("the books can be written"));
    let secret = TokenSecret::random().expect("there is randomness");
    let token = Token {
        id: secret.id().clone(),
        owner: Subject::Robot(name),
        kind: TokenKind::Access,
        label: "of a test".to_owned(),
        secret: secret.hash(),
        limits,
        created: Timestamp::now(),
        expires: None,
    };
    assert!(accounts.create(&token).await.expect("the books can be written"));
    secret
}

/// Lets everybody pull from a repository.
pub async fn publish(accounts: &Accounts, repository: &str) {
    let name = repository.parse().expect("a repository's name");
    let settings = RepositorySettings { name, visibility: Visibility::Public };
    assert!(accounts.create(&settings).await.expect("the books can be written"));
}

/// An `Authorization` of this name and password.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
