//! A TCP proxy that breaks the connection between a client and the gateway at a place the test names.
//!
//! It carries one connection. Bytes pass in whole units (an HTTP head, a WebSocket frame): where a fault strikes
//! depends on what is said and never on when, and one that strikes inside a unit does so once all of it has arrived, so
//! that its sender did send it. Nothing passes twice.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use stagedoor_client::SocketClose;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::Gateway;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the gateway.
    Up,
    /// From the gateway to the client.
    Down,
}

/// The unit in which a fault strikes.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// The one with this byte, counted from 0 and from the upgrade on.
    Byte(usize),
    /// The frame of this number, counted from 1.
    Frame(usize),
    /// The first frame with this text.
    Text(&'static str),
}

/// What happens there.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Both ways end, for both sides.
    SocketClose(SocketClose),
    /// This way ends by FIN; the other goes on.
    HalfClose,
    /// Nothing more passes this way until it is released.
    Hold,
}

/// A fault and its place: `passing` bytes of the unit pass before it. Of a byte's unit those before the byte do.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    pub way: Way,
    pub at: At,
    pub passing: usize,
    pub fault: Fault,
}

/// A proxy before a gateway, for one connection.
pub struct Proxy {
    address: SocketAddr,
    ways: Arc<[watch::Sender<bool>; 2]>,
    struck: watch::Receiver<Option<usize>>,
}

impl Proxy {
    /// One that strikes once.
    pub async fn striking(gateway: &Gateway, strike: Strike) -> Self {
        Self::run(gateway, Some(strike), usize::MAX).await
    }

    /// One that passes everything on, and may be held.
    pub async fn passing(gateway: &Gateway) -> Self {
        Self::run(gateway, None, usize::MAX).await
    }

    /// One that passes everything on byte by byte.
    pub async fn splitting(gateway: &Gateway) -> Self {
        Self::run(gateway, None, 1).await
    }

    async fn run(gateway: &Gateway, strike: Option<Strike>, chunk: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, upstream) = (listener.local_addr().unwrap(), gateway.address());
        let ways = Arc::new([true, true].map(watch::Sender::new));
        let (report, struck) = watch::channel(None);
        let pump = |way| Pump {
            way,
            strike: strike.filter(|strike| strike.way == way),
            chunk,
            ways: Arc::clone(&ways),
            report: report.clone(),
            is_upgraded: false,
            bytes: 0,
            frames: 0,
        };
        let (up, down) = (pump(Way::Up), pump(Way::Down));
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let gateway = TcpStream::connect(upstream).await.unwrap();
            carry(client, gateway, up, down).await;
        });
        Self { address, ways, struck }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/v1/connect", self.address)
    }

    /// Lets nothing more pass; both ends believe the connection to live.
    pub fn hold(&self, way: Way) {
        self.ways[way as usize].send_replace(false);
    }

    /// Lets pass what was held.
    pub fn release(&self, way: Way) {
        self.ways[way as usize].send_replace(true);
    }

    /// Waits until the fault has struck; the size of the unit in which it did.
    pub async fn struck(&mut self) -> usize {
        self.struck.wait_for(Option::is_some).await.unwrap().unwrap()
    }
}

/// Carries both ways until one is cut, or both have ended.
async fn carry(mut client: TcpStream, mut gateway: TcpStream, up: Pump, down: Pump) {
    for stream in [&client, &gateway] {
        stream.set_nodelay(true).unwrap();
    }
    let cut = {
        let (client_reads, client_writes) = client.split();
        let (gateway_reads, gateway_writes) = gateway.split();
        let up = up.run(client_reads, gateway_writes);
        let down = down.run(gateway_reads, client_writes);
        tokio::pin!(up, down);
        let (cut, rest) = tokio::select! {
            cut = &mut up => (cut, down),
            cut = &mut down => (cut, up),
        };
        match cut {
            Some(cut) => cut,
            None => rest.await.unwrap_or(SocketClose::Fin),
        }
    };
    for stream in [&mut client, &mut gateway] {
        // After any failure here the connection is gone.
        let _ = match cut {
            SocketClose::Reset => stream.set_zero_linger(),
            SocketClose::Fin => stream.shutdown().await,
        };
    }
}

/// One way of the connection.
struct Pump {
    way: Way,
    strike: Option<Strike>,
    /// How many bytes are written at a time.
    chunk: usize,
    ways: Arc<[watch::Sender<bool>; 2]>,
    report: watch::Sender<Option<usize>>,
    is_upgraded: bool,
    bytes: usize,
    frames: usize,
}

