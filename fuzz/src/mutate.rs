//! Mutations of inputs.

use crate::Target;
use crate::random::Random;

/// Maximum number of mutations in a row.
const MAX_STEPS: usize = 6;
/// Longest range that is copied or removed at once.
const MAX_RANGE: usize = 64;
/// Bytes that often are a boundary.
const BYTES: &[u8] =
    &[0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'{', b'[', b'0', b'9', b'-', b' ', b'\n', b','];

/// A mutation of one of `inputs`.
pub(crate) fn mutated(inputs: &[Vec<u8>], target: Target<'_>, random: &mut Random) -> Vec<u8> {
    let mut input = random.of(inputs).cloned().unwrap_or_default();
    for _ in 0..=random.below(MAX_STEPS) {
        step(&mut input, inputs, target.dictionary, random);
        input.truncate(target.max_len);
    }
    input
}

fn step(input: &mut Vec<u8>, inputs: &[Vec<u8>], dictionary: &[&str], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(MAX_RANGE)).min(input.len());
    match random.below(9) {
        0 => {
            let byte = random.byte();
            input.insert(at, byte);
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            if let (Some(byte), Some(boundary)) = (input.get_mut(at), random.of(BYTES)) {
                *byte = *boundary;
            }
        }
        3 => drop(input.drain(at..end)),
        4 => {
            let copy = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, copy);
        }
        5 => {
            let other = random.of(inputs).cloned().unwrap_or_default();
            let from = random.below(other.len() + 1);
            input.splice(at.., other[from..].iter().copied());
        }
        6 => {
            let other = random.of(inputs).cloned().unwrap_or_default();
            let from = random.below(other.len() + 1);
            let to = (from + random.below(MAX_RANGE)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        7 => {
            let word = random.of(dictionary).copied().unwrap_or_default();
            input.splice(at..at, word.bytes());
        }
        _ => {
            let word = random.of(dictionary).copied().unwrap_or_default();
            input.splice(at..end, word.bytes());
        }
    }
}
