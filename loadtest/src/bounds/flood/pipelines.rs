//! Connections that pipeline requests and read no answer. One that is closed is opened again.

use std::net::SocketAddr;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::context::{Flood, RETRY_INTERVAL};
use crate::bounds::client::Entrance;
use crate::bounds::unread::{SMALL_BUFFER_BYTES, requests};
use crate::report::Measure;
use crate::target::Target;
use crate::worker::connect;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let (count, entrance) = (flood.sizes().unread_connections, flood.entrance.clone());
    let target = flood.stage.target.clone();
    let stop = flood.begin().stop;
    join_all((0..count).map(|_| pipeline(&target, &entrance, &stop))).await;
    Ok(Vec::new())
}

async fn pipeline(target: &Target, entrance: &Entrance, stop: &CancellationToken) {
    let (requests, source) = (requests(target), entrance.source(0));
    let flooding = async {
        loop {
            let source = source.map(|ip| SocketAddr::new(ip, 0));
            if let Ok(stream) = connect(target.address, source, Some(SMALL_BUFFER_BYTES)).await {
                while stream.writable().await.is_ok() {
                    let error = stream.try_write(&requests).err();
                    if error.is_some_and(|error| error.kind() != std::io::ErrorKind::WouldBlock) {
                        break;
                    }
                }
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    };
    stop.run_until_cancelled(flooding).await.unwrap_or(());
}
