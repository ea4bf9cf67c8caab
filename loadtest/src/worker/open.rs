//! Opens one connection: TCP, upgrade, `start` or `resume`, and its answer.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use stagedoor_proto::{Reply, ServerMessage, decode_server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::frame::{Opcode, parse};
use super::inbox::seq_of;
use crate::target::Target;

/// A connection whose session has started or was resumed.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) stream: TcpStream,
    /// The text that said so.
    pub(crate) answer: Vec<u8>,
    /// The number of the last frame before it; 0 for none.
    pub(crate) last_seq: u64,
    /// What was received after it.
    pub(crate) rest: Vec<u8>,
}

/// The opening request. Its key is the standard's example, so a server may answer with the standard's example too.
pub(crate) fn upgrade_request(target: &Target) -> Vec<u8> {
    format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Protocol: {}\r\n\r\n",
        target.path,
        target.host,
        stagedoor_proto::SUBPROTOCOL
    )
    .into_bytes()
}

/// Opens a session on a connection; `upgrade` and `first` are what is sent.
pub(crate) async fn open(
    mut stream: TcpStream,
    upgrade: &[u8],
    first: &[u8],
) -> anyhow::Result<Opened> {
    stream.write_all(upgrade).await?;
    let mut read = Vec::with_capacity(READ_BYTES);
    let head = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        ensure!(read.len() < MAX_HEAD_BYTES, "the answer to the upgrade has no end");
        receive(&mut stream, &mut read).await?;
    };
    check_upgrade(&read[..head])?;
    read.drain(..head);

    stream.write_all(first).await?;
    let mut last_seq = 0;
    loop {
        while let Some(frame) = parse(&read)? {
            ensure!(frame.opcode != Opcode::Close, "the gateway closed before an answer");
            let text = &read[frame.payload.clone()];
            if frame.opcode == Opcode::Text {
                last_seq = seq_of(text).unwrap_or(last_seq);
                if is_admitted(text)? {
                    let answer = text.to_vec();
                    read.drain(..frame.payload.end);
                    return Ok(Opened { stream, answer, last_seq, rest: read });
                }
            }
            read.drain(..frame.payload.end);
        }
        receive(&mut stream, &mut read).await?;
    }
}

/// Connects from `source`; `buffer` is how many bytes the kernel is asked to keep of what is not read.
pub(crate) async fn connect(
    address: SocketAddr,
    source: Option<SocketAddr>,
    buffer: Option<u32>,
) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = source {
        // Ports of former connections may be taken again while the kernel still remembers them.
        socket.set_reuseaddr(true)?;
        socket.bind(source)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn receive(stream: &mut TcpStream, read: &mut Vec<u8>) -> anyhow::Result<()> {
    let count = stream.read_buf(read).await.context("the connection was lost")?;
    ensure!(count > 0, "the connection was closed before an answer");
    Ok(())
}

fn check_upgrade(head: &[u8]) -> anyhow::Result<()> {
    let head = String::from_utf8_lossy(head);
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.starts_with("HTTP/1.1 101 "), "refused before the upgrade: {status}");
    ensure!(head.contains(ACCEPT), "the upgrade was not answered as RFC 6455 says");
    Ok(())
}

/// Whether a text is the answer hoped for. The quick look spares parsing where all is well.
fn is_admitted(text: &[u8]) -> anyhow::Result<bool> {
    if [STARTED, RESUMED].iter().any(|key| text.windows(key.len()).any(|window| window == *key)) {
        return Ok(true);
    }
    match decode_server(std::str::from_utf8(text)?).context("the gateway sent no message")? {
        ServerMessage::Reply { result: Err(error), .. } => Err(error).context(REFUSED),
        ServerMessage::Disconnect(end) => bail!("disconnected by the gateway: {}", end.reason),
        ServerMessage::Reply { result: Ok(reply), .. } => {
            Ok(matches!(reply, Reply::Started(_) | Reply::Resumed(_)))
        }
        ServerMessage::Push { .. } | ServerMessage::Unknown { .. } | ServerMessage::Ping => {
            Ok(false)
        }
    }
}

/// RFC 6455, 1.3: the example of a key …
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// … and of its answer.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const STARTED: &[u8] = br#""ok":{"started":"#;
const RESUMED: &[u8] = br#""ok":{"resumed":"#;
/// Said before what the gateway itself said.
pub(super) const REFUSED: &str = "refused by the gateway";
/// Room for an answer with its state changes.
const READ_BYTES: usize = 2 * 1024;
const MAX_HEAD_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_the_gateway_said() {
        let refusal = br#"{"id":1,"error":{"code":"auth_denied","message":"guests are off"}}"#;
        let error = format!("{:#}", is_admitted(refusal).unwrap_err());
        assert_eq!(error, "refused by the gateway: auth_denied: guests are off");
        let head = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n";
        let error = check_upgrade(head).unwrap_err().to_string();
        assert_eq!(error, "refused before the upgrade: HTTP/1.1 503 Service Unavailable");
        assert!(is_admitted(br#"{"id":1,"ok":{"started":{}}}"#).unwrap());
        assert!(!is_admitted(br#"{"seq":1,"degraded":{"active":true}}"#).unwrap());
    }
}
