//! The AWS emulator's Python environment, in the cache.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::clients;
use crate::failure::Failure;
use crate::places::Places;
use crate::step;

/// Makes the virtual environment that runs `localstack/emulator.py`, or leaves it alone when it holds what the
/// requirements name. A stamp is written last: a set-up that was interrupted is done again.
pub(crate) fn install(places: &Places) -> Result<(), Failure> {
    let (requirements, home) = (places.emulator_requirements(), places.emulator());
    let wanted = read(&requirements)?;
    let stamp = home.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    venv_module()?;
    step::run("make the emulator's environment", python().args(["-m", "venv", "--clear"]).arg(&home))?;
    let mut pip = Command::new(places.emulator_python());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&requirements);
    step::run("install the emulator", &mut pip)?;
    fs::write(&stamp, wanted).map_err(|source| Failure::Cache { path: stamp, source })
}

/// Debian keeps the venv module in a package of its own.
fn venv_module() -> Result<(), Failure> {
    let works = || step::succeeds(python().args(["-c", "import venv, ensurepip"]));
    if !works() && clients::installed("apt-get") {
        clients::install_packages(&["python3-venv"])?;
    }
    if works() { Ok(()) } else { Err(Failure::NoVirtualEnvironments) }
}

fn python() -> Command {
    Command::new("python3")
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Cache { path: path.to_owned(), source })
}
