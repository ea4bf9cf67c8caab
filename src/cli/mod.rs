//! The command line: one file per command.
//!
//! The grammar is a noun and a verb. Commands about the process itself have no noun, and `kick`, `mute`, `ban`
//! and `tail` are short for a noun and a verb.
//!
//! A command finishes here or returns a gateway to run ([`Outcome`]) to `main`. Commands about a running gateway use
//! its server API (`api`, `connection`) and so work from every machine that can reach it. Invariant: no output macro
//! that panics on a closed pipe is used. Not here: running the gateway (`server`) and the meaning of a configuration
//! file (`config`).

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod api;
mod arguments;
mod audit;
mod backup;
mod ban;
mod check_config;
mod completions;
mod connection;
mod drain;
mod exit;
mod failure;
mod keys;
mod kick;
mod limit;
mod lookup;
mod moderation;
mod mute;
mod output;
mod participant;
mod printer;
mod receipt;
mod revoke_all;
mod rooms;
mod secret_file;
mod serve;
mod sessions;
mod suggest;
mod table;
mod tail;
mod tokens;
mod users;
mod variables;
mod webhooks;

use clap::{Arg, ArgAction, CommandFactory as _, Parser, Subcommand};

use connection::Alias;

pub use exit::Exit;
pub use output::print_error;
pub use serve::{Outcome, ServeCommand, stop_signal};

const AFTER_HELP: &str = "\
Examples:
  stagedoor                                  run a gateway in development mode
  stagedoor rooms list                       list the rooms of a running gateway
  stagedoor rooms mute lobby ada --lock      mute a user in a room
  stagedoor users ban ada --for 24h          ban a user
  stagedoor tokens mint room lobby --role moderator

Exit codes:
  0  success
  1  failure, such as a rejected call
  2  invalid arguments, environment or configuration file";

/// Self-hosted, real-time session gateway. Without a command: `serve --dev`.
#[derive(Debug, Parser)]
#[command(
    name = "stagedoor",
    version,
    about,
    after_help = AFTER_HELP,
    disable_version_flag = true,
    arg = version_flag()
)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a gateway.
    Serve(serve::Serve),
    /// Validate a configuration and print the effective values with their source.
    CheckConfig(check_config::CheckConfig),
    /// Back up the store, also while a gateway uses it.
    Backup(backup::Backup),
    /// Drain and stop a running gateway.
    Drain(drain::Drain),
    /// List, show and end sessions.
    Sessions(sessions::Sessions),
    /// List, show and create rooms, and moderate them.
    Rooms(rooms::Rooms),
    /// List, show, ban and delete users, and revoke their tokens.
    Users(users::Users),
    /// Mint tokens, and revoke all tokens of the app.
    Tokens(tokens::Tokens),
    /// List webhook endpoints and dead letters, and replay them.
    Webhooks(webhooks::Webhooks),
    /// Print or verify the audit log of an app.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Rotate the keys that sign access tokens.
    Keys(keys::Keys),
    /// Remove a user from a room: short for `rooms kick`.
    Kick(Alias<kick::Kick>),
    /// Mute a stream, a participant or a user: short for `rooms mute`.
    Mute(Alias<mute::Mute>),
    /// Ban a user and end their sessions: short for `users ban`.
    Ban(Alias<ban::Ban>),
    /// Print what happens in a room: short for `rooms tail`.
    Tail(Alias<tail::Tail>),
    /// Print a shell completion script.
    Completions(completions::Completions),
}

/// The flag of the version; `-v` is what many programs have for it.
fn version_flag() -> Arg {
    let flag = Arg::new("version").long("version").short('V').visible_short_alias('v');
    flag.action(ArgAction::Version).help("Print the version")
}

impl Cli {
    /// Runs the command, except for running a gateway, which is returned.
    #[must_use]
    pub fn run(self) -> Outcome {
        let exit = match self.command {
            None => return serve::Serve::development().run(),
            Some(Command::Serve(serve)) => return serve.run(),
            Some(Command::CheckConfig(check)) => check.run(),
            Some(Command::Backup(backup)) => backup.run(),
            Some(Command::Drain(drain)) => drain.run(),
            Some(Command::Sessions(sessions)) => sessions.run(),
            Some(Command::Rooms(rooms)) => rooms.run(),
            Some(Command::Users(users)) => users.run(),
            Some(Command::Tokens(tokens)) => tokens.run(),
            Some(Command::Webhooks(webhooks)) => webhooks.run(),
            Some(Command::Audit(audit)) => audit.run(),
            Some(Command::Keys(keys)) => keys.run(),
            Some(Command::Kick(Alias { command, connection })) => command.run(&connection),
            Some(Command::Mute(Alias { command, connection })) => command.run(&connection),
            Some(Command::Ban(Alias { command, connection })) => command.run(&connection),
            Some(Command::Tail(Alias { command, connection })) => command.run(&connection),
            Some(Command::Completions(completions)) => completions.run(&mut Self::command()),
        };
        Outcome::Done(exit)
    }
}
