//! Free-form metadata on manifests and descriptors.

use std::collections::BTreeMap;

/// Annotations by key: the specification's string-to-string map, in a stable order.
pub type Annotations = BTreeMap<String, String>;
