//! The audit: who did what to which repository, from where, by which token, and what was decided. Every act is a line of
//! JSON on standard output, where `CloudWatch` and log collectors take it from; those that change something or were refused
//! are kept in the metadata too, for a while.

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::random_bytes;
use crate::causes::Causes;
use crate::clock::Timestamp;
use crate::metadata::{self, Deed, DeedsWanted, MetadataStore};

/// How long acts are kept.
const KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// How many refusals a second one process keeps: whoever is refused all the time shall not fill the table.
const REFUSALS_A_SECOND: u64 = 10;

/// Something that somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When, in milliseconds since 1970.
    #[serde(default)]
    pub time: Timestamp,
    /// Who.
    pub who: String,
    /// By which token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What: `pull`, `push`, `delete`, `sign-in`, `user.create`, …
    pub action: String,
    /// To which repository, account or other thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Why, or why not.
    pub reason: String,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// With which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// Which acts are asked for.
#[derive(Debug, Clone, Default)]
pub struct ActsWanted {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last.
    pub until: Timestamp,
    /// Only those that come after this one, in the order that they are told in.
    pub after: Option<(Timestamp, String)>,
    /// Whose, if not everybody's.
    pub who: Option<String>,
    /// To what, if not to everything.
    pub object: Option<String>,
    /// Only those that were refused.
    pub refused: bool,
    /// How many at most.
    pub limit: usize,
}

/// An act as it was kept, under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAct {
    /// Its name.
    pub id: String,
    /// The act.
    #[serde(flatten)]
    pub act: Act,
}

/// Where acts are told.
#[derive(Debug)]
pub(super) struct Audit {
    store: Arc<dyn MetadataStore>,
    /// The second that refusals are counted in, and how many there were.
    refusals: AtomicU64,
    /// How many acts were kept: of those of one millisecond, this process tells the later from the earlier by it.
    kept: AtomicU64,
    /// Whether nothing is written to standard output.
    is_quiet: AtomicBool,
}

impl Audit {
    pub(super) const fn in_store(store: Arc<dyn MetadataStore>) -> Self {
        Self { store, refusals: AtomicU64::new(0), kept: AtomicU64::new(0), is_quiet: AtomicBool::new(false) }
    }

    pub(super) fn be_quiet(&self) {
        self.is_quiet.store(true, Ordering::Relaxed);
    }

    /// Tells of an act; keeps it too when `kept`. Nobody is refused anything because their act could not be kept: that it
    /// was not is in the log.
    pub(super) async fn tell(&self, act: &Act, kept: bool) {
        if !self.is_quiet.load(Ordering::Relaxed)
            && let Ok(line) = serde_json::to_string(&serde_json::json!({ "audit": act }))
        {
            drop(writeln!(std::io::stdout().lock(), "{line}"));
        }
        if kept
            && (act.allowed || self.may_keep_refusal(act.time))
            && let Err(error) = self.keep(act).await
        {
            tracing::error!(error = %Causes(&error), "an act could not be kept for the audit");
        }
    }

    fn may_keep_refusal(&self, now: Timestamp) -> bool {
        let second = now.as_millis() / 1000;
        let count = |counted: u64| if counted >> 16 == second { (counted & 0xffff) + 1 } else { 1 };
        let counted = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |counted| {
            Some(second << 16 | count(counted).min(0xffff))
        });
        counted.is_ok_and(|before| count(before) <= REFUSALS_A_SECOND)
    }

    async fn keep(&self, act: &Act) -> metadata::Result<()> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| metadata::Error::Failed(error);
        let random = random_bytes::<6>().map_err(|error| failed(error.into()))?;
        let id = format!("{:016x}-{}", self.kept.fetch_add(1, Ordering::Relaxed), hex::encode(random));
        let body = serde_json::to_value(act).map_err(|error| failed(error.into()))?;
        self.store.record_deed(&Deed { at: act.time, id, body, expires: act.time.plus(KEPT_FOR) }).await
    }

    /// The acts that were kept, the newest first; and from where the list goes on, when it may.
    pub(super) async fn acts(
        &self,
        wanted: &ActsWanted,
    ) -> metadata::Result<(Vec<KeptAct>, Option<(Timestamp, String)>)> {
        const PAGE: usize = 200;
        /// However few acts are like what is asked for, one answer looks through no more pages than this.
        const PAGES: usize = 20;
        let (mut found, mut after) = (Vec::new(), wanted.after.clone());
        for _ in 0..PAGES {
            let page = DeedsWanted {
                from: wanted.from,
                until: wanted.until,
                after: after.clone(),
                limit: PAGE,
                now: Timestamp::now(),
            };
            let deeds = self.store.deeds(&page).await?;
            let is_last = deeds.len() < PAGE;
            for deed in deeds {
                after = Some((deed.at, deed.id.clone()));
                let act: Act =
                    serde_json::from_value(deed.body).map_err(|error| metadata::Error::Corrupt(error.into()))?;
                if is_wanted(&act, wanted) {
                    found.push(KeptAct { id: deed.id, act });
                }
                if found.len() == wanted.limit {
                    return Ok((found, after));
                }
            }
            if is_last {
                return Ok((found, None));
            }
        }
        Ok((found, after))
    }
}

