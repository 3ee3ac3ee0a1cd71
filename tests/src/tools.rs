//! Programs of others that a test needs. Where everything must be there, a missing one fails; elsewhere it skips, and
//! says so.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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

/// Where `cargo xtask setup` puts what it installs.
pub fn cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("RINGHOLD_CACHE").or_else(|| Some(set("HOME")?.join(".cache/ringhold")))
}

/// A program of a Python environment that `cargo xtask setup` makes; none, said aloud, where it is missing and may be.
pub fn of_environment(environment: &str, program: &str) -> Option<PathBuf> {
    let path = cache().map(|cache| cache.join(environment).join("bin").join(program)).filter(|path| path.is_file());
    if path.is_none() {
        absent(&format!("{program} is not installed: `cargo xtask setup` installs it"));
    }
    path
}

/// Says why a test does not run.
pub fn absent(why: &str) {
    assert!(!all_required(), "{why}");
    eprintln!("skipped: {why}");
}

/// What a program writes when it succeeds, without the line's end; a failure is told with all it wrote.
pub fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// What a program writes that is given this to read, when it succeeds.
pub fn output_with(command: &mut Command, input: &str) -> String {
    let (is_success, stdout, stderr) = run_with(command, input);
    assert!(is_success, "{command:?} failed:\n{stdout}\n{stderr}");
    stdout
}

/// What a program writes, to both, that is given this to read, when it fails as it should.
pub fn failure_of(command: &mut Command, input: &str) -> String {
    let (is_success, stdout, stderr) = run_with(command, input);
    assert!(!is_success, "{command:?} succeeds, and should not:\n{stdout}\n{stderr}");
    format!("{stdout}\n{stderr}")
}

fn run_with(command: &mut Command, input: &str) -> (bool, String, String) {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it reads");
    // A program that has failed already reads nothing.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

/// Whether this process may start a daemon that wants root; said aloud if not.
pub fn root() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        absent("container daemons want root");
    }
    root
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|directory| directory.join(program)).find(|path| path.is_file())
}
