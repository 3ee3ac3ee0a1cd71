//! Tools from Python packages, in virtual environments in the cache. Their packages cannot live in one environment: they
//! want different releases of what they are built on.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clients;
use crate::failure::Failure;
use crate::places::Places;
use crate::step;

/// A virtual environment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Environment {
    /// The AWS emulator, run by `localstack/emulator.py`.
    Emulator,
    /// What reads the `OpenAPI` document and asks the registry whatever it allows.
    OpenApi,
    /// What builds, checks and deploys the stack: SAM, cfn-lint, cargo-lambda and the linker that it wants.
    Sam,
}

impl Environment {
    fn name(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::OpenApi => "openapi",
            Self::Sam => "sam",
        }
    }

    fn requirements(self, places: &Places) -> PathBuf {
        match self {
            Self::Emulator => places.localstack().join("requirements.txt"),
            Self::OpenApi => places.root().join("tests/requirements-openapi.txt"),
            Self::Sam => places.localstack().join("requirements-sam.txt"),
        }
    }

    /// A program of the environment.
    pub(crate) fn program(self, places: &Places, program: &str) -> PathBuf {
        places.cache(self.name()).join("bin").join(program)
    }

    /// The search path, with the environment's programs before all others.
    pub(crate) fn path(self, places: &Places) -> OsString {
        let others = env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(places.cache(self.name()).join("bin")).chain(env::split_paths(&others));
        env::join_paths(all).unwrap_or(others)
    }

    /// Makes the environment, or leaves it alone when it holds what its requirements name. A stamp is written last: a
    /// set-up that was interrupted is done again.
    pub(crate) fn install(self, places: &Places) -> Result<(), Failure> {
        let (requirements, home) = (self.requirements(places), places.cache(self.name()));
        let wanted = read(&requirements)?;
        let stamp = home.join("installed.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        venv_module()?;
        let name = format!("make the environment {}", self.name());
        step::run(&name, python().args(["-m", "venv", "--clear"]).arg(&home))?;
        let mut pip = Command::new(self.program(places, "python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        step::run(&format!("install into the environment {}", self.name()), pip.arg(&requirements))?;
        fs::write(&stamp, wanted).map_err(|source| Failure::Cache { path: stamp, source })
    }
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
