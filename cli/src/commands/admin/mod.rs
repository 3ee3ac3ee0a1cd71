//! `ringhold user`, `robot`, `group`, `token`, `grant`, `repo`, `issuer`, `keys`, `audit` and `mode`: the administration of
//! accounts. Each command is one request to `/api/v1`.

mod args;
mod table;
mod transport;

use std::io::Read;

pub(crate) use args::{
    AuditArgs, GrantCommand, GroupCommand, IssuerCommand, KeysCommand, ModeArgs, RepoCommand, RobotCommand,
    TokenCommand, UserCommand,
};
use http::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use self::args::{AddArgs, AdminArgs, GrantArgs, NamedArgs, RightsArgs, SetArgs};
use self::transport::ask;
use super::operator::OperatorError;

/// How many records one page of a list has.
const PAGE: usize = 1000;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

type Done = Result<(), OperatorError>;

pub(crate) async fn user(command: UserCommand) -> Done {
    match command {
        UserCommand::List(args) => {
            let fields = ["name", "grants", "groups", "is_disabled", "must_change_password", "created"];
            list(&args, "users", "users", &fields).await
        }
        UserCommand::Add { add, password_stdin } => {
            let mut body = account(&add)?;
            if password_stdin {
                body.insert("password".to_owned(), input()?.into());
            }
            let told = ask(&add.admin, Method::POST, "users", Some(body.into())).await?;
            told_of(&add.admin, &told, || match told["password"].as_str() {
                Some(password) => println!(
                    "{} is there. The first password, which is told once and has to be changed:\n{password}",
                    add.name
                ),
                None => println!("{} is there", add.name),
            });
            Ok(())
        }
        UserCommand::Set { set, password_stdin } => {
            let mut body = change(&set)?;
            if password_stdin {
                body.insert("password".to_owned(), input()?.into());
            }
            changed(&set, "users", body).await
        }
        UserCommand::Remove(args) => remove(&args, "users").await,
        UserCommand::Password(args) => {
            let body = json!({ "password": input()? });
            let told = ask(&args, Method::PUT, "users/me/password", Some(body)).await?;
            told_of(&args, &told, || println!("the password is changed; whoever was signed in has to sign in anew"));
            Ok(())
        }
    }
}

pub(crate) async fn robot(command: RobotCommand) -> Done {
    match command {
        RobotCommand::List(args) => {
            list(&args, "robots", "robots", &["name", "grants", "groups", "is_disabled", "created"]).await
        }
        RobotCommand::Add(add) => made(&add, "robots").await,
        RobotCommand::Set(set) => changed(&set, "robots", change(&set)?).await,
        RobotCommand::Remove(args) => remove(&args, "robots").await,
    }
}

pub(crate) async fn group(command: GroupCommand) -> Done {
    match command {
        GroupCommand::List(args) => list(&args, "groups", "groups", &["name", "grants", "created"]).await,
        GroupCommand::Add(add) => {
            let body = json!({ "name": add.name, "grants": grants(&add.rights)? });
            let told = ask(&add.admin, Method::POST, "groups", Some(body)).await?;
            told_of(&add.admin, &told, || println!("{} is there", add.name));
            Ok(())
        }
        GroupCommand::Remove(args) => remove(&args, "groups").await,
    }
}

pub(crate) async fn token(command: TokenCommand) -> Done {
    match command {
        TokenCommand::List { owner, admin } => {
            let path = with_query("tokens", &[("owner", owner.as_deref())]);
            list(&admin, &path, "tokens", &["id", "owner", "kind", "label", "limits", "expires", "last_used"]).await
        }
        TokenCommand::Add { owner, label, expires_in, limits, admin } => {
            let mut body = json!({ "label": label, "expires_in_seconds": expires_in.saturating_mul(DAY) });
            if let Some(owner) = owner {
                body["owner"] = owner.into();
            }
            if !limits.is_empty() {
                body["limits"] = limits.iter().map(|text| limit(text)).collect::<Result<Vec<_>, _>>()?.into();
            }
            let told = ask(&admin, Method::POST, "tokens", Some(body)).await?;
            told_of(&admin, &told, || {
                eprintln!("the secret of token {}, which is told once:", shown(&told["token"]["id"]));
                println!("{}", shown(&told["secret"]));
            });
            Ok(())
        }
        TokenCommand::Remove(args) => remove(&args, "tokens").await,
    }
}

