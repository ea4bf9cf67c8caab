//! Where an audit log is read from: the store's file, or a gateway that runs.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use reqwest::Url;
use serde::Deserialize;

use super::super::api::{Api, Call};
use super::super::connection::{base_url, of_app};
use super::super::failure::Failure;
use super::AuditError;
use crate::config::Store as Place;
use crate::store::{AuditFile, AuditRow, Head};

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Which log.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// The directory durable facts are kept in; the gateway has to be stopped.
    #[arg(long, value_name = "DIRECTORY", required_unless_present_any = ["store", "url"])]
    data: Option<PathBuf>,
    /// The store's file itself; the gateway has to be stopped.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    store: Option<PathBuf>,
    /// Ask the running gateway whose server API is there, with the key in `STAGEDOOR_SERVER_KEY`.
    #[arg(long, value_parser = base_url, conflicts_with_all = ["data", "store"])]
    url: Option<Url>,
    /// The file the key of the server API is in.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "store"])]
    key_file: Option<PathBuf>,
    /// The app.
    #[arg(long)]
    app: String,
}

impl Log {
    /// Finds it.
    pub(super) fn open(&self) -> Result<Source, AuditError> {
        let app = self.app.clone();
        if let Some(url) = &self.url {
            return Ok(Source::Gateway(of_app(url, &app, self.key_file.as_deref())?));
        }
        let in_directory = self.data.as_deref().map(Place::in_directory);
        let path = match (in_directory, &self.store) {
            (Some(Place::Sqlite { path }), _) => path,
            (Some(Place::Memory) | None, file) => {
                file.clone().expect("clap asks for one of --data, --store and --url")
            }
        };
        let file = AuditFile::open(&path)?;
        let apps = file.apps()?;
        if apps.contains(&app) {
            return Ok(Source::File(file, app));
        }
        let known = if apps.is_empty() { "none".to_owned() } else { apps.join(", ") };
        Err(AuditError::NoLog { file: path.display().to_string(), app, known })
    }
}

/// A log that was found.
pub(super) enum Source {
    /// An app's, in the store's file.
    File(AuditFile, String),
    /// Behind the server API of the app.
    Gateway(Api),
}

/// A line of the server API's export.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Box<AuditRow>),
    Last { head: Told },
}

/// A head, as the server API tells it.
#[derive(Deserialize)]
struct Told {
    number: u64,
    hash: String,
}

impl Told {
    fn head(self) -> Result<Head, AuditError> {
        format!("{}:{}", self.number, self.hash).parse().map_err(|_| AuditError::CutOff)
    }
}

/// What the server API says of a log.
#[derive(Deserialize)]
struct Checked {
    head: Option<Told>,
    found: Option<String>,
}

impl Source {
    /// Gives `limit` rows after that of number `after` to `take`.
    pub(super) fn rows(
        &self,
        after: u64,
        limit: usize,
        take: impl FnMut(AuditRow) -> io::Result<()>,
    ) -> Result<(), AuditError> {
        match self {
            Self::File(file, app) => rows_of(file, app, after, limit, take),
            Self::Gateway(api) => exported(api, after, limit, false, take).map(drop),
        }
    }

    /// The same, and the log's head.
    pub(super) fn rows_and_head(
        &self,
        after: u64,
        limit: usize,
        take: impl FnMut(AuditRow) -> io::Result<()>,
    ) -> Result<Head, AuditError> {
        match self {
            Self::File(file, app) => {
                rows_of(file, app, after, limit, take)?;
                Ok(file.head(app)?)
            }
            Self::Gateway(api) => {
                exported(api, after, limit, true, take)?.ok_or(AuditError::CutOff)
            }
        }
    }

    /// The head of a log that is whole, or what is wrong with it.
    pub(super) fn verify(&self, told: Option<&Head>) -> Result<Result<Head, String>, AuditError> {
        let api = match self {
            Self::File(file, app) => {
                let verified = file.verify(app, told)?;
                return Ok(verified
                    .map(|verified| verified.head)
                    .map_err(|error| error.to_string()));
            }
            Self::Gateway(api) => api,
        };
        let call = Call::get(&["audit", "verify"]);
        let call = match told {
            Some(head) => call.with("head", head),
            None => call,
        };
        let checked = serde_json::from_value(api.ask(call)?);
        match checked.map_err(|_| AuditError::CutOff)? {
            Checked { head: Some(told), found: None } => told.head().map(Ok),
            Checked { found, .. } => Ok(Err(found.unwrap_or_default())),
        }
    }
}

/// Rows of the file, a page at a time.
fn rows_of(
    file: &AuditFile,
    app: &str,
    mut after: u64,
    mut limit: usize,
    mut take: impl FnMut(AuditRow) -> io::Result<()>,
) -> Result<(), AuditError> {
    while limit > 0 {
        let rows = file.rows(app, after, limit.min(PAGE))?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        limit -= rows.len();
        rows.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// Rows of the gateway's export, and its head, which comes last: with `to_the_end` it is read for that.
fn exported(
    api: &Api,
    after: u64,
    mut limit: usize,
    to_the_end: bool,
    mut take: impl FnMut(AuditRow) -> io::Result<()>,
) -> Result<Option<Head>, AuditError> {
    let mut last = None;
    let call = Call::get(&["audit", "export"]).with("after", &after);
    api.lines(call, |line| {
        match serde_json::from_str(line).map_err(io::Error::from)? {
            Line::Last { head } => last = Some(head),
            Line::Row(row) if limit > 0 => {
                limit -= 1;
                take(*row)?;
            }
            Line::Row(_) => {}
        }
        let has_enough = limit == 0 && !to_the_end;
        Ok(if has_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .map_err(|failure| match failure {
        Failure::Print(error) => AuditError::Print(error),
        failure => AuditError::Gateway(failure),
    })?;
    last.map(Told::head).transpose()
}
