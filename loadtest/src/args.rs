//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args as Options, Parser, Subcommand, ValueEnum as _};

use crate::crowd::By;
use crate::figure::Figure;
use crate::procfs::Process;
use crate::sizes::Sizes;
use crate::target::Target;

/// Load scenarios for a Stagedoor gateway on this machine.
///
/// The room scenarios send more than a gateway allows by default: run it with `loadtest/gateway.toml`.
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
    /// One room: the server's CPU per delivery and its latency, beside a plain writer of the same frames.
    Fanout(Fanout),
    /// Many rooms: the same at a steady pace, and the CPU of joining rooms of different sizes.
    Rooms(Rooms),
    /// A moderation command over a whole room: when the last participant gets it, and the effect on other rooms.
    Moderation(Moderation),
    /// All connections cut at once: how soon everybody is back, at which cost, and what got lost.
    Storm(Storm),
    /// Newer starts on instances that are connected: how soon the older are closed, and that one is left.
    Takeover(Takeover),
    /// The gateway stopped and started again: how soon everybody is back, and what got lost.
    Restart(Restart),
    /// Rooms in which some do not read: what the others and the server's memory feel of it.
    Slow(Slow),
    /// Minutes of everything at once: whether memory and open files grow, and whether anything fails.
    Soak(Soak),
    /// The server API beside idle sessions: minting tokens, muting a participant, reading the metrics.
    Api(Api),
    /// The bounds of a gateway program, and its costs: memory, amplification, logins beside floods.
    Bounds(Bounds),
    /// `bounds` of two gateway programs in turn: medians, ratios and a verdict for each measure.
    Figures(Figures),
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

/// Arguments of every scenario.
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
    ///
    /// `restart` runs its own gateway and needs none.
    #[arg(long)]
    pub(crate) server_pid: Option<u32>,
    /// How many worker processes hold the sessions, at least.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) workers: u32,
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
    /// How long sessions are held, or traffic runs, while it is measured, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub(crate) hold_s: u64,
    /// Where to write all the numbers as JSON.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}

impl Load {
    /// Where the load goes, and the process that is measured there.
    pub(crate) fn server(&self) -> anyhow::Result<(Target, Process)> {
        let target = Target::parse(&self.url)?;
        let pid = self.server_pid.context("which process is measured? give --server-pid")?;
        let process = Process::listening(pid, target.address)?;
        Ok((target, process))
    }
}

/// One room of `--sessions` participants, one of which sends.
#[derive(Clone, Debug, Options)]
pub(crate) struct Fanout {
    #[command(flatten)]
    pub(crate) load: Load,
    /// How many signals of 200 bytes a run has, one at a time and then in bursts.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) signals: u32,
    /// How many signals a burst has.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) in_flight: u32,
}

/// Many rooms; `--sessions` is what they add up to.
#[derive(Clone, Debug, Options)]
pub(crate) struct Rooms {
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) paced: Paced,
    /// The sizes of rooms that are joined; none leaves joining out.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    pub(crate) join_sizes: Vec<u32>,
    /// How many join each of them while it is measured.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) joins: u32,
}

/// One room of `--sessions` participants under a moderator, and others beside it.
#[derive(Clone, Debug, Options)]
pub(crate) struct Moderation {
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) paced: Paced,
    /// How many of the room's participants publish a stream, which they mute on a forced mute.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=500))]
    pub(crate) publishers: u32,
    /// The app secret that moderators' room tokens are signed with.
    #[arg(long, default_value = "load-tester-only-load-tester-only", hide_default_value = true)]
    pub(crate) moderator_secret: String,
}

/// `--sessions` in rooms of `--per-room`.
#[derive(Clone, Debug, Options)]
pub(crate) struct Storm {
    #[command(flatten)]
    pub(crate) load: Load,
    /// How many participants a room has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) per_room: u32,
    /// How clients return: by resuming their sessions, or by starting again with their access tokens.
    #[arg(long, value_enum, default_value_t = By::Resume)]
    pub(crate) by: By,
}

/// `--sessions` instances, each started again, `--parallel` of them at a time.
#[derive(Clone, Debug, Options)]
pub(crate) struct Takeover {
    #[command(flatten)]
    pub(crate) load: Load,
    /// How many starts on one instance are made at once, which then displace each other too.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) rivals: u32,
}

/// A gateway of one's own under `--sessions` in rooms with traffic; `--url` says nothing here.
#[derive(Clone, Debug, Options)]
pub(crate) struct Restart {
    #[command(flatten)]
    pub(crate) load: Load,
    /// The program to run: `stagedoor`.
    #[arg(long)]
    pub(crate) gateway: PathBuf,
    /// The configuration to run it with; where it listens and keeps its facts is chosen here.
    #[arg(long, default_value = "loadtest/gateway.toml")]
    pub(crate) config: PathBuf,
    /// How many participants a room has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) per_room: u32,
    /// How many signals a second are sent in each.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) per_s: u32,
}

