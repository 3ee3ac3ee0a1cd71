//! A docker daemon that pushes an image and pulls it again, then the next, until it is told to stop.

use std::ops::RangeInclusive;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::dockerd::Dockerd;
use harness::image::Image;

/// How often a command is run before it has failed.
const ATTEMPTS: usize = 3;
/// How long a command may take: of a bucket that hangs, docker itself waits for ever.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether a command has ended.
const INTERVAL: Duration = Duration::from_millis(20);
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
    pub(crate) failed: Vec<Failure>,
}

/// A command that failed in the end.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) what: String,
    /// From the first attempt to push its image to the last attempt of this.
    pub(crate) during: RangeInclusive<Instant>,
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
    let began = Instant::now();
    let is_pushed = try_often(docker, ["push", &name], began, tally);
    docker.forget();
    if !is_pushed {
        return;
    }
    tally.pushed.push(tag);
    if try_often(docker, ["pull", &name], began, tally) {
        tally.pulled += 1;
        assert_eq!(docker.id(&name), image.id().as_str());
        docker.forget();
    }
}

fn try_often(docker: &Dockerd, arguments: [&str; 2], began: Instant, tally: &mut Tally) -> bool {
    let mut last = began;
    for _ in 0..ATTEMPTS {
        last = Instant::now();
        match why_not(docker.command(arguments)) {
            None => return true,
            Some(why) => tally.repeated.push(format!("{arguments:?}: {why}")),
        }
    }
    tally.failed.push(Failure { what: arguments.join(" "), during: began..=last });
    false
}

fn why_not(mut command: Command) -> Option<String> {
    let mut docker = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("docker runs");
    let deadline = Instant::now() + PATIENCE;
    while docker.try_wait().expect("it can be waited for").is_none() && Instant::now() < deadline {
        std::thread::sleep(INTERVAL);
    }
    docker.kill().expect("it is ended, if it has not ended by itself");
    let output = docker.wait_with_output().expect("it has ended");
    let why = || format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    (!output.status.success()).then(why)
}
