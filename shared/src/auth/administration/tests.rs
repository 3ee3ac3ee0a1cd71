use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::auth::{
    Action, Actions, Caller, Issuer, IssuerCheckError, Password, Permit, Powers, Principal, Proof, Robot, Role, Rule,
    Subject, Token, User,
};
use crate::clock::Timestamp;
use crate::metadata::MemoryStore;

fn accounts() -> Accounts {
    Accounts::new(Arc::new(MemoryStore::new()))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn grant(repositories: &str, role: Role) -> Grant {
    Grant { repositories: repositories.parse().unwrap(), role }
}

fn admin() -> Vec<Grant> {
    vec![grant("**", Role::Admin)]
}

/// Writes a user past all rules; hashing takes time, so all have the same password.
async fn seed(accounts: &Accounts, user: &str, grants: Vec<Grant>, groups: &[&str]) {
    static HASH: tokio::sync::OnceCell<crate::auth::PasswordHash> = tokio::sync::OnceCell::const_new();
    let password = HASH.get_or_init(|| async { Password::given("correct horse").hash().await.unwrap() }).await.clone();
    let user = User {
        name: name(user),
        password,
        must_change_password: false,
        grants,
        groups: groups.iter().map(|group| name(group)).collect(),
        is_disabled: false,
        signed_out: Timestamp::default(),
        created: Timestamp::now(),
    };
    assert!(accounts.create(&user).await.unwrap());
}

async fn seed_group(accounts: &Accounts, group: &str, grants: Vec<Grant>) {
    let group = Group { name: name(group), grants, created: Timestamp::now() };
    assert!(accounts.create(&group).await.unwrap());
}

fn caller(user: &str, grants: &[Grant]) -> Caller {
    let principal = Principal::Account(Subject::User(name(user)));
    Caller {
        principal,
        proof: Proof::Credentials,
        powers: Powers::granted(grants),
        token: None,
        since: Timestamp::now(),
    }
}

fn disabled() -> UserChange {
    UserChange { is_disabled: Some(true), ..UserChange::default() }
}

/// Who administers the registry, by the books as they are.
async fn admins(accounts: &Accounts) -> Vec<String> {
    let groups = accounts.all::<Group>().await.unwrap();
    let users = accounts.all::<User>().await.unwrap().into_iter().filter(|user| !user.is_disabled);
    let grants = |user: &User| {
        let of_groups = groups.iter().filter(|group| user.groups.contains(&group.name));
        [user.grants.clone(), of_groups.flat_map(|group| group.grants.clone()).collect()].concat()
    };
    users.filter(|user| Powers::granted(&grants(user)).administers_all()).map(|user| user.name.to_string()).collect()
}

#[tokio::test]
async fn the_last_admin_stays_in_whichever_way_they_would_go() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed_group(&accounts, "admins", admin()).await;
    seed(&accounts, "alice", vec![], &["admins"]).await;
    seed(&accounts, "bob", vec![grant("team-a/**", Role::Admin)], &[]).await;
    let no_groups = UserChange { groups: Some(vec![]), ..UserChange::default() };
    let last = |result: Result<(), AdminError>| assert!(matches!(result, Err(AdminError::LastAdmin)), "{result:?}");
    last(administration.change_user("alice", disabled()).await.map(drop));
    last(administration.change_user("alice", no_groups.clone()).await.map(drop));
    last(administration.remove_user("alice").await.map(drop));
    last(administration.change_group("admins", Some(vec![])).await.map(drop));
    last(administration.remove_group("admins").await.map(drop));
    let held = HeldGrant { subject: Subject::Group(name("admins")), grant: grant("**", Role::Admin) };
    last(administration.remove_grant(&Caller::operator(), &held).await);
    let held = HeldGrant { subject: Subject::User(name("alice")), ..held };
    administration.add_grant(&Caller::operator(), &held).await.unwrap();
    administration.change_user("alice", no_groups).await.unwrap();
    administration.remove_group("admins").await.unwrap();
    last(administration.remove_grant(&Caller::operator(), &held).await);
    let no_grants = UserChange { grants: Some(vec![]), ..UserChange::default() };
    last(administration.change_user("alice", no_grants).await.map(drop));
    administration.remove_user("bob").await.unwrap();
    assert_eq!(admins(&accounts).await, ["alice"]);
}

#[tokio::test]
async fn one_may_go_over_from_a_grant_to_a_group_and_back() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed_group(&accounts, "admins", admin()).await;
    seed(&accounts, "alice", admin(), &[]).await;
    let over = UserChange { grants: Some(vec![]), groups: Some(vec![name("admins")]), ..UserChange::default() };
    administration.change_user("alice", over).await.unwrap();
    let back = UserChange { grants: Some(admin()), groups: Some(vec![]), ..UserChange::default() };
    administration.change_user("alice", back).await.unwrap();
    assert_eq!(admins(&accounts).await, ["alice"]);
}

