//! What stands on standard input.

use std::io::Read;

/// The most bytes that are read.
const LONGEST: u64 = 64 * 1024;

/// All of it. The program waits for it with everything: there is nothing else that it could do yet.
pub(super) fn read() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}
