use crate::clock::{cpu_ns, median};
use crate::gorilla;
use crate::row::Row;
use crate::sets::{MADE_UP, Set, Target};
use crate::shard::{Shard, block, ids};
use series::{Aggregation, Asked, range};
use std::hint::black_box;

const ROUNDS: usize = 5;
/// A target with that many series is a scrape: its sets have goals, and rows of their own.
const SCRAPE_SERIES: usize = 100;
/// Rows from which the goal is the lower one.
const LONG_ROWS: usize = 8_192;

/// A set, one row of a target a call, as it comes.
pub fn bench(sets: &[Set]) -> Vec<Row> {
    sets.iter().flat_map(of_set).collect()
}

fn of_set(set: &Set) -> Vec<Row> {
    let targets: Vec<Fed> = set.targets.iter().enumerate().map(Fed::of).collect();
    let samples = targets.iter().map(|target| target.samples).sum::<usize>() as f64;
    let mut shard = filled(&targets);
    let repacking = cpu_ns(|| shard.repack());
    for target in &targets {
        target.compare(&shard);
    }
    let sealed = series::sealed(&shard.view());
    let gorilla = targets.iter().map(Fed::gorilla_bytes).sum::<usize>() as f64;
    // As long as the process: a few, each once.
    let key = |what: &str| -> &'static str { format!("{what}.{}", set.name).leak() };
    let row = |what: &str, unit, goal, ours, peer| Row { key: key(what), unit, goal, ours, peer };
    let scrape = match &set.targets[..] {
        [target] if target.series.len() >= SCRAPE_SERIES => Some(target),
        _ => None,
    };
    let real = scrape.filter(|_| set.name != MADE_UP);
    let goal = real.map(|target| if target.times.len() < LONG_ROWS { 0.45 } else { 0.35 });
    let ours = sealed.bytes as f64 / sealed.samples as f64;
    let mut rows = vec![row("bytesPerSample", "B, sealed, with timestamps", goal, ours, Some(gorilla / samples))];
    if scrape.is_some() {
        let pages = f64::from(shard.pages()) * 4096.0 / samples;
        rows.push(row("poolBytesPerSample", "B, all pages", None, pages, None));
        let ours = median_of(|| drop(black_box(filled(&targets))));
        let peer = median_of(|| {
            black_box(targets.iter().map(Fed::gorilla_bytes).sum::<usize>());
        });
        rows.push(row("ingestScrape", "ns CPU a sample", None, ours / samples, Some(peer / samples)));
        rows.push(row("repackScrape", "ns CPU a sample", None, repacking / samples, None));
    }
    rows
}

/// A target and what is given to the memory.
struct Fed<'a> {
    name: String,
    target: &'a Target,
    ids: Vec<u128>,
    blocks: Vec<Vec<u8>>,
    samples: usize,
}

impl<'a> Fed<'a> {
    fn of((number, target): (usize, &'a Target)) -> Self {
        let name = format!("{{instance=\"{number}\"}}");
        let ids = ids(&name, target.series.len());
        let rows = 0..target.times.len();
        let blocks = rows.map(|row| block(&ids, &target.times, &target.series, row, row + 1)).collect();
        let samples = target.series.iter().flatten().filter(|value| !value.is_nan()).count();
        Self { name, target, ids, blocks, samples }
    }

    /// Every sample reads back as it was given.
    fn compare(&self, shard: &Shard) {
        let (from, to) = (self.target.times[0], self.target.times[self.target.times.len() - 1] + 1);
        let asked = Asked { from, to, step: 0, aggregation: Aggregation::Last };
        let (mut times, mut values) = (vec![0.0; self.target.times.len()], vec![0.0; self.target.times.len()]);
        for (id, series) in self.ids.iter().zip(&self.target.series) {
            let found = range(&shard.view(), *id, asked, &mut times, &mut values).expect("a valid question");
            let read = times[..found].iter().map(|time| *time as i64).zip(values[..found].iter().copied());
            let given =
                self.target.times.iter().copied().zip(series.iter().copied()).filter(|(_, value)| !value.is_nan());
            assert!(read.eq(given), "a series of {} reads back otherwise", self.name);
        }
    }

    fn gorilla_bytes(&self) -> usize {
        self.target.series.iter().map(|values| gorilla::encode(&self.target.times, values).len()).sum()
    }
}

fn filled(targets: &[Fed]) -> Shard {
    let mut shard = Shard::new();
    for target in targets {
        for block in &target.blocks {
            shard.apply_to(&target.name, block);
        }
    }
    shard
}

fn median_of(mut work: impl FnMut()) -> f64 {
    median((0..ROUNDS).map(|_| cpu_ns(&mut work)).collect())
}
