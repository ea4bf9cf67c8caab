//! The shares of an app's outbox.

use crate::store::outbox::Evicted;

/// What to evict from an outbox of `size` messages, of which `reserved` are of the reserved share. Half is reserved,
/// and a share uses what the other leaves free. Beyond `max` the share that exceeds its own half is reduced, the common
/// one first.
pub(in crate::store) fn surplus(size: u64, reserved: u64, max: u64) -> Evicted {
    let common = size.saturating_sub(reserved);
    let surplus = size.saturating_sub(max);
    let common = surplus.min(common.saturating_sub(max / 2));
    Evicted { common, reserved: surplus - common }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_within_its_half_loses_nothing() {
        for (size, reserved, max, expected) in [
            (10, 5, 10, (0, 0)),
            (11, 5, 10, (0, 1)),
            (11, 6, 10, (1, 0)),
            (11, 0, 10, (0, 1)),
            (11, 11, 10, (1, 0)),
            (30, 15, 10, (10, 10)),
            (100, 5, 10, (0, 90)),
            (2, 1, 1, (0, 1)),
            (1, 0, 0, (0, 1)),
        ] {
            let evicted = surplus(size, reserved, max);
            assert_eq!((evicted.reserved, evicted.common), expected, "{reserved} of {size}");
            assert_eq!(size - evicted.total(), size.min(max));
        }
    }
}
