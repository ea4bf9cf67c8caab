//! The command line: one file a command.
//!
//! A command either does its work here and is done, or asks `main` to run a gateway ([`Outcome`]). What is about a running
//! gateway goes through its server API (`api`, `connection`), so that it works from any machine that may reach that.
//! Invariant: nothing is printed by a macro that panics when a pipe is closed.
//! Not here: running the gateway (`server`), and what a configuration file means (`config`).

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
mod kick;
mod limit;
mod lookup;
mod moderation;
mod mute;
mod output;
mod printer;
mod receipt;
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
    /// Check a configuration, and print every value in force and where it is from.
    CheckConfig(check_config::CheckConfig),
    /// Make a token, offline, with an app's secret.
    #[command(subcommand)]
    Token(token::Token),
    /// Read an app's audit log, and check that it is whole.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Copy the store, while a gateway runs on it or not.
    Backup(backup::Backup),
    /// Look at sessions, and end them.
    Sessions(sessions::Sessions),
    /// Look at rooms, create them, and lock them.
    Rooms(rooms::Rooms),
    /// Look at users, delete them, and void their tokens.
    Users(users::Users),
    /// Remove somebody from a room, or let them return.
    Kick(kick::Kick),
    /// Keep a user out of the app: every session of theirs ends.
    Ban(ban::Ban),
    /// Let a banned user, or one who was removed from the app, back in.
    Unban(ban::Unban),
    /// Mute a stream, or all of somebody's, or lift that.
    Mute(mute::Mute),
    /// Mute everybody in a room and who publishes later, or lift that.
    MuteAll(mute::MuteAll),
    /// End a room for all in it.
    EndRoom(end_room::EndRoom),
    /// Look at webhooks, and try again what could not be delivered.
    Webhooks(webhooks::Webhooks),
    /// Have a running gateway stop in order.
    Drain(drain::Drain),
    /// Print the completions of a shell.
    Completions(completions::Completions),
}

impl Cli {
    /// Does what the arguments ask for, short of running a gateway.
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
            Some(Command::Drain(drain)) => Outcome::Done(drain.run()),
            Some(Command::Completions(completions)) => {
                Outcome::Done(completions.run(&mut Self::command()))
            }
        }
    }
}
