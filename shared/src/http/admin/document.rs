//! The `OpenAPI` document of these routes: schemas from the types of [`wire`](super::wire), and for each route and method what
//! it is given and answers. A route without an operation does not compile; a test provokes each status that is told of here.
//!
//! It is written down in docs/openapi.json, and answered from there: what writes it is in no program.

use http::{Method, StatusCode};
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::AdminRoute;
use super::wire::schema::{count, cursor, moment_or_day, name, pattern, repository, role, subject, token_id};
use super::wire::{
    Acts, ChangeAccount, ChangeGroup, ChangeUser, CreateAccount, CreateGroup, CreateToken, CreateUser, Failures,
    GroupView, Groups, HeldGrant, HeldGrants, IssuerView, Issuers, KeyView, Keys, Me, ModeView, NewPassword, PutIssuer,
    PutVisibility, Repositories, RepositoryView, RobotView, Robots, RotateKeys, TokenCreated, TokenView, Tokens,
    UserCreated, UserView, Users,
};

const JSON: &str = "application/json";

/// The document as it is answered.
pub(super) const WRITTEN: &str = include_str!("../../../../docs/openapi.json");

/// The whole document.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut schemas = Schemas(Vec::new());
    let mut paths = PathsBuilder::new();
    for route in each() {
        let item = route.methods().iter().map(|method| {
            let told = told(&route, method, &mut schemas);
            PathItem::new(as_openapi(method), told.into_operation(&route, method, &mut schemas))
        });
        let item = item.reduce(|mut all, one| {
            all.merge_operations(one);
            all
        });
        paths = paths.path(route.template(), item.unwrap_or_default());
    }
    let scheme = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas.0)
        .security_scheme("basic", scheme(HttpAuthScheme::Basic))
        .security_scheme("bearer", scheme(HttpAuthScheme::Bearer))
        .build();
    let info = InfoBuilder::new()
        .title("Ringhold: administration of accounts")
        .description(Some(
            "Who has an account, who may do what, and what was done. A password, or a token in its place, is presented by \
             Basic authentication with every request; access tokens of /token that were asked for with the scope \
             registry:admin:* will do too.",
        ))
        .version("v1")
        .build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components)).build()
}

/// The statuses that the document tells of.
#[must_use]
pub fn documented(route: &AdminRoute, method: &Method) -> Vec<StatusCode> {
    let told = told(route, method, &mut Schemas(Vec::new()));
    told.answers.iter().map(|(status, ..)| *status).chain(told.failures).collect()
}

/// One of each kind.
fn each() -> Vec<AdminRoute> {
    match ("name".parse(), "0123456789abcdef".parse()) {
        (Ok(name), Ok(id)) => AdminRoute::each(&name, &id),
        _ => Vec::new(),
    }
}

fn as_openapi(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// The schemas that something refers to.
struct Schemas(Vec<(String, RefOr<Schema>)>);

impl Schemas {
    /// A reference to the schema of a type, which is there from now on with those that it refers to.
    fn of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        if self.0.iter().all(|(known, _)| *known != name) {
            self.0.push((name.clone(), T::schema()));
            T::schemas(&mut self.0);
        }
        RefOr::Ref(Ref::from_schema_name(name))
    }
}

