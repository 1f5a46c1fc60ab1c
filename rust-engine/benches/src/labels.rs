//! Series found by their labels, and the pages that labels take: a target of node-exporter's shape, which repeats its labels in
//! each series, and a fleet of pods with ten labels a series.

use crate::clock::{cpu_ns, median, median_ns};
use crate::row::Row;
use crate::shard::Shard;
use codec::{Announced, Block, encode_blocks, series_id};
use series::{MatchOp, Matcher, apply_metrics, pages_for_labels, series};

const SERVICE: &str = "production/shop";
/// Of the shard: 200 targets of 500 series.
const TARGETS: usize = 200;
const SERIES: usize = 500;

type Labels = Vec<(String, String)>;

pub fn bench() -> Vec<Row> {
    let row = |key, unit, goal, ours| Row { key, unit, goal, ours, peer: None };
    let mut rows = Vec::new();
    for (shape, keys) in [
        (node as fn(usize, usize) -> Labels, ["labelBytesNode", "announceNode"]),
        (pod, ["labelBytesPod", "announcePod"]),
    ] {
        let mut shard = Shard::new();
        let took: Vec<f64> = (0..TARGETS).map(|target| announce(&mut shard, target, shape)).collect();
        let pages = shard.pages() - pages_of_samples(TARGETS);
        let bytes = f64::from(pages) * pool::PAGE_BYTES as f64 / (TARGETS * SERIES) as f64;
        rows.push(row(keys[0], "B a series", None, bytes));
        rows.push(row(keys[1], "µs CPU for 500", None, median(took) / 1000.0));
        if keys[0] == "labelBytesNode" {
            rows.extend(queries(&shard));
        }
    }
    rows
}

fn queries(shard: &Shard) -> Vec<Row> {
    let is = |name: &str, op, value: &str| Matcher { name: name.to_owned(), op, value: value.to_owned() };
    let name = is("__name__", MatchOp::Equal, "node_cpu_seconds_total");
    let ask = |matchers: &[Matcher], wanted: usize| {
        median_ns(31, || {
            let found = series(&shard.view(), None, matchers, 16, None).expect("valid");
            assert_eq!(found.items.len(), wanted);
        }) / 1000.0
    };
    let row = |key, goal, ours| Row { key, unit: "µs CPU", goal: Some(goal), ours, peer: None };
    let mode = is("mode", MatchOp::Equal, "idle");
    let cpu = is("cpu", MatchOp::Equal, "3");
    let one = [name.clone(), is("instance", MatchOp::Equal, "10.0.7.9:9100"), mode, cpu];
    vec![
        row("seriesByLabels", 20.0, ask(&one, 1)),
        // Each instance has five values of this label: 1,000 in all.
        row("seriesByRegex", 1000.0, ask(&[is("device", MatchOp::Like, "sd[a-e]7.*9")], 16)),
        row("seriesByRegexOfMetric", 1000.0, ask(&[name, is("instance", MatchOp::Like, "10.*[13].9:.*")], 16)),
    ]
}

/// Samples of a row and what goes with them, in pages of their own: heads, rows and ids of three groups.
fn pages_of_samples(targets: usize) -> u32 {
    let groups = SERIES.div_ceil(240) as u32;
    targets as u32 * groups * 3
}

fn label(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// A series of a node exporter: 128 of processors, 125 of disks, the others with a name each.
fn node(target: usize, n: usize) -> Labels {
    let modes = ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"];
    let mut labels = vec![label("instance", format!("10.0.{target}.9:9100")), label("job", "node")];
    match n {
        0..128 => {
            labels.push(label("__name__", "node_cpu_seconds_total"));
            labels.push(label("cpu", (n / 8).to_string()));
            labels.push(label("mode", modes[n % 8]));
        }
        128..253 => {
            let disk = (n - 128) / 25;
            labels.push(label("__name__", format!("node_disk_figure_{}_bytes_total", n % 25)));
            labels.push(label("device", format!("sd{}{}", char::from(b'a' + disk as u8), target)));
        }
        _ => labels.push(label("__name__", format!("node_memory_and_other_figure_{n}_bytes"))),
    }
    labels.sort();
    labels
}

/// A series of a pod, of ten labels.
fn pod(target: usize, n: usize) -> Labels {
    let mut labels = vec![
        label("__name__", format!("container_figure_{}_seconds_total", n % 100)),
        label("cluster", "production-eu-1"),
        label("container", ["app", "sidecar", "init", "proxy", "log"][n / 100]),
        label("image", format!("registry.example.com/shop/service-{}:v1.{}.0", target % 20, target % 7)),
        label("instance", format!("10.1.{}.{}:8080", target / 250, target % 250)),
        label("job", "kubernetes-pods"),
        label("namespace", format!("team-{}", target % 10)),
        label("node", format!("ip-10-0-{}-17.eu-west-1.compute.internal", target % 40)),
        label("pod", format!("service-{}-7d9c8b6f5d-{target:05x}", target % 20)),
        label("uid", format!("{target:08x}-4a1c-4c3b-9f0e-{:012x}", target * 7919)),
    ];
    labels.sort();
    labels
}

/// A first row of a target with all labels; ns of CPU.
fn announce(shard: &mut Shard, target: usize, shape: fn(usize, usize) -> Labels) -> f64 {
    let labels: Vec<Labels> = (0..SERIES).map(|n| shape(target, n)).collect();
    let pairs: Vec<Vec<(&str, &str)>> = labels
        .iter()
        .map(|labels| labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
        .collect();
    let ids: Vec<u128> = pairs.iter().map(|pairs| series_id(pairs)).collect();
    let announced: Vec<Announced<'_>> =
        ids.iter().zip(pairs).map(|(id, labels)| Announced { id: *id, labels }).collect();
    let samples = (0..SERIES).map(|column| (1, column as u32, 1.0)).collect();
    let encoded = &encode_blocks(&ids, samples, usize::MAX)[0].block;
    let block = Block::parse(encoded).expect("our own");
    let name = format!("target {target}");
    cpu_ns(|| {
        let pages = pages_for_labels(&shard.view(), &announced);
        assert!(pages > 0);
        apply_metrics(&mut shard.space(), &name, SERVICE, &announced, &block).expect("room");
    })
}
