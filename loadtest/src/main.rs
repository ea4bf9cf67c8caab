//! Load scenarios for a Stagedoor gateway on this machine.
//!
//! The parent ([`fleet`], [`scenario`]) measures and reports; workers ([`worker`]), which are this same program run
//! again, hold the connections; the [`floor`] is the plainest server that does the gateway's system calls, to compare
//! with. All of it speaks to loopback addresses only, and everything is bounded in count and in time.
//! Not here: load from other machines.

mod args;
mod bounds;
mod comparison;
mod crowd;
mod figure;
mod fleet;
mod floor;
mod gateway;
mod http;
mod procfs;
mod publisher;
mod report;
mod scenario;
mod sizes;
mod start;
mod target;
mod token;
mod worker;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Task};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match args.task {
        Task::Connect(load) => one_thread()?.block_on(scenario::connect::run(&load)),
        Task::Idle(load) => one_thread()?.block_on(scenario::idle::run(&load)),
        Task::Floor(load) => one_thread()?.block_on(scenario::floor::run(&load)),
        Task::Fanout(fanout) => one_thread()?.block_on(scenario::fanout::run(&fanout)),
        Task::Rooms(rooms) => one_thread()?.block_on(scenario::rooms::run(&rooms)),
        Task::Moderation(task) => one_thread()?.block_on(scenario::moderation::run(&task)),
        Task::Storm(task) => one_thread()?.block_on(scenario::storm::run(&task)),
        Task::Takeover(task) => one_thread()?.block_on(scenario::takeover::run(&task)),
        Task::Restart(task) => one_thread()?.block_on(scenario::restart::run(&task)),
        Task::Slow(task) => one_thread()?.block_on(scenario::slow::run(&task)),
        Task::Soak(task) => one_thread()?.block_on(scenario::soak::run(&task)),
        Task::Api(task) => one_thread()?.block_on(scenario::api::run(&task)),
        Task::Bounds(task) => one_thread()?.block_on(scenario::bounds::run(&task)),
        Task::Figures(task) => one_thread()?.block_on(scenario::figures::run(&task)),
        Task::Worker => one_thread()?.block_on(worker::run()),
        // As many threads as the gateway has, so that the two schedule alike.
        Task::ServeFloor { listen } => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(floor::serve::run(listen)),
    }
}
