//! Ways of taking in layers against the quicker of the two raw ways, each in turn and each with the server to itself.

use std::time::Instant;

use futures::future::join_all;
use ringhold_benches::Spread;

use crate::layer::Layer;
use crate::stage::Stage;
use crate::ways::Way;
use crate::{KIB, MIB};

/// What is taken in: so many layers of this size at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) layers: usize,
    pub(crate) size: usize,
}

/// What came of a race.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The quicker raw way, in MiB/s.
    pub(crate) raw: Spread,
    /// How fast each of the ways was; the raw one is 1.
    pub(crate) ratios: Vec<Spread>,
}

impl Load {
    /// How often it is run: less often when it takes long.
    fn runs(self) -> usize {
        if self.size <= 64 * MIB { 5 } else { 3 }
    }

    /// Throughput in MiB/s, when it took so many seconds.
    fn speed(self, seconds: f64) -> f64 {
        let kib = u32::try_from(self.layers * self.size / KIB).expect("it is not that much");
        f64::from(kib) / 1024.0 / seconds
    }
}

pub(crate) async fn race(stage: &Stage, load: Load, ways: &[Way]) -> Outcome {
    let (mut raws, mut ratios) = (Vec::new(), vec![Vec::new(); ways.len()]);
    for _ in 0..load.runs() {
        let raw = speed(stage, load, Way::RawWhole).await.max(speed(stage, load, Way::RawParts).await);
        raws.push(raw);
        for (ratios, way) in ratios.iter_mut().zip(ways) {
            ratios.push(speed(stage, load, *way).await / raw);
        }
    }
    Outcome { raw: Spread::of(raws), ratios: ratios.into_iter().map(Spread::of).collect() }
}

/// In MiB/s. What is left to be done behind the layers is done when this returns, and nothing of them is there any more.
async fn speed(stage: &Stage, load: Load, way: Way) -> f64 {
    let layers: Vec<_> = (0..load.layers).map(|_| Layer::fresh(load.size)).collect();
    let began = Instant::now();
    join_all(layers.iter().map(|layer| Box::pin(way.send(stage, layer)))).await;
    let speed = load.speed(began.elapsed().as_secs_f64());
    eprintln!("{load:?}, {way:?}: {speed:.1} MiB/s");
    stage.clear().await;
    speed
}
