//! `users list|show|delete|revoke`: who is known.

use clap::{Args, Subcommand};
use stagedoor_proto::Username;

use super::api::Call;
use super::connection::Connection;
use super::exit::Exit;
use super::limit::Limit;
use super::lookup::{Kind, explain};
use super::moderation::IdempotencyOption;
use super::sessions;
use super::table::Column;
use crate::api_body::EmptyBody;

const COLUMNS: &[Column] = &[
    Column::plain("user", "/username"),
    Column::plain("registered", "/registered"),
    Column::plain("name", "/name"),
    Column::time("seen", "/seen_ms"),
    Column::plain("kept out by", "/block/kind"),
    Column::time("until", "/block/until_ms"),
    Column::time("deleted", "/deleted_ms"),
];
const DETAILS: &[Column] = &[
    Column::plain("user", "/username"),
    Column::plain("registered", "/registered"),
    Column::plain("name", "/name"),
    Column::plain("properties", "/properties"),
    Column::time("seen", "/seen_ms"),
    Column::time("tokens void until", "/revoked_ms"),
    Column::time("deleted", "/deleted_ms"),
    Column::plain("kept out by", "/block/kind"),
    Column::plain("reason", "/block/reason"),
    Column::time("since", "/block/since_ms"),
    Column::time("until", "/block/until_ms"),
];

/// Looks at users, and ends what they hold.
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(subcommand)]
    command: UsersCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// List users by name.
    List {
        /// Only those who are kept out.
        #[arg(long)]
        banned: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a user with what keeps them out, and their live sessions.
    Show {
        /// The user.
        user: Username,
    },
    /// Delete a user for good; the name stays refused.
    Delete {
        /// The user.
        user: Username,
        #[command(flatten)]
        once: IdempotencyOption,
    },
    /// Void all tokens issued to a user until now, and end their sessions.
    Revoke {
        /// The user.
        user: Username,
        #[command(flatten)]
        once: IdempotencyOption,
    },
}

impl Users {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        connection.run(|api, printer| match command {
            UsersCommand::List { banned, limit } => {
                let listed = api.list(limit.rows, || Call::get(&["users"]).with("banned", &banned));
                printer.list(COLUMNS, listed?)
            }
            UsersCommand::Show { user } => {
                let shown = api.ask(Call::get(&["users", user.as_str()]));
                let shown =
                    shown.map_err(|failure| explain(api, Kind::User, user.as_str(), failure))?;
                printer.with_items(&shown, (DETAILS, "/user"), &[(sessions::COLUMNS, "/sessions")])
            }
            UsersCommand::Delete { user, once } => {
                let call = Call::delete(&["users", user.as_str()]).once(once.ref_.as_ref());
                let answer = api
                    .ask(call)
                    .map_err(|failure| explain(api, Kind::User, user.as_str(), failure))?;
                printer.user_result("deleted", &user, &answer)
            }
            UsersCommand::Revoke { user, once } => {
                let call = Call::post(&["users", user.as_str(), "revoke"], &EmptyBody::default());
                let answer = api.ask(call.once(once.ref_.as_ref()))?;
                printer.user_result("revoked all tokens of", &user, &answer)
            }
        })
    }
}
