//! Two programs compared: values in pairs, their medians, and a verdict.
//!
//! The runs of the two alternate, so that run `n` of one and run `n` of the other saw the same machine. A verdict is
//! therefore about the ratio within a pair, and needs three quarters of the pairs on its side.

use std::fmt;

use serde::Serialize;

use crate::report::Spread;

/// What the ratios say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// At least three quarters of the pairs are lower by more than [`TOLERANCE`].
    Lower,
    /// The median is within [`TOLERANCE`].
    Equal,
    /// At least three quarters of the pairs are higher by more than [`TOLERANCE`].
    Higher,
    /// The median is outside [`TOLERANCE`], but the pairs disagree.
    Unclear,
}

/// One measure of two programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Comparison {
    pub(crate) before: Spread,
    pub(crate) after: Spread,
    /// The ratios of the pairs; `None` if the former value is 0 in any pair.
    pub(crate) ratio: Option<Spread>,
    pub(crate) verdict: Verdict,
}

impl Comparison {
    /// Compares values of which the n-th belong together; `None` without a pair.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let before = Spread::of(pairs.iter().map(|(before, _)| *before).collect())?;
        let after = Spread::of(pairs.iter().map(|(_, after)| *after).collect())?;
        let ratios: Vec<f64> = pairs.iter().map(|(before, after)| ratio(*before, *after)).collect();
        let verdict = verdict(&ratios);
        let are_finite = ratios.iter().all(|ratio| ratio.is_finite());
        let ratio = Spread::of(ratios).filter(|_| are_finite);
        Some(Self { before, after, ratio, verdict })
    }
}

/// `after` over `before`. Two zeros are equal; more than nothing is infinitely more.
fn ratio(before: f64, after: f64) -> f64 {
    if before == 0.0 && after == 0.0 { 1.0 } else { after / before }
}

fn verdict(ratios: &[f64]) -> Verdict {
    let share = |is_so: fn(f64) -> bool| {
        4 * ratios.iter().filter(|ratio| is_so(**ratio)).count() >= 3 * ratios.len()
    };
    let is_low = |ratio: f64| ratio < 1.0 - TOLERANCE;
    let is_high = |ratio: f64| ratio > 1.0 + TOLERANCE;
    let Some(Spread { median, .. }) = Spread::of(ratios.to_vec()) else {
        return Verdict::Unclear;
    };
    match (share(is_low), share(is_high)) {
        (true, _) => Verdict::Lower,
        (_, true) => Verdict::Higher,
        _ if is_low(median) || is_high(median) => Verdict::Unclear,
        _ => Verdict::Equal,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lower => "lower",
            Self::Equal => "equal",
            Self::Higher => "higher",
            Self::Unclear => "unclear",
        })
    }
}

/// How far from 1 a ratio may be without a difference: 3 %.
pub(crate) const TOLERANCE: f64 = 0.03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_needs_three_quarters_of_the_pairs() {
        for (ratios, expected) in [
            (vec![1.02, 0.98, 1.0], Verdict::Equal),
            (vec![1.04, 1.05, 1.1], Verdict::Higher),
            (vec![1.04, 1.05, 1.1, 0.5], Verdict::Higher),
            (vec![1.04, 1.05, 0.9], Verdict::Unclear),
            (vec![0.5, 0.2, 0.9, 1.5], Verdict::Lower),
            (vec![0.5, 0.2, 1.5], Verdict::Unclear),
            (vec![f64::INFINITY], Verdict::Higher),
            (vec![], Verdict::Unclear),
        ] {
            assert_eq!(verdict(&ratios), expected, "{ratios:?}");
        }
    }

    #[test]
    fn medians_are_of_each_side_and_of_the_ratios() {
        let pairs = [(10.0, 5.0), (20.0, 40.0), (30.0, 30.0)];
        let spread = |min, median, max| Spread { min, median, max };
        let expected = Comparison {
            before: spread(10.0, 20.0, 30.0),
            after: spread(5.0, 30.0, 40.0),
            ratio: Some(spread(0.5, 1.0, 2.0)),
            verdict: Verdict::Equal,
        };
        assert_eq!(Comparison::of(&pairs), Some(expected));
        assert_eq!(Comparison::of(&[]), None);
    }

    #[test]
    fn a_former_value_of_zero_has_no_ratio_unless_both_are_zero() {
        let zeros = Comparison::of(&[(0.0, 0.0)]).unwrap();
        assert_eq!(
            (zeros.ratio.map(|ratio| ratio.median), zeros.verdict),
            (Some(1.0), Verdict::Equal)
        );
        let more = Comparison::of(&[(0.0, 3.0)]).unwrap();
        assert_eq!((more.ratio, more.verdict), (None, Verdict::Higher));
    }
}
