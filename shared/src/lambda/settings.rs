//! A function's settings: its environment, read once.

use std::ops::RangeInclusive;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use url::Url;

use crate::auth::{Access, Counted, GateSettings};
use crate::config::{Mistakes, Stores};
use crate::http::{Profile, Settings};
use crate::metadata::DynamoDbConfig;

const STORAGE: &str = "RINGHOLD_STORAGE";
const METADATA: &str = "RINGHOLD_METADATA";
const REPLICAS: &str = "RINGHOLD_REPLICAS";
const REDIRECT_ABOVE: &str = "RINGHOLD_REDIRECT_ABOVE";
const URL_LIFE: &str = "RINGHOLD_URL_LIFE";
const INSECURE_OPEN: &str = "RINGHOLD_INSECURE_OPEN";
const LOG: &str = "RINGHOLD_LOG";
const PUBLIC_URL: &str = "RINGHOLD_PUBLIC_URL";
const FIRST_PASSWORD: &str = "RINGHOLD_FIRST_PASSWORD";

/// A URL that is signed with a function's credentials does not outlive them.
const LONGEST_URL: Duration = Duration::from_hours(6);

/// What is answered inline must pass the gateway.
const INLINE: RangeInclusive<u64> = 0..=Profile::GATEWAY_BODY;

/// Everything that a function needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSettings {
    /// The stores.
    pub stores: Stores,
    /// How requests are answered.
    pub http: Settings,
    /// The name of the secret that is the first administrator's password, for the functions that may read it.
    pub first_password: Option<String>,
    /// What is logged of our own.
    pub log: LevelFilter,
}

impl FunctionSettings {
    /// Reads the process's environment.
    pub fn from_environment() -> Result<Self, Mistakes> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads variables; one that is empty is not set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let set = |name| variable(name).filter(|text| !text.is_empty());
        let or = |name, usual: &dyn ToString| set(name).unwrap_or_else(|| usual.to_string());
        let mut mistakes = Mistakes::default();
        let storage = urls(&mut mistakes, set(STORAGE));
        let metadata = set(METADATA).and_then(|text| mistakes.read::<Url>(METADATA, &text));
        if storage.iter().flatten().any(|url| url.scheme() != "s3") {
            mistakes.add(format!("{STORAGE}: a function's buckets are s3:// URLs"));
        }
        if metadata.as_ref().is_some_and(|url| url.scheme() != DynamoDbConfig::SCHEME) {
            mistakes.add(format!("{METADATA}: a function's table is a dynamodb:// URL"));
        }
        for (name, url) in [(STORAGE, storage.is_some()), (METADATA, metadata.is_some())] {
            if !url && set(name).is_none() {
                mistakes.add(format!("{name} is not set"));
            }
        }
        let replicas = set(REPLICAS).map(|text| mistakes.copies(REPLICAS, &text));
        let above = mistakes.number(REDIRECT_ABOVE, &or(REDIRECT_ABOVE, &Settings::REDIRECT_ABOVE), INLINE);
        let url_life = mistakes.seconds(URL_LIFE, &or(URL_LIFE, &Settings::URL_LIFE.as_secs()), LONGEST_URL);
        let open = mistakes.read(INSECURE_OPEN, &or(INSECURE_OPEN, &false));
        let log = mistakes.read(LOG, &or(LOG, &"info"));
        let settings = (|| {
            let access = if open? { Access::Open } else { Access::Closed };
            let redirect_above = Some(above?);
            let http = Settings {
                profile: Profile::Gateway,
                gate: GateSettings { access, counted: Counted::Together, ..GateSettings::default() },
                public_url: set(PUBLIC_URL),
                redirect_above,
                url_life: url_life?,
                ..Settings::default()
            };
            Some(Self {
                stores: Stores { replicas: replicas.flatten(), ..Stores::new(storage?, metadata?) },
                http,
                first_password: set(FIRST_PASSWORD),
                log: log?,
            })
        })();
        mistakes.judge(settings)
    }
}

fn urls(mistakes: &mut Mistakes, text: Option<String>) -> Option<Vec<Url>> {
    let text = text?;
    let urls: Vec<Option<Url>> = text.split(',').map(|url| mistakes.read(STORAGE, url.trim())).collect();
    urls.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<FunctionSettings, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        FunctionSettings::read(find).map_err(|mistakes| mistakes.to_string())
    }

    const STORES: [(&str, &str); 2] = [(STORAGE, "s3://a?path_style=true, s3://b"), (METADATA, "dynamodb://table")];

    #[test]
    fn stores_are_enough_and_the_registry_is_closed() {
        let settings = read(&STORES).unwrap();
        assert_eq!(settings.stores.storage.len(), 2);
        assert_eq!(settings.http.gate.access, Access::Closed);
        assert_eq!(settings.http.redirect_above, Some(Settings::REDIRECT_ABOVE));
    }

    #[test]
    fn replicas_are_the_rings_own_unless_they_are_told() {
        assert_eq!(read(&STORES).unwrap().stores.replicas, None);
        let told = read(&[STORES.as_slice(), &[(REPLICAS, "2")]].concat()).unwrap();
        assert_eq!(told.stores.replicas, Some(2));
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let empty = [(REPLICAS, ""), (REDIRECT_ABOVE, ""), (URL_LIFE, ""), (INSECURE_OPEN, ""), (LOG, "")];
        assert_eq!(read(&[STORES.as_slice(), &empty].concat()), read(&STORES));
    }

    #[test]
    fn all_mistakes_are_told_together_and_no_text_is_repeated() {
        let wrong = [
            (STORAGE, "s3://a,secret"),
            (REPLICAS, "secret"),
            (REDIRECT_ABOVE, "4194305"),
            (URL_LIFE, "0"),
            (INSECURE_OPEN, "secret"),
            (LOG, "a=secret"),
        ];
        let told = read(&wrong).unwrap_err();
        let named = [STORAGE, METADATA, REPLICAS, REDIRECT_ABOVE, URL_LIFE, INSECURE_OPEN, LOG];
        for name in named {
            assert!(told.contains(&format!("\n  - {name}")), "{name} in {told}");
        }
        assert!(!told.contains("secret"), "{told}");
    }
}
