//! Newer starts on instances whose connection is up: the older one hears that it is replaced, and one is left.

use std::rc::Rc;
use std::time::Instant;

use anyhow::Context as _;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use tokio::time::timeout;

use super::latency::{SIGNIFICANT_DIGITS, recorded};
use super::member::{Link, Member};
use super::protocol::Report;
use super::rooms::{Members, VERB_TIME};

impl Members {
    /// Starts `rivals` times at once on every instance, and sees which connections answer in the end.
    pub(super) async fn takeover(&mut self, rivals: u32) -> anyhow::Result<Report> {
        let older: Vec<Rc<Member>> = self.by_number.values().map(Rc::clone).collect();
        let taking = older.into_iter().map(|older| self.take_over(older, rivals));
        let taken: Vec<_> =
            stream::iter(taking).buffer_unordered(self.parallel).try_collect().await?;

        let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
        let (mut one_live, mut none_live, mut several_live) = (0, 0, 0);
        for (micros, newer) in taken {
            latencies.record(micros)?;
            let mut answering = Vec::new();
            for member in newer {
                self.holding.spawn_local(Rc::clone(&member).hold(self.stop.clone()));
                // A replaced connection does not answer; its close is counted.
                if member.join(None).await.is_ok() {
                    answering.push(member);
                }
            }
            match answering.len() {
                0 => none_live += 1,
                1 => one_live += 1,
                _ => several_live += 1,
            }
            self.by_number.extend(answering.into_iter().map(|member| (member.number, member)));
        }
        Ok(Report::TakenOver {
            latencies_us: recorded(&latencies),
            one_live,
            none_live,
            several_live,
        })
    }

    /// How long until the older connection was closed, and the newer ones.
    async fn take_over(
        &self,
        older: Rc<Member>,
        rivals: u32,
    ) -> anyhow::Result<(u64, Vec<Rc<Member>>)> {
        let begun = Instant::now();
        let starting = join_all((0..rivals).map(|_| self.tally.load.start(older.number)));
        let closing = async {
            while older.link.get() != Link::Gone {
                older.changed.notified().await;
            }
            begun.elapsed()
        };
        let both = futures::future::join(starting, closing);
        let (started, closed_after) = timeout(VERB_TIME, both).await.with_context(|| {
            format!("the older connection of session {} was not closed in time", older.number)
        })?;
        let mut newer = Vec::new();
        for opened in started {
            match opened {
                Ok(opened) => {
                    let (room, tally) = (Rc::clone(&older.room), Rc::clone(&self.tally));
                    newer.push(Rc::new(Member::new(older.number, opened, room, tally)));
                }
                // Of several at once, all but the last may be replaced before they are answered.
                Err(error) => self.tally.counts.borrow_mut().error(&error),
            }
        }
        Ok((u64::try_from(closed_after.as_micros())?, newer))
    }
}
