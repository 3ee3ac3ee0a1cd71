//! The paths below `/api/v1`. `Display` is the inverse of `parse`.

use std::fmt;

use http::Method;

use super::super::route::RouteError;
use crate::auth::{Name, TokenId};

/// What all of them begin with.
pub const ROOT: &str = "/api/v1/";

/// What a path of the administration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminRoute {
    /// `me`: who is asking.
    Me,
    /// `users/me/password`: the caller's own.
    OwnPassword,
    /// `users`
    Users,
    /// `users/<name>`
    User {
        /// The user.
        name: Name,
    },
    /// `robots`
    Robots,
    /// `robots/<name>`
    Robot {
        /// The robot.
        name: Name,
    },
    /// `groups`
    Groups,
    /// `groups/<name>`
    Group {
        /// The group.
        name: Name,
    },
    /// `tokens`
    Tokens,
    /// `tokens/<id>`
    Token {
        /// The token.
        id: TokenId,
    },
    /// `grants`
    Grants,
    /// `repositories`: names have slashes, so one is told in the query.
    Repositories,
    /// `issuers`
    Issuers,
    /// `issuers/<name>`
    Issuer {
        /// The issuer.
        name: Name,
    },
    /// `keys`
    Keys,
    /// `keys/rotate`
    KeyRotation,
    /// `mode`
    Mode,
    /// `audit`
    Audit,
    /// `openapi.json`
    Document,
}

impl AdminRoute {
    /// What the path below [`ROOT`] names, decoded.
    pub(in crate::http) fn parse(path: &str) -> Result<Self, RouteError> {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            ["me"] => Ok(Self::Me),
            ["users", "me", "password"] => Ok(Self::OwnPassword),
            ["users"] => Ok(Self::Users),
            ["users", name] => Ok(Self::User { name: name.parse()? }),
            ["robots"] => Ok(Self::Robots),
            ["robots", name] => Ok(Self::Robot { name: name.parse()? }),
            ["groups"] => Ok(Self::Groups),
            ["groups", name] => Ok(Self::Group { name: name.parse()? }),
            ["tokens"] => Ok(Self::Tokens),
            ["tokens", id] => Ok(Self::Token { id: id.parse()? }),
            ["grants"] => Ok(Self::Grants),
            ["repositories"] => Ok(Self::Repositories),
            ["issuers"] => Ok(Self::Issuers),
            ["issuers", name] => Ok(Self::Issuer { name: name.parse()? }),
            ["keys"] => Ok(Self::Keys),
            ["keys", "rotate"] => Ok(Self::KeyRotation),
            ["mode"] => Ok(Self::Mode),
            ["audit"] => Ok(Self::Audit),
            ["openapi.json"] => Ok(Self::Document),
            _ => Err(RouteError::Unknown),
        }
    }

    /// What can be done here.
    #[must_use]
    pub const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Me | Self::Issuers | Self::Keys | Self::Audit | Self::Document => &[Method::GET],
            Self::OwnPassword => &[Method::PUT],
            Self::Users | Self::Robots | Self::Groups | Self::Tokens => &[Method::GET, Method::POST],
            Self::User { .. } | Self::Robot { .. } | Self::Group { .. } => {
                &[Method::GET, Method::PATCH, Method::DELETE]
            }
            Self::Token { .. } => &[Method::GET, Method::DELETE],
            Self::Grants | Self::Repositories | Self::Issuer { .. } => &[Method::GET, Method::PUT, Method::DELETE],
            Self::KeyRotation => &[Method::POST],
            Self::Mode => &[Method::GET, Method::PUT],
        }
    }

    /// What the audit calls a request of this method that changes something.
    #[must_use]
    pub fn action(&self, method: &Method) -> &'static str {
        let one_of = |created, changed, removed| match *method {
            Method::POST => created,
            Method::DELETE => removed,
            _ => changed,
        };
        match self {
            Self::OwnPassword => "user.password",
            Self::Users | Self::User { .. } => one_of("user.create", "user.change", "user.remove"),
            Self::Robots | Self::Robot { .. } => one_of("robot.create", "robot.change", "robot.remove"),
            Self::Groups | Self::Group { .. } => one_of("group.create", "group.change", "group.remove"),
            Self::Tokens | Self::Token { .. } => one_of("token.create", "token.change", "token.remove"),
            Self::Grants => one_of("grant.add", "grant.add", "grant.remove"),
            Self::Repositories => one_of("repository.set", "repository.set", "repository.unset"),
            Self::Issuers | Self::Issuer { .. } => one_of("issuer.set", "issuer.set", "issuer.remove"),
            Self::Keys | Self::KeyRotation => "keys.rotate",
            Self::Mode => "mode.set",
            Self::Me | Self::Audit | Self::Document => "administer",
        }
    }

    /// What the audit calls that which the path names, where it names one thing.
    #[must_use]
    pub fn object(&self) -> Option<String> {
        match self {
            Self::User { name } => Some(format!("user:{name}")),
            Self::Robot { name } => Some(format!("robot:{name}")),
            Self::Group { name } => Some(format!("group:{name}")),
            Self::Issuer { name } => Some(format!("issuer:{name}")),
            Self::Token { id } => Some(format!("token:{id}")),
            Self::Me | Self::OwnPassword | Self::Users | Self::Robots | Self::Groups | Self::Tokens => None,
            Self::Grants | Self::Repositories | Self::Issuers | Self::Keys | Self::KeyRotation => None,
            Self::Mode | Self::Audit | Self::Document => None,
        }
    }

    /// The path, with names in braces for what differs.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Me => "/api/v1/me",
            Self::OwnPassword => "/api/v1/users/me/password",
            Self::Users => "/api/v1/users",
            Self::User { .. } => "/api/v1/users/{name}",
            Self::Robots => "/api/v1/robots",
            Self::Robot { .. } => "/api/v1/robots/{name}",
            Self::Groups => "/api/v1/groups",
            Self::Group { .. } => "/api/v1/groups/{name}",
            Self::Tokens => "/api/v1/tokens",
            Self::Token { .. } => "/api/v1/tokens/{id}",
            Self::Grants => "/api/v1/grants",
            Self::Repositories => "/api/v1/repositories",
            Self::Issuers => "/api/v1/issuers",
            Self::Issuer { .. } => "/api/v1/issuers/{name}",
            Self::Keys => "/api/v1/keys",
            Self::KeyRotation => "/api/v1/keys/rotate",
            Self::Mode => "/api/v1/mode",
            Self::Audit => "/api/v1/audit",
            Self::Document => "/api/v1/openapi.json",
        }
    }

    /// One of each kind, whatever its name.
    #[must_use]
    pub fn each(name: &Name, id: &TokenId) -> Vec<Self> {
        let name = || name.clone();
        vec![
            Self::Me,
            Self::OwnPassword,
            Self::Users,
            Self::User { name: name() },
            Self::Robots,
            Self::Robot { name: name() },
            Self::Groups,
            Self::Group { name: name() },
            Self::Tokens,
            Self::Token { id: id.clone() },
            Self::Grants,
            Self::Repositories,
            Self::Issuers,
            Self::Issuer { name: name() },
            Self::Keys,
            Self::KeyRotation,
            Self::Mode,
            Self::Audit,
            Self::Document,
        ]
    }
}

