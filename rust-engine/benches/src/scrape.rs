use std::path::Path;
use std::process::Command;

/// A target's series over time.
pub struct Scrape {
    pub times: Vec<i64>,
    /// Values of each series, NaN where there is none.
    pub series: Vec<Vec<f64>>,
}

/// Numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// In [0, 1).
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What a made-up series does: most say the same again and again, as a node exporter's do.
#[derive(Clone, Copy)]
pub enum Shape {
    Constant,
    Sparse,
    Busy,
    Noisy,
}

pub const SHAPES: [Shape; 8] = [
    Shape::Constant,
    Shape::Constant,
    Shape::Constant,
    Shape::Constant,
    Shape::Constant,
    Shape::Sparse,
    Shape::Busy,
    Shape::Noisy,
];

impl Shape {
    pub fn series(self, rows: usize, random: &mut Random) -> Vec<f64> {
        let mut value = (random.next() % 100_000) as f64;
        let mut step = || {
            match self {
                Self::Constant => {}
                Self::Sparse => value += f64::from(u8::from(random.share() < 0.05)),
                Self::Busy => value += (random.share() * 1000.0).floor(),
                Self::Noisy => value = (random.share() * 1e6).floor() / 1e3,
            }
            value
        };
        (0..rows).map(|_| step()).collect()
    }
}

impl Scrape {
    pub fn made_up() -> Self {
        let mut random = Random(7);
        let (rows, series) = (607, 502);
        let times = (0..rows).map(|row| 1_795_349_977_820 + row * 1_000 + i64::from(random.share() < 0.1)).collect();
        let series = (0..series).map(|n| SHAPES[n % SHAPES.len()].series(rows as usize, &mut random)).collect();
        Self { times, series }
    }

    pub fn load(folder: &Path) -> Self {
        let file = folder.join("node_exporter_10min.csv.gz");
        let unpacked = Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip is there");
        assert!(unpacked.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&unpacked.stderr));
        let text = String::from_utf8(unpacked.stdout).expect("a text file");
        let mut lines = text.lines();
        let header = lines.next().expect("a header");
        let times: Vec<i64> = header.split(',').skip(1).map(|time| time.parse().expect("a time")).collect();
        // The name may have commas in it; the values stand at the end.
        let values = |line: &str| -> Vec<f64> {
            let mut values: Vec<f64> =
                line.rsplit(',').take(times.len()).map(|value| value.parse().unwrap_or(f64::NAN)).collect();
            values.reverse();
            values
        };
        let series = lines.map(values).collect();
        Self { times, series }
    }
}
