//! Continuity over a network that breaks: promises 1, 2, 3 and 8 through a proxy that cuts, holds and splits.
//!
//! `steps`: a cut at every step. `opening`: a cut while starting and resuming. `half_open`: connections that only seem
//! to live. `away`: what happens meanwhile. `slow`: readers that do not read. `hostile`: what clients should not send.
//! `undecided`: what happens while an auth hook thinks.

mod away;
mod half_open;
mod hostile;
mod opening;
mod slow;
mod steps;
mod undecided;

use std::time::Duration;

use stagedoor::config::Config;

use crate::common::{Gateway, Setup};

/// A gateway whose rates do not stop a test that does a thing a hundred times.
async fn unhurried() -> Gateway {
    Setup::new().with(unlimit).run().await
}

fn unlimit(config: &mut Config) {
    let limits = &mut config.limits;
    limits.commands_burst = 1_000_000;
    limits.signals_per_s_per_room = 1_000_000;
    limits.moderator_signals_per_s_per_room = 100_000;
    limits.signal_bytes_per_s_per_room = 1 << 30;
    limits.relay_bytes_burst_per_receiver = 1 << 30;
    limits.roster_interval = Duration::from_millis(1);
    limits.resumes_burst = 10_000;
}

/// Where to cut a unit of `len` bytes next, after `passing`: at every byte at first, then often enough, and at its
/// ends.
fn next_cut(passing: usize, len: usize) -> usize {
    const ALL: usize = 160;
    let stride = if len <= ALL || passing < 16 { 1 } else { len / 64 + 1 };
    if passing < len - 1 { (passing + stride).min(len - 1) } else { passing + 1 }
}
