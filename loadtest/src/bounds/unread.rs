//! Connections that pipeline requests and read no answer: how many the gateway still holds after twice the time that a
//! handshake may take.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::bounds::client::Entrance;
use crate::bounds::stage::Stage;
use crate::procfs::{Process, connections_held};
use crate::report::Measure;
use crate::target::Target;
use crate::worker::connect;

/// Measures the figure on both ports at the same time.
pub(crate) async fn measure(stage: &Stage) -> anyhow::Result<Vec<Measure>> {
    let ports = [&stage.target, &stage.admin];
    let mut held = Vec::new();
    let mut connections = Vec::new();
    for target in ports {
        let opened = (0..stage.sizes.unread_connections).map(|_| pipeline(target));
        connections.extend(try_join_all(opened).await?);
    }
    wait_until_idle(stage.process).await?;
    tokio::time::sleep(2 * stage.sizes.handshake_timeout.unwrap_or(DEFAULT_HANDSHAKE_TIMEOUT))
        .await;
    for target in ports {
        held.push(f64::from(connections_held(target.address.port())?));
    }
    drop(connections);
    Ok(vec![("held_on_listen", held[0]), ("held_on_admin_listen", held[1])])
}

/// Waits until the gateway has answered all that fits into the buffers.
async fn wait_until_idle(process: Process) -> anyhow::Result<()> {
    let deadline = Instant::now() + MAX_BUSY_TIME;
    let mut before = process.cpu()?;
    while Instant::now() < deadline {
        tokio::time::sleep(BUSY_INTERVAL).await;
        let now = process.cpu()?;
        if now.since(&before) < BUSY_INTERVAL / IDLE_SHARE {
            return Ok(());
        }
        before = now;
    }
    anyhow::bail!("the gateway was busy for too long")
}

/// Opens a connection and writes requests until the gateway takes no more of them.
async fn pipeline(target: &Target) -> anyhow::Result<TcpStream> {
    let source = Entrance::new(target, BLOCK).source(0);
    let source = source.map(|ip| SocketAddr::new(ip, 0));
    let stream = connect(target.address, source, Some(SMALL_BUFFER_BYTES)).await?;
    let requests = requests(target);
    let mut written = 0;
    while written < MAX_BYTES {
        if !matches!(timeout(FULL_AFTER, stream.writable()).await, Ok(Ok(()))) {
            break;
        }
        match stream.try_write(&requests) {
            Ok(count) => written += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    Ok(stream)
}

/// Many requests that are answered at once.
pub(crate) fn requests(target: &Target) -> Vec<u8> {
    format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", target.host).repeat(REQUESTS).into_bytes()
}

const BLOCK: u32 = 81;
const REQUESTS: usize = 256;
/// What the client's kernel keeps of the answers.
pub(crate) const SMALL_BUFFER_BYTES: u32 = 4 * 1024;
/// Enough to fill the buffers of both kernels.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// A socket that stays full that long is one that the gateway no longer reads.
const FULL_AFTER: Duration = Duration::from_millis(300);
const BUSY_INTERVAL: Duration = Duration::from_millis(200);
/// A process is idle that runs for less than one part in so many.
const IDLE_SHARE: u32 = 20;
const MAX_BUSY_TIME: Duration = Duration::from_mins(1);
/// The default of `limits.handshake_timeout`.
const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
