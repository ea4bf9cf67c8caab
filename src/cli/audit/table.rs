//! Audit rows as a table.

use std::io;

use super::super::receipt;
use super::super::table::{self, printable, time};
use crate::store::{AuditActor, AuditOutcome, AuditRow};

const COLUMNS: usize = 8;
const TITLES: [&str; COLUMNS] =
    ["row", "time", "actor", "command", "room", "target", "outcome", "reason"];

pub(super) fn print(rows: &[AuditRow], out: &mut impl io::Write) -> io::Result<()> {
    table::print(&TITLES, rows.iter().map(|row| cells(row).into()).collect(), out)
}

fn cells(row: &AuditRow) -> [String; COLUMNS] {
    let event = &row.event;
    let target = receipt::target(&event.target);
    [
        row.number.to_string(),
        time(event.at_ms),
        match &event.actor {
            AuditActor::User(username) => username.as_str().to_owned(),
            AuditActor::Server(key) => format!("server {key}"),
            AuditActor::Gateway => "gateway".to_owned(),
        },
        event.command.to_string(),
        event.room.as_ref().map(ToString::to_string).unwrap_or_default(),
        target,
        outcome(&event.outcome),
        event.reason.as_deref().unwrap_or_default().to_owned(),
    ]
    .map(|cell| printable(&cell))
}

fn outcome(outcome: &AuditOutcome) -> String {
    match outcome {
        AuditOutcome::Done => "done".to_owned(),
        AuditOutcome::Denied { times } => format!("denied {times} times"),
        AuditOutcome::Receipts { counts, elapsed_ms } => {
            format!("{} in {elapsed_ms} ms", receipt::format_counts(*counts))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(event: &serde_json::Value) -> AuditRow {
        let mut row = json!({ "number": 7, "hash": "", "at_ms": 1_900_000_000_123_u64, "command": "force_mute" });
        row.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        serde_json::from_value(row).unwrap()
    }

    #[test]
    fn row_prints_time_actor_command_target_and_outcome() {
        let id = "AAAAAAAAAAAAAAAAAAAAAA";
        let counts =
            json!({ "enforced": 3, "pending": 0, "offline": 1, "declined": 0, "ignored": 0 });
        let no_targets =
            json!({ "enforced": 0, "pending": 0, "offline": 0, "declined": 0, "ignored": 0 });
        for (event, expected) in [
            (
                json!({
                    "actor": { "user": "ada" }, "room": "lobby", "target": { "username": "bob", "stream": id },
                    "reason": "loud\u{1b}[2J", "outcome": { "receipts": { "counts": counts, "elapsed_ms": 12 } },
                }),
                ["ada", "lobby", "bob", "3 enforced, 1 offline in 12 ms", "loud\\u{1b}[2J"],
            ),
            (
                json!({ "actor": { "server": "ops" }, "target": { "stream": id }, "outcome": { "denied": { "times": 5 } } }),
                ["server ops", "", "stream AAAAAAAAAAAAAAAAAAAAAA", "denied 5 times", ""],
            ),
            (
                json!({
                    "actor": "gateway", "target": { "participant": id },
                    "outcome": { "receipts": { "counts": no_targets, "elapsed_ms": 0 } },
                }),
                ["gateway", "", "participant AAAAAAAAAAAAAAAAAAAAAA", "0 targets in 0 ms", ""],
            ),
            (json!({ "actor": "gateway", "outcome": "done" }), ["gateway", "", "", "done", ""]),
        ] {
            let [actor, room, target, outcome, reason] = expected.map(str::to_owned);
            let (time, command) = ("2030-03-17T17:46:40.123Z".to_owned(), "force_mute".to_owned());
            let expected = ["7".to_owned(), time, actor, command, room, target, outcome, reason];
            assert_eq!(cells(&row(&event)), expected);
        }
    }

    #[test]
    fn columns_begin_in_the_same_place_in_each_line() {
        let short = json!({ "actor": { "user": "é" }, "outcome": "done" });
        let long = json!({ "actor": { "server": "a long name" }, "outcome": "done" });
        let mut out = Vec::new();
        print(&[row(&short), row(&long)], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let place = |line: &str, word: &str| line.split(word).next().unwrap().chars().count();
        let places: Vec<_> = text.lines().skip(1).map(|line| place(line, "force_mute")).collect();
        assert_eq!(places, [place(text.lines().next().unwrap(), "command"); 2], "{text}");
    }
}
