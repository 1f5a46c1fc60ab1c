use cpu_time::ThreadTime;

/// CPU nanoseconds of this thread for one call.
pub fn cpu_ns(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_nanos() as f64
}

pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Median CPU nanoseconds of a call over some rounds, the first of which warms up.
pub fn median_ns(rounds: usize, mut work: impl FnMut()) -> f64 {
    work();
    median((0..rounds).map(|_| cpu_ns(&mut work)).collect())
}
