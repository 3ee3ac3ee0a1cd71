//! The part of JSON on which all readers agree.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{Manifest, ManifestError};
use crate::oci::text::excerpt;

/// Checks size, encoding, syntax, depth, list lengths, and that no object has a key twice. Builds no tree.
pub(super) fn check(bytes: &[u8]) -> Result<&str, ManifestError> {
    if bytes.len() > Manifest::MAX_BYTES {
        return Err(ManifestError::TooLarge(bytes.len()));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ManifestError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(ManifestError::NotUtf8)?;
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let walked = Walk { depth: 0, fault: &mut fault }.deserialize(&mut json).and_then(|()| json.end());
    match (fault, walked) {
        (Some(fault), _) => Err(fault),
        (None, walked) => walked.map(|()| text).map_err(ManifestError::Json),
    }
}

/// A walk through one value. What it finds is left in `fault`, for serde's own errors can carry only text.
struct Walk<'a> {
    depth: usize,
    fault: &'a mut Option<ManifestError>,
}

impl Walk<'_> {
    fn refuse<E: Error>(&mut self, fault: ManifestError) -> E {
        let error = E::custom(&fault);
        *self.fault = Some(fault);
        error
    }

    /// The walk through a member or element of this value.
    fn inner(&mut self) -> Walk<'_> {
        Walk { depth: self.depth + 1, fault: self.fault }
    }

    fn check_depth<E: Error>(&mut self) -> Result<(), E> {
        if self.depth < Manifest::MAX_DEPTH { Ok(()) } else { Err(self.refuse(ManifestError::TooDeep)) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut count = 0;
        while elements.next_element_seed(self.inner())?.is_some() {
            count += 1;
            if count > Manifest::MAX_DESCRIPTORS {
                return Err(self.refuse(ManifestError::TooManyDescriptors));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let mut keys = BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(self.refuse(ManifestError::DuplicateKey(excerpt(&key))));
            }
            keys.insert(key);
            members.next_value_seed(self.inner())?;
        }
        Ok(())
    }
}
