//! Webhooks from the command line: what is asked, and how the answer is printed.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Line, words};
use crate::common::Gateway;

/// What a command asks of a gateway that answers with `answer`, and what it prints then.
async fn asked(arguments: &[&str], answer: Value) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let line = Line { url, variables: vec![("STAGEDOOR_SERVER_KEY", "sk_key".to_owned())] };
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let is_whole = |request: &[u8]| {
            let text = String::from_utf8_lossy(request).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
            let received = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            body.len() == received.map_or(0, |length| length.parse().unwrap())
        };
        while !is_whole(&request) {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0, "it is cut off");
        }
        let body = answer.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    };
    let (received, request) = tokio::join!(line.does(arguments), answering);
    (request, received)
}

#[tokio::test]
async fn endpoints_and_dead_letters_are_listed() {
    let endpoint = json!({
        "id": "crm", "host": "shop.example.com", "events": ["user.banned"], "state": "failing", "pending": 3,
        "dead": 1, "delivered": 7, "failed": 2, "dead_lettered": 1, "last_error": "answered with status 500",
    });
    let answer = json!({ "dropped": 0, "endpoints": [endpoint] });
    let (request, received) = asked(&["webhooks", "list"], answer).await;
    assert!(request.starts_with("GET /api/v1/apps/demo/webhooks HTTP/1.1\r\n"), "{request}");
    let row = words(received.lines().nth(1).unwrap());
    assert_eq!(row[..7], ["crm", "shop.example.com", "failing", "3", "1", "7", "2"], "{received}");

    let letter = json!({
        "number": 7, "endpoint": "crm", "type": "user.banned", "at_ms": 1_900_000_000_000_u64, "attempts": 30,
        "error": "answered with status 500", "body": {},
    });
    let (request, received) = asked(&["webhooks", "list-dead"], json!({ "items": [letter] })).await;
    let path = "GET /api/v1/apps/demo/webhooks/dead-letters?limit=100 HTTP/1.1\r\n";
    assert!(request.starts_with(path), "{request}");
    let row = words(received.lines().nth(1).unwrap());
    assert_eq!(
        row[..5],
        ["7", "2030-03-17T17:46:40.000Z", "crm", "user.banned", "30"],
        "{received}"
    );
}

#[tokio::test]
async fn dead_letters_are_tried_again() {
    let (request, received) =
        asked(&["webhooks", "replay", "7", "--ref", "r-1"], json!({ "replayed": 1 })).await;
    let path = "POST /api/v1/apps/demo/webhooks/dead-letters/7/replay HTTP/1.1\r\n";
    assert!(request.starts_with(path) && request.contains("idempotency-key: r-1\r\n"), "{request}");
    assert_eq!(received, "1 message queued for delivery\n");
    let (request, received) =
        asked(&["webhooks", "replay", "--endpoint", "crm"], json!({ "replayed": 3 })).await;
    let path = "POST /api/v1/apps/demo/webhooks/dead-letters/replay HTTP/1.1\r\n";
    assert!(request.starts_with(path) && request.ends_with("{\"endpoint\":\"crm\"}"), "{request}");
    assert_eq!(received, "3 messages queued for delivery\n");
}

#[tokio::test]
async fn an_app_without_endpoints_has_nothing_to_list() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let received = line.run(&["webhooks", "list"]).await;
    let printed = (&*received.out, &*received.err);
    assert_eq!(printed, ("", "stagedoor: no webhook endpoints\n"));
    for what in ["list", "list-dead"] {
        assert!(line.objects(&["webhooks", what]).await.is_empty(), "{what}");
    }
    assert!(line.fails(1, &["webhooks", "replay", "7"]).await.starts_with("rejected: "));
}
