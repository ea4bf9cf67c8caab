//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Options, Parser, Subcommand};

/// Load scenarios for a Stagedoor gateway on this machine.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Start sessions: sessions a second, latency, the server's CPU per session.
    Connect(Load),
    /// Hold idle sessions: the server's resident bytes per session.
    Idle(Load),
    /// As `connect`, run in turn with the plainest server that does the same system calls.
    Floor(Load),
    /// Be that plainest server, until standard input ends. Prints where it listens.
    ServeFloor {
        /// Where to listen: a loopback address.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Hold connections for a parent process that speaks over standard input and output.
    #[command(hide = true)]
    Worker,
}

/// What every scenario is told.
#[derive(Clone, Debug, Options)]
pub(crate) struct Load {
    /// The gateway: `ws://` and a loopback address.
    #[arg(long, default_value = "ws://127.0.0.1:7080/v1/connect")]
    pub(crate) url: String,
    /// How many sessions.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) sessions: u32,
    /// How many of them start at a time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    pub(crate) parallel: u32,
    /// The process whose CPU and memory are measured: the one that listens at the URL.
    #[arg(long)]
    pub(crate) server_pid: u32,
    /// The app to enter.
    #[arg(long, default_value = "demo")]
    pub(crate) app: String,
    /// Start with session tokens, signed (HS256) with this app secret.
    #[arg(long, env = "STAGEDOOR_APP_SECRET", hide_env_values = true, conflicts_with = "guest")]
    pub(crate) token_secret: Option<String>,
    /// Start as guests (the default).
    #[arg(long)]
    pub(crate) guest: bool,
    /// How many runs the medians are taken of.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) runs: u32,
    /// How long `idle` holds the sessions before it measures, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub(crate) hold_s: u64,
    /// Where to write all the numbers as JSON.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}
