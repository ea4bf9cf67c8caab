//! The app's own servers: the auth webhook, and endpoints that reject every delivery.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::{EVE, HOST};

/// Endpoints, by what they do.
pub const ENDPOINTS: [&str; 6] = ["failing", "gone", "moved", "hanging", "garbage", "refused"];

/// Where they are.
pub struct Servers {
    pub http: String,
    garbage: SocketAddr,
}

impl Servers {
    pub async fn run() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap().to_string();
        let failure = (StatusCode::INTERNAL_SERVER_ERROR, "canary-secret-stack-trace");
        let location = [(header::LOCATION, "http://127.0.0.1:1/canary-secret")];
        let router = Router::new()
            .route("/auth/canary-secret", post(admit))
            .route("/failing/canary-secret", post(async move || failure))
            .route("/gone/canary-secret", post(async || StatusCode::GONE))
            .route("/moved/canary-secret", post(async move || (StatusCode::FOUND, location)))
            .route("/hanging/canary-secret", post(std::future::pending::<StatusCode>));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { http, garbage: talk_garbage().await }
    }

    /// Each endpoint, and the address it is on.
    pub fn endpoints(&self) -> [(&'static str, String); ENDPOINTS.len()] {
        ENDPOINTS.map(|id| match id {
            "garbage" => (id, self.garbage.to_string()),
            // No server listens there.
            "refused" => (id, "127.0.0.1:1".to_owned()),
            _ => (id, self.http.clone()),
        })
    }
}

/// Lets `HOST` in, keeps `EVE` out, and fails for everybody else.
async fn admit(body: axum::Json<Value>) -> (StatusCode, String) {
    match body["username"].as_str().unwrap() {
        HOST => (StatusCode::OK, json!({ "name": "canary-display-name" }).to_string()),
        EVE => (StatusCode::FORBIDDEN, json!({ "message": "canary-refusal" }).to_string()),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "canary-secret-stack-trace".to_owned()),
    }
}

/// A server that does not speak HTTP.
async fn talk_garbage() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // The gateway may have hung up.
            let _ = stream.write_all(b"canary-secret garbage\r\n\r\n").await;
        }
    });
    address
}
