//! Who is asking, and their own password.

use http::StatusCode;

use super::answer::Done;
use super::wire::{Me, NewPassword};
use crate::auth::{Caller, Credentials, Password, Principal, SignInError, Subject};
use crate::http::admission::credentials;
use crate::http::body::WireBody;
use crate::http::error::{Error, Refusal};
use crate::http::{Api, Call};

impl Api {
    pub(super) fn me(call: &Call) -> Done {
        let Caller { principal, powers, token, .. } = &call.caller;
        let me = Me {
            principal: principal.to_string(),
            token: token.clone(),
            administers: powers.administers_all(),
            permits: powers.permits().iter().map(Into::into).collect(),
            limits: powers.limits().map(|limits| limits.iter().map(Into::into).collect()),
        };
        Done::told(StatusCode::OK, &me)
    }

    /// Asks for the password itself, also where it is good for nothing else: nothing that was handed out for it will do.
    pub(super) async fn change_own_password(&self, call: &mut Call, body: WireBody) -> Result<Done, Error> {
        if self.gate.is_open().await? {
            return Err(Error::Unclaimed);
        }
        let (name, password) = match credentials(&call.headers) {
            Some(Credentials::Basic { user, password }) => (user, password),
            Some(Credentials::None | Credentials::Bearer(_)) => {
                let refusal = Refusal::NoCredentials;
                return Err(Error::Unauthorized { challenge: call.challenge.clone().refusing(refusal), refusal });
            }
            None => return Err(self.unrecognised(call, SignInError::Wrong.into()).await),
        };
        let user = match self.gate.user(&name, &password, call.address).await {
            Ok(user) => user,
            Err(error) => return Err(self.unrecognised(call, error.into()).await),
        };
        let principal = Principal::Account(Subject::User(user.name.clone()));
        call.caller.principal = principal;
        let NewPassword { password: new } = self.read(body).await?;
        self.administration().change_own_password(&user, &password, &Password::given(new)).await?;
        Ok(Done::silent().to(format!("user:{}", user.name)))
    }
}