fn is_wanted(act: &Act, wanted: &ActsWanted) -> bool {
    let is_like =
        |text: Option<&str>, wanted: &Option<String>| wanted.as_deref().is_none_or(|wanted| text == Some(wanted));
    is_like(Some(&act.who), &wanted.who)
        && is_like(act.object.as_deref(), &wanted.object)
        && !(wanted.refused && act.allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::MemoryStore;

    /// A minute ago, to the second: the same in one test.
    static BASE: std::sync::LazyLock<u64> =
        std::sync::LazyLock::new(|| Timestamp::now().as_millis() / 1000 * 1000 - 60_000);

    fn act(number: u64, who: &str, allowed: bool) -> Act {
        Act {
            time: Timestamp::from_millis(*BASE + number),
            who: who.to_owned(),
            token: None,
            address: None,
            action: "push".to_owned(),
            object: Some("team-a/app".to_owned()),
            allowed,
            reason: "granted".to_owned(),
            status: Some(201),
            request: None,
        }
    }

    #[tokio::test]
    async fn acts_are_found_again_by_who_and_what() {
        let audit = Audit::in_store(Arc::new(MemoryStore::new()));
        for number in 0..500 {
            let act = act(number, if number % 100 == 0 { "user:bob" } else { "user:alice" }, true);
            audit.tell(&act, true).await;
        }
        let wanted = ActsWanted {
            from: Timestamp::from_millis(*BASE),
            until: Timestamp::from_millis(*BASE + 1000),
            who: Some("user:bob".to_owned()),
            limit: 3,
            ..ActsWanted::default()
        };
        let (found, after) = audit.acts(&wanted).await.unwrap();
        let times = |acts: &[KeptAct]| acts.iter().map(|kept| kept.act.time.as_millis() % 1000).collect::<Vec<_>>();
        assert_eq!(times(&found), [400, 300, 200]);
        let (rest, after) = audit.acts(&ActsWanted { after, ..wanted }).await.unwrap();
        assert_eq!((times(&rest), after), (vec![100, 0], None));
    }

    #[tokio::test]
    async fn acts_of_one_moment_keep_their_order() {
        let audit = Audit::in_store(Arc::new(MemoryStore::new()));
        let names: Vec<_> = (0..20).map(|number| format!("user:{number}")).collect();
        for name in &names {
            audit.tell(&act(0, name, true), true).await;
        }
        let until = Timestamp::from_millis(*BASE + 1);
        let wanted = ActsWanted { from: Timestamp::from_millis(*BASE), until, limit: 100, ..ActsWanted::default() };
        let (found, _) = audit.acts(&wanted).await.unwrap();
        let found: Vec<_> = found.into_iter().rev().map(|kept| kept.act.who).collect();
        assert_eq!(found, names);
    }

    #[tokio::test]
    async fn a_flood_of_refusals_is_not_kept() {
        let audit = Audit::in_store(Arc::new(MemoryStore::new()));
        for _ in 0..50 {
            audit.tell(&act(0, "user:eve", false), true).await;
        }
        audit.tell(&act(1500, "user:eve", false), true).await;
        let until = Timestamp::from_millis(*BASE + 10_000);
        let from = Timestamp::from_millis(*BASE - 10_000);
        let wanted = ActsWanted { from, until, limit: 100, ..ActsWanted::default() };
        assert_eq!(audit.acts(&wanted).await.unwrap().0.len(), 11);
    }
}
