//! What holds for every store of facts, held to tables of the emulator.

use std::sync::Arc;

use shared::metadata::contract::Subject;

mod table;

/// Two clients of one new table.
async fn fresh() -> Option<Subject> {
    let table = table::Table::fresh().await?;
    let [store, other] = [(); 2].map(|()| Arc::new(table.connect(None)));
    Some(Subject { store, other, rounds: 24, keep: Box::new(()) })
}

shared::metadata_contract!(fresh());
