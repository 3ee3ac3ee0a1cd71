//! Programs of others that a test needs. Where everything must be there, a missing one fails; elsewhere it skips, and
//! says so.

use std::path::PathBuf;

/// Whether missing tools fail the tests: so on CI.
pub fn all_required() -> bool {
    std::env::var_os("RINGHOLD_REQUIRE_ALL").is_some()
}

/// The paths of all these programs; none, said aloud, when one is missing and may be.
pub fn find(programs: &[&str]) -> Option<Vec<PathBuf>> {
    let missing: Vec<_> = programs.iter().filter(|program| which(program).is_none()).collect();
    if missing.is_empty() {
        return Some(programs.iter().filter_map(|program| which(program)).collect());
    }
    absent(&format!("{missing:?} are not installed: `cargo xtask setup` installs them"));
    None
}

/// Says why a test does not run.
pub fn absent(why: &str) {
    assert!(!all_required(), "{why}");
    eprintln!("skipped: {why}");
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|directory| directory.join(program)).find(|path| path.is_file())
}
