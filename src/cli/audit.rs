//! `audit list|verify|export`: reads an app's audit log from the store's file or from a running gateway.
//!
//! A running gateway locks its store's file, so its log is read through the server API. Output goes to stdout.

mod block_on;
mod error;
mod source;
mod table;

use std::io::{self, BufWriter, Write};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use stagedoor_proto::{RoomId, Username};

use super::exit::Exit;
use super::limit::Limit;
use super::output::print_error;
use super::printer::{print_empty, print_truncated};
use super::table::{printable, printable_json};
use crate::store::{AuditSearch, ChainHead};
use error::AuditError;
use source::{Log, RowFilter};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Print the last rows, or the rows after a given one.
    List(List),
    /// Check that no row was changed, removed, moved or truncated.
    Verify(Verify),
    /// Export rows as JSON lines, followed by the chain head.
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    log: Log,
    /// Start after this row number; without it, the last rows are printed.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
    /// Only rows that target this user or were caused by them.
    #[arg(long)]
    user: Option<Username>,
    /// Only rows of this room.
    #[arg(long)]
    room: Option<RoomId>,
    /// Only of this command, such as `ban` or `force_mute`.
    #[arg(long)]
    command: Option<String>,
    #[command(flatten)]
    limit: Limit,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    log: Log,
    /// A head printed earlier; the log must still contain that row.
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Option<ChainHead>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    log: Log,
    /// Start after this row number.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    after: u64,
    /// Maximum number of rows; default: all.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
}

impl Audit {
    pub(super) fn run(self) -> Exit {
        match self.execute(&mut BufWriter::new(io::stdout().lock())) {
            Ok(exit) => exit,
            // The reader closed the pipe.
            Err(AuditError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Exit::Success
            }
            Err(error) => {
                print_error(&error);
                if let AuditError::Gateway(failure) = &error {
                    failure.exit()
                } else {
                    Exit::Failure
                }
            }
        }
    }

    fn execute(self, out: &mut impl Write) -> Result<Exit, AuditError> {
        let exit = match self {
            Self::List(list) => list.execute(out)?,
            Self::Verify(verify) => verify.execute(out)?,
            Self::Export(export) => export.execute(out)?,
        };
        out.flush()?;
        Ok(exit)
    }
}

impl List {
    fn execute(self, out: &mut impl Write) -> Result<Exit, AuditError> {
        let Self { log, after, user: username, room, command, limit: Limit { rows: limit } } = self;
        let json = log.is_json();
        let which = AuditSearch { command, room, username };
        let (rows, has_more) = log.open()?.search(&RowFilter { which, after, limit })?;
        if json {
            rows.iter().try_for_each(|row| writeln!(out, "{}", line(&json!(row))))?;
        } else if rows.is_empty() {
            print_empty("rows");
        } else {
            table::print(&rows, out)?;
        }
        out.flush()?;
        if has_more {
            print_truncated(rows.len(), "rows ");
        }
        Ok(Exit::Success)
    }
}

impl Verify {
    fn execute(self, out: &mut impl Write) -> Result<Exit, AuditError> {
        match (self.log.open()?.verify(self.head.as_ref())?, self.log.is_json()) {
            (Ok(head), false) => {
                writeln!(out, "ok: {} rows, head {head}", head.number)?;
                Ok(Exit::Success)
            }
            (Ok(head), true) => {
                writeln!(out, "{}", line(&json!({ "ok": true, "head": head })))?;
                Ok(Exit::Success)
            }
            (Err(tampered), false) => {
                writeln!(out, "tampered with: {}", printable(&tampered))?;
                Ok(Exit::Failure)
            }
            (Err(tampered), true) => {
                writeln!(out, "{}", line(&json!({ "ok": false, "found": tampered })))?;
                Ok(Exit::Failure)
            }
        }
    }
}

impl Export {
    fn execute(self, out: &mut impl Write) -> Result<Exit, AuditError> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let print = |row| writeln!(out, "{}", line(&json!(row)));
        let head = self.log.open()?.export(self.after, limit, print)?;
        writeln!(out, "{}", line(&json!({ "head": head })))?;
        Ok(Exit::Success)
    }
}

