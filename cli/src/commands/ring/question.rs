//! What the ring can be asked, and the answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::causes::Causes;
use shared::oci::Digest;
use shared::registry::ring::Safety;
use shared::registry::{Registry, Scrub};
use shared::storage::Changes;

/// What the ring can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Question {
    /// What it holds.
    Show,
    /// What a change would move, at so many bytes a second.
    Plan { changes: Changes, rate: u64 },
    /// To be changed.
    Apply { changes: Changes, max_move: f64, now: bool },
    /// How far the last change is carried out.
    Status,
    /// Where a blob belongs, and where it is.
    Locate { digest: Digest },
    /// Its last changes.
    History { limit: usize },
    /// To bring every blob to its homes again.
    Repair,
    /// To read everything.
    Scrub { scrub: Scrub },
}

/// The answer, or why there is none.
pub(crate) async fn answer(registry: &Registry, question: Question) -> Result<Value, String> {
    match question {
        Question::Show => told(registry.survey().await),
        Question::Plan { changes, .. } => told(registry.plan(&changes).await),
        Question::Apply { changes, max_move, now } => told(registry.apply(&changes, Safety { max_move, now }).await),
        Question::Status => told(registry.ring_status().await),
        Question::Locate { digest } => told(registry.locate(&digest).await),
        Question::History { limit } => told(registry.history(limit).await),
        Question::Repair => told(registry.repair().await),
        Question::Scrub { scrub } => told(registry.scrub(&scrub).await),
    }
}

fn told<E: std::error::Error + 'static>(found: Result<impl Serialize, E>) -> Result<Value, String> {
    let found = found.map_err(|error| Causes(&error).to_string())?;
    serde_json::to_value(found).map_err(|error| error.to_string())
}
