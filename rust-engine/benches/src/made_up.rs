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
