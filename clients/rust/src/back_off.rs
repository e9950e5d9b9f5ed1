//! The wait before a retry.

use std::time::Duration;

/// Full jitter: a random time up to `base` doubled for each earlier attempt, at most `most`. So clients that lost a server at
/// the same time do not reconnect at the same time.
pub(crate) fn full_jitter(attempts: u32, base: Duration, most: Duration) -> Duration {
    let ceiling = base.saturating_mul(2_u32.saturating_pow(attempts.min(16))).min(most);
    ceiling.mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_grows_up_to_its_ceiling() {
        let (base, most) = (Duration::from_millis(100), Duration::from_secs(1));
        for attempts in 0..40 {
            let ceiling = base.saturating_mul(1 << attempts.min(10)).min(most);
            assert!(full_jitter(attempts, base, most) <= ceiling);
        }
        assert!((0..100).any(|_| full_jitter(40, base, most) > base), "the delay never grew");
    }
}