impl Pump {
    /// Passes bytes on until it is cut, or (`None`) its sender has said all.
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Option<SocketClose> {
        let mut unread = Vec::new();
        loop {
            while let Some(unit) = self.next_unit(&mut unread) {
                let strike = self.strikes(&unit);
                let passing = strike.map_or(unit.len(), |(passing, _)| passing.min(unit.len()));
                if self.pass(&unit[..passing], &mut to).await.is_err() {
                    return Some(SocketClose::Reset);
                }
                if let Some((_, fault)) = strike {
                    self.strike = None;
                    if let Fault::Hold = fault {
                        self.ways[self.way as usize].send_replace(false);
                    }
                    self.report.send_replace(Some(unit.len()));
                    match fault {
                        Fault::SocketClose(cut) => return Some(cut),
                        Fault::HalfClose => {
                            let _ = to.shutdown().await;
                            return pending().await;
                        }
                        Fault::Hold => {
                            if self.pass(&unit[passing..], &mut to).await.is_err() {
                                return Some(SocketClose::Reset);
                            }
                        }
                    }
                }
            }
            match from.read_buf(&mut unread).await {
                Ok(0) => {
                    // Where the receiver is gone, it is not needed.
                    let _ = self.pass(&unread, &mut to).await;
                    let _ = to.shutdown().await;
                    return None;
                }
                Ok(_) => {}
                Err(_) => return Some(SocketClose::Reset),
            }
        }
    }

    /// Writes once the way is open; `Err` when the receiver is gone.
    async fn pass(&self, bytes: &[u8], to: &mut WriteHalf<'_>) -> std::io::Result<()> {
        let mut open = self.ways[self.way as usize].subscribe();
        // The client's library takes an answer to its upgrade that arrives byte by byte for an attack.
        let is_answer = self.way == Way::Down && self.frames == 0;
        let size = if is_answer { usize::MAX } else { self.chunk };
        for chunk in bytes.chunks(size) {
            open.wait_for(|is_open| *is_open).await.unwrap();
            to.write_all(chunk).await?;
            if size < bytes.len() {
                tokio::task::yield_now().await; // So that the receiver reads what is there.
            }
        }
        Ok(())
    }

    /// Takes a whole unit off what was read.
    fn next_unit(&mut self, unread: &mut Vec<u8>) -> Option<Vec<u8>> {
        let len = if self.is_upgraded { frame_len(unread)? } else { head_len(unread)? };
        if unread.len() < len {
            return None;
        }
        if self.is_upgraded {
            self.frames += 1;
        }
        self.is_upgraded = true;
        self.bytes += len;
        Some(unread.drain(..len).collect())
    }

    /// Whether the fault strikes in the unit that was just taken: how much passes before it.
    fn strikes(&self, unit: &[u8]) -> Option<(usize, Fault)> {
        let Strike { at, passing, fault, .. } = self.strike?;
        let before = self.bytes - unit.len();
        match at {
            At::Byte(place) => (place < self.bytes).then(|| (place - before, fault)),
            At::Frame(number) => (self.frames == number).then_some((passing, fault)),
            At::Text(text) => {
                let is_there = self.frames > 0
                    && plain(unit).windows(text.len()).any(|part| part == text.as_bytes());
                is_there.then_some((passing, fault))
            }
        }
    }
}

fn head_len(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

/// The length of a frame, from its header. Source: RFC 6455, 5.2.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    Some(payload_start(bytes)? + payload_len(bytes)?)
}

fn payload_len(bytes: &[u8]) -> Option<usize> {
    Some(match bytes.get(1)? & 0x7f {
        126 => usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())),
        127 => usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())).unwrap(),
        short => usize::from(short),
    })
}

fn payload_start(bytes: &[u8]) -> Option<usize> {
    let length = match bytes.get(1)? & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    Some(2 + length + if is_masked(bytes) { 4 } else { 0 })
}

fn is_masked(frame: &[u8]) -> bool {
    frame[1] & 0x80 != 0
}

/// A whole frame's payload, without its mask.
fn plain(frame: &[u8]) -> Vec<u8> {
    let start = payload_start(frame).unwrap();
    let mask = if is_masked(frame) { &frame[start - 4..start] } else { &[0; 4] };
    frame[start..].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
}
