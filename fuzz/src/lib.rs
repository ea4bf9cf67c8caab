//! Fuzzing on the stable toolchain, as part of `cargo test`.
//!
//! A target is a test that calls [`run`] with a function from bytes to a behaviour. Inputs are mutations of a corpus;
//! an input with a new behaviour (a variant, an error, a state) joins it. That is coarser than the coverage of a
//! compiler's instrumentation, which needs a nightly toolchain and a second build of every dependency. Such a build
//! takes longer than the ten seconds that a target has in `make test`.
//!
//! The corpus of a target is the file `corpus/NAME.txt`, one escaped input per line. It is replayed first. An input
//! that fails is printed as such a line: add it to the file, so that it is replayed from then on.

mod corpus;
mod mutate;
mod random;

use std::collections::HashSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use corpus::Corpus;
use mutate::mutated;
use random::Random;

/// Number of mutations where no time is set, as in a plain `cargo test`.
const DEFAULT_RUNS: u32 = 2_000;
/// The variable that sets the time of each target, in seconds.
const SECONDS: &str = "STAGEDOOR_FUZZ_SECONDS";
/// The variable that has new inputs written to the corpus.
const KEEP: &str = "STAGEDOOR_FUZZ_KEEP";
/// Maximum number of inputs in a corpus.
const MAX_INPUTS: usize = 400;

/// What a target is.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The name of its corpus file.
    pub name: &'a str,
    /// Inputs to begin with.
    pub seeds: &'a [&'a [u8]],
    /// Pieces that mean something to the code under test.
    pub dictionary: &'a [&'a str],
    /// Maximum length of an input.
    pub max_len: usize,
}

/// Runs `check` on the corpus and on mutations of it. `check` panics on a fault, and returns the behaviour otherwise.
///
/// # Panics
/// When `check` does; the input is printed.
pub fn run<B: Debug>(target: Target<'_>, mut check: impl FnMut(&[u8]) -> B) {
    let mut corpus = Corpus::load(target.name);
    let mut behaviours = HashSet::new();
    let mut inputs: Vec<Vec<u8>> = Vec::new();
    let known = corpus.inputs.clone();
    for input in target.seeds.iter().map(|seed| seed.to_vec()).chain(known) {
        behaviours.insert(checked(target, &input, &mut check));
        inputs.push(input);
    }
    let budget = Budget::new();
    let mut random = Random::new(target.name);
    let mut runs = 0;
    while budget.allows(runs) {
        runs += 1;
        let input = mutated(&inputs, target, &mut random);
        if behaviours.insert(checked(target, &input, &mut check)) && inputs.len() < MAX_INPUTS {
            corpus.inputs.push(input.clone());
            inputs.push(input);
        }
    }
    if std::env::var_os(KEEP).is_some() {
        corpus.save(target.name);
    }
    println!(
        "{}: {runs} runs, {} behaviours, {} inputs",
        target.name,
        behaviours.len(),
        inputs.len()
    );
}

fn checked<B: Debug>(
    target: Target<'_>,
    input: &[u8],
    check: &mut impl FnMut(&[u8]) -> B,
) -> String {
    match catch_unwind(AssertUnwindSafe(|| check(input))) {
        Ok(behaviour) => format!("{behaviour:?}"),
        Err(panic) => {
            println!(
                "{} fails; add to corpus/{}.txt:\n{}",
                target.name,
                target.name,
                input.escape_ascii()
            );
            resume_unwind(panic)
        }
    }
}

/// How long a target runs.
enum Budget {
    Runs(u32),
    Until(Instant),
}

impl Budget {
    #[expect(clippy::disallowed_methods, reason = "a target runs for a time that its caller sets")]
    fn new() -> Self {
        let seconds = std::env::var_os(SECONDS).and_then(|text| text.to_str()?.parse().ok());
        match seconds {
            None => Self::Runs(DEFAULT_RUNS),
            Some(seconds) => Self::Until(Instant::now() + Duration::from_secs(seconds)),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a target runs for a time that its caller sets")]
    fn allows(&self, runs: u32) -> bool {
        match self {
            Self::Runs(max) => runs < *max,
            Self::Until(end) => Instant::now() < *end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target<'_> =
        Target { name: "example", seeds: &[b"a"], dictionary: &["stage", "door"], max_len: 64 };

    #[test]
    fn failing_input_is_found_and_reported() {
        let found = catch_unwind(|| {
            run(TARGET, |input| {
                let has = |word: &[u8]| input.windows(word.len()).any(|window| window == word);
                assert!(!(has(b"stage") && has(b"door")), "both words");
                (has(b"stage"), has(b"door"))
            });
        });
        assert!(found.is_err(), "a behaviour on the way to the fault leads there");
    }

    #[test]
    fn inputs_stay_within_their_length() {
        run(TARGET, |input| assert!(input.len() <= TARGET.max_len));
    }
}
