//! Holds one started session: answers pings, and closes on request.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::frame::{CLOSE, Opcode, PONG, TEXT, client_frame, parse};
use super::inbox::seq_of;
use super::open::Opened;

/// How a held session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By this side, on request.
    Closed,
    /// By the other side, before that.
    Lost,
}

/// Holds `opened` until `stop`, then closes it, which ends the session.
pub(crate) async fn hold(opened: Opened, stop: CancellationToken) -> Ended {
    let Opened { mut stream, rest: mut read, mut last_seq, .. } = opened;
    loop {
        match answers(&mut read, &mut last_seq) {
            Some(answers) if answers.is_empty() => {}
            Some(answers) if stream.write_all(&answers).await.is_ok() => {}
            Some(_) | None => return Ended::Lost,
        }
        // An idle session keeps no buffer, so that many of them fit.
        if read.is_empty() {
            read = Vec::new();
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            ready = stream.readable() => if ready.is_err() { return Ended::Lost },
        }
        match stream.try_read_buf(&mut read) {
            Ok(0) => return Ended::Lost,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Ended::Lost,
            Ok(_) | Err(_) => {}
        }
    }
    let _ = timeout(CLOSE_TIME, close(&mut stream)).await;
    Ended::Closed
}

/// What the whole frames in `read` are answered with; `None` when one of them ends the connection.
fn answers(read: &mut Vec<u8>, last_seq: &mut u64) -> Option<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some(frame) = parse(read).ok()? {
        let payload = &read[frame.payload.clone()];
        match frame.opcode {
            Opcode::Text if payload.starts_with(PING) => {
                let pong = format!(r#"{{"pong":{{"seq":{last_seq}}}}}"#);
                answers.extend(client_frame(TEXT, pong.as_bytes()));
            }
            Opcode::Text => *last_seq = seq_of(payload).unwrap_or(*last_seq),
            Opcode::Ping => answers.extend(client_frame(PONG, payload)),
            Opcode::Close => return None,
            Opcode::Other => {}
        }
        read.drain(..frame.payload.end);
    }
    Some(answers)
}

/// Sends a close frame and waits for the server to end the connection.
pub(crate) async fn close(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&client_frame(CLOSE, &NORMAL.to_be_bytes())).await?;
    let mut rest = [0; 512];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// RFC 6455, 7.4.1; of a client it ends the session.
const NORMAL: u16 = 1000;
const PING: &[u8] = br#"{"ping""#;
const CLOSE_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::frame::server_text;
    use super::*;

    #[test]
    fn pings_are_answered_with_the_last_number_and_halves_are_kept() {
        let mut read = server_text(br#"{"seq":41,"degraded":{"active":true}}"#);
        read.extend(server_text(br#"{"ping":{}}"#));
        read.extend([0x81, 9, b'{']);
        let mut last_seq = 0;
        let answers = answers(&mut read, &mut last_seq).unwrap();
        assert_eq!(answers, client_frame(TEXT, br#"{"pong":{"seq":41}}"#));
        assert_eq!(read, [0x81, 9, b'{']);
    }

    #[test]
    fn a_close_frame_ends_the_holding() {
        assert_eq!(answers(&mut vec![0x88, 0], &mut 0), None);
    }
}
