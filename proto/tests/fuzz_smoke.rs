//! A bounded mutation fuzzer over the vectors: decoding never panics, and decoded messages round-trip.
//!
//! The random numbers are seeded, so a run repeats; a failure names its seed, its iteration and the text.

mod wire;

use serde::Deserialize;
use stagedoor_proto::{decode_client, decode_server};

const SEED: u64 = 0x5747_4544_4f4f_5231;
const ITERATIONS: u32 = 200_000;

/// Bytes with a meaning in JSON.
const PUNCTUATION: &[u8] = b"{}[]\",:\\0123456789-+.eEtfnu \t\n\x00\x7f\xc3\xa9";

#[derive(Deserialize)]
struct Case {
    text: String,
}

fn corpus() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../vectors/client.json"),
        include_str!("../vectors/server.json"),
        include_str!("../vectors/errors.json"),
    ];
    let cases = files.iter().flat_map(|file| {
        serde_json::from_str::<Vec<Case>>(file).expect("a vector file of the documented format")
    });
    cases.map(|case| case.text.into_bytes()).filter(|text| !text.is_empty()).collect()
}

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and good enough to choose bytes.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("lengths are small");
        usize::try_from(self.next() % bound).expect("below a length")
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn mutate(text: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    if text.is_empty() {
        text.push(b'{');
    }
    let at = random.below(text.len());
    match random.below(6) {
        0 => text[at] ^= 1 << random.below(8),
        1 => text[at] = *random.of(PUNCTUATION),
        2 => text.insert(at, *random.of(PUNCTUATION)),
        3 => text.truncate(at),
        4 => {
            let end = at + random.below(text.len() - at);
            text.drain(at..end);
        }
        _ => {
            let other = random.of(corpus);
            let from = random.below(other.len());
            let to = from + random.below(other.len() - from);
            text.splice(at..at, other[from..to].iter().copied());
        }
    }
}

#[test]
fn mutated_messages_never_panic_and_survive_being_written_again() {
    let corpus = corpus();
    let mut random = Random(SEED);
    let mut decoded = 0_u32;
    for iteration in 0..ITERATIONS {
        let mut text = random.of(&corpus).clone();
        for _ in 0..=random.below(3) {
            mutate(&mut text, &corpus, &mut random);
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let checked = std::panic::catch_unwind(|| check(&text));
        decoded += checked
            .unwrap_or_else(|_| panic!("seed {SEED:#x}, iteration {iteration}, text {text:?}"));
    }
    // Guards against a fuzzer whose texts are all rejected at the first byte.
    assert!(decoded > ITERATIONS / 50, "only {decoded} of {ITERATIONS} texts were messages");
}

/// Counts the kinds of messages that `text` decodes as, and checks that each round-trips.
fn check(text: &str) -> u32 {
    let client = decode_client(text);
    match &client {
        Ok(message) => assert_eq!(decode_client(&wire::client_text(message)).as_ref(), Ok(message)),
        Err(error) => assert!(error.to_error().message.len() < 1_000, "{error}"),
    }
    let server = decode_server(text);
    if let Ok(message) = &server {
        let again = decode_server(&wire::server_text(message));
        assert_eq!(again.ok().as_ref(), Some(message));
    }
    u32::from(client.is_ok()) + u32::from(server.is_ok())
}
