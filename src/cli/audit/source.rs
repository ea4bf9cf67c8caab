//! The source of an audit log: a store that no gateway uses, or a running gateway.
//!
//! The file's path selects the store; rows are read through [`AuditLog`], independent of the store's type.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Deserialize;
use stagedoor_proto::{RoomId, Username};

use super::super::api::{Api, Call};
use super::super::connection::Connection;
use super::super::failure::Failure;
use super::block_on::block_on;
use super::error::AuditError;
use crate::config::Store as Place;
use crate::store::{AuditLog, AuditRow, AuditSearch, ChainHead, open_audit_log};

/// The arguments about a running gateway, whose store cannot be read beside it.
const GATEWAY: [&str; 3] = ["url", "key_file", "ca_file"];
/// Rows per read.
const PAGE_ROWS: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct Log {
    /// Data directory; the gateway must be stopped.
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = GATEWAY)]
    data: Option<PathBuf>,
    /// Store file; the gateway must be stopped.
    #[arg(long, value_name = "FILE", conflicts_with = "data", conflicts_with_all = GATEWAY)]
    store: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

impl Log {
    /// Opens the log that the arguments select.
    pub(super) fn open(&self) -> Result<Source, AuditError> {
        let app = self.connection.app();
        let from_directory = self.data.as_deref().map(Place::file_in);
        let Some(path) = from_directory.or_else(|| self.store.clone()) else {
            return Ok(Source::Gateway(self.connection.api()?));
        };
        let log = block_on(open_audit_log(&path))?;
        let apps = block_on(log.audited_apps())?;
        if apps.contains(&app) {
            return Ok(Source::Store(log, app.into()));
        }
        let known = if apps.is_empty() { "none".to_owned() } else { apps.join(", ") };
        Err(AuditError::NoLog { file: path.display().to_string(), app, known })
    }

    pub(super) const fn is_json(&self) -> bool {
        self.connection.is_json()
    }
}

pub(super) struct RowFilter {
    pub(super) which: AuditSearch,
    /// Start after this row number; `None` selects the last rows.
    pub(super) after: Option<u64>,
    pub(super) limit: usize,
}

pub(super) enum Source {
    /// An app's log in a store that no gateway uses.
    Store(Box<dyn AuditLog>, Arc<str>),
    /// The log behind the app's server API.
    Gateway(Api),
}

/// A line of the server API's export.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Box<AuditRow>),
    Last { head: ReportedHead },
}

/// A chain head in the server API's JSON form.
#[derive(Deserialize)]
struct ReportedHead {
    number: u64,
    hash: String,
}

impl ReportedHead {
    fn head(self) -> Result<ChainHead, AuditError> {
        format!("{}:{}", self.number, self.hash).parse().map_err(|_| AuditError::CutOff)
    }
}

#[derive(Deserialize)]
struct ChainCheck {
    head: Option<ReportedHead>,
    found: Option<String>,
}

impl Source {
    /// The selected rows, oldest first, and whether there are more.
    pub(super) fn search(&self, filter: &RowFilter) -> Result<(Vec<AuditRow>, bool), AuditError> {
        let (mut rows, has_more) = match self {
            Self::Store(log, app) => find_rows(&**log, app, filter)?,
            Self::Gateway(api) => {
                let (items, has_more) = api.list(filter.limit, || filter.call())?;
                let rows = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
                (rows.map_err(|_| AuditError::CutOff)?, has_more)
            }
        };
        if filter.after.is_none() {
            rows.reverse();
        }
        Ok((rows, has_more))
    }

    /// Passes up to `limit` rows after row `after` to `take`, and returns the log's head.
    pub(super) fn export(
        &self,
        after: u64,
        limit: usize,
        take: impl FnMut(AuditRow) -> io::Result<()>,
    ) -> Result<ChainHead, AuditError> {
        match self {
            Self::Store(log, app) => {
                for_each_row(&**log, app, after, limit, take)?;
                Ok(block_on(log.audit_head(Arc::clone(app)))?)
            }
            Self::Gateway(api) => export_from_gateway(api, after, limit, take),
        }
    }

    /// The head of an intact log, or what is wrong with the log.
    pub(super) fn verify(
        &self,
        reported: Option<&ChainHead>,
    ) -> Result<Result<ChainHead, String>, AuditError> {
        let api = match self {
            Self::Store(log, app) => {
                let verified = block_on(log.verify_audit(Arc::clone(app), reported.copied()))?;
                return Ok(verified
                    .map(|verified| verified.head)
                    .map_err(|error| error.to_string()));
            }
            Self::Gateway(api) => api,
        };
        let call = Call::get(&["audit", "verify"]);
        let call = match reported {
            Some(head) => call.with("head", head),
            None => call,
        };
        let checked = serde_json::from_value(api.call(call)?);
        match checked.map_err(|_| AuditError::CutOff)? {
            ChainCheck { head: Some(reported), found: None } => reported.head().map(Ok),
            ChainCheck { found, .. } => Ok(Err(found.unwrap_or_default())),
        }
    }
}

impl RowFilter {
    /// The server API call for this filter; its items are in the order of `find_rows`.
    fn call(&self) -> Call<'static> {
        let Self { which: AuditSearch { command, room, username }, after, limit: _ } = self;
        let call = Call::get(&["audit"]);
        let mut call = match after {
            Some(after) => call.with("after", after),
            None => call.with("order", "newest_first"),
        };
        let filters = [
            ("command", command.as_deref()),
            ("room", room.as_ref().map(RoomId::as_str)),
            ("username", username.as_ref().map(Username::as_str)),
        ];
        for (name, value) in filters {
            if let Some(value) = value {
                call = call.with(name, value);
            }
        }
        call
    }
}

/// The selected rows of the store, and whether there are more. Ascending with `after`, else descending.
fn find_rows(
    log: &dyn AuditLog,
    app: &Arc<str>,
    filter: &RowFilter,
) -> Result<(Vec<AuditRow>, bool), AuditError> {
    let mut found = Vec::new();
    let mut position = filter.after.unwrap_or(u64::MAX);
    loop {
        let rows = match filter.after {
            Some(_) => log.audit_rows(Arc::clone(app), position, PAGE_ROWS),
            None => log.audit_rows_before(Arc::clone(app), position, PAGE_ROWS),
        };
        let rows = block_on(rows)?;
        let Some(last) = rows.last() else { return Ok((found, false)) };
        position = last.number;
        for row in rows.into_iter().filter(|row| filter.which.wants(row)) {
            if found.len() == filter.limit {
                return Ok((found, true));
            }
            found.push(row);
        }
    }
}

/// Passes rows of the store to `take`, one page at a time.
fn for_each_row(
    log: &dyn AuditLog,
    app: &Arc<str>,
    mut after: u64,
    mut limit: usize,
    mut take: impl FnMut(AuditRow) -> io::Result<()>,
) -> Result<(), AuditError> {
    while limit > 0 {
        let rows = block_on(log.audit_rows(Arc::clone(app), after, limit.min(PAGE_ROWS)))?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        limit -= rows.len();
        rows.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// Passes rows of the gateway's export to `take`, and returns the head in the last line.
fn export_from_gateway(
    api: &Api,
    after: u64,
    mut limit: usize,
    mut take: impl FnMut(AuditRow) -> io::Result<()>,
) -> Result<ChainHead, AuditError> {
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
        Ok(())
    })
    .map_err(|failure| match failure {
        Failure::Print(error) => AuditError::Print(error),
        failure => AuditError::Gateway(failure),
    })?;
    last.ok_or(AuditError::CutOff)?.head()
}