pub(crate) async fn grant(command: GrantCommand) -> Done {
    match command {
        GrantCommand::List { subject, admin } => {
            let path = with_query("grants", &[("subject", subject.as_deref())]);
            list(&admin, &path, "grants", &["subject", "role", "repositories"]).await
        }
        GrantCommand::Add(args) => {
            let body = json!({ "subject": args.subject, "role": args.role, "repositories": args.repositories });
            let told = ask(&args.admin, Method::PUT, "grants", Some(body)).await?;
            granted(&args, &told, "is");
            Ok(())
        }
        GrantCommand::Remove(args) => {
            let query = [
                ("subject", Some(args.subject.as_str())),
                ("role", Some(args.role.as_str())),
                ("repositories", Some(args.repositories.as_str())),
            ];
            let told = ask(&args.admin, Method::DELETE, &with_query("grants", &query), None).await?;
            granted(&args, &told, "is no longer");
            Ok(())
        }
    }
}

fn granted(args: &GrantArgs, told: &Value, is: &str) {
    told_of(&args.admin, told, || println!("{} {is} {} of {}", args.subject, args.role, args.repositories));
}

pub(crate) async fn repo(command: RepoCommand) -> Done {
    match command {
        RepoCommand::List(args) => list(&args, "repositories", "repositories", &["name", "visibility"]).await,
        RepoCommand::Set { name, public, private: _, admin } => {
            let visibility = if public { "public" } else { "private" };
            let path = with_query("repositories", &[("name", Some(&name))]);
            let told = ask(&admin, Method::PUT, &path, Some(json!({ "visibility": visibility }))).await?;
            told_of(&admin, &told, || println!("{name} is {visibility}"));
            Ok(())
        }
        RepoCommand::Remove(args) => {
            let path = with_query("repositories", &[("name", Some(&args.name))]);
            ask(&args.admin, Method::DELETE, &path, None).await?;
            println!("{} is private", args.name);
            Ok(())
        }
    }
}

pub(crate) async fn issuer(command: IssuerCommand) -> Done {
    match command {
        IssuerCommand::List(args) => list(&args, "issuers", "issuers", &["name", "issuer", "audience"]).await,
        IssuerCommand::Set(args) => {
            let mut body: Value = serde_json::from_str(&input()?)?;
            // Its name is told already.
            if let Some(fields) = body.as_object_mut() {
                fields.remove("name");
            }
            let told = ask(&args.admin, Method::PUT, &format!("issuers/{}", args.name), Some(body)).await?;
            told_of(&args.admin, &told, || println!("{} is trusted", args.name));
            Ok(())
        }
        IssuerCommand::Remove(args) => remove(&args, "issuers").await,
    }
}

pub(crate) async fn keys(command: KeysCommand) -> Done {
    match command {
        KeysCommand::List(args) => list(&args, "keys", "keys", &["kid", "created", "retires"]).await,
        KeysCommand::Rotate { at_once, admin } => {
            let told = ask(&admin, Method::POST, "keys/rotate", Some(json!({ "at_once": at_once }))).await?;
            told_of(&admin, &told, || println!("tokens are signed with {} from now on", shown(&told["kid"])));
            Ok(())
        }
    }
}

pub(crate) async fn audit(args: AuditArgs) -> Done {
    let limit = args.limit.to_string();
    let query = [
        ("n", Some(limit.as_str())),
        ("who", args.who.as_deref()),
        ("object", args.object.as_deref()),
        ("from", args.from.as_deref()),
        ("refused", args.refused.then_some("true")),
    ];
    let told = ask(&args.admin, Method::GET, &with_query("audit", &query), None).await?;
    told_of(&args.admin, &told["acts"], || {
        table::print(&told["acts"], &["time", "who", "action", "object", "allowed", "reason", "address", "token"]);
    });
    Ok(())
}

pub(crate) async fn mode(args: ModeArgs) -> Done {
    let told = match args.mode {
        Some(mode) => ask(&args.admin, Method::PUT, "mode", Some(json!({ "mode": mode }))).await?,
        None => ask(&args.admin, Method::GET, "mode", None).await?,
    };
    told_of(&args.admin, &told, || println!("{}", shown(&told["mode"])));
    Ok(())
}

