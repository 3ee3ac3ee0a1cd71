//! Hashing a stream that may outlive the process which began it.

use sha2::digest::common::hazmat::{DeserializeStateError, SerializableState, SerializedState};
use sha2::{Digest as _, Sha256, Sha512};

use super::{Algorithm, Digest, DigestState};

/// A streaming hash that can be put down and taken up again.
///
/// However the bytes are cut, and wherever the state is saved and resumed, the digest is that of the whole.
#[derive(Clone, Debug)]
pub struct Digester(Hasher);

#[derive(Clone, Debug)]
enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Digester {
    /// Begins a hash.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Sha512::new()),
        })
    }

    /// Takes up a hash where [`state`](Self::state) put it down.
    pub fn resume(state: &DigestState) -> Result<Self, ResumeDigestError> {
        let bytes = state.bytes()?;
        Ok(Self(match state.algorithm() {
            Algorithm::Sha256 => Hasher::Sha256(restore(&bytes)?),
            Algorithm::Sha512 => Hasher::Sha512(restore(&bytes)?),
        }))
    }

    /// Where the hash stands now.
    #[must_use]
    pub fn state(&self) -> DigestState {
        match &self.0 {
            Hasher::Sha256(hasher) => DigestState::new(Algorithm::Sha256, &hasher.serialize()),
            Hasher::Sha512(hasher) => DigestState::new(Algorithm::Sha512, &hasher.serialize()),
        }
    }

    /// The algorithm begun.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Hasher::Sha256(_) => Algorithm::Sha256,
            Hasher::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes taken in.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            Hasher::Sha256(hasher) => Digest::of_hash(Algorithm::Sha256, &hasher.finalize()),
            Hasher::Sha512(hasher) => Digest::of_hash(Algorithm::Sha512, &hasher.finalize()),
        }
    }
}

fn restore<H: SerializableState>(bytes: &[u8]) -> Result<H, ResumeDigestError> {
    let state = SerializedState::<H>::try_from(bytes).map_err(|_| ResumeDigestError::WrongLength(bytes.len()))?;
    Ok(H::deserialize(&state)?)
}

/// Why a saved hash cannot be taken up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ResumeDigestError {
    /// The state is not hex.
    #[error("the saved hash state is not hex")]
    NotHex(#[from] hex::FromHexError),
    /// The state is not as long as this algorithm's.
    #[error("the saved hash state has an unexpected length of {0} bytes")]
    WrongLength(usize),
    /// The state contradicts itself.
    #[error("the saved hash state is corrupt")]
    Corrupt(#[from] DeserializeStateError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn saved(json: &str) -> DigestState {
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    /// Saves, sends through JSON, and resumes.
    fn moved(digester: &Digester) -> Digester {
        let json = serde_json::to_string(&digester.state()).unwrap_or_else(|error| panic!("{error}"));
        Digester::resume(&saved(&json)).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_published_vectors_hold() {
        let abc = Digest::of(Algorithm::Sha256, b"abc");
        assert_eq!(abc.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(Digest::of(Algorithm::Sha512, b"abc").hex().starts_with("ddaf35a193617abacc417349ae204131"));
    }

    /// The states after 200 times `a`, as the first release wrote them.
    const SAVED: [(Algorithm, &str); 2] = [
        (
            Algorithm::Sha256,
            concat!(
                r#"{"algorithm":"sha256","state":""#,
                r#"86aeeb765d8d7c125bcaa250bd567d499a3f0946a07cdf415d43fdeb70490c270300000000000000"#,
                r#"08616161616161616100000000000000000000000000000000000000000000000000000000000000"#,
                r#"000000000000000000000000000000000000000000000000"#,
                r#""}"#,
            ),
        ),
        (
            Algorithm::Sha512,
            concat!(
                r#"{"algorithm":"sha512","state":""#,
                r#"041bc1556e7cbf03dc5f28457f75480dc02690fc9b6846edf5804c42a1011728eeafe6ef8b7331ca"#,
                r#"48e2414e8dfef530f45a89747cd57993b0b8bac1eb841e4b01000000000000000000000000000000"#,
                r#"48616161616161616161616161616161616161616161616161616161616161616161616161616161"#,
                r#"61616161616161616161616161616161616161616161616161616161616161616100000000000000"#,
                r#"00000000000000000000000000000000000000000000000000000000000000000000000000000000"#,
                r#"0000000000000000"#,
                r#""}"#,
            ),
        ),
    ];

    /// Uploads survive an upgrade only while this holds: the state is the hash library's own format.
    #[test]
    fn a_state_saved_by_an_earlier_release_still_resumes() {
        for (algorithm, json) in SAVED {
            let mut digester = Digester::new(algorithm);
            digester.update(&[b'a'; 200]);
            assert_eq!(digester.state(), saved(json));
            let mut resumed = Digester::resume(&saved(json)).unwrap_or_else(|error| panic!("{error}"));
            resumed.update(&[b'b'; 100]);
            let whole = [&[b'a'; 200][..], &[b'b'; 100]].concat();
            assert_eq!(resumed.finish(), Digest::of(algorithm, &whole));
        }
    }

    #[test]
    fn a_state_is_small() {
        for algorithm in Algorithm::ALL {
            let json = serde_json::to_string(&Digester::new(algorithm).state()).unwrap_or_default();
            assert!((200..512).contains(&json.len()), "{}", json.len());
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let resume = |json: &str| Digester::resume(&saved(json)).map(|digester| digester.algorithm());
        assert!(matches!(resume(r#"{"algorithm":"sha256","state":"zz"}"#), Err(ResumeDigestError::NotHex(_))));
        assert_eq!(resume(r#"{"algorithm":"sha512","state":"00"}"#), Err(ResumeDigestError::WrongLength(1)));
        let overfull = format!(r#"{{"algorithm":"sha256","state":"{}"}}"#, "ff".repeat(104));
        assert!(matches!(resume(&overfull), Err(ResumeDigestError::Corrupt(_))));
    }

    proptest! {
        #[test]
        fn any_cut_with_a_resume_gives_the_same_digest(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        ) {
            for algorithm in Algorithm::ALL {
                let mut digester = Digester::new(algorithm);
                for chunk in &chunks {
                    digester.update(chunk);
                    digester = moved(&digester);
                    prop_assert_eq!(digester.algorithm(), algorithm);
                }
                prop_assert_eq!(digester.finish(), Digest::of(algorithm, &chunks.concat()));
            }
        }
    }
}
