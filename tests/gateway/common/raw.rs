//! A TCP connection, for what no WebSocket library would send.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::Gateway;

/// The first byte of a whole text frame, of a ping, and of frames that begin, continue and end a fragmented text.
pub const TEXT: u8 = 0x81;
pub const PING: u8 = 0x89;
pub const FIRST: u8 = 0x01;
pub const MORE: u8 = 0x00;

/// A connection without a protocol.
pub struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The head of an HTTP response, in lower case.
#[derive(Debug)]
pub struct Head(String);

/// A client's frame. Its mask is zero, so that its payload stands in it as it is.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
        medium @ 126..=0xffff => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&u16::try_from(medium).unwrap().to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// An upgrade request with these headers besides what every one has.
pub fn upgrade(headers: &str) -> String {
    format!(
        "GET /v1/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

impl Raw {
    pub async fn connect(gateway: &Gateway) -> Self {
        Self::connect_to(gateway.address()).await
    }

    pub async fn connect_to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), unread: Vec::new() }
    }

    /// A connection whose system takes in only so much that is not read.
    pub async fn connect_narrow(gateway: &Gateway) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(256 * 1024).unwrap();
        Self { stream: socket.connect(gateway.address()).await.unwrap(), unread: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The head of the next response.
    pub async fn head(&mut self) -> Head {
        loop {
            if let Some(end) = self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = self.unread.drain(..end + 4).collect();
                return Head(String::from_utf8(head).unwrap().to_ascii_lowercase());
            }
            assert!(self.read().await > 0, "the connection ended before a response");
        }
    }

    /// The next frame: its first byte and its payload.
    pub async fn frame(&mut self) -> (u8, Vec<u8>) {
        self.fill(2).await;
        let (payload, header) = match self.unread[1] {
            126 => {
                self.fill(4).await;
                (usize::from(u16::from_be_bytes([self.unread[2], self.unread[3]])), 4)
            }
            127 => panic!("no message of these tests is so long"),
            short => (usize::from(short), 2),
        };
        self.fill(header + payload).await;
        let frame: Vec<u8> = self.unread.drain(..header + payload).collect();
        (frame[0], frame[header..].to_vec())
    }

    /// The next frame, a message.
    pub async fn hear(&mut self) -> Value {
        let (first, payload) = self.frame().await;
        assert_eq!(first, TEXT, "a message is one whole text frame");
        serde_json::from_slice(&payload).unwrap()
    }

    /// Waits until the gateway has closed the connection; what it said until then.
    pub async fn ended(&mut self) -> Vec<u8> {
        while self.read().await > 0 {}
        std::mem::take(&mut self.unread)
    }

    async fn fill(&mut self, bytes: usize) {
        while self.unread.len() < bytes {
            assert!(self.read().await > 0, "the connection ended in a frame");
        }
    }

    async fn read(&mut self) -> usize {
        // A reset is an end as well.
        self.stream.read_buf(&mut self.unread).await.unwrap_or(0)
    }
}

impl Head {
    pub fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a header, whose name is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    }
}
