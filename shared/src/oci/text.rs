//! What the textual types share: `Display` and serde by way of `as_str` and `FromStr`.

/// Gives a type that has `as_str` and `FromStr` its `Display`, and serde as that string.
macro_rules! as_text {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use as_text;

/// The longest excerpt of foreign text that an error quotes, in characters.
const EXCERPT: usize = 64;

/// The start of `text`, short enough for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first 32 bits of a number written in hex: its point on the ring.
pub(super) fn leading_bits(hex: &str) -> u32 {
    hex.chars().take(8).filter_map(|digit| digit.to_digit(16)).fold(0, |bits, digit| bits << 4 | digit)
}

/// Whether every byte is one of `0-9a-f`.
pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{excerpt, leading_bits};

    #[test]
    fn an_excerpt_is_bounded_and_never_cuts_a_character() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(excerpt(&"é".repeat(1000)), format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn leading_bits_are_the_first_eight_digits() {
        assert_eq!(leading_bits("deadbeef00112233"), 0xdead_beef);
        assert_eq!(leading_bits("0000000100000000"), 1);
    }
}
