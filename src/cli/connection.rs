//! Which gateway a command asks, as whom, and how what it answers is told.
//!
//! Invariants: a key is read from a file or the environment, never from the arguments, which everybody on the machine may
//! read; answers go to the standard output and everything else to the other; a closed pipe is no failure.

use std::io::{self, BufWriter, StdoutLock, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;

use super::api::Api;
use super::failure::{Door, Failure};
use super::receipt::Receipt;
use super::table::{self, Column};
use super::{Exit, complain};
use crate::config::DEV_APP;

/// Where a configured gateway's server API is, unless it says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:7081";
/// Says where the server API is.
const URL: &str = "STAGEDOOR_URL";
/// Names the app.
pub(super) const APP: &str = "STAGEDOOR_APP";
/// Names the file an app's server key is in.
const KEY_FILE: &str = "STAGEDOOR_KEY_FILE";

/// Which gateway, and how its answers are told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
struct Gateway {
    /// Where the server API of the running gateway is.
    #[arg(long, global = true, env = URL, default_value = DEFAULT_URL, value_parser = base_url)]
    url: Url,
    /// Print JSON: of a list one object a line, otherwise what the gateway answered.
    #[arg(long, global = true)]
    json: bool,
}

/// Which app of which gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Connection {
    #[command(flatten)]
    gateway: Gateway,
    /// The file the key is in; without it, the key is taken from the environment.
    #[arg(long, global = true, value_name = "FILE", env = KEY_FILE)]
    key_file: Option<PathBuf>,
    /// The app.
    #[arg(long, global = true, env = APP, default_value = DEV_APP)]
    app: String,
}

/// Which gateway, as whoever runs it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Operator {
    #[command(flatten)]
    gateway: Gateway,
    /// The file the operator's key is in; without it, the key is taken from the environment.
    #[arg(long, value_name = "FILE", env = "STAGEDOOR_OPERATOR_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl Connection {
    /// Has `ask` ask the app's server API; `STAGEDOOR_SERVER_KEY` has its key.
    pub(super) fn run(&self, ask: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let api = of_app(url, &self.app, self.key_file.as_deref());
        finish(api.and_then(|api| ask(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }
}

impl Operator {
    /// Has `ask` ask what concerns the node; `STAGEDOOR_OPERATOR_KEY` has its key.
    pub(super) fn run(&self, ask: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let base = below(url, &["api", "v1"]);
        let api = self.key().and_then(|key| Api::new(base, key, Door::Node));
        finish(api.and_then(|api| ask(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }

    /// The operator's own key, wherever it is told; in development mode the app's server key is the operator's too, so
    /// that is looked for last.
    fn key(&self) -> Result<SecretString, Failure> {
        let own = key(self.key_file.as_deref(), Door::Node);
        let Err(missing @ Failure::NoKey(_)) = own else { return own };
        match key(key_file().as_deref(), Door::App) {
            Err(Failure::NoKey(_)) => Err(missing),
            apps => apps,
        }
    }
}

/// The server API of an app, opened by the key in `key_file` or the environment.
pub(super) fn of_app(url: &Url, app: &str, key_file: Option<&Path>) -> Result<Api, Failure> {
    if matches!(app, "." | "..") {
        return Err(Failure::NoSuchPath(app.to_owned()));
    }
    let base = below(url, &["api", "v1", "apps", app]);
    Api::new(base, key(key_file, Door::App)?, Door::App)
}

/// Where the environment says that the server API is.
pub(super) fn url() -> Result<Url, Failure> {
    let url = variable(URL).unwrap_or_else(|| DEFAULT_URL.to_owned());
    base_url(&url).map_err(|reason| Failure::Variable { name: URL, reason })
}

/// The file in which the environment says that an app's key is.
pub(super) fn key_file() -> Option<PathBuf> {
    variable(KEY_FILE).map(PathBuf::from)
}

/// Tells what went wrong, and how the process ends.
pub(super) fn finish(asked: Result<Exit, Failure>) -> Exit {
    match asked {
        Ok(exit) => exit,
        // Whoever reads it has had enough.
        Err(failure) if failure.is_closed_pipe() => Exit::Success,
        Err(failure) => {
            complain(&failure);
            failure.exit()
        }
    }
}

/// The URL of a gateway, as an argument.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("expected an http or https URL such as {DEFAULT_URL}"))
}

fn below(url: &Url, parts: &[&str]) -> Url {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.path_segments_mut().expect("it is an http URL").pop_if_empty().extend(parts);
    base
}

/// The key in `file`; without one, that in the environment.
fn key(file: Option<&Path>, door: Door) -> Result<SecretString, Failure> {
    let key = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| Failure::KeyFile {
            file: file.display().to_string(),
            reason: error.to_string(),
        })?,
        None => variable(door.variable()).ok_or(Failure::NoKey(door))?,
    };
    Ok(key.trim_end_matches(['\r', '\n']).into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key is no argument, not even one with a default from the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Prints answers: for people, or for machines.
pub(super) struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Printer {
    fn new(json: bool) -> Self {
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
            Err(_) => self.told(answer, &answer.to_string()),
        }
    }

    /// What was done, in a sentence.
    pub(super) fn told(&mut self, answer: &Value, sentence: &str) -> Result<(), Failure> {
        self.either(answer, |out| writeln!(out, "{sentence}"))
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
    complain(&format_args!("there are more {what}than {count}: raise --limit"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_api_below_it() {
        for (text, expected) in [
            ("http://127.0.0.1:7081", "http://127.0.0.1:7081/api/v1/apps/a%20b"),
            ("https://example.com/", "https://example.com/api/v1/apps/a%20b"),
            ("https://example.com/gateway?x=1#y", "https://example.com/gateway/api/v1/apps/a%20b"),
        ] {
            let url = base_url(text).unwrap();
            assert_eq!(below(&url, &["api", "v1", "apps", "a b"]).as_str(), expected);
        }
        for text in ["127.0.0.1:7081", "ftp://example.com", "", "http://"] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_what_the_file_has_without_its_line_break() {
        use secrecy::ExposeSecret as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sk_key\n").unwrap();
        assert_eq!(key(Some(file.path()), Door::App).unwrap().expose_secret(), "sk_key");
        let failure = key(Some(Path::new("/nowhere/key")), Door::App).unwrap_err();
        assert!(
            failure.exit() == Exit::Misused && failure.to_string().starts_with("/nowhere/key: ")
        );
    }
}