/// What is told of one route and method.
struct Told {
    summary: &'static str,
    query: Vec<Parameter>,
    body: Option<(RefOr<Schema>, Required)>,
    answers: Vec<(StatusCode, &'static str, Option<RefOr<Schema>>)>,
    failures: Vec<StatusCode>,
}

impl Told {
    /// Of what needs somebody who has signed in.
    fn new(summary: &'static str) -> Self {
        let failures = vec![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
        Self { summary, query: Vec::new(), body: None, answers: Vec::new(), failures }
    }

    fn answers<T: ToSchema>(self, status: StatusCode, description: &'static str, schemas: &mut Schemas) -> Self {
        let schema = Some(schemas.of::<T>());
        self.answer(status, description, schema)
    }

    fn silent(self) -> Self {
        self.answer(StatusCode::NO_CONTENT, "It is done.", None)
    }

    fn answer(mut self, status: StatusCode, description: &'static str, schema: Option<RefOr<Schema>>) -> Self {
        self.answers.push((status, description, schema));
        self
    }

    /// What a body says may be malformed, or too long.
    fn body<T: ToSchema>(self, schemas: &mut Schemas) -> Self {
        self.takes::<T>(Required::True, schemas)
    }

    /// The same, where nothing may be said too.
    fn optional_body<T: ToSchema>(self, schemas: &mut Schemas) -> Self {
        self.takes::<T>(Required::False, schemas)
    }

    fn takes<T: ToSchema>(self, required: Required, schemas: &mut Schemas) -> Self {
        let body = Some((schemas.of::<T>(), required));
        Self { body, ..self }.fails(StatusCode::BAD_REQUEST).fails(StatusCode::PAYLOAD_TOO_LARGE)
    }

    fn fails(mut self, status: StatusCode) -> Self {
        if !self.failures.contains(&status) {
            self.failures.push(status);
        }
        self
    }

    /// What a query says may be malformed.
    fn query(self, name: &str, description: &str, schema: RefOr<Schema>) -> Self {
        self.parameter(name, description, schema, Required::False)
    }

    fn needs(self, name: &str, description: &str, schema: RefOr<Schema>) -> Self {
        self.parameter(name, description, schema, Required::True)
    }

    fn parameter(mut self, name: &str, description: &str, schema: RefOr<Schema>, required: Required) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(required);
        self.query.push(parameter.description(Some(description)).schema(Some(schema)).build());
        self.fails(StatusCode::BAD_REQUEST)
    }

    fn paged(self, last: RefOr<Schema>) -> Self {
        let paged =
            self.query("n", "How many entries the page has: 1000 when nothing is said, at most 10000.", count());
        paged.query("last", "Only what comes after this name: the last one of the page before.", last)
    }