/// A line of JSON for a terminal.
fn line(value: &Value) -> String {
    printable_json(&value.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;
    use stagedoor_proto::Target;

    use super::super::{Cli, Command};
    use super::*;
    use crate::store::{AuditActor, AuditEvent, AuditOutcome, SqliteStore, Store as _};

    /// A data directory whose app `shop` has a log of `count` rows.
    async fn logged(count: u64) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let events = (1..=count).map(|n| AuditEvent {
            at_ms: stagedoor_proto::Timestamp::from_secs(n),
            actor: AuditActor::Gateway,
            command: format!("command {n}").into(),
            room: (n % 1_000 == 0).then(|| "lobby".parse().unwrap()),
            version: None,
            target: Target {
                username: (n % 500 == 0).then(|| "ada".parse().unwrap()),
                ..Target::default()
            },
            reason: None,
            ref_: None,
            outcome: AuditOutcome::Done,
        });
        let store = SqliteStore::open(&directory.path().join("stagedoor.db")).await.unwrap();
        store.audit("shop".into(), events.collect()).await.unwrap();
        directory
    }

    /// What `audit` prints and exits with.
    fn audit(directory: &Path, arguments: &str) -> Result<(Exit, String), AuditError> {
        let place = ["--data", directory.to_str().unwrap()];
        let arguments = ["stagedoor", "audit"].into_iter().chain(arguments.split(' ')).chain(place);
        let Some(Command::Audit(audit)) = Cli::try_parse_from(arguments).unwrap().command else {
            panic!("it is another command");
        };
        let mut out = Vec::new();
        let exit = audit.execute(&mut out)?;
        Ok((exit, String::from_utf8(out).unwrap()))
    }

    fn numbers(text: &str) -> Vec<Option<u64>> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.map(|line: serde_json::Value| line["number"].as_u64()).collect()
    }

    #[tokio::test]
    async fn whole_log_is_ok_and_its_head_is_taken_back() {
        let directory = logged(3).await;
        let (exit, text) = audit(directory.path(), "verify --app shop").unwrap();
        let head = text.strip_prefix("ok: 3 rows, head ").unwrap().trim_end();
        assert!(exit == Exit::Success && head.starts_with("3:"), "{text}");
        let again = audit(directory.path(), &format!("verify --json --app shop --head {head}"));
        let (exit, text) = again.unwrap();
        assert!(exit == Exit::Success && text.starts_with("{\"head\":{"), "{text}");
    }

    #[tokio::test]
    async fn verify_fails_and_says_which_row() {
        let directory = logged(3).await;
        let db = rusqlite::Connection::open(directory.path().join("stagedoor.db")).unwrap();
        db.execute("DELETE FROM audit_log WHERE number = 2", []).unwrap();
        drop(db);
        let printed = audit(directory.path(), "verify --app shop").unwrap();
        assert_eq!(printed, (Exit::Failure, "tampered with: row 2 is missing\n".to_owned()));
        let (exit, text) = audit(directory.path(), "verify --app shop --json").unwrap();
        assert!(exit == Exit::Failure && text.contains("\"ok\":false"), "{text}");
    }

    #[tokio::test]
    async fn rows_are_printed_within_their_bounds() {
        let directory = logged(2_500).await;
        for (arguments, expected) in [
            ("", (2_401..=2_500).collect::<Vec<u64>>()),
            (" --limit 1500", (1_001..=2_500).collect()),
            (" --after 2498", vec![2_499, 2_500]),
            (" --after 10 --limit 1500", (11..=1_510).collect()),
            (" --user ada --limit 3", vec![1_500, 2_000, 2_500]),
            (" --user ada --limit 2 --after 500", vec![1_000, 1_500]),
            (" --room lobby", vec![1_000, 2_000]),
            (" --room lobby --user ada --after 1000", vec![2_000]),
        ] {
            let arguments = format!("list --json --app shop{arguments}");
            let (_, text) = audit(directory.path(), &arguments).unwrap();
            let expected: Vec<_> = expected.into_iter().map(Some).collect();
            assert_eq!(numbers(&text), expected, "{arguments}");
        }
        for (arguments, rows) in [("--after 1", 2_499), ("--limit 7", 7), ("--after 2500", 0)] {
            let (_, text) =
                audit(directory.path(), &format!("export --app shop {arguments}")).unwrap();
            let numbers = numbers(&text);
            assert_eq!((numbers.len(), numbers.last()), (rows + 1, Some(&None)), "{arguments}");
            assert!(text.lines().last().unwrap().contains("\"number\":2500"), "the head is last");
        }
        let (_, table) = audit(directory.path(), "list --app shop --limit 2").unwrap();
        assert_eq!(table.lines().count(), 3, "{table}");
    }

    #[tokio::test]
    async fn unreadable_log_is_an_error_of_one_line() {
        let directory = logged(1).await;
        let rejected = |arguments: &str| {
            let text = audit(directory.path(), arguments).unwrap_err().to_string();
            assert!(!text.contains('\n'), "{text}");
            text
        };
        let text = rejected("verify --app shpo");
        assert!(text.ends_with("no audit log of app \"shpo\"; apps with a log: shop"), "{text}");
        let _gateway = SqliteStore::open(&directory.path().join("stagedoor.db")).await.unwrap();
        let text = rejected("verify --app shop");
        assert!(text.ends_with("another gateway has it open: stop that one first"), "{text}");
        let nowhere = audit(&directory.path().join("nowhere"), "list --app shop").unwrap_err();
        assert!(nowhere.to_string().ends_with("there is no such file"), "{nowhere}");
    }

    #[test]
    fn invalid_arguments_are_rejected() {
        for arguments in [
            "list --app shop --data /d --store /f",
            "list --app shop --data /d --url http://127.0.0.1:7081",
            "list --app shop --data /d --key-file /f",
            "list --app shop --url 127.0.0.1:7081",
            "verify --app shop --data /d --head 12",
            "export --app shop --data /d --after -1",
        ] {
            let arguments = ["stagedoor", "audit"].into_iter().chain(arguments.split(' '));
            let text = format!("{arguments:?}");
            assert!(Cli::try_parse_from(arguments).is_err(), "{text}");
        }
    }
}
