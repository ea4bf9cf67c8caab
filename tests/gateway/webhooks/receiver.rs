//! A webhook receiver that answers as configured.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream;
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

/// What the gateway may sign with.
pub const SECRETS: [&[u8; 32]; 2] =
    [b"the-first-webhook-secret-32-byte", b"another-webhook-secret-32-bytes!"];

/// A secret as it is configured.
pub fn secret(bytes: &[u8]) -> SecretString {
    format!("whsec_{}", STANDARD.encode(bytes)).into()
}

/// How a receiver answers.
#[derive(Clone)]
pub enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    /// 200, and this body.
    Says(&'static str),
    /// 200, and a body without end.
    Endless,
    /// Nothing, ever.
    Nothing,
    /// This status, once it is released.
    Held(Arc<Notify>, u16),
}

/// A request that came in.
#[derive(Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub struct Receiver {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    requests: mpsc::Receiver<Received>,
}

#[derive(Clone)]
struct Shared {
    answer: Arc<Mutex<Answer>>,
    requests: mpsc::Sender<Received>,
}

impl Receiver {
    pub async fn run(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel(1_024);
        let answer = Arc::new(Mutex::new(answer));
        let shared = Shared { answer: Arc::clone(&answer), requests: sender };
        let router = Router::new().route("/events", post(receive)).with_state(shared);
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, answer, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers like this from now on.
    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The next request.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(Duration::from_secs(10), self.requests.recv()).await;
        next.expect("a request arrives").expect("the receiver runs")
    }

    /// The next event of this type, passing over what else comes.
    pub async fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.event();
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Whether nothing came in that was not asked for.
    pub fn is_quiet(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

impl Received {
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Which of the signatures are by this secret, as Standard Webhooks checks them.
    pub fn signed_by(&self, secret: &[u8]) -> Vec<bool> {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = [id.as_bytes(), b".", time.as_bytes(), b".", &self.body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signatures = self.header("webhook-signature").split(' ');
        let is_good = |signature: &str| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            hmac::verify(&key, &signed, &tag).is_ok()
        };
        signatures.map(is_good).collect()
    }
}

async fn receive(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let answer = shared.answer.lock().unwrap().clone();
    shared.requests.send(Received { headers, body }).await.unwrap();
    let status = |status| Response::builder().status(status);
    match answer {
        Answer::Status(code) => status(code).body(Body::empty()),
        Answer::With(code, name, value) => status(code).header(name, value).body(Body::empty()),
        Answer::Says(body) => status(200).body(body.into()),
        Answer::Endless => {
            let piece = Bytes::from_static(&[b'x'; 1_024]);
            let pieces = stream::repeat_with(move || Ok::<_, Infallible>(piece.clone()));
            status(200).body(Body::from_stream(pieces))
        }
        Answer::Nothing => std::future::pending().await,
        Answer::Held(held, code) => {
            held.notified().await;
            status(code).body(Body::empty())
        }
    }
    .unwrap()
}
