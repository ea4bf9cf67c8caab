//! The auth webhook of an app: it admits users with the right password and denies all others.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running auth webhook. It ends when this is dropped.
pub(crate) struct Hook {
    pub(crate) url: String,
    server: JoinHandle<()>,
}

impl Hook {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Ok(Self { url, server })
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers the requests of one connection until it is closed or sends what is no request of a gateway.
async fn serve(mut stream: TcpStream) {
    let mut read = Vec::new();
    loop {
        while let Some(end) = request_end(&read) {
            let request: Vec<u8> = read.drain(..end).collect();
            let is_right = request
                .windows(RIGHT_PASSWORD.len())
                .any(|window| window == RIGHT_PASSWORD.as_bytes());
            let (status, body) =
                if is_right { ("200 OK", "{}") } else { ("400 Bad Request", DENIAL) };
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
        let is_too_long = read.len() > MAX_REQUEST_BYTES;
        if is_too_long || !matches!(stream.read_buf(&mut read).await, Ok(1..)) {
            return;
        }
    }
}

/// Where the first request ends; `None` if it is not complete.
fn request_end(read: &[u8]) -> Option<usize> {
    let head_end = read.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&read[..head_end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    let end = head_end + length.trim().parse::<usize>().ok()?;
    (end <= read.len()).then_some(end)
}

/// The password of honest users.
pub(crate) const RIGHT_PASSWORD: &str = "right-password";
/// The password of users that are denied.
pub(crate) const WRONG_PASSWORD: &str = "wrong-password";
/// The body of a denial.
const DENIAL: &str = r#"{"message":"wrong password"}"#;
const MAX_REQUEST_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ends_where_its_body_does() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST";
        let end = request.len() - 4;
        assert_eq!(request_end(request), Some(end));
        assert_eq!(request_end(&request[..end - 1]), None);
        assert_eq!(request_end(b"POST / HTTP/1.1\r\n"), None);
    }
}
