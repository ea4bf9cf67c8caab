//! A TCP proxy that cuts its connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A proxy to a gateway, which may change. It ends with the test.
pub(crate) struct Cutting {
    listen: SocketAddr,
    upstream: Arc<Mutex<String>>,
    cuts: Arc<Mutex<Cuts>>,
}

/// Decides when connections are cut: each after a random number of bytes, up to a number of cuts.
struct Cuts {
    left: u32,
    seed: u64,
}

impl Cuts {
    /// The bytes that the next connection forwards in each direction.
    fn next(&mut self) -> Option<[usize; 2]> {
        self.left = self.left.checked_sub(1)?;
        Some([(); 2].map(|()| {
            // Knuth's MMIX: the low bits have a short period, the high ones do not.
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from((self.seed >> 33) % MOST_BYTES).expect("a small number")
        }))
    }
}

impl Cutting {
    /// A proxy that cuts the first `cuts` connections at positions from `seed`.
    pub(crate) async fn run(upstream: &str, cuts: u32, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let proxy = Self {
            listen: listener.local_addr().expect("a bound socket"),
            upstream: Arc::new(Mutex::new(upstream.to_owned())),
            cuts: Arc::new(Mutex::new(Cuts { left: cuts, seed })),
        };
        let (upstream, cuts) = (Arc::clone(&proxy.upstream), Arc::clone(&proxy.cuts));
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let upstream = upstream.lock().expect("not poisoned").clone();
                let after = cuts.lock().expect("not poisoned").next();
                connections.spawn(forward(client, upstream, after));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        crate::program::url(&self.listen.to_string())
    }

    /// Sets the gateway of later connections.
    pub(crate) fn set_upstream(&self, upstream: &str) {
        upstream.clone_into(&mut self.upstream.lock().expect("not poisoned"));
    }

    /// Number of remaining cuts.
    pub(crate) fn cuts_left(&self) -> u32 {
        self.cuts.lock().expect("not poisoned").left
    }
}

async fn forward(client: TcpStream, upstream: String, after: Option<[usize; 2]>) {
    let Ok(gateway) = TcpStream::connect(upstream).await else { return };
    let [up, down] = after.unwrap_or([usize::MAX; 2]);
    let (from_client, to_client) = client.into_split();
    let (from_gateway, to_gateway) = gateway.into_split();
    // The first direction to end cancels the other.
    tokio::select! {
        () = pump(from_client, to_gateway, up) => {}
        () = pump(from_gateway, to_client, down) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut left: usize) {
    let mut buffer = [0; 256];
    while left > 0 {
        let most = left.min(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..most]).await else { return };
        left -= read;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// From the middle of the handshake to dozens of frames.
const MOST_BYTES: u64 = 2_500;
