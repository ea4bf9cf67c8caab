//! One guest of a room that cuts its connection and resumes, again and again.

use std::sync::Arc;

use super::context::{Flood, RETRY_INTERVAL};
use crate::bounds::client::{Client, Entrance, Pace};
use crate::report::Measure;
use crate::worker::Keys;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let count = flood.sizes().resume_receivers;
    let _receivers = flood.guests_in(ROOM, 0, count).await?;
    let entrance = flood.entrance.clone();
    let mut guest = Guest::start(&entrance, count).await?;
    let running = flood.begin();
    let (mut resumed, mut rejected) = (0_u32, 0_u32);
    let flooding = async {
        let mut index = count;
        loop {
            if guest.resume(&entrance, index).await.is_ok() {
                resumed += 1;
            } else {
                rejected += 1;
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            if guest.failures >= MAX_FAILURES {
                index += 1;
                if let Ok(new) = Guest::start(&entrance, index).await {
                    guest = new;
                }
            }
        }
    };
    running.stop.run_until_cancelled(flooding).await.unwrap_or(());
    Ok(vec![("resumes", f64::from(resumed)), ("rejected_resumes", f64::from(rejected))])
}

struct Guest {
    client: Option<Client>,
    keys: Keys,
    last_seq: u64,
    /// Resumes that failed in a row.
    failures: u32,
}

impl Guest {
    async fn start(entrance: &Entrance, index: u32) -> anyhow::Result<Self> {
        let client = entrance.guest(index, Pace::Full).await?;
        client.join(ROOM).await?;
        let keys = Keys::of_start(&client.answer)?;
        Ok(Self { client: Some(client), keys, last_seq: 0, failures: 0 })
    }

    /// Cuts the connection and resumes on another.
    async fn resume(&mut self, entrance: &Entrance, index: u32) -> anyhow::Result<()> {
        if let Some(client) = self.client.take() {
            self.last_seq = client.last_seq();
        }
        self.failures += 1;
        let resume = self.keys.resume(self.last_seq);
        let opened = entrance.open(entrance.source(index), None, &resume).await?;
        self.keys.renew(&opened.answer)?;
        self.failures = 0;
        self.client = Some(Client::new(opened, Arc::clone(&entrance.traffic), Pace::Full));
        Ok(())
    }
}

const ROOM: &str = "resumes";
/// After that many failures in a row the guest starts another session.
const MAX_FAILURES: u32 = 20;
