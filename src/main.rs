//! Entry point: arguments, configuration, logging, server, exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use stagedoor::cli::{Cli, Exit, Outcome, ServeCommand, print_error, stop_signal};
use stagedoor::config::Mode;
use stagedoor::server::{Server, Stopped};
use stagedoor::telemetry::{self, Format};

fn main() -> ExitCode {
    let exit = match Cli::parse().run() {
        Outcome::Done(exit) => exit,
        Outcome::Serve(serving) => match serve(&serving) {
            Ok(Stopped::Cleanly) => Exit::Success,
            Ok(Stopped::Late) => {
                print_error(&"drain deadline passed with connections still open");
                Exit::Failure
            }
            Ok(Stopped::SessionsNotSaved) => {
                print_error(&"cannot save sessions for the next process");
                Exit::Failure
            }
            Ok(Stopped::TaskFailed) => {
                print_error(&"a background task kept panicking; see the log");
                Exit::Failure
            }
            Err(error) => {
                print_error(&format_args!("{error:#}"));
                Exit::Failure
            }
        },
    };
    exit.into()
}

#[tokio::main]
async fn serve(serving: &ServeCommand) -> anyhow::Result<Stopped> {
    let format = match serving.config.mode {
        Mode::Dev => Format::Pretty,
        Mode::Production => Format::Json,
    };
    telemetry::init(&serving.config.log.filter, format)?;
    // Registered before the start, so that a signal during a slow start drains too.
    let stop = stop_signal().context("cannot register signal handlers")?;
    let reloads = serving.reloads().context("cannot register signal handlers")?;
    let server = Server::bind(serving.config.clone(), serving.clock.clone()).await?;
    server.reload_from(reloads);
    serving.announce(server.listen_addr());
    Ok(server.run(stop).await)
}