    fn into_operation(self, route: &AdminRoute, method: &Method, schemas: &mut Schemas) -> Operation {
        let failures = schemas.of::<Failures>();
        let path = match route {
            AdminRoute::Token { .. } => Some(("id", "The token.", token_id())),
            AdminRoute::User { .. }
            | AdminRoute::Robot { .. }
            | AdminRoute::Group { .. }
            | AdminRoute::Issuer { .. } => Some(("name", "Its name.", name())),
            _ => None,
        };
        let path = path.map(|(name, description, schema)| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            parameter.required(Required::True).description(Some(description)).schema(Some(schema)).build()
        });
        let mut operation = OperationBuilder::new()
            .summary(Some(self.summary))
            .operation_id(Some(operation_id(route, method)))
            .tag(route.template().trim_start_matches(super::ROOT).split('/').next().unwrap_or_default());
        for parameter in path.into_iter().chain(self.query) {
            operation = operation.parameter(parameter);
        }
        if let Some((schema, required)) = self.body {
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let body = RequestBodyBuilder::new().required(Some(required)).content(JSON, content);
            operation = operation.request_body(Some(body.build()));
        }
        for (status, description, schema) in self.answers {
            operation = operation.response(status.as_str(), response(description, schema));
        }
        for status in &self.failures {
            let description = status.canonical_reason().unwrap_or_default();
            operation = operation.response(status.as_str(), response(description, Some(failures.clone())));
        }
        if self.failures.is_empty() {
            return operation.build();
        }
        let any = "The registry cannot answer now (503), or failed.";
        let security = ["basic", "bearer"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
        operation.response("default", response(any, Some(failures))).securities(Some(security)).build()
    }
}

fn response(description: &str, schema: Option<RefOr<Schema>>) -> Response {
    let response = ResponseBuilder::new().description(description);
    match schema {
        Some(schema) => response.content(JSON, ContentBuilder::new().schema(Some(schema)).build()).build(),
        None => response.build(),
    }
}

fn operation_id(route: &AdminRoute, method: &Method) -> String {
    let parts = route.template().trim_start_matches(super::ROOT).split(['/', '.']);
    let parts = parts.map(|part| part.trim_matches(['{', '}'])).collect::<Vec<_>>().join("_");
    format!("{}_{parts}", method.as_str().to_ascii_lowercase())
}

/// What is told of one route and method. Only the methods of the route are asked for.
#[expect(clippy::too_many_lines, reason = "a table, a few lines for each route and method")]
fn told(route: &AdminRoute, method: &Method, schemas: &mut Schemas) -> Told {
    const OK: StatusCode = StatusCode::OK;
    const CREATED: StatusCode = StatusCode::CREATED;
    const BAD: StatusCode = StatusCode::BAD_REQUEST;
    const GONE: StatusCode = StatusCode::NOT_FOUND;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    let s = schemas;
    match (route, method) {
        (AdminRoute::Me, _) => Told::new("Who is asking, and what they may do.").answers::<Me>(OK, "The caller.", s),
        (AdminRoute::OwnPassword, _) => {
            let summary = "Changes the caller's own password, also one that is good for nothing else. It is presented by Basic \
                           authentication, whatever else the caller has. The caller is signed out everywhere.";
            Told::new(summary).body::<NewPassword>(s).silent()
        }
        (AdminRoute::Users, &Method::POST) => Told::new("Makes a user.")
            .body::<CreateUser>(s)
            .answers::<UserCreated>(CREATED, "The user.", s)
            .fails(CONFLICT),
        (AdminRoute::Users, _) => Told::new("Lists users.").paged(name()).answers::<Users>(OK, "A page.", s),
        (AdminRoute::User { .. }, &Method::PATCH) => {
            let told = Told::new("Changes a user.").body::<ChangeUser>(s).answers::<UserCreated>(OK, "The user.", s);
            told.fails(GONE).fails(CONFLICT)
        }
        (AdminRoute::User { .. }, &Method::DELETE) => {
            let told = Told::new("Removes a user, and the user's tokens.").silent();
            told.fails(BAD).fails(GONE).fails(CONFLICT)
        }
        (AdminRoute::User { .. }, _) => {
            Told::new("Shows a user.").answers::<UserView>(OK, "The user.", s).fails(BAD).fails(GONE)
        }
        (AdminRoute::Robots, &Method::POST) => {
            let told = Told::new("Makes a robot.").body::<CreateAccount>(s);
            told.answers::<RobotView>(CREATED, "The robot.", s).fails(CONFLICT)
        }
        (AdminRoute::Robots, _) => Told::new("Lists robots.").paged(name()).answers::<Robots>(OK, "A page.", s),
        (AdminRoute::Robot { .. }, &Method::PATCH) => {
            Told::new("Changes a robot.").body::<ChangeAccount>(s).answers::<RobotView>(OK, "The robot.", s).fails(GONE)
        }
        (AdminRoute::Robot { .. }, &Method::DELETE) => {
            Told::new("Removes a robot, and the robot's tokens.").silent().fails(BAD).fails(GONE)
        }
        (AdminRoute::Robot { .. }, _) => {
            Told::new("Shows a robot.").answers::<RobotView>(OK, "The robot.", s).fails(BAD).fails(GONE)
        }
        (AdminRoute::Groups, &Method::POST) => {
            let told = Told::new("Makes a group.").body::<CreateGroup>(s);
            told.answers::<GroupView>(CREATED, "The group.", s).fails(CONFLICT)
        }
        (AdminRoute::Groups, _) => Told::new("Lists groups.").paged(name()).answers::<Groups>(OK, "A page.", s),
        (AdminRoute::Group { .. }, &Method::PATCH) => {
            let told = Told::new("Changes a group.").body::<ChangeGroup>(s).answers::<GroupView>(OK, "The group.", s);
            told.fails(GONE).fails(CONFLICT)
        }
        (AdminRoute::Group { .. }, &Method::DELETE) => {
            let told = Told::new("Removes a group, and its members from it.").silent();
            told.fails(BAD).fails(GONE).fails(CONFLICT)
        }
        (AdminRoute::Group { .. }, _) => {
            Told::new("Shows a group.").answers::<GroupView>(OK, "The group.", s).fails(BAD).fails(GONE)
        }
        (AdminRoute::Tokens, &Method::POST) => {
            let told =
                Told::new("Makes a token, whose secret is told in the answer and never again.").body::<CreateToken>(s);
            told.answers::<TokenCreated>(CREATED, "The token and its secret.", s).fails(GONE)
        }
        (AdminRoute::Tokens, _) => {
            let told =
                Told::new("Lists tokens: the caller's, or all for who administers the registry.").paged(token_id());
            told.query("owner", "Only those of this user or robot.", subject()).answers::<Tokens>(OK, "A page.", s)
        }
        (AdminRoute::Token { .. }, &Method::DELETE) => {
            Told::new("Removes a token: nobody signs in by it any more.").silent().fails(BAD).fails(GONE)
        }
        (AdminRoute::Token { .. }, _) => {
            Told::new("Shows a token.").answers::<TokenView>(OK, "The token.", s).fails(BAD).fails(GONE)
        }
        (AdminRoute::Grants, &Method::PUT) => Told::new("Grants a role on the repositories of a pattern.")
            .body::<HeldGrant>(s)
            .answers::<HeldGrant>(CREATED, "It is granted now.", s)
            .answers::<HeldGrant>(OK, "It was granted before.", s)
            .fails(GONE),
        (AdminRoute::Grants, &Method::DELETE) => Told::new("Takes a grant back.")
            .needs("subject", "Whose it is.", subject())
            .needs("repositories", "The pattern, as it was granted.", pattern())
            .needs("role", "The role, as it was granted.", role())
            .silent()
            .fails(GONE)
            .fails(CONFLICT),
        (AdminRoute::Grants, _) => {
            let told = Told::new("Lists the grants of users, robots and groups on what the caller administers.");
            let told = told.query("subject", "Only those of this one.", subject());
            told.answers::<HeldGrants>(OK, "The grants.", s).fails(GONE)
        }
        (AdminRoute::Repositories, &Method::PUT) => Told::new("Says who may read a repository without an account.")
            .needs("name", "The repository, whether it exists yet or not.", repository())
            .body::<PutVisibility>(s)
            .answers::<RepositoryView>(CREATED, "It is settled now.", s)
            .answers::<RepositoryView>(OK, "It is settled otherwise now.", s),
        (AdminRoute::Repositories, &Method::DELETE) => {
            Told::new("Settles nothing about a repository any more: it is private.")
                .needs("name", "The repository.", repository())
                .silent()
                .fails(GONE)
        }
        (AdminRoute::Repositories, _) => {
            let told = Told::new("Lists what is settled about repositories that the caller administers.");
            let told = told.query("name", "Only this repository.", repository()).paged(repository());
            told.answers::<Repositories>(OK, "A page.", s).fails(GONE)
        }
        (AdminRoute::Issuers, _) => Told::new("Lists who vouches for callers without an account.")
            .paged(name())
            .answers::<Issuers>(OK, "A page.", s),
        (AdminRoute::Issuer { .. }, &Method::PUT) => Told::new("Trusts an issuer, by these rules and no others.")
            .body::<PutIssuer>(s)
            .answers::<IssuerView>(CREATED, "It is trusted now.", s)
            .answers::<IssuerView>(OK, "It is trusted by other rules now.", s),
        (AdminRoute::Issuer { .. }, &Method::DELETE) => {
            Told::new("Trusts an issuer no longer.").silent().fails(BAD).fails(GONE)
        }
        (AdminRoute::Issuer { .. }, _) => {
            Told::new("Shows an issuer.").answers::<IssuerView>(OK, "The issuer.", s).fails(BAD).fails(GONE)
        }
        (AdminRoute::Keys, _) => {
            Told::new("Lists the public keys that access tokens are signed with.").answers::<Keys>(OK, "The keys.", s)
        }
        (AdminRoute::KeyRotation, _) => {
            let told = Told::new("Signs access tokens with a new key from now on.").optional_body::<RotateKeys>(s);
            told.answers::<KeyView>(OK, "The new key.", s)
        }
        (AdminRoute::Mode, &Method::PUT) => {
            let told = Told::new("Lets things be pushed and deleted, or nothing.").body::<ModeView>(s);
            told.answers::<ModeView>(OK, "The mode.", s)
        }
        (AdminRoute::Mode, _) => {
            Told::new("Whether anything may be pushed and deleted.").answers::<ModeView>(OK, "The mode.", s)
        }
        (AdminRoute::Audit, _) => Told::new("Lists what was done and what was refused, the newest first.")
            .query("from", "From when on; without it, seven days before.", moment_or_day())
            .query("until", "Until when; without it, now.", moment_or_day())
            .query("who", "Only what this caller did.", String::schema())
            .query("object", "Only what was done to this.", String::schema())
            .query("refused", "Whether only what was refused.", bool::schema())
            .query("n", "How many at most: 100 when nothing is said, at most 1000.", count())
            .query("after", "Only those that come after the answer that said this as `next`.", cursor())
            .answers::<Acts>(OK, "The acts.", s),
        (AdminRoute::Document, _) => {
            let anything = ObjectBuilder::new().schema_type(Type::Object).build();
            let told = Told { failures: Vec::new(), ..Told::new("This document.") };
            told.answer(OK, "OpenAPI 3.1.", Some(RefOr::T(Schema::Object(anything))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_and_method_is_in_the_document_and_nothing_else() {
        let document = serde_json::to_value(openapi()).unwrap();
        let mut expected: Vec<(String, Vec<String>)> = Vec::new();
        for route in each() {
            let mut methods: Vec<_> =
                route.methods().iter().map(|method| method.as_str().to_ascii_lowercase()).collect();
            methods.sort();
            expected.push((route.template().to_owned(), methods));
        }
        expected.sort();
        let paths = document["paths"].as_object().unwrap().iter();
        let mut found: Vec<_> = paths
            .map(|(path, item)| (path.clone(), item.as_object().unwrap().keys().cloned().collect::<Vec<_>>()))
            .collect();
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(document["openapi"], "3.1.0");
    }

    /// Writes it down anew when `RINGHOLD_RECORD` is set.
    #[test]
    fn what_is_written_down_is_what_the_types_say() {
        let document = openapi().to_pretty_json().unwrap() + "\n";
        if std::env::var_os("RINGHOLD_RECORD").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
            std::fs::write(file, &document).unwrap();
        } else {
            assert!(document == WRITTEN, "RINGHOLD_RECORD=1 writes docs/openapi.json anew");
        }
    }

    #[test]
    fn each_reference_leads_somewhere_and_each_operation_has_a_name_of_its_own() {
        let text = openapi().to_json().unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let references = text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
        for reference in references {
            assert!(schemas.contains_key(reference), "{reference}");
        }
        let mut names: Vec<_> = text.split("\"operationId\":\"").skip(1).map(|rest| rest.split('"').next()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), all > 30), (all, true));
    }

    #[test]
    fn a_body_that_says_more_than_is_known_is_refused_and_the_document_says_so() {
        let document = serde_json::to_value(openapi()).unwrap();
        for name in ["CreateUser", "ChangeUser", "CreateToken", "HeldGrant", "PutIssuer", "ModeView", "NewPassword"] {
            assert_eq!(document["components"]["schemas"][name]["additionalProperties"], false, "{name}");
        }
    }
}
