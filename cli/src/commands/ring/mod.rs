//! `ringhold ring`: the ring in operation. The serving process answers, or the stores themselves when none serves from here.

mod args;
mod print;
mod question;

use serde::de::DeserializeOwned;

pub(crate) use args::{RingCommand, ScrubArgs};
pub(crate) use question::{Question, answer};

use self::args::Asked;
use super::operator::{OperatorError, ask_with, registry};
use crate::args::StoreArgs;
use shared::registry::{Finding, Remedy, Scrubbed};

/// Asks the question, and prints the answer.
pub(crate) async fn run(command: RingCommand) -> Result<(), OperatorError> {
    let Asked { store, json, question } = command.read()?;
    let told = match (json, &question) {
        (true, _) => serde_json::to_string_pretty(&ask_ring::<serde_json::Value>(&store, &question).await?)?,
        (false, Question::Show) => print::survey(&ask_ring(&store, &question).await?),
        (false, Question::Plan { rate, .. }) => print::planned(&ask_ring(&store, &question).await?, *rate),
        (false, Question::Apply { .. }) => print::applied(&ask_ring(&store, &question).await?),
        (false, Question::Status) => print::status(&ask_ring(&store, &question).await?),
        (false, Question::Locate { .. }) => print::located(&ask_ring(&store, &question).await?),
        (false, Question::History { .. }) => print::history(&ask_ring::<Vec<_>>(&store, &question).await?),
        (false, Question::Repair) => print::repaired(ask_ring(&store, &question).await?),
        (false, Question::Scrub { .. }) => print::scrubbed(&ask_ring(&store, &question).await?),
    };
    println!("{}", told.trim_end());
    Ok(())
}

/// Reads everything, and prints what is not as it should be; fails when anything is left so.
pub(crate) async fn scrub(args: ScrubArgs) -> Result<(), OperatorError> {
    let Asked { store, json, question } = args.read();
    let scrubbed: Scrubbed = ask_ring(&store, &question).await?;
    println!("{}", if json { serde_json::to_string_pretty(&scrubbed)? } else { print::scrubbed(&scrubbed) });
    if let Some(most) = scrubbed.stopped_at {
        return Err(OperatorError::TooManyLost { most });
    }
    let is_left = |finding: &Finding| matches!(finding.remedy, Remedy::None | Remedy::Lost);
    match scrubbed.findings.iter().filter(|finding| is_left(finding)).count() {
        0 if scrubbed.unlisted == 0 => Ok(()),
        left => Err(OperatorError::Damaged { left, unlisted: scrubbed.unlisted }),
    }
}

async fn ask_ring<T: DeserializeOwned>(store: &StoreArgs, question: &Question) -> Result<T, OperatorError> {
    let told = match &store.metadata {
        None => ask_with(&store.data, "/ring", serde_json::to_vec(question)?).await?,
        Some(_) => None,
    };
    if let Some(told) = told {
        return Ok(serde_json::from_slice(&told)?);
    }
    let told = answer(&registry(store).await?, question.clone()).await.map_err(OperatorError::Ring)?;
    Ok(serde_json::from_value(told)?)
}
