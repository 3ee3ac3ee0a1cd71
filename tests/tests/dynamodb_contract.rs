//! What holds for every store of facts, held to tables in the emulator.

use std::sync::Arc;

use shared::metadata::contract::Subject;

mod table;

/// Two clients of one new table.
async fn subject() -> Subject {
    let config = table::fresh().await.expect("the contract needs an emulator");
    let [store, other] = [(); 2].map(|()| table::connect(&config, None));
    Subject { store: Arc::new(store), other: Arc::new(other), rounds: 24, keep: Box::new(()) }
}

shared::metadata_contract!(subject());
