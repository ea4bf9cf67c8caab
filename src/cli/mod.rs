//! The command line: one file a command.
//!
//! A command either does its work here and is done, or asks `main` to run a gateway ([`Outcome`]).
//! Not here: running the gateway (`server`), and what a configuration file means (`config`).

mod audit;
mod check_config;
mod exit;
mod serve;
mod token;

use clap::{Parser, Subcommand};

pub use exit::Exit;
pub use serve::{Serving, stop_signal};

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
    /// Read an app's audit log, and check that it is whole; the gateway has to be stopped.
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// What a command came to.
#[derive(Debug)]
pub enum Outcome {
    /// A gateway is to be run.
    Serve(Box<Serving>),
    /// Everything is done.
    Done(Exit),
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
        }
    }
}

/// Tells what went wrong in one line.
fn complain(error: &dyn std::fmt::Display) {
    eprintln!("stagedoor: {error}");
}
