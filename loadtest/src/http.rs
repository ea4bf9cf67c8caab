//! The server API as an app's backend calls it: requests, and a connection that is kept for many of them.
//!
//! Written out by hand, so that what is measured is the server: a call is one write and, mostly, one read. Only what
//! the server API says is understood: answers with a content length.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::target::Target;

/// Who calls: an app's backend with its server key.
pub(crate) struct Backend {
    admin: Target,
    app: String,
    server_key: String,
}

/// A connection to the server API, kept from call to call.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Backend {
    /// A backend of `app` that calls the server API at `admin`.
    pub(crate) fn new(admin: Target, app: &str, server_key: &str) -> anyhow::Result<Self> {
        for (what, text) in [("an app", app), ("a server key", server_key)] {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            ensure!(is_plain, "{what} is printable ASCII");
        }
        Ok(Self { admin, app: app.to_owned(), server_key: server_key.to_owned() })
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.admin.address).await;
        let stream = stream.with_context(|| format!("cannot reach {}", self.admin.address))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, read: Vec::new() })
    }

    /// A call of what stands at `path` below the app.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Vec<u8> {
        let (app, host, key, body) =
            (&self.app, &self.admin.host, &self.server_key, body.to_string());
        format!(
            "POST /api/v1/apps/{app}/{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// What Prometheus asks.
    pub(crate) fn scrape(&self) -> Vec<u8> {
        format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", self.admin.host).into_bytes()
    }
}

impl Connection {
    /// Sends a request and hands back the body of its answer, which must be one of success.
    pub(crate) async fn call(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        timeout(CALL_TIME, self.exchange(request)).await.context("no answer came in time")?
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(request).await.context("the connection was lost")?;
        self.read.clear();
        loop {
            match Answer::parse(&self.read)? {
                Some(Answer { status, body }) if body.end <= self.read.len() => {
                    let body = &self.read[body];
                    let said = || String::from_utf8_lossy(body);
                    ensure!((200..300).contains(&status), "answered with {status}: {}", said());
                    return Ok(body.to_vec());
                }
                Some(_) | None => {}
            }
            let count = self.stream.read_buf(&mut self.read).await;
            let count = count.context("the connection was lost")?;
            ensure!(count > 0, "the connection was closed before an answer");
        }
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// Where its body stands among the bytes that were received, or will.
    body: Range<usize>,
}

impl Answer {
    /// Reads the head, once it is whole.
    fn parse(read: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
            ensure!(read.len() < MAX_HEAD_BYTES, "the head of an answer has no end");
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&read[..end]);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, length)| length.trim().parse().ok());
        let length: usize = length.context("an answer has no content length")?;
        ensure!(length <= MAX_BODY_BYTES, "an answer of {length} bytes is too long");
        let body = end + 4..end + 4 + length;
        Ok(Some(Self { status: status.context("the answer is not of HTTP/1.1")?, body }))
    }
}

const CALL_TIME: Duration = Duration::from_secs(30);
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_its_head_is_whole() {
        let head = b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(Answer::parse(&head[..cut]).unwrap(), None, "{cut}");
        }
        let body = head.len()..head.len() + 5;
        assert_eq!(Answer::parse(head).unwrap(), Some(Answer { status: 201, body }));
    }

    #[test]
    fn what_is_no_answer_of_the_server_api_is_refused() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "has no content length"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "is too long"),
            ("SSH-2.0\r\nContent-Length: 1\r\n\r\n", "not of HTTP/1.1"),
            (&"x".repeat(MAX_HEAD_BYTES), "has no end"),
        ] {
            let error = Answer::parse(answer.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_backend_says_who_it_is_and_nothing_between_the_lines() {
        let admin = || Target::parse_http("http://127.0.0.1:7081").unwrap();
        let backend = Backend::new(admin(), "demo", "sk_secret").unwrap();
        let request = String::from_utf8(backend.post("sessions", &serde_json::json!({}))).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/v1/apps/demo/sessions HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nAuthorization: Bearer sk_secret\r\n"), "{head}");
        assert!(head.ends_with("\r\nContent-Length: 2"), "{head}");
        assert_eq!(body, "{}");
        assert!(Backend::new(admin(), "demo", "sk\r\nHost: x").is_err());
    }
}
