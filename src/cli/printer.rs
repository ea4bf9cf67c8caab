//! Prints the answers of a gateway as text or JSON.
//!
//! Invariant: answers go to stdout and everything else to stderr.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use serde_json::Value;
use stagedoor_proto::{Timestamp, Username};

use super::failure::Failure;
use super::output::print_error;
use super::receipt::{Receipt, still_blocked};
use super::table::{self, Column, date, printable, printable_json};

pub(super) struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), json }
    }

    /// Prints items as a table, or as one JSON object per line. `what` they are is said if there is none.
    pub(super) fn list(
        &mut self,
        what: &str,
        columns: &[Column],
        (items, has_more): (Vec<Value>, bool),
    ) -> Result<(), Failure> {
        if self.json {
            for item in &items {
                writeln!(self.out, "{}", printable_json(&item.to_string()))?;
            }
        } else if items.is_empty() {
            print_empty(what);
        } else {
            table::print_items(columns, &items, &mut self.out)?;
        }
        self.out.flush()?;
        if has_more {
            print_truncated(items.len(), "");
        }
        Ok(())
    }

    /// Prints one record.
    pub(super) fn record(&mut self, columns: &[Column], item: &Value) -> Result<(), Failure> {
        self.either(item, |out| table::print_record(columns, item, out))
    }

    /// Prints a record and tables of its items; each with what they are and its JSON pointer into the answer.
    pub(super) fn with_items(
        &mut self,
        answer: &Value,
        (details, record): (&[Column], &str),
        tables: &[(&str, &[Column], &str)],
    ) -> Result<(), Failure> {
        self.either(answer, |out| {
            table::print_record(details, answer.pointer(record).unwrap_or(&Value::Null), out)?;
            for (what, columns, pointer) in tables {
                writeln!(out)?;
                let items = answer.pointer(pointer).and_then(Value::as_array);
                match items.filter(|items| !items.is_empty()) {
                    Some(items) => table::print_items(columns, items, out)?,
                    None => writeln!(out, "no {what}")?,
                }
            }
            Ok(())
        })
    }

    /// Prints the receipt of a moderation command.
    pub(super) fn receipt(&mut self, answer: &Value) -> Result<(), Failure> {
        match serde_json::from_value::<Receipt>(answer.clone()) {
            Ok(receipt) => self.either(answer, |out| receipt.print(out)),
            // The receipt of a newer gateway: print it unparsed.
            Err(_) => self.sentence(answer, &printable_json(&answer.to_string())),
        }
    }

    /// Prints the result of a command as a sentence.
    pub(super) fn sentence(&mut self, answer: &Value, sentence: &str) -> Result<(), Failure> {
        self.either(answer, |out| writeln!(out, "{sentence}"))
    }

    /// Prints the result of a command about a user.
    pub(super) fn user_result(
        &mut self,
        done: &str,
        user: &Username,
        answer: &Value,
    ) -> Result<(), Failure> {
        self.sentence(answer, &user_sentence(done, user, answer, ""))
    }

    /// Prints the result of a ban, with its end.
    pub(super) fn ban_result(&mut self, user: &Username, answer: &Value) -> Result<(), Failure> {
        self.sentence(answer, &user_sentence("banned", user, answer, "; permanent"))
    }

    /// Prints the result of an unban, and what still blocks the user.
    pub(super) fn unban_result(&mut self, user: &Username, answer: &Value) -> Result<(), Failure> {
        let mut sentence = user_sentence("unbanned", user, answer, "");
        if let Ok(block) = serde_json::from_value(answer["block"].clone()) {
            sentence = format!("{sentence}; {}", still_blocked(block));
        }
        self.sentence(answer, &sentence)
    }

    fn either(
        &mut self,
        answer: &Value,
        print: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.json {
            writeln!(self.out, "{}", printable_json(&answer.to_string()))?;
        } else {
            print(&mut self.out)?;
        }
        Ok(self.out.flush()?)
    }
}

/// Reports on stderr that there is nothing to list.
pub(super) fn print_empty(what: &str) {
    print_error(&format_args!("no {what}"));
}

/// Reports on stderr that there are more than the `count` printed items. `what` is empty or ends with a space.
pub(super) fn print_truncated(count: usize, what: &str) {
    print_error(&format_args!("more {what}exist than the {count} shown; raise --limit"));
}

fn user_sentence(what: &str, user: &Username, answer: &Value, without_end: &str) -> String {
    let until = match answer["until_ms"].as_u64().map(Timestamp::from_millis) {
        None => without_end.to_owned(),
        Some(until) => match date(until) {
            Some(date) => format!(" until {date}"),
            None => "; permanent".to_owned(),
        },
    };
    let ended = match answer["sessions_ended"].as_u64() {
        None | Some(0) => String::new(),
        Some(1) => "; 1 session ended".to_owned(),
        Some(count) => format!("; {count} sessions ended"),
    };
    let accepted_from = answer["accepted_from_ms"].as_u64().map(Timestamp::from_millis);
    let accepted_from = accepted_from
        .and_then(date)
        .map_or_else(String::new, |date| format!("; tokens issued from {date} on are accepted"));
    format!("{what} {}{until}{ended}{accepted_from}", printable(user.as_str()))
}
