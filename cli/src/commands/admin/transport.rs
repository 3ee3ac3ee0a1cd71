//! How a command reaches the administration: over HTTP where a registry is named, through the socket of the process that
//! serves from the data directory, or in this process when none does. All three ask the same API.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use shared::auth::Caller;
use shared::config::Aws;
use shared::http::{Api, Settings, empty, full};
use shared::registry::{Registry, Terms};
use url::Url;

use super::args::AdminArgs;
use crate::commands::operator::{OperatorError, send};
use crate::remote::{Credentials, DockerConfig, Login, credentials_key, is_loopback};
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
    let (storage, metadata) = stores.open(&Aws::default()).await?;
    let api = Api::new(Registry::new(storage, metadata, Terms::default()), Settings::default()).administering();
    // Who runs the command sees the answer; the audit keeps what has changed.
    api.gate().be_quiet();
    let request = Request::builder().method(method).uri(target).header(CONTENT_TYPE, "application/json");
    let request = request.body(body.map_or_else(empty, full));
    let request = request.map_err(|_| OperatorError::Argument(target.to_owned()))?;
    let (head, body) = api.handle_as(Caller::operator(), request).await.into_parts();
    let body = body.collect().await.map_err(|error| OperatorError::Argument(error.to_string()))?.to_bytes();
    Ok(Answer { status: head.status, body })
}

async fn over_http(
    registry: &str,
    method: Method,
    target: &str,
    body: Option<String>,
) -> Result<Answer, OperatorError> {
    let failed = |error: reqwest::Error| OperatorError::Argument(format!("{registry} cannot be reached: {error}"));
    let base: Url = registry.parse().map_err(|error| OperatorError::Argument(format!("--registry: {error}")))?;
    let url = base.join(target).map_err(|error| OperatorError::Argument(format!("--registry: {error}")))?;
    if base.scheme() != "https" && !is_loopback(&base) {
        return Err(OperatorError::Argument("--registry: a password passes the network over https:// only".to_owned()));
    }
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
