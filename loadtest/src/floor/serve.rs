//! The floor's server: accept, read a request, write 101, read a frame, write the answer; then rooms, until the end.
//!
//! It checks nothing and keeps nothing but who is in which room. Its answer is read from standard input (a JSON array
//! of texts, on one line; an empty line for a canned one), so that it writes as many bytes as the gateway does; then it
//! serves until standard input ends.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::rooms::{Place, Rooms};
use crate::worker::{ACCEPT, KEY, Opcode, parse, server_text};

/// Serves on `listen` until standard input ends.
pub(crate) async fn run(listen: SocketAddr) -> anyhow::Result<()> {
    ensure!(listen.ip().is_loopback(), "{listen}: the floor listens on loopback addresses only");
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let line = input.next_line().await?.unwrap_or_default();
    let texts: Vec<String> = match line.trim() {
        "" => vec![CANNED.to_owned()],
        line => serde_json::from_str(line).context("the answer is an array of texts")?,
    };
    let answer: Arc<[u8]> = texts.iter().flat_map(|text| server_text(text.as_bytes())).collect();
    let listener = bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    println!("{}", serde_json::json!({ "listen": listener.local_addr()? }));

    let rooms = Arc::new(Rooms::default());
    let accepting = tokio::spawn(async move {
        loop {
            match listener.accept().await {
                // Ends with its connection.
                Ok((stream, _)) => {
                    drop(tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&rooms))));
                }
                // Out of descriptors: the load tester reports what it could not open.
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            }
        }
    });
    while input.next_line().await?.is_some() {}
    accepting.abort();
    Ok(())
}

/// Listens with a queue for all who come at once: a handshake that finds it full is repeated after a second, then two,
/// four and eight, and its caller gives up before that.
fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}

/// A connection that fails ends; its client reports that.
async fn serve(mut stream: TcpStream, answer: Arc<[u8]>, rooms: Arc<Rooms>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    // Boxed and dropped: what stays of an idle connection is its task.
    let mut buffer = vec![0; BUFFER_BYTES];
    let length = stream.read(&mut buffer).await?;
    if length == 0 {
        return Ok(());
    }
    let upgrade = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
        accept(&buffer[..length]),
        stagedoor_proto::SUBPROTOCOL
    );
    stream.write_all(upgrade.as_bytes()).await?;
    if stream.read(&mut buffer).await? == 0 {
        return Ok(());
    }
    stream.write_all(&answer).await?;
    drop((buffer, upgrade));
    let stream = Arc::new(stream);
    let mut place = Place::new(Arc::clone(&stream));
    let mut read = Vec::new();
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut read) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        while let Some(frame) = parse(&read)? {
            match frame.opcode {
                Opcode::Close => return Ok(()),
                Opcode::Text => place.handle(&rooms, &read[frame.payload.clone()]).await?,
                Opcode::Ping | Opcode::Other => {}
            }
            read.drain(..frame.payload.end);
        }
        // An idle connection keeps no buffer.
        if read.is_empty() {
            read = Vec::new();
        }
    }
}

/// What answers a request's key: the load tester's own is always the same, any other WebSocket client's is derived.
fn accept(request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    let mut headers = request.lines().filter_map(|line| line.split_once(':'));
    let key = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    match key.map(|(_, key)| key.trim()) {
        Some(key) if key != KEY => derive_accept_key(key.as_bytes()),
        Some(_) | None => ACCEPT.to_owned(),
    }
}

/// More than may start at a time; the kernel has a bound of its own.
const BACKLOG: u32 = 16_384;
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);
/// Room for any request or `start` of the load tester in one read.
const BUFFER_BYTES: usize = 4 * 1024;
/// About as long as a gateway's answer to a guest.
const CANNED: &str = concat!(
    r#"{"id":1,"ok":{"started":{"session":{"id":"AAAAAAAAAAAAAAAAAAAAAQ","user":{"username":"ann","guest":true},"#,
    r#""instance":"instance-1","state":"established","expires_at_ms":1000},"access_token":"token","#,
    r#""scopes":["join","publish","subscribe","signal","relay"],"#,
    r#""resume":{"secret":"secret","window_ms":30000},"heartbeat":{"interval_ms":25000,"timeout_ms":10000,"#,
    r#""room_interval_ms":10000,"room_timeout_ms":5000},"limits":{"message_in_bytes":65536,"#,
    r#""message_out_bytes":262144,"in_flight":32,"commands_per_s":50,"commands_burst":100,"rooms":100,"#,
    r#""streams_per_participant":8},"server":{"node":"floor","version":"0","time_ms":1}}}}"#,
);