/// Prints every record of a list.
async fn list(args: &AdminArgs, path: &str, name: &str, fields: &[&str]) -> Done {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let last = all.last().and_then(|row| row["name"].as_str().or(row["id"].as_str()));
        let last = last.map(|last| format!("&{}", Serializer::new(String::new()).append_pair("last", last).finish()));
        let page = format!("{path}{joint}n={PAGE}{}", last.unwrap_or_default());
        let mut told = ask(args, Method::GET, &page, None).await?;
        let rows = told[name].as_array_mut().map(std::mem::take).unwrap_or_default();
        // What has no name to go on from comes whole.
        let is_last =
            rows.len() < PAGE || rows.last().is_none_or(|row| row["name"].as_str().or(row["id"].as_str()).is_none());
        all.extend(rows);
        if is_last {
            break;
        }
    }
    let all = Value::from(all);
    told_of(args, &all, || table::print(&all, fields));
    Ok(())
}

async fn made(add: &AddArgs, path: &str) -> Done {
    let told = ask(&add.admin, Method::POST, path, Some(account(add)?.into())).await?;
    told_of(&add.admin, &told, || println!("{} is there", add.name));
    Ok(())
}

async fn changed(set: &SetArgs, path: &str, body: Map<String, Value>) -> Done {
    let told = ask(&set.admin, Method::PATCH, &format!("{path}/{}", set.name), Some(body.into())).await?;
    told_of(&set.admin, &told, || println!("{} is changed", set.name));
    Ok(())
}

async fn remove(args: &NamedArgs, path: &str) -> Done {
    let told = ask(&args.admin, Method::DELETE, &format!("{path}/{}", args.name), None).await?;
    told_of(&args.admin, &told, || println!("{} is removed", args.name));
    Ok(())
}

/// Prints an answer as JSON, where that is wanted, or for reading.
fn told_of(args: &AdminArgs, told: &Value, read: impl FnOnce()) {
    if args.json {
        println!("{told:#}");
    } else {
        read();
    }
}

fn account(add: &AddArgs) -> Result<Map<String, Value>, OperatorError> {
    let mut body = Map::new();
    body.insert("name".to_owned(), add.name.clone().into());
    body.insert("grants".to_owned(), grants(&add.rights)?.into());
    body.insert("groups".to_owned(), add.rights.groups.clone().into());
    Ok(body)
}

fn change(set: &SetArgs) -> Result<Map<String, Value>, OperatorError> {
    let mut body = Map::new();
    if set.rights.admin || !set.rights.grants.is_empty() {
        body.insert("grants".to_owned(), grants(&set.rights)?.into());
    }
    if !set.rights.groups.is_empty() {
        body.insert("groups".to_owned(), set.rights.groups.clone().into());
    }
    if set.disable || set.enable {
        body.insert("is_disabled".to_owned(), set.disable.into());
    }
    Ok(body)
}

fn grants(rights: &RightsArgs) -> Result<Vec<Value>, OperatorError> {
    let one = |text: &String| {
        let (role, repositories) = text
            .split_once(':')
            .ok_or_else(|| OperatorError::Argument(format!("--grant {text:?}: it is ROLE:PATTERN")))?;
        Ok(json!({ "role": role, "repositories": repositories }))
    };
    let mut grants = rights.grants.iter().map(one).collect::<Result<Vec<_>, OperatorError>>()?;
    if rights.admin {
        grants.push(json!({ "role": "admin", "repositories": "**" }));
    }
    Ok(grants)
}

fn limit(text: &str) -> Result<Value, OperatorError> {
    let (repositories, actions) = text
        .split_once('=')
        .ok_or_else(|| OperatorError::Argument(format!("--limit {text:?}: it is PATTERN=ACTION,ACTION")))?;
    Ok(json!({ "repositories": repositories, "actions": actions.split(',').collect::<Vec<_>>() }))
}

fn with_query(path: &str, query: &[(&str, Option<&str>)]) -> String {
    let mut pairs = Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    let query = pairs.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What comes from standard input, without the line's end.
fn input() -> Result<String, OperatorError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn shown(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
