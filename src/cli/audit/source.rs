//! Where an audit log is read from: a store that no gateway serves, or a gateway that runs.
//!
//! Which store is told by a file's path; all else goes through [`AuditLog`], whatever keeps the rows.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use reqwest::Url;
use serde::Deserialize;
use stagedoor_proto::{RoomId, Username};

use super::super::api::{Api, Call};
use super::super::connection::{self, APP, base_url, of_app};
use super::super::failure::Failure;
use super::block_on::block_on;
use super::error::AuditError;
use crate::config::{DEV_APP, Store as Place};
use crate::store::{AuditLog, AuditRow, AuditSearch, ChainHead, open_audit_log};

/// Rows read at a time.
const PAGE: usize = 1_000;

/// Which log.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// The directory durable facts are kept in; the gateway has to be stopped.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// The store's file itself; the gateway has to be stopped.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    store: Option<PathBuf>,
    /// Where the server API of the running gateway is that is asked where no store is named; without it, `STAGEDOOR_URL`
    /// says.
    // Clap takes a variable for an argument, and would refuse it beside a store.
    #[arg(long, value_parser = base_url, conflicts_with_all = ["data", "store"])]
    url: Option<Url>,
    /// The file its key is in; without it, the one `STAGEDOOR_KEY_FILE` names, or else the key is in
    /// `STAGEDOOR_SERVER_KEY`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "store"])]
    key_file: Option<PathBuf>,
    /// The app.
    #[arg(long, env = APP, default_value = DEV_APP)]
    app: String,
}

impl Log {
    /// Finds it.
    pub(super) fn open(&self) -> Result<Source, AuditError> {
        let app = self.app.clone();
        let in_directory = self.data.as_deref().map(Place::file_in);
        let Some(path) = in_directory.or_else(|| self.store.clone()) else {
            return self.gateway().map(Source::Gateway);
        };
        let log = block_on(open_audit_log(&path))?;
        let apps = block_on(log.audited_apps())?;
        if apps.contains(&app) {
            return Ok(Source::Store(log, app.into()));
        }
        let known = if apps.is_empty() { "none".to_owned() } else { apps.join(", ") };
        Err(AuditError::NoLog { file: path.display().to_string(), app, known })
    }

    fn gateway(&self) -> Result<Api, AuditError> {
        let url = self.url.clone().map_or_else(connection::url, Ok)?;
        let key_file = self.key_file.clone().or_else(connection::key_file);
        Ok(of_app(&url, &self.app, key_file.as_deref())?)
    }
}

/// Which rows of a log are wanted.
pub(super) struct Wanted {
    pub(super) which: AuditSearch,
    /// The first after that of this number; without one, the last there are.
    pub(super) after: Option<u64>,
    /// How many at most.
    pub(super) limit: usize,
}

/// A log that was found.
pub(super) enum Source {
    /// An app's, in a store that no gateway serves.
    Store(Box<dyn AuditLog>, Arc<str>),
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
    fn head(self) -> Result<ChainHead, AuditError> {
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
    /// The rows that are wanted, oldest first, and whether there are more.
    pub(super) fn search(&self, wanted: &Wanted) -> Result<(Vec<AuditRow>, bool), AuditError> {
        let (mut rows, has_more) = match self {
            Self::Store(log, app) => found(&**log, app, wanted)?,
            Self::Gateway(api) => {
                let (items, has_more) = api.list(wanted.limit, || wanted.call())?;
                let rows = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
                (rows.map_err(|_| AuditError::CutOff)?, has_more)
            }
        };
        if wanted.after.is_none() {
            rows.reverse();
        }
        Ok((rows, has_more))
    }

    /// Gives `limit` rows after that of number `after` to `take`; the log's head.
    pub(super) fn export(
        &self,
        after: u64,
        limit: usize,
        take: impl FnMut(AuditRow) -> io::Result<()>,
    ) -> Result<ChainHead, AuditError> {
        match self {
            Self::Store(log, app) => {
                rows_of(&**log, app, after, limit, take)?;
                Ok(block_on(log.audit_head(Arc::clone(app)))?)
            }
            Self::Gateway(api) => exported(api, after, limit, take),
        }
    }

    /// The head of a log that is whole, or what is wrong with it.
    pub(super) fn verify(
        &self,
        told: Option<&ChainHead>,
    ) -> Result<Result<ChainHead, String>, AuditError> {
        let api = match self {
            Self::Store(log, app) => {
                let verified = block_on(log.verify_audit(Arc::clone(app), told.copied()))?;
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

impl Wanted {
    /// What the server API is asked; what it lists is in the order of `found`.
    fn call(&self) -> Call<'static> {
        let Self { which: AuditSearch { verb, room, username }, after, limit: _ } = self;
        let call = Call::get(&["audit"]);
        let mut call = match after {
            Some(after) => call.with("after", after),
            None => call.with("order", "newest_first"),
        };
        let filters = [
            ("verb", verb.as_deref()),
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

/// Rows of the store that are wanted, and whether there are more: the first ones in their order, the last ones newest
/// first.
fn found(
    log: &dyn AuditLog,
    app: &Arc<str>,
    wanted: &Wanted,
) -> Result<(Vec<AuditRow>, bool), AuditError> {
    let mut found = Vec::new();
    let mut place = wanted.after.unwrap_or(u64::MAX);
    loop {
        let rows = match wanted.after {
            Some(_) => log.audit_rows(Arc::clone(app), place, PAGE),
            None => log.audit_rows_before(Arc::clone(app), place, PAGE),
        };
        let rows = block_on(rows)?;
        let Some(last) = rows.last() else { return Ok((found, false)) };
        place = last.number;
        for row in rows.into_iter().filter(|row| wanted.which.wants(row)) {
            if found.len() == wanted.limit {
                return Ok((found, true));
            }
            found.push(row);
        }
    }
}

/// Rows of the store, a page at a time.
fn rows_of(
    log: &dyn AuditLog,
    app: &Arc<str>,
    mut after: u64,
    mut limit: usize,
    mut take: impl FnMut(AuditRow) -> io::Result<()>,
) -> Result<(), AuditError> {
    while limit > 0 {
        let rows = block_on(log.audit_rows(Arc::clone(app), after, limit.min(PAGE)))?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        limit -= rows.len();
        rows.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// Rows of the gateway's export, and its head, which comes last.
fn exported(
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
