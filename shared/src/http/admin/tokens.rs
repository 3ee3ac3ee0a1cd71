//! Tokens.

use std::time::Duration;

use http::StatusCode;

use super::AdminRoute;
use super::answer::{Done, page};
use super::wire::{CreateToken, TokenCreated, TokenView, Tokens};
use crate::auth::{NewToken, Subject, TokenId, TokenLife, TokenSeen};
use crate::http::body::WireBody;
use crate::http::error::Error;
use crate::http::{Api, Call};

impl Api {
    pub(super) async fn tokens(&self, call: &Call) -> Result<Done, Error> {
        let (size, after) = (call.query.page_size()?, call.parameter::<TokenId>("last")?);
        let owner: Option<Subject> = call.parameter("owner")?;
        let read = self.administration().tokens(&call.caller, owner.as_ref(), after.as_ref(), size + 1).await?;
        let (tokens, last) = page(read, size, |seen| seen.token.id.as_str());
        let tokens = Tokens { tokens: tokens.into_iter().map(TokenView::from).collect() };
        Ok(Done::told(StatusCode::OK, &tokens).linked(&AdminRoute::Tokens, call, size, last.as_deref()))
    }

    pub(super) async fn known_token(&self, id: &TokenId, call: &Call) -> Result<Done, Error> {
        let seen = self.administration().token(&call.caller, id).await?;
        Ok(Done::told(StatusCode::OK, &TokenView::from(seen)))
    }

    pub(super) async fn create_token(&self, call: &Call, body: WireBody) -> Result<Done, Error> {
        let CreateToken { owner, label, expires_in_seconds, limits } = self.read(body).await?;
        let life = match expires_in_seconds {
            None => TokenLife::Usual,
            Some(None) => TokenLife::Endless,
            Some(Some(seconds)) => TokenLife::Of(Duration::from_secs(seconds)),
        };
        let limits = limits.map(|limits| limits.into_iter().map(Into::into).collect());
        let new = NewToken { owner, label, life, limits };
        let (token, secret) = self.administration().create_token(&call.caller, new).await?;
        let (place, detail) = (AdminRoute::Token { id: token.id.clone() }, format!("of {}", token.owner));
        let created =
            TokenCreated { token: TokenSeen { token, used: None }.into(), secret: secret.expose().to_owned() };
        Ok(Done::created(&created, &place).detail(detail))
    }

    pub(super) async fn remove_token(&self, id: &TokenId, call: &Call) -> Result<Done, Error> {
        let token = self.administration().remove_token(&call.caller, id).await?;
        Ok(Done::silent().detail(format!("of {}", token.owner)))
    }
}
