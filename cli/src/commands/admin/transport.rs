//! How a command reaches the administration: over HTTP where a registry is named, through the socket of the process that
//! serves from the data directory, or in this process when none does. All three ask the same API.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use shared::auth::Caller;
use shared::causes::Causes;
use shared::config::{Aws, Stores};
use shared::http::{Api, Settings, empty, full};
use shared::registry::{Registry, Terms};
use shared::storage::ShardedDriver;
use url::Url;

use super::args::AdminArgs;
use crate::commands::operator::{OperatorError, send};
use crate::remote::{Credentials, DockerConfig, Login, credentials_key, registry_url};
use crate::settings;

/// What every path of the administration begins with.
const ROOT: &str = "/api/v1/";

/// An answer, whatever its status.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: Bytes,
}

/// Asks for what lies at the path, and returns what is told; nothing where nothing is.
pub(super) async fn ask(
    args: &AdminArgs,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value, OperatorError> {
    let target = format!("{ROOT}{path}");
    let body = body.map(|body| body.to_string());
    let answer = match &args.registry {
        Some(registry) => over_http(registry, method, &target, body).await?,
        None => on_this_machine(args, method, &target, body).await?,
    };
    let told = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if answer.status.is_success() {
        return Ok(told);
    }
    let message = told.pointer("/errors/0/message").and_then(Value::as_str);
    let message = message.map_or_else(|| format!("the registry answered {}", answer.status), str::to_owned);
    Err(OperatorError::Refused(message))
}

async fn on_this_machine(
    args: &AdminArgs,
    method: Method,
    target: &str,
    body: Option<String>,
) -> Result<Answer, OperatorError> {
    if args.store.metadata.is_none() {
        let sent = send(&args.store.data, method.clone(), target, body.clone().unwrap_or_default().into()).await?;
        if let Some((status, body)) = sent {
            return Ok(Answer { status, body });
        }
    }
    let stores = settings::stores(&args.store)?;
    match stores.metadata.to_file_path() {
        Ok(file) if !file.exists() && method == Method::GET => {
            return Err(OperatorError::NoData(file.display().to_string()));
        }
        Ok(_) => std::fs::create_dir_all(&args.store.data)?,
        Err(()) => {}
    }
    let metadata = stores.open_metadata(&Aws::default()).await?;
    let registry = Registry::new(nowhere().await?, metadata, Terms::default());
    let api = Api::new(registry, Settings::default()).administering();
    // Who runs the command sees the answer; the audit keeps what has changed.
    api.gate().be_quiet();
    let request = Request::builder().method(method).uri(target).header(CONTENT_TYPE, "application/json");
    let request = request.body(body.map_or_else(empty, full));
    let request = request.map_err(|_| OperatorError::Argument(target.to_owned()))?;
    let (head, body) = api.handle_as(Caller::operator(), request).await.into_parts();
    let body = body.collect().await.map_err(|error| OperatorError::Argument(error.to_string()))?.to_bytes();
    Ok(Answer { status: head.status, body })
}

/// What stands for the buckets where nothing is asked of them, whichever they are. It is written down nowhere.
async fn nowhere() -> Result<Arc<ShardedDriver>, OperatorError> {
    let memory = Url::parse("memory:nowhere").map_err(|error| OperatorError::Argument(error.to_string()))?;
    let stores = Stores::new([memory.clone()], memory);
    Ok(stores.open(&Aws::default()).await?.0)
}

async fn over_http(
    registry: &str,
    method: Method,
    target: &str,
    body: Option<String>,
) -> Result<Answer, OperatorError> {
    let failed = |error: reqwest::Error| {
        OperatorError::Argument(format!("{registry} cannot be reached: {}", Causes(&error.without_url())))
    };
    let base = registry_url(registry, false).ok_or_else(|| {
        let expected = "it is HOST[:PORT] or https://HOST[:PORT]; a password passes no network in clear text";
        OperatorError::Argument(format!("--registry: {expected}"))
    })?;
    let url = base.join(target).map_err(|error| OperatorError::Argument(error.to_string()))?;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(failed)?;
    let request = client.request(method, url).header(CONTENT_TYPE, "application/json");
    let request = match login(&base).await? {
        Some(Login::Password { username, password }) => request.basic_auth(username, Some(password)),
        Some(Login::IdentityToken(_)) => {
            return Err(OperatorError::Argument(
                "docker has kept a session only: set RINGHOLD_USER and RINGHOLD_PASSWORD".to_owned(),
            ));
        }
        None => request,
    };
    let request = match body {
        Some(body) => request.body(body),
        None => request,
    };
    let answer = request.send().await.map_err(failed)?;
    Ok(Answer { status: answer.status(), body: answer.bytes().await.map_err(failed)? })
}

/// Who asks: as the environment says, or as docker has kept.
async fn login(base: &Url) -> Result<Option<Login>, OperatorError> {
    let variable = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
    if let (Some(username), Some(password)) = (variable("RINGHOLD_USER"), variable("RINGHOLD_PASSWORD")) {
        return Ok(Some(Login::Password { username, password }));
    }
    let kept = Credentials::Docker(DockerConfig::new(None)).login(&credentials_key(base)).await;
    kept.map_err(|error| OperatorError::Argument(error.to_string()))
}
