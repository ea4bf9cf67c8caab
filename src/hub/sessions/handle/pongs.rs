//! The answers to pings of the client that are not written yet.
//!
//! They have no number and are never replayed: they belong to one connection. Bounded by the burst of pings, which a
//! client that reads never reaches.

use stagedoor_proto::{Ponged, Reply, Timestamp, encode_reply};

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Pongs(Vec<(u32, Timestamp)>);

impl Pongs {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the answer to ping `id`, which arrived at `at`. `false` if `max` answers are waiting.
    pub(super) fn push(&mut self, id: u32, at: Timestamp, max: u32) -> bool {
        let has_space = self.0.len() < max as usize;
        if has_space {
            self.0.push((id, at));
        }
        has_space
    }

    /// Passes the answers to `write`, one by one, until it returns `false`. Returns what it returned last.
    pub(super) fn write(&mut self, mut write: impl FnMut(&[u8]) -> bool) -> bool {
        let (mut written, mut has_space) = (0, true);
        for (id, time_ms) in &self.0 {
            written += 1;
            has_space = write(&encode_reply(*id, &Ok(Reply::Pong(Ponged { time_ms: *time_ms }))));
            if !has_space {
                break;
            }
        }
        if written == self.0.len() {
            // An idle session holds no memory for them.
            self.0 = Vec::new();
        } else {
            self.0.drain(..written);
        }
        has_space
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_bounded_and_written_in_order() {
        let mut pongs = Pongs::default();
        let at = Timestamp::from_millis(5);
        for id in 1..=3 {
            assert!(pongs.push(id, at, 3));
        }
        assert!(!pongs.push(4, at, 3), "the client does not read");
        let mut written = Vec::new();
        assert!(!pongs.write(|body| {
            written.push(String::from_utf8_lossy(body).into_owned());
            written.len() < 2
        }));
        assert!(pongs.push(5, at, 3) && pongs.push(6, at, 3));
        assert!(pongs.write(|body| {
            written.push(String::from_utf8_lossy(body).into_owned());
            true
        }));
        assert!(pongs.is_empty());
        let expected =
            [1, 2, 3, 5, 6].map(|id| format!(r#""id":{id},"ok":{{"pong":{{"time_ms":5}}}}}}"#));
        assert_eq!(written, expected);
    }
}
