//! The files in docs/costs, read and checked.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::price::Prices;
use super::usage::Usage;

/// Everything that the page is computed from.
pub(super) struct Inputs {
    pub(super) prices: Prices,
    pub(super) operations: Vec<Operation>,
    pub(super) uses: Uses,
}

/// What an operation is made of; docs/costs/calls.toml says what each field counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) storage: u32,
    pub(super) metadata: u32,
    #[serde(default = "one")]
    pub(super) requests: u32,
    pub(super) metered: Option<u32>,
    #[serde(default)]
    pub(super) s3_puts: u32,
    #[serde(default)]
    pub(super) s3_gets: u32,
    #[serde(default)]
    pub(super) s3_free: u32,
    #[serde(default)]
    pub(super) client_gets: u32,
    #[serde(default)]
    pub(super) reads: u32,
    #[serde(default)]
    pub(super) writes: u32,
    pub(super) milliseconds: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    operation: Vec<Operation>,
}

/// What is done with the registry; docs/costs/uses.toml says more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uses {
    pub(super) image: Image,
    pub(super) functions: Functions,
    pub(super) first_push: Sequence,
    pub(super) ci_push: Sequence,
    pub(super) pull: Sequence,
    pub(super) check: Sequence,
    pub(super) standing: Standing,
    pub(super) month: Month,
    pub(super) fargate: Fargate,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    pub(super) layers: f64,
    pub(super) layer_mb: f64,
    pub(super) new_layers: f64,
    pub(super) staged_mb: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Functions {
    pub(super) memory_gb: f64,
    pub(super) log_bytes: f64,
}

/// Operations, one after the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    operation: String,
    times: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    pub(super) alarms: f64,
    pub(super) dashboards: f64,
    pub(super) metrics: f64,
    pub(super) scheduled: f64,
    pub(super) scheduled_milliseconds: f64,
    pub(super) scheduled_reads: f64,
    pub(super) scheduled_gets: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Month {
    pub(super) hours: f64,
    pub(super) stored_gb: f64,
    pub(super) staged_days: f64,
    pub(super) table_gb: f64,
    pub(super) pushes: f64,
    pub(super) pulls: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fargate {
    pub(super) vcpu: f64,
    pub(super) memory_gb: f64,
    pub(super) addresses: f64,
}

impl Inputs {
    /// Reads the inputs of the checkout at `root`. Parts that do not add up to their operation are an error.
    pub(super) fn load(root: &Path) -> Result<Self, Error> {
        let directory = root.join("docs").join("costs");
        let calls: Calls = read(&directory.join("calls.toml"))?;
        for operation in &calls.operation {
            operation.check()?;
        }
        Ok(Self {
            prices: read(&directory.join("prices.toml"))?,
            operations: calls.operation,
            uses: read(&directory.join("uses.toml"))?,
        })
    }

    /// What a sequence uses.
    pub(super) fn usage(&self, sequence: &Sequence) -> Result<Usage, Error> {
        let used = sequence.steps.iter().map(|step| {
            let operation = self.operations.iter().find(|operation| operation.name == step.operation);
            let operation = operation.ok_or_else(|| Error::NoSuchOperation(step.operation.clone()))?;
            Ok(Usage::of(operation, &self.uses.functions) * f64::from(step.times))
        });
        used.sum()
    }
}

impl Operation {
    fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::Sum { operation: self.name.clone(), what });
        if self.s3_puts + self.s3_gets + self.s3_free != self.storage {
            return wrong("s3_puts + s3_gets + s3_free is not storage");
        }
        if self.reads + self.writes < self.metadata {
            return wrong("every request to metadata reads or writes at least one unit");
        }
        if self.metered.is_some_and(|metered| metered > 0 && metered < self.requests) {
            return wrong("no request at the gateway is metered as less than one");
        }
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| Error::Malformed { path: path.to_owned(), source: Box::new(error) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    /// The table "Round trips": requests to storage and to metadata, by operation.
    fn counted() -> BTreeMap<&'static str, (u32, u32)> {
        let (_, section) = ARCHITECTURE.split_once("\n## Round trips\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
        rows.map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            let name = cells.next().unwrap();
            (name, (cells.next().unwrap().parse().unwrap(), cells.next().unwrap().parse().unwrap()))
        })
        .collect()
    }

    #[test]
    fn the_calls_are_those_that_are_counted() {
        let counted = counted();
        let operations = Inputs::load(root()).unwrap().operations;
        let shared: Vec<_> = operations.iter().filter(|one| counted.contains_key(one.name.as_str())).collect();
        assert!(shared.len() >= 6, "{shared:?}");
        for operation in shared {
            let calls = (operation.storage, operation.metadata);
            assert_eq!(calls, counted[operation.name.as_str()], "{}", operation.name);
        }
    }

    #[test]
    fn parts_that_do_not_add_up_are_an_error() {
        let parse = |text: &str| toml::from_str::<Operation>(text).unwrap();
        let base = "name = 'x'\nmilliseconds = 1\nmetadata = 1\nreads = 1\n";
        assert!(parse(&format!("{base}storage = 2\ns3_puts = 1\ns3_free = 1")).check().is_ok());
        assert!(parse(&format!("{base}storage = 2\ns3_puts = 1")).check().is_err());
        assert!(parse("name = 'x'\nmilliseconds = 1\nstorage = 0\nmetadata = 1").check().is_err());
        assert!(parse(&format!("{base}storage = 0\nrequests = 2\nmetered = 1")).check().is_err());
    }

    #[test]
    fn a_step_of_an_unknown_operation_is_an_error() {
        let inputs = Inputs::load(root()).unwrap();
        let sequence = Sequence { steps: vec![Step { operation: "none".to_owned(), times: 1 }] };
        assert!(matches!(inputs.usage(&sequence), Err(Error::NoSuchOperation(_))));
    }
}
