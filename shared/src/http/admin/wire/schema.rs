//! The schemas of texts whose types are the registry's own words.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType};
use utoipa::openapi::{ArrayBuilder, RefOr, Type};

use crate::auth::{Action, Name, Password, Pattern, Role};
use crate::oci::RepositoryName;

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

/// A text that may be null, which says nothing.
fn or_null(text: ObjectBuilder) -> ObjectBuilder {
    text.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

fn list() -> ArrayBuilder {
    ArrayBuilder::new()
}

fn of(list: ArrayBuilder, items: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(list.items(items).description(Some(description)).build()))
}

/// What the names of accounts are made of, as a regular expression.
fn letters_of_names() -> String {
    format!("[A-Za-z0-9][A-Za-z0-9._@+-]{{0,{}}}", Name::MAX_LENGTH - 1)
}

pub(in crate::http::admin) fn name() -> RefOr<Schema> {
    let pattern = format!("^{}$", letters_of_names());
    done(text("A name of a user, robot, group or issuer.", "alice").pattern(Some(pattern)))
}

pub(super) fn names() -> RefOr<Schema> {
    of(list(), name(), "Names of groups.")
}

pub(super) fn names_or_null() -> RefOr<Schema> {
    let list = list().schema_type(SchemaType::from_iter([Type::Array, Type::Null]));
    of(list, name(), "Names of groups.")
}

fn subject_text() -> ObjectBuilder {
    let pattern = format!("^(user|robot|group):{}$", letters_of_names());
    text("A user, robot or group.", "user:alice").pattern(Some(pattern))
}

pub(in crate::http::admin) fn subject() -> RefOr<Schema> {
    done(subject_text())
}

pub(super) fn subject_or_null() -> RefOr<Schema> {
    done(or_null(subject_text()))
}

pub(in crate::http::admin) fn pattern() -> RefOr<Schema> {
    let description = "A pattern of repositories: in a component * stands for any characters, ** for one or more whole \
                       components. ** alone is every repository.";
    // A component: of names' characters and single stars, or two stars.
    let component = r"([a-z0-9._-]|\*(?!\*))+|\*\*";
    let pattern = format!("^({component})(/({component}))*$");
    done(text(description, "team-a/**").max_length(Some(Pattern::MAX_LENGTH)).pattern(Some(pattern)))
}

pub(in crate::http::admin) fn role() -> RefOr<Schema> {
    done(one_of("What is allowed, each role all that the one before it is.", Role::ALL.map(Role::as_str)))
}

pub(super) fn actions() -> RefOr<Schema> {
    of(list(), done(one_of("An action.", Action::ALL.map(Action::as_str))), "What may be done.")
}

pub(in crate::http::admin) fn token_id() -> RefOr<Schema> {
    done(text("The name of a token, which is no secret.", "0123456789abcdef").pattern(Some("^[0-9a-f]{16}$")))
}

pub(in crate::http::admin) fn repository() -> RefOr<Schema> {
    let component = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
    let pattern = format!("^{component}(/{component})*$");
    let text = text("The name of a repository.", "team-a/app").pattern(Some(pattern));
    done(text.max_length(Some(RepositoryName::MAX_LENGTH)))
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

/// A moment, or the beginning of a day.
pub(in crate::http::admin) fn moment_or_day() -> RefOr<Schema> {
    let pattern = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?$";
    done(text("A moment, or a day, which stands for its beginning.", "2026-11-24").pattern(Some(pattern)))
}

/// Where a list goes on.
pub(in crate::http::admin) fn cursor() -> RefOr<Schema> {
    let description = "What an answer says as `next`.";
    done(ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(r"^\d{1,19}-.*$")))
}

/// How many entries are wanted. More than there are at most are as good as the most.
pub(in crate::http::admin) fn count() -> RefOr<Schema> {
    done(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
}

pub(super) fn issuer() -> RefOr<Schema> {
    let text = text("What an issuer calls itself: an https URL, or `aws`.", "https://token.issuer.example");
    done(text.pattern(Some("^(aws|https://[^?#@]+)$")))
}

pub(super) fn claims() -> RefOr<Schema> {
    let value = ObjectBuilder::new().schema_type(Type::String).examples(["repo:owner/name:*"]);
    let claims = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(done(value)));
    done(claims.min_properties(Some(1)))
}

pub(super) fn audience() -> RefOr<Schema> {
    let text = text("Whom tokens are meant for.", "registry.example").pattern(Some("^[!-~]([ -~]*[!-~])?$"));
    done(text.max_length(Some(255)))
}

fn password_text() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Password);
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some("A password.")).format(Some(format));
    text.min_length(Some(Password::LEAST)).max_length(Some(Password::MOST))
}

pub(super) fn password() -> RefOr<Schema> {
    done(password_text())
}

pub(super) fn password_or_null() -> RefOr<Schema> {
    done(or_null(password_text()))
}
