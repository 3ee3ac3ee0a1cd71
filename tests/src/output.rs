//! What a program writes, read as it comes, so that it never waits for a reader; and that there is no secret in it.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::accounts::PASSWORD;

/// What secrets look like, of whatever kind: the usual password, tokens, hashes, what signs and what is signed.
const SIGNS: [&str; 8] = [
    PASSWORD,
    "rht_",
    "eyJ",
    "$argon2",
    "PRIVATE KEY",
    "X-Amz-Signature=",
    "X-Amz-Credential=",
    "X-Amz-Security-Token=",
];

/// What comes out of a program's pipes.
#[derive(Debug, Default)]
pub struct Output {
    written: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Output {
    /// Reads what comes out of this one too.
    pub fn gather(&mut self, mut pipe: impl Read + Send + 'static) {
        let written = Arc::clone(&self.written);
        self.readers.push(std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                written.lock().expect("nobody panics here").extend_from_slice(&piece[..length]);
            }
        }));
    }

    /// All that was written by a program that has ended.
    pub fn end(&mut self) -> String {
        self.readers.drain(..).for_each(|reader| reader.join().expect("its output can be read"));
        String::from_utf8_lossy(&self.written.lock().expect("nobody panics here")).into_owned()
    }
}

/// Fails the test when what was written tells a secret, unless it has failed already.
pub fn assert_no_secret(written: &str) {
    if !std::thread::panicking() {
        let telling = written.lines().find(|line| SIGNS.iter().any(|sign| line.contains(sign)) || tells_password(line));
        assert!(telling.is_none(), "a secret was written: {telling:?}");
    }
}

/// Whether a name and password stand in the line, as Basic authentication has them.
fn tells_password(line: &str) -> bool {
    let is_password = |rest: &str| {
        let text = rest.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c)).next().unwrap_or_default();
        STANDARD.decode(text).is_ok_and(|decoded| decoded.contains(&b':'))
    };
    line.split("Basic ").skip(1).any(is_password)
}

#[cfg(test)]
mod tests {
    use shared::auth::TokenSecret;

    use super::*;
    use crate::accounts::basic;

    #[test]
    fn an_ordinary_line_is_no_secret() {
        assert_no_secret(
            "INFO answered id=\"4722fe10\" method=GET path=\"/v2/\" status=401 client=\"docker/27 Basic\"\n",
        );
    }

    #[test]
    fn a_secret_of_each_kind_is_found() {
        let token = TokenSecret::random().expect("there is randomness").expose().to_owned();
        let secrets = [token, basic("bob", PASSWORD), basic("alice", "another"), format!("x {PASSWORD} y")];
        for secret in secrets {
            let told = std::panic::catch_unwind(|| assert_no_secret(&format!("a line\nheader={secret}\n")));
            assert!(told.is_err(), "{secret}");
        }
    }
}
