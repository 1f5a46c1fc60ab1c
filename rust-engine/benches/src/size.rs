use crate::clock::{cpu_ns, median};
use crate::gorilla;
use crate::row::Row;
use crate::scrape::Scrape;
use crate::shard::{Shard, block, ids};

const ROUNDS: usize = 5;

/// A scrape, one row a call, as it comes.
pub fn bench(scrape: &Scrape) -> Vec<Row> {
    let ids = ids(scrape.series.len());
    let blocks: Vec<Vec<u8>> =
        (0..scrape.times.len()).map(|row| block(&ids, &scrape.times, &scrape.series, row, row + 1)).collect();
    let samples = scrape.series.iter().flatten().filter(|value| !value.is_nan()).count() as f64;
    let mut shards = Vec::new();
    let ingest = |shards: &mut Vec<Shard>| {
        let mut shard = Shard::new();
        let ns = cpu_ns(|| {
            for block in &blocks {
                shard.apply(block);
            }
        });
        shards.push(shard);
        ns / samples
    };
    let ours = median((0..ROUNDS).map(|_| ingest(&mut shards)).collect());
    let mut shard = shards.remove(0);
    while let Some(task) = series::next_task(&mut shard.space()) {
        series::install(&mut shard.space(), task.run()).expect("our own");
    }
    let mut bytes = 0;
    let theirs = median(
        (0..ROUNDS)
            .map(|_| {
                cpu_ns(|| bytes = scrape.series.iter().map(|values| gorilla::encode(&scrape.times, values).len()).sum())
            })
            .collect(),
    );
    let sealed = series::sealed(&shard.view());
    let row = |key, unit, goal, ours, peer| Row { key, unit, goal, ours, peer };
    vec![
        row(
            "bytesPerSample",
            "B, sealed, with timestamps",
            Some(0.45),
            sealed.bytes as f64 / sealed.samples as f64,
            Some(bytes as f64 / samples),
        ),
        row("poolBytesPerSample", "B, all pages", None, f64::from(shard.pages()) * 4096.0 / samples, None),
        row("scrapeIngest", "ns CPU a sample", None, ours, Some(theirs / samples)),
    ]
}
