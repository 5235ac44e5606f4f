//! What share of samples is how large.

use std::time::Duration;

use serde_json::{Value, json};

/// Times, to be asked once all are in.
#[derive(Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// One more.
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Median, 99th and 99.9th percentile and the longest, in milliseconds, and how many there
    /// were.
    #[must_use]
    pub fn summary(mut self) -> Value {
        self.0.sort_unstable();
        let at = |per_mille: usize| {
            let last = self.0.len().checked_sub(1)?;
            Some((self.0[last * per_mille / 1000].as_secs_f64() * 1e5).round() / 1e2)
        };
        json!({
            "samples": self.0.len(),
            "p50_ms": at(500), "p99_ms": at(990), "p999_ms": at(999), "max_ms": at(1000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_samples() {
        let mut samples = Samples::default();
        for ms in (0..=1000).rev() {
            samples.add(Duration::from_millis(ms));
        }
        let summary = samples.summary();
        assert_eq!(summary["p50_ms"], 500.0);
        assert_eq!(summary["p999_ms"], 999.0);
        assert_eq!(summary["max_ms"], 1000.0);
        assert_eq!(Samples::default().summary()["p50_ms"], Value::Null);
    }
}
