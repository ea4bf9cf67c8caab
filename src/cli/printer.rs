//! How what a gateway answers is told: to people, or to machines.
//!
//! Invariant: answers go to the standard output and everything else to the other.

use std::io::{self, BufWriter, StdoutLock, Write as _};

use serde_json::Value;
use stagedoor_proto::{Timestamp, Username};

use super::failure::Failure;
use super::output::print_error;
use super::receipt::Receipt;
use super::table::{self, Column, date, printable};

/// Prints answers: for people, or for machines.
pub(super) struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), json }
    }

    /// Items as a table, or as an object a line.
    pub(super) fn list(
        &mut self,
        columns: &[Column],
        (items, has_more): (Vec<Value>, bool),
    ) -> Result<(), Failure> {
        if self.json {
            for item in &items {
                writeln!(self.out, "{item}")?;
            }
        } else {
            table::print_items(columns, &items, &mut self.out)?;
        }
        self.out.flush()?;
        if has_more {
            cut(items.len(), "");
        }
        Ok(())
    }

    /// A list that has nothing to list, in a sentence; no object where objects are asked for.
    pub(super) fn nothing(&mut self, sentence: &str) -> Result<(), Failure> {
        if !self.json {
            writeln!(self.out, "{sentence}")?;
        }
        Ok(self.out.flush()?)
    }

    /// One thing as lines, or as it was answered.
    pub(super) fn one(&mut self, columns: &[Column], item: &Value) -> Result<(), Failure> {
        self.either(item, |out| table::print_record(columns, item, out))
    }

    /// One thing and, below it, tables of what belongs to it; each with where it is in the answer, as a JSON pointer.
    pub(super) fn with_items(
        &mut self,
        answer: &Value,
        (details, one): (&[Column], &str),
        tables: &[(&[Column], &str)],
    ) -> Result<(), Failure> {
        self.either(answer, |out| {
            table::print_record(details, answer.pointer(one).unwrap_or(&Value::Null), out)?;
            for (columns, place) in tables {
                let items = answer.pointer(place).and_then(Value::as_array);
                if let Some(items) = items.filter(|items| !items.is_empty()) {
                    writeln!(out)?;
                    table::print_items(columns, items, out)?;
                }
            }
            Ok(())
        })
    }

    /// A verb's receipt.
    pub(super) fn receipt(&mut self, answer: &Value) -> Result<(), Failure> {
        match serde_json::from_value::<Receipt>(answer.clone()) {
            Ok(receipt) => self.either(answer, |out| receipt.print(out)),
            // Of a newer gateway: told as it is.
            Err(_) => self.sentence(answer, &answer.to_string()),
        }
    }

    /// What was done, in a sentence.
    pub(super) fn sentence(&mut self, answer: &Value, sentence: &str) -> Result<(), Failure> {
        self.either(answer, |out| writeln!(out, "{sentence}"))
    }

    /// What was done to a user, in a sentence.
    pub(super) fn user_result(
        &mut self,
        done: &str,
        user: &Username,
        answer: &Value,
    ) -> Result<(), Failure> {
        self.sentence(answer, &done_to_user(done, user, answer))
    }

    fn either(
        &mut self,
        answer: &Value,
        print: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.json {
            writeln!(self.out, "{answer}")?;
        } else {
            print(&mut self.out)?;
        }
        Ok(self.out.flush()?)
    }
}

/// Tells that there are more than the `count` that were shown of `what`, which ends in a space where it is anything.
pub(super) fn cut(count: usize, what: &str) {
    print_error(&format_args!("there are more {what}than {count}: raise --limit"));
}

fn done_to_user(what: &str, user: &Username, answer: &Value) -> String {
    let until = match answer["until_ms"].as_u64().map(Timestamp::from_millis) {
        None => String::new(),
        Some(until) => match date(until) {
            Some(date) => format!(" until {date}"),
            None => " for ever".to_owned(),
        },
    };
    let ended = match answer["sessions_ended"].as_u64() {
        None | Some(0) => String::new(),
        Some(1) => "; 1 session ended".to_owned(),
        Some(count) => format!("; {count} sessions ended"),
    };
    format!("{what} {}{until}{ended}", printable(user.as_str()))
}
