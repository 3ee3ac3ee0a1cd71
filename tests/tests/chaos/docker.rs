//! A docker daemon that pushes an image and pulls it again, then the next, until it is told to stop.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use harness::dockerd::Dockerd;
use harness::image::Image;

/// How often a command is run before it has failed.
const ATTEMPTS: usize = 3;
/// A layer that is read from its bucket, and one that passes the registry.
const LAYERS: [usize; 2] = [150_000, 20_000];

/// The daemon at work.
#[derive(Debug)]
pub(crate) struct Busy {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Tally>>,
}

/// What it did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The tags that were pushed.
    pub(crate) pushed: Vec<String>,
    pub(crate) pulled: usize,
    /// What failed and was tried again.
    pub(crate) repeated: Vec<String>,
    /// What failed in the end.
    pub(crate) failed: Vec<String>,
}

impl Busy {
    /// Pushes to this repository; none, said aloud, where there is no docker.
    pub(crate) fn with(repository: String) -> Option<Self> {
        let docker = Dockerd::start()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut tally = Tally::default();
            for number in 1.. {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                round(&docker, &repository, number, &mut tally);
            }
            tally
        });
        Some(Self { stop, thread: Some(thread) })
    }

    /// What it has done.
    pub(crate) fn end(mut self) -> Tally {
        self.stop().expect("nobody has ended it").expect("it does not panic")
    }

    fn stop(&mut self) -> Option<std::thread::Result<Tally>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join)
    }
}

/// A daemon must not outlive its test.
impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

fn round(docker: &Dockerd, repository: &str, number: u64, tally: &mut Tally) {
    let (tag, image) = (number.to_string(), Image::of_noise(1_000 + number, &LAYERS));
    let name = format!("{repository}:{tag}");
    docker.load(&image, &name);
    let is_pushed = try_often(docker, &["push", &name], tally);
    docker.forget();
    if !is_pushed {
        return;
    }
    tally.pushed.push(tag);
    if try_often(docker, &["pull", &name], tally) {
        tally.pulled += 1;
        assert_eq!(docker.id(&name), image.id().as_str());
        docker.forget();
    }
}

fn try_often(docker: &Dockerd, arguments: &[&str], tally: &mut Tally) -> bool {
    for _ in 0..ATTEMPTS {
        match why_not(&mut docker.command(arguments)) {
            None => return true,
            Some(why) => tally.repeated.push(format!("{arguments:?}: {why}")),
        }
    }
    tally.failed.push(arguments.join(" "));
    false
}

fn why_not(command: &mut Command) -> Option<String> {
    let output = command.output().expect("docker runs");
    let why = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    (!output.status.success()).then(why)
}
