//! The schemas of texts whose types are the registry's own words.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat};
use utoipa::openapi::{ArrayBuilder, RefOr, Type};

use crate::auth::{Action, Name, Pattern, Role};

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example])
}

fn one_of(description: &str, values: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    let values: Vec<_> = values.into_iter().collect();
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(values))
}

fn done(object: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.build()))
}

fn list(of: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(of).description(Some(description)).build()))
}

pub(in crate::http::admin) fn name() -> RefOr<Schema> {
    let pattern = format!("^[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{}}}$", Name::MAX_LENGTH - 1);
    done(text("A name of a user, robot, group or issuer.", "alice").pattern(Some(pattern)))
}

pub(super) fn names() -> RefOr<Schema> {
    list(name(), "Names of groups.")
}

pub(in crate::http::admin) fn subject() -> RefOr<Schema> {
    done(text("A user, robot or group.", "user:alice").pattern(Some("^(user|robot|group):.+$")))
}

pub(in crate::http::admin) fn pattern() -> RefOr<Schema> {
    let description = "A pattern of repositories: in a component * stands for any characters, ** for one or more whole \
                       components. ** alone is every repository.";
    done(text(description, "team-a/**").max_length(Some(Pattern::MAX_LENGTH)))
}

pub(in crate::http::admin) fn role() -> RefOr<Schema> {
    done(one_of("What is allowed, each role all that the one before it is.", Role::ALL.map(Role::as_str)))
}

pub(super) fn actions() -> RefOr<Schema> {
    list(done(one_of("An action.", Action::ALL.map(Action::as_str))), "What may be done.")
}

pub(in crate::http::admin) fn token_id() -> RefOr<Schema> {
    done(text("The name of a token, which is no secret.", "0123456789abcdef").pattern(Some("^[0-9a-f]{16}$")))
}

pub(in crate::http::admin) fn repository() -> RefOr<Schema> {
    done(text("The name of a repository.", "team-a/app"))
}

pub(super) fn visibility() -> RefOr<Schema> {
    done(one_of("Who may read it without an account: nobody, or everybody.", ["private", "public"]))
}

pub(super) fn mode() -> RefOr<Schema> {
    done(one_of("Whether anything may be pushed and deleted.", ["read-write", "read-only"]))
}

pub(super) fn kind() -> RefOr<Schema> {
    done(one_of("What a token is for: access, or staying signed in.", ["access", "refresh"]))
}

pub(super) fn moment() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    done(text("A moment.", "2026-11-24T16:41:10Z").format(Some(format)))
}

pub(super) fn password() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    let length = (Some(crate::auth::Password::LEAST), Some(crate::auth::Password::MOST));
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some("A password.")).format(Some(format));
    done(text.min_length(length.0).max_length(length.1))
}