#[tokio::test]
async fn where_there_is_no_admin_nothing_is_lost() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed_group(&accounts, "some", vec![]).await;
    seed(&accounts, "alice", vec![], &["some"]).await;
    administration.change_user("alice", disabled()).await.unwrap();
    administration.remove_group("some").await.unwrap();
    administration.remove_user("alice").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_demote_each_other_at_once_one_stays() {
    for round in 0..100 {
        let accounts = accounts();
        seed_group(&accounts, "admins", admin()).await;
        seed(&accounts, "alice", admin(), &[]).await;
        seed(&accounts, "bob", if round % 2 == 0 { admin() } else { vec![] }, &["admins"]).await;
        let demote = |user: &'static str| {
            let accounts = accounts.clone();
            tokio::spawn(async move { Administration::of(&accounts).change_user(user, disabled()).await })
        };
        let (one, other) = (demote("alice"), demote("bob"));
        let outcomes = [one.await.unwrap(), other.await.unwrap()];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert_eq!(admins(&accounts).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_many_do_at_once_somebody_stays() {
    for round in 0_usize..40 {
        let accounts = accounts();
        seed_group(&accounts, "g0", admin()).await;
        seed_group(&accounts, "g1", admin()).await;
        for user in 0..4 {
            let groups: &[&str] = [&[][..], &["g0"], &["g0", "g1"], &["g1"]][user];
            seed(&accounts, &format!("u{user}"), if user == 0 { admin() } else { vec![] }, groups).await;
        }
        let tasks = (0..12_usize).map(|task| {
            let accounts = accounts.clone();
            tokio::spawn(async move {
                let administration = Administration::of(&accounts);
                let user = format!("u{}", (task + round) % 4);
                let group = format!("g{}", task % 2);
                match (task * 7 + round) % 6 {
                    0 => drop(administration.change_user(&user, disabled()).await),
                    1 => drop(administration.remove_group(&group).await),
                    2 => drop(administration.remove_user(&user).await),
                    3 => drop(administration.change_group(&group, Some(vec![])).await),
                    4 => {
                        let change =
                            UserChange { grants: Some(admin()), is_disabled: Some(false), ..UserChange::default() };
                        drop(administration.change_user(&user, change).await);
                    }
                    _ => {
                        let change = UserChange { grants: Some(vec![]), groups: Some(vec![]), ..UserChange::default() };
                        drop(administration.change_user(&user, change).await);
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert!(!admins(&accounts).await.is_empty(), "round {round}");
    }
}

#[tokio::test]
async fn the_first_user_is_an_admin_and_a_generated_password_has_to_be_changed() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    let user =
        |user: &str, grants| NewUser { name: name(user), password: None, grants, groups: vec![], is_disabled: false };
    let refused = administration.create_user(user("alice", vec![grant("a", Role::Admin)])).await;
    assert!(matches!(refused, Err(AdminError::FirstUser)), "{refused:?}");
    let off = NewUser { is_disabled: true, ..user("alice", admin()) };
    assert!(matches!(administration.create_user(off).await, Err(AdminError::FirstUser)));
    let (alice, password) = administration.create_user(user("alice", admin())).await.unwrap();
    assert!(alice.must_change_password);
    assert!(password.unwrap().is(Some(&alice.password)).await.unwrap());
    let (bob, _) = administration.create_user(user("bob", vec![])).await.unwrap();
    assert!(matches!(administration.create_user(user("bob", vec![])).await, Err(AdminError::Exists { .. })));
    let chosen = NewUser { password: Some(Password::given("too short")), ..user("carol", vec![]) };
    assert!(matches!(administration.create_user(chosen).await, Err(AdminError::Password(_))));
    let nowhere = NewUser { groups: vec![name("none")], ..user("carol", vec![]) };
    assert!(matches!(administration.create_user(nowhere).await, Err(AdminError::NoSuchGroup(_))));
    let many = NewUser { grants: vec![grant("a", Role::Reader); MOST_GRANTS + 1], ..user("carol", vec![]) };
    assert!(matches!(administration.create_user(many).await, Err(AdminError::TooManyGrants)));
    let many = NewUser { groups: (0..=MOST_GROUPS).map(|n| name(&format!("g{n}"))).collect(), ..user("carol", vec![]) };
    assert!(matches!(administration.create_user(many).await, Err(AdminError::TooManyGroups)));
    let shown = User { password: alice.password.clone(), ..bob };
    let stale =
        administration.change_own_password(&shown, &Password::given("x"), &Password::given("y".repeat(12))).await;
    assert!(matches!(stale, Err(AdminError::Metadata(_))), "another was set meanwhile: {stale:?}");
}

#[tokio::test]
async fn what_is_gone_takes_its_tokens_and_memberships_along() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed(&accounts, "root", admin(), &[]).await;
    seed_group(&accounts, "team", vec![grant("a", Role::Writer)]).await;
    seed(&accounts, "alice", vec![], &["team"]).await;
    let robot = Robot {
        name: name("ci"),
        grants: vec![],
        groups: vec![name("team")],
        is_disabled: false,
        created: Timestamp::now(),
    };
    administration.create_robot(robot).await.unwrap();
    for owner in [Subject::User(name("alice")), Subject::Robot(name("ci"))] {
        let new = NewToken { owner: Some(owner), label: "t".to_owned(), life: TokenLife::Usual, limits: None };
        administration.create_token(&Caller::operator(), new).await.unwrap();
    }
    administration.remove_group("team").await.unwrap();
    assert!(accounts.get::<User>("alice").await.unwrap().unwrap().record.groups.is_empty());
    assert!(accounts.get::<Robot>("ci").await.unwrap().unwrap().record.groups.is_empty());
    assert_eq!(accounts.all::<Token>().await.unwrap().len(), 2);
    administration.remove_user("alice").await.unwrap();
    administration.remove_robot("ci").await.unwrap();
    assert!(accounts.all::<Token>().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_makes_none_that_is_more_than_itself() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed(&accounts, "alice", admin(), &[]).await;
    let alice = caller("alice", &[grant("team-a/**", Role::Admin)]);
    let new = |life, limits: Option<&[(&str, &str)]>| NewToken {
        owner: None,
        label: "t".to_owned(),
        life,
        limits: limits.map(|limits| {
            let permit = |(repositories, actions): &(&str, &str)| Permit {
                repositories: repositories.parse().unwrap(),
                actions: actions.parse().unwrap(),
            };
            limits.iter().map(permit).collect()
        }),
    };
    let day = TokenLife::Of(Duration::from_hours(24));
    let (token, _) = administration.create_token(&alice, new(day, Some(&[("team-a/**", "pull,push")]))).await.unwrap();
    let limited = Caller { token: Some(token.id.to_string()), ..alice.clone() };
    let (same, _) = administration.create_token(&limited, new(TokenLife::Usual, None)).await.unwrap();
    assert_eq!((&same.limits, same.expires), (&token.limits, token.expires));
    let hour = TokenLife::Of(Duration::from_hours(1));
    let (less, _) = administration.create_token(&limited, new(hour, Some(&[("team-a/app", "pull")]))).await.unwrap();
    assert!(less.expires < token.expires);
    for (life, limits) in [
        (hour, [("team-a/**", "pull,delete")]),
        (hour, [("**", "pull")]),
        (TokenLife::Of(Duration::from_hours(25)), [("team-a/app", "pull")]),
    ] {
        let beyond = administration.create_token(&limited, new(life, Some(&limits))).await;
        assert!(matches!(beyond, Err(AdminError::BeyondOwnToken)), "{beyond:?}");
    }
    let other = administration.remove_token(&limited, &less.id).await;
    assert!(matches!(other, Err(AdminError::BeyondOwnToken)), "{other:?}");
    administration.remove_token(&limited, &token.id).await.unwrap();
    let gone = administration.create_token(&limited, new(hour, None)).await;
    assert!(matches!(gone, Err(AdminError::BeyondOwnToken)), "{gone:?}");
    for life in [TokenLife::Endless, TokenLife::Of(Duration::ZERO), TokenLife::Of(Duration::from_hours(367 * 24))] {
        assert!(matches!(administration.create_token(&alice, new(life, None)).await, Err(AdminError::Life)));
    }
    let by_access_token = Caller { proof: Proof::AccessToken, ..alice.clone() };
    let refused = administration.create_token(&by_access_token, new(hour, None)).await;
    assert!(matches!(refused, Err(AdminError::ByAccessToken)), "{refused:?}");
    for (owner, label) in [("user:bob", "t"), ("robot:ci", "t"), ("group:g", "t")] {
        let new = NewToken { owner: Some(owner.parse().unwrap()), label: label.to_owned(), ..new(hour, None) };
        let refused = administration.create_token(&alice, new).await;
        assert!(matches!(refused, Err(AdminError::Needs(_))), "{refused:?}");
    }
    for label in ["", " ", "a\nb", &"x".repeat(101)] {
        let new = NewToken { label: label.to_owned(), ..new(hour, None) };
        assert!(matches!(administration.create_token(&alice, new).await, Err(AdminError::Label)), "{label:?}");
    }
    assert!(matches!(
        administration.create_token(&Caller::operator(), new(hour, None)).await,
        Err(AdminError::NoOwner)
    ));
}

#[tokio::test]
async fn an_admin_of_some_repositories_gives_what_lies_inside_only() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    seed(&accounts, "bob", vec![grant("other/app", Role::Reader)], &[]).await;
    let alice = caller("alice", &[grant("team-a/**", Role::Admin)]);
    let held =
        |repositories: &str, role| HeldGrant { subject: Subject::User(name("bob")), grant: grant(repositories, role) };
    assert!(administration.add_grant(&alice, &held("team-a/app", Role::Admin)).await.unwrap());
    assert!(!administration.add_grant(&alice, &held("team-a/app", Role::Admin)).await.unwrap());
    for beyond in ["**", "team-*/app", "team-a", "other/app"] {
        let refused = administration.add_grant(&alice, &held(beyond, Role::Reader)).await;
        assert!(matches!(refused, Err(AdminError::Needs(_))), "{beyond}: {refused:?}");
        let refused = administration.remove_grant(&alice, &held(beyond, Role::Reader)).await;
        assert!(matches!(refused, Err(AdminError::Needs(_))), "{beyond}: {refused:?}");
    }
    let seen = administration.grants(&alice, None).await.unwrap();
    assert_eq!(seen, [held("team-a/app", Role::Admin)], "what lies outside is not theirs to see");
    assert_eq!(administration.grants(&Caller::operator(), None).await.unwrap().len(), 2);
    let nobody = caller("carol", &[grant("**", Role::Maintainer)]);
    assert!(matches!(administration.grants(&nobody, None).await, Err(AdminError::Needs(_))));
    administration.remove_grant(&alice, &held("team-a/app", Role::Admin)).await.unwrap();
    let again = administration.remove_grant(&alice, &held("team-a/app", Role::Admin)).await;
    assert!(matches!(again, Err(AdminError::NoSuchGrant(_))), "{again:?}");
}

#[tokio::test]
async fn an_issuer_whose_rules_everybody_meets_is_not_trusted() {
    let accounts = accounts();
    let administration = Administration::of(&accounts);
    let issuer = |address: &str, claims: &[(&str, &str)]| Issuer {
        name: name("github"),
        issuer: address.to_owned(),
        audience: "ringhold".to_owned(),
        rules: vec![Rule {
            claims: claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            grants: vec![grant("a", Role::Reader)],
        }],
        created: Timestamp::now(),
    };
    let claims = [("repository", "o/r")];
    let first = issuer("https://issuer.example", &claims);
    assert!(administration.put_issuer(&first).await.unwrap().0);
    assert!(!administration.put_issuer(&Issuer { created: Timestamp::default(), ..first.clone() }).await.unwrap().0);
    assert_eq!(administration.get::<Issuer>("github").await.unwrap(), first, "it is trusted since it was first");
    assert!(administration.put_issuer(&issuer("aws", &[("account", "123456789012")])).await.is_ok());
    for claims in [&[][..], &[("sub", "*")], &[("iss", "https://issuer.example")]] {
        let refused = administration.put_issuer(&issuer("https://issuer.example", claims)).await;
        assert!(matches!(refused, Err(AdminError::Issuer(IssuerCheckError::Rule { .. }))), "{refused:?}");
    }
    for address in ["", "http://issuer.example", "issuer", "https://"] {
        let refused = administration.put_issuer(&issuer(address, &claims)).await;
        assert!(matches!(refused, Err(AdminError::Issuer(IssuerCheckError::Issuer))), "{address}: {refused:?}");
    }
}

proptest! {
    /// Whoever is given something by an admin of some repositories may do nothing elsewhere.
    #[test]
    fn what_may_be_given_lies_wholly_inside(
        own in "(\\*\\*|[ab*]{1,2})(/(\\*\\*|[ab*]{1,2})){0,2}", given in "(\\*\\*|[ab*]{1,2})(/(\\*\\*|[ab*]{1,2})){0,2}",
        name in "[ab]{1,2}(/[ab]{1,2}){0,3}",
    ) {
        let patterns = (own.parse::<crate::auth::Pattern>(), given.parse::<crate::auth::Pattern>());
        let (Ok(_), Ok(given)) = patterns else { return Ok(()) };
        let powers = Powers::granted(&[grant(&own, Role::Admin)]);
        if powers.administers(&given) && given.matches(&name) {
            prop_assert!(powers.on(&name).contains(Action::Administer));
        }
        prop_assert!(!Powers::granted(&[grant(&own, Role::Maintainer)]).administers(&given));
        prop_assert_eq!(Powers::default().on(&name), Actions::NONE);
    }
}
