//! How samples and buckets become the values of steps.

use crate::STALE_BITS;
use crate::head::ABSENT;
use crate::range::{Aggregation, Asked};
use crate::summary::Summary;
use crate::tier::Bucket;
use crate::tier_column::Need;

/// The caller's arrays and how far they are filled.
pub struct Steps<'a> {
    pub asked: Asked,
    times: &'a mut [f64],
    values: &'a mut [f64],
    pub written: usize,
    step: Option<Step>,
    /// The sample of a counter before.
    before: Option<f64>,
    grows: bool,
}

/// The samples of one step so far.
struct Step {
    start: i64,
    samples: Summary,
    /// Of a counter, once two samples tell it.
    increase: Option<f64>,
}

impl Aggregation {
    /// What it needs of buckets.
    pub fn need(self) -> Need {
        match self {
            Aggregation::Last => Need::Last,
            Aggregation::Avg | Aggregation::Sum => Need::Sum,
            Aggregation::Min => Need::Min,
            Aggregation::Max => Need::Max,
            Aggregation::Count => Need::Count,
            Aggregation::Increase | Aggregation::Rate => Need::Increase,
        }
    }
}

impl<'a> Steps<'a> {
    pub fn new(asked: Asked, times: &'a mut [f64], values: &'a mut [f64]) -> Self {
        let grows = asked.step > 0 && asked.aggregation.need() == Need::Increase;
        Self { asked, times, values, written: 0, step: None, before: None, grows }
    }

    /// Takes the next sample in time; false when the window or the arrays are full.
    #[inline]
    pub fn add(&mut self, time: i64, bits: u64) -> bool {
        if time >= self.asked.to || self.room() == 0 {
            return false;
        }
        if bits == ABSENT {
            return true;
        }
        if self.asked.step == 0 {
            if time >= self.asked.from {
                self.write(time, f64::from_bits(bits));
            }
        } else if bits != STALE_BITS {
            if self.grows {
                let value = f64::from_bits(bits);
                if !value.is_nan() {
                    self.grow(time, &Bucket::one(value));
                }
            } else if time >= self.asked.from {
                self.add_to_step(time, &Summary::one(f64::from_bits(bits)));
            }
        }
        true
    }

    /// Takes the next bucket in time, at its start.
    #[inline]
    pub fn add_bucket(&mut self, start: i64, bucket: &Bucket) {
        if self.grows {
            self.grow(start, bucket);
        } else {
            self.add_to_step(start, &bucket.samples);
        }
    }

    /// Takes samples of one step, of which one has this time; false when the arrays are full.
    pub fn add_summary(&mut self, time: i64, samples: &Summary) -> bool {
        let room = self.room() > 0;
        if room {
            self.add_to_step(time, samples);
        }
        room
    }

    /// True when all from a first time to a last one is in one step that is asked for and a summary tells enough.
    pub fn is_one_step(&self, first: i64, last: i64) -> bool {
        let Asked { from, to, step, .. } = self.asked;
        !self.grows && step > 0 && first >= from && last < to && (first - from) / step == (last - from) / step
    }

    /// Of the samples of a bucket it is not known what they grew: the step has no value then, nor has that of the next sample.
    pub fn lose_growth(&mut self, start: i64) {
        self.before = Some(f64::NAN);
        self.grow(start, &Bucket::one(f64::NAN));
    }

    #[inline]
    fn add_to_step(&mut self, time: i64, samples: &Summary) {
        match self.step_at(time) {
            Some(open) => open.samples.add(samples),
            None => self.open(time, *samples, None),
        }
    }

    /// Adds what a counter grew: the difference from the sample before counts for the later one. A smaller sample means that
    /// the counter began again at 0, as Prometheus has it for `rate` (https://prometheus.io/docs/prometheus/latest/querying/functions/#rate).
    fn grow(&mut self, time: i64, bucket: &Bucket) {
        let from_before =
            self.before.map(|before| if bucket.first < before { bucket.first } else { bucket.first - before });
        let within = (bucket.samples.count > 1).then(|| bucket.increase());
        self.before = Some(bucket.samples.last);
        if time < self.asked.from {
            return;
        }
        let increase = from_before.into_iter().chain(within).reduce(|one, other| one + other);
        match self.step_at(time) {
            Some(open) => open.increase = open.increase.into_iter().chain(increase).reduce(|one, other| one + other),
            None => self.open(time, bucket.samples, increase),
        }
    }

    /// The step under way, if it holds this time; another one is closed. Times ascend.
    #[inline]
    fn step_at(&mut self, time: i64) -> Option<&mut Step> {
        let start = self.step.as_ref()?.start;
        if time - start >= self.asked.step {
            self.close_step();
        }
        self.step.as_mut()
    }

    fn open(&mut self, time: i64, samples: Summary, increase: Option<f64>) {
        let Asked { from, step, .. } = self.asked;
        self.step = Some(Step { start: from + (time - from) / step * step, samples, increase });
    }

    /// Forgets the step under way: what is known of it may be a part.
    pub fn drop_step(&mut self) {
        self.step = None;
    }

    pub fn close_step(&mut self) {
        let Some(step) = self.step.take() else { return };
        if self.room() == 0 {
            return;
        }
        let Step { start, samples, increase } = step;
        let value = match self.asked.aggregation {
            Aggregation::Last => samples.last,
            Aggregation::Avg => samples.sum / samples.count as f64,
            // Only NaNs: neither bound has moved.
            Aggregation::Min if samples.min > samples.max => f64::NAN,
            Aggregation::Max if samples.min > samples.max => f64::NAN,
            Aggregation::Min => samples.min,
            Aggregation::Max => samples.max,
            Aggregation::Sum => samples.sum,
            Aggregation::Count => samples.count as f64,
            Aggregation::Increase | Aggregation::Rate => {
                let Some(increase) = increase.filter(|increase| !increase.is_nan()) else { return };
                match self.asked.aggregation {
                    Aggregation::Rate => increase * 1000.0 / self.asked.step as f64,
                    _ => increase,
                }
            }
        };
        self.write(start, value);
    }

    #[inline]
    pub fn room(&self) -> usize {
        self.times.len().min(self.values.len()) - self.written
    }

    fn write(&mut self, time: i64, value: f64) {
        self.times[self.written] = time as f64;
        self.values[self.written] = value;
        self.written += 1;
    }
}
