//! The command line: one file per command.
//!
//! A command finishes here or returns a gateway to run ([`Outcome`]) to `main`. Commands about a running gateway use
//! its server API (`api`, `connection`) and so work from every machine that can reach it. Invariant: no output macro
//! that panics on a closed pipe is used. Not here: running the gateway (`server`) and the meaning of a configuration
//! file (`config`).

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod api;
mod audit;
mod backup;
mod ban;
mod check_config;
mod completions;
mod connection;
mod drain;
mod end_room;
mod exit;
mod failure;
mod keys;
mod kick;
mod limit;
mod lookup;
mod moderation;
mod mute;
mod output;
mod printer;
mod receipt;
mod revoke_all;
mod rooms;
mod serve;
mod sessions;
mod suggest;
mod table;
mod token;
mod users;
mod webhooks;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::Exit;
pub use output::print_error;
pub use serve::{Outcome, ServeCommand, stop_signal};

/// Self-hosted, real-time session gateway. Without a command: `serve --dev`.
#[derive(Debug, Parser)]
#[command(name = "stagedoor", version, about)]
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
    /// Mint a token offline with an app's secret.
    #[command(subcommand)]
    Token(token::Token),
    /// Print or verify an app's audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Back up the store, also while a gateway uses it.
    Backup(backup::Backup),
    /// List, show and end sessions.
    Sessions(sessions::Sessions),
    /// List, show, create and lock rooms.
    Rooms(rooms::Rooms),
    /// List, show and delete users, and revoke their tokens.
    Users(users::Users),
    /// Remove a user from a room, or lift that block.
    Kick(kick::Kick),
    /// Ban a user and end their sessions.
    Ban(ban::Ban),
    /// Unban a user.
    Unban(ban::Unban),
    /// Mute or unmute a stream, a participant or a user.
    Mute(mute::Mute),
    /// Mute or unmute a whole room.
    MuteAll(mute::MuteAll),
    /// End a room and remove its participants.
    EndRoom(end_room::EndRoom),
    /// Show webhook endpoints and replay dead letters.
    Webhooks(webhooks::Webhooks),
    /// Rotate the keys that sign access tokens.
    Keys(keys::Keys),
    /// Revoke all tokens of the app, and end its sessions.
    RevokeAll(revoke_all::RevokeAll),
    /// Drain and stop a running gateway.
    Drain(drain::Drain),
    /// Print a shell completion script.
    Completions(completions::Completions),
}

impl Cli {
    /// Runs the command, except for running a gateway, which is returned.
    #[must_use]
    pub fn run(self) -> Outcome {
        match self.command {
            None => serve::Serve::development().run(),
            Some(Command::Serve(serve)) => serve.run(),
            Some(Command::CheckConfig(check)) => Outcome::Done(check.run()),
            Some(Command::Token(token)) => Outcome::Done(token.run()),
            Some(Command::Audit(audit)) => Outcome::Done(audit.run()),
            Some(Command::Backup(backup)) => Outcome::Done(backup.run()),
            Some(Command::Sessions(sessions)) => Outcome::Done(sessions.run()),
            Some(Command::Rooms(rooms)) => Outcome::Done(rooms.run()),
            Some(Command::Users(users)) => Outcome::Done(users.run()),
            Some(Command::Kick(kick)) => Outcome::Done(kick.run()),
            Some(Command::Ban(ban)) => Outcome::Done(ban.run()),
            Some(Command::Unban(unban)) => Outcome::Done(unban.run()),
            Some(Command::Mute(mute)) => Outcome::Done(mute.run()),
            Some(Command::MuteAll(mute)) => Outcome::Done(mute.run()),
            Some(Command::EndRoom(end)) => Outcome::Done(end.run()),
            Some(Command::Webhooks(webhooks)) => Outcome::Done(webhooks.run()),
            Some(Command::Keys(keys)) => Outcome::Done(keys.run()),
            Some(Command::RevokeAll(revoke)) => Outcome::Done(revoke.run()),
            Some(Command::Drain(drain)) => Outcome::Done(drain.run()),
            Some(Command::Completions(completions)) => {
                Outcome::Done(completions.run(&mut Self::command()))
            }
        }
    }
}
