//! `sessions list|show|end`.

use clap::{Args, Subcommand};
use serde_json::json;
use stagedoor_proto::{SessionId, Username};

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::limit::Limit;
use super::moderation::IdempotencyOption;
use super::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    Column::plain("session", "/id"),
    Column::plain("user", "/username"),
    Column::plain("guest", "/guest"),
    Column::plain("instance", "/instance"),
    Column::plain("state", "/state"),
    Column::plain("connected", "/connected"),
    Column::time("started", "/started_ms"),
    Column::plain("address", "/address"),
    Column::plain("client", "/client/name"),
    Column::plain("version", "/client/version"),
];
const ENDED: &[Column] = &[
    Column::plain("session", "/id"),
    Column::plain("user", "/username"),
    Column::plain("guest", "/guest"),
    Column::plain("instance", "/instance"),
    Column::plain("state", "/state"),
    Column::time("started", "/started_ms"),
    Column::time("ended", "/ended_ms"),
    Column::plain("code", "/ending/code"),
    Column::plain("reason", "/ending/reason"),
    Column::plain("address", "/address"),
    Column::plain("client", "/client/name"),
    Column::plain("version", "/client/version"),
];
const DETAILS: &[Column] = &[
    Column::plain("session", "/id"),
    Column::plain("user", "/username"),
    Column::plain("guest", "/guest"),
    Column::plain("instance", "/instance"),
    Column::plain("state", "/state"),
    Column::plain("connected", "/connected"),
    Column::time("started", "/started_ms"),
    Column::time("last activity", "/last_activity_ms"),
    Column::time("token expires", "/expires_at_ms"),
    Column::time("ended", "/ended_ms"),
    Column::plain("close code", "/ending/code"),
    Column::plain("reason", "/ending/reason"),
    Column::plain("address", "/address"),
    Column::plain("client", "/client/name"),
    Column::plain("version", "/client/version"),
    Column::plain("user agent", "/user_agent"),
];

#[derive(Debug, Args)]
pub(super) struct Sessions {
    #[command(subcommand)]
    command: SessionsCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List sessions: live ones oldest first, ended ones newest first.
    List(List),
    /// Show a live session, or one that ended in the last 30 days.
    Show {
        /// Session id.
        #[arg(allow_hyphen_values = true)]
        session: SessionId,
    },
    /// End a live session; its client may start a new one.
    End {
        /// Session id.
        #[arg(allow_hyphen_values = true)]
        session: SessionId,
        #[command(flatten)]
        idempotency: IdempotencyOption,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Session state.
    #[arg(long, default_value = "live", value_parser = [
        "live", "established", "tokenExpired", "suspended", "ended", "terminated", "notLoggedIn",
    ])]
    state: String,
    /// Only sessions of this user.
    #[arg(long)]
    user: Option<Username>,
    #[command(flatten)]
    limit: Limit,
}

impl Sessions {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        connection.run(|api, printer| match command {
            SessionsCommand::List(List { state, user, limit }) => {
                let listed = api.list(limit.rows, || {
                    let call = Call::get(&["sessions"]).with("state", &state);
                    match &user {
                        Some(user) => call.with("username", user.as_str()),
                        None => call,
                    }
                });
                let has_ended = matches!(&*state, "ended" | "terminated" | "notLoggedIn");
                let columns = if has_ended { ENDED } else { COLUMNS };
                printer.list(&format!("{state} sessions"), columns, listed?)
            }
            SessionsCommand::Show { session } => {
                let session = session.to_string();
                printer.record(DETAILS, &api.call(Call::get(&["sessions", &session]))?)
            }
            SessionsCommand::End { session, idempotency } => {
                let session = session.to_string();
                let call =
                    Call::delete(&["sessions", &session]).with_ref(idempotency.ref_.as_ref());
                api.call(call)?;
                printer.sentence(&json!({ "ended": session }), &format!("ended session {session}"))
            }
        })
    }
}