/// Rooms with a steady sender each; `--sessions` is what they add up to.
#[derive(Clone, Debug, Options)]
pub(crate) struct Slow {
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) paced: Paced,
    /// How large a part of the participants stops reading.
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    pub(crate) share: f64,
}

/// `--sessions` in rooms of `--per-room`, once: `--runs` says nothing here.
#[derive(Clone, Debug, Options)]
pub(crate) struct Soak {
    #[command(flatten)]
    pub(crate) load: Load,
    /// For how long; a fraction will do.
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    pub(crate) minutes: f64,
    /// How many participants a room has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) per_room: u32,
    /// How many signals a second are sent in each room.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) per_s: u32,
    /// How many cuts, departures and removals a second there are, in all.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) churn_per_s: u32,
    /// Every how many seconds the server is looked at.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) sample_s: u64,
    /// The app secret that moderators' room tokens are signed with.
    #[arg(long, default_value = "load-tester-only-load-tester-only", hide_default_value = true)]
    pub(crate) moderator_secret: String,
}

/// The server API under few callers; `--sessions` are connected and idle while the last two of these are measured.
#[derive(Clone, Debug, Options)]
pub(crate) struct Api {
    #[command(flatten)]
    pub(crate) load: Load,
    /// The server API of the same gateway: `http://` and a loopback address.
    #[arg(long, default_value = "http://127.0.0.1:7081")]
    pub(crate) admin: String,
    /// A server key of the app.
    #[arg(long, env = "STAGEDOOR_SERVER_KEY", hide_env_values = true, hide_default_value = true)]
    #[arg(default_value = "sk_load-tester-only-load-tester-only")]
    pub(crate) server_key: String,
    /// How many tokens of each kind are minted.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) calls: u32,
    /// Over how many connections they are asked for, one at a time on each.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) connections: u32,
    /// How many times a participant is muted and the mute lifted.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) mutes: u32,
    /// How many times the metrics are read, before the sessions start and while they are there.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) scrapes: u32,
}

/// Figures of one gateway program, which is started and ended for each.
#[derive(Clone, Debug, Options)]
pub(crate) struct Bounds {
    /// The program to run: `stagedoor`.
    #[arg(long)]
    pub(crate) gateway: PathBuf,
    #[command(flatten)]
    pub(crate) common: FigureOptions,
}

/// Figures of two gateway programs.
#[derive(Clone, Debug, Options)]
pub(crate) struct Figures {
    /// The former program.
    #[arg(long)]
    pub(crate) before: PathBuf,
    /// The present program.
    #[arg(long)]
    pub(crate) after: PathBuf,
    /// Number of runs of each figure and program.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) runs: u32,
    /// Number of runs of the cost figure, whose differences are small.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) cost_runs: u32,
    #[command(flatten)]
    pub(crate) common: FigureOptions,
}

/// Which figures, and where they go.
#[derive(Clone, Debug, Options)]
pub(crate) struct FigureOptions {
    /// The configuration to run the gateway with. Limits of it apply to the cost figure only.
    #[arg(long, default_value = "loadtest/gateway.toml")]
    pub(crate) config: PathBuf,
    /// The figures to measure. All by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    figure: Vec<Figure>,
    /// Use sizes that are too small for a meaningful result, to see that every figure can be measured.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where to write all the numbers as JSON.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}

impl FigureOptions {
    pub(crate) fn selected(&self) -> &[Figure] {
        if self.figure.is_empty() { Figure::value_variants() } else { &self.figure }
    }

    pub(crate) const fn sizes(&self) -> Sizes {
        if self.quick { Sizes::QUICK } else { Sizes::FULL }
    }
}

impl Figures {
    /// Number of runs of a figure.
    pub(crate) const fn runs_of(&self, figure: Figure) -> u32 {
        if figure.is_cost() { self.cost_runs } else { self.runs }
    }
}

fn share(text: &str) -> Result<f64, String> {
    number_between(text, 0.01, 0.9)
}

fn minutes(text: &str) -> Result<f64, String> {
    number_between(text, 0.05, 24.0 * 60.0)
}

fn number_between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let number = text.parse().map_err(|_| "it is no number".to_owned())?;
    let is_within = (least..=most).contains(&number);
    is_within.then_some(number).ok_or_else(|| format!("it is not within {least} and {most}"))
}

/// Rooms in each of which one participant sends at a steady pace.
#[derive(Clone, Copy, Debug, Options)]
pub(crate) struct Paced {
    /// How many rooms.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rooms: u32,
    /// How many participants each has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) per_room: u32,
    /// How many signals a second are sent in each.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) per_s: u32,
}
