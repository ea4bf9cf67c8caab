//! What a worker counts, and what its parent adds up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Everything that happened to the sessions of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Connections that were lost and resumed.
    pub(crate) returns: u64,
    /// Sessions that did not come back.
    pub(crate) gone: u64,
    /// Numbers of frames that never came, but for those that a reset stood for.
    pub(crate) frames_missed: u64,
    /// Numbers of frames that came again.
    pub(crate) frames_repeated: u64,
    /// Signals that a receiver never got, though it got a later one.
    pub(crate) signals_missed: u64,
    /// Signals that came again, or in the wrong order.
    pub(crate) signals_repeated: u64,
    /// Room resets received.
    pub(crate) room_resets: u64,
    /// `participant_left` pushes received.
    pub(crate) participants_left: u64,
    /// How often each thing was done.
    pub(crate) acts: BTreeMap<String, u64>,
    /// How often each close code was received; 1006 stands for a connection that just broke.
    pub(crate) closes: BTreeMap<u16, u64>,
    /// What went wrong, by kind.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts something that was done.
    pub(crate) fn act(&mut self, name: &str) {
        *self.acts.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts an error under its code, or under its words where it has none.
    pub(crate) fn error(&mut self, error: &anyhow::Error) {
        *self.errors.entry(kind(error)).or_default() += 1;
    }

    /// All errors together.
    pub(crate) fn all_errors(&self) -> u64 {
        self.errors.values().sum()
    }

    /// How often connections were closed with `code`.
    pub(crate) fn closed_with(&self, code: u16) -> u64 {
        self.closes.get(&code).copied().unwrap_or(0)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.returns += other.returns;
        self.gone += other.gone;
        self.frames_missed += other.frames_missed;
        self.frames_repeated += other.frames_repeated;
        self.signals_missed += other.signals_missed;
        self.signals_repeated += other.signals_repeated;
        self.room_resets += other.room_resets;
        self.participants_left += other.participants_left;
        add(&mut self.acts, other.acts);
        add(&mut self.closes, other.closes);
        add(&mut self.errors, other.errors);
    }
}

fn add<K: Ord>(all: &mut BTreeMap<K, u64>, others: BTreeMap<K, u64>) {
    for (key, count) in others {
        *all.entry(key).or_default() += count;
    }
}

/// The word an error is counted under.
fn kind(error: &anyhow::Error) -> String {
    match error.downcast_ref::<stagedoor_proto::Error>() {
        Some(refusal) => refusal.code.as_str().to_owned(),
        None => error.root_cause().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use stagedoor_proto::{Error, ErrorCode};

    use super::*;

    #[test]
    fn counts_of_workers_add_up_kind_by_kind() {
        let mut all = Counts::default();
        for _ in 0..2 {
            let mut one = Counts { returns: 3, ..Counts::default() };
            one.act("leave");
            one.closes.insert(4203, 2);
            let refusal = Error::new(ErrorCode::RoomFull, "no place");
            one.error(&anyhow::Error::new(refusal).context("refused by the gateway"));
            one.error(&anyhow::anyhow!("broken pipe").context("cannot send"));
            all += one;
        }
        assert_eq!((all.returns, all.acts["leave"], all.closed_with(4203)), (6, 2, 4));
        let kinds: Vec<_> = all.errors.keys().map(String::as_str).collect();
        assert_eq!((kinds, all.all_errors()), (vec!["broken pipe", "room_full"], 4));
    }
}