impl fmt::Display for AdminRoute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = self.template();
        match self {
            Self::User { name } | Self::Robot { name } | Self::Group { name } | Self::Issuer { name } => {
                formatter.write_str(&template.replace("{name}", name.as_str()))
            }
            Self::Token { id } => formatter.write_str(&template.replace("{id}", id.as_str())),
            Self::Me | Self::OwnPassword | Self::Users | Self::Robots | Self::Groups | Self::Tokens => {
                formatter.write_str(template)
            }
            Self::Grants | Self::Repositories | Self::Issuers | Self::Keys | Self::KeyRotation => {
                formatter.write_str(template)
            }
            Self::Mode | Self::Audit | Self::Document => formatter.write_str(template),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem::discriminant;

    use super::super::super::route::Route;
    use super::*;

    fn each() -> Vec<AdminRoute> {
        AdminRoute::each(&"a.b@c+d".parse().unwrap(), &"0123456789abcdef".parse().unwrap())
    }

    #[test]
    fn a_route_reads_back_from_its_own_path() {
        for route in each() {
            assert!(route.template().starts_with(ROOT), "{route}");
            assert_eq!(Route::parse(&route.to_string(), &Method::GET), Ok(Route::Admin(route)));
        }
    }

    #[test]
    fn each_kind_is_among_them_once() {
        // The compiler says so here when one is added, and `each` must have it too.
        let known = |route: &AdminRoute| match route {
            AdminRoute::Me | AdminRoute::OwnPassword | AdminRoute::Users | AdminRoute::User { .. } => 0,
            AdminRoute::Robots | AdminRoute::Robot { .. } | AdminRoute::Groups | AdminRoute::Group { .. } => 1,
            AdminRoute::Tokens | AdminRoute::Token { .. } | AdminRoute::Grants | AdminRoute::Repositories => 2,
            AdminRoute::Issuers | AdminRoute::Issuer { .. } | AdminRoute::Keys | AdminRoute::KeyRotation => 3,
            AdminRoute::Mode | AdminRoute::Audit | AdminRoute::Document => 4,
        };
        let each = each();
        assert_eq!(each.iter().map(discriminant).collect::<HashSet<_>>().len(), each.len());
        let of = |wanted| each.iter().filter(|route| known(route) == wanted).count();
        assert_eq!([of(0), of(1), of(2), of(3), of(4)], [4, 4, 4, 4, 3]);
    }

    #[test]
    fn what_is_no_path_of_the_administration_is_unknown_and_no_name_is_said() {
        for path in ["/api/v1/", "/api/v1", "/api/v1/x", "/api/v1/users/", "/api/v1/users/a/b", "/api/v2/users", "/api"]
        {
            let parsed = Route::parse(path, &Method::GET);
            assert!(matches!(parsed, Err(RouteError::Unknown | RouteError::Account(_))), "{path}: {parsed:?}");
        }
        for path in ["/api/v1/users/-", "/api/v1/robots/a%20b", "/api/v1/groups/%2e%2e", "/api/v1/issuers/é"] {
            let parsed = Route::parse(path, &Method::GET);
            assert!(matches!(parsed, Err(RouteError::Account(_) | RouteError::Unknown)), "{path}: {parsed:?}");
        }
        assert!(matches!(Route::parse("/api/v1/tokens/x", &Method::GET), Err(RouteError::TokenId(_))));
    }
}
