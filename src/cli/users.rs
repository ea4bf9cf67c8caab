//! `users`: lists, shows, bans and deletes users, and revokes their tokens.

use clap::{Args, Subcommand};
use stagedoor_proto::Username;

use super::api::{Api, Call};
use super::ban::{Ban, Unban};
use super::connection::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::limit::Limit;
use super::lookup::{NameKind, explain};
use super::moderation::IdempotencyOption;
use super::printer::Printer;
use super::sessions;
use super::table::Column;
use crate::api_body::EmptyBody;

const COLUMNS: &[Column] = &[
    Column::plain("user", "/username"),
    Column::plain("registered", "/registered"),
    Column::plain("name", "/name"),
    Column::time("last seen", "/seen_ms"),
    Column::plain("blocked by", "/block/kind"),
    Column::time("until", "/block/until_ms"),
    Column::time("deleted", "/deleted_ms"),
];
const DETAILS: &[Column] = &[
    Column::plain("user", "/username"),
    Column::plain("registered", "/registered"),
    Column::plain("name", "/name"),
    Column::plain("properties", "/properties"),
    Column::time("last seen", "/seen_ms"),
    Column::time("tokens revoked before", "/revoked_ms"),
    Column::time("deleted", "/deleted_ms"),
    Column::plain("blocked by", "/block/kind"),
    Column::plain("reason", "/block/reason"),
    Column::time("since", "/block/since_ms"),
    Column::time("until", "/block/until_ms"),
];

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
        /// Only blocked users.
        #[arg(long)]
        banned: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Show a user with their block and live sessions.
    Show {
        /// Username.
        user: Username,
    },
    /// Ban a user and end their sessions.
    Ban(Ban),
    /// Lift the ban of a user. A block by a moderator stays.
    Unban(Unban),
    /// Delete a user permanently; the username stays blocked.
    Delete {
        /// Username.
        user: Username,
        #[command(flatten)]
        idempotency: IdempotencyOption,
    },
    /// Revoke all tokens of a user and end their sessions.
    Revoke {
        /// Username.
        user: Username,
        #[command(flatten)]
        idempotency: IdempotencyOption,
    },
}

impl Users {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        match command {
            UsersCommand::Ban(ban) => ban.run(&connection),
            UsersCommand::Unban(unban) => unban.run(&connection),
            command => connection.run(|api, printer| command.run(api, printer)),
        }
    }
}

impl UsersCommand {
    fn run(self, api: &Api, printer: &mut Printer) -> Result<(), Failure> {
        match self {
            Self::Ban(_) | Self::Unban(_) => unreachable!("they connect themselves"),
            Self::List { banned, limit } => {
                let listed = api.list(limit.rows, || Call::get(&["users"]).with("banned", &banned));
                printer.list(if banned { "banned users" } else { "users" }, COLUMNS, listed?)
            }
            Self::Show { user } => {
                let shown = api.call(Call::get(&["users", user.as_str()]));
                let shown = shown
                    .map_err(|failure| explain(api, NameKind::User, user.as_str(), failure))?;
                let tables = [("live sessions", sessions::COLUMNS, "/sessions")];
                printer.with_items(&shown, (DETAILS, "/user"), &tables)
            }
            Self::Delete { user, idempotency } => {
                let call =
                    Call::delete(&["users", user.as_str()]).with_ref(idempotency.ref_.as_ref());
                let answer = api
                    .call(call)
                    .map_err(|failure| explain(api, NameKind::User, user.as_str(), failure))?;
                printer.user_result("deleted", &user, &answer)
            }
            Self::Revoke { user, idempotency } => {
                let call = Call::post(&["users", user.as_str(), "revoke"], &EmptyBody::default());
                let answer = api.call(call.with_ref(idempotency.ref_.as_ref()))?;
                printer.user_result("revoked all tokens of", &user, &answer)
            }
        }
    }
}
