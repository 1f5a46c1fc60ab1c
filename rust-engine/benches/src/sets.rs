use crate::made_up::{Random, SHAPES};
use std::fs;
use std::path::{Path, PathBuf};

/// The set that is made up where there is none.
pub const MADE_UP: &str = "madeUp";

/// A target's series over time.
pub struct Target {
    pub times: Vec<i64>,
    /// Values of each series, NaN where there is none.
    pub series: Vec<Vec<f64>>,
}

/// Targets whose samples are counted together.
pub struct Set {
    pub name: String,
    pub targets: Vec<Target>,
}

/// The sets of a folder, each a folder of CSV files, one for each target. Where there is none, one is made up and written there.
pub fn load(folder: &Path) -> Vec<Set> {
    if entries(folder).is_empty() {
        let folder = folder.join(MADE_UP);
        fs::create_dir_all(&folder).expect("a folder");
        let Target { times, series } = made_up();
        fs::write(folder.join("0.csv"), csv(&times, &series)).expect("room on the disk");
    }
    let set = |folder: &PathBuf| Set {
        name: folder.file_name().expect("no root").to_string_lossy().into_owned(),
        targets: entries(folder).iter().map(|file| parse(&fs::read_to_string(file).expect("a text file"))).collect(),
    };
    entries(folder).iter().map(set).collect()
}

/// A header with the times in ms, then one line for each series, its values at those times.
pub fn csv(times: &[i64], series: &[Vec<f64>]) -> String {
    let header: String = times.iter().map(|time| format!(",{time}")).collect();
    let cell = |value: &f64| if value.is_nan() { ",".to_owned() } else { format!(",{value}") };
    let line = |(n, values): (usize, &Vec<f64>)| format!("{n}{}\n", values.iter().map(cell).collect::<String>());
    format!("series{header}\n{}", series.iter().enumerate().map(line).collect::<String>())
}

fn parse(text: &str) -> Target {
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let times: Vec<i64> = header.split(',').skip(1).map(|time| time.parse().expect("a time")).collect();
    // The name may have commas in it; the values stand at the end.
    let values = |line: &str| -> Vec<f64> {
        let cells = line.rsplit(',').take(times.len());
        let mut values: Vec<f64> = cells.map(|value| value.parse().unwrap_or(f64::NAN)).collect();
        values.reverse();
        values
    };
    let series = lines.map(values).collect();
    Target { times, series }
}

/// In the order of their names: the files of a set are numbered, and the order of targets changes nothing that is counted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).expect("a folder");
    let mut found: Vec<PathBuf> = found.map(|entry| entry.expect("readable").path()).collect();
    found.sort();
    found
}

fn made_up() -> Target {
    let mut random = Random(7);
    let (rows, series) = (607, 502);
    let times = (0..rows).map(|row| 1_695_349_977_820 + row * 1_000 + i64::from(random.share() < 0.1)).collect();
    let series = (0..series).map(|n| SHAPES[n % SHAPES.len()].series(rows as usize, &mut random)).collect();
    Target { times, series }
}
