//! Admits users who know a word: a custom auth hook, and a gateway that uses it.
//!
//! `cargo run --example custom_hook`, then start a session with `"credentials":{"params":{"word":"sesame"}}`.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Denied};
use stagedoor::clock::Clock;
use stagedoor::config::{Config, Dev};
use stagedoor::server::Server;
use stagedoor_proto::{Credentials, ErrorCode};

/// Knows the word. A hook of yours would ask a directory or a database, and await the answer.
struct Doorkeeper(&'static str);

impl AuthHook for Doorkeeper {
    fn name(&self) -> &'static str {
        "doorkeeper"
    }

    /// The first hook that claims an attempt decides it; guests and tokens are left to the others.
    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            let (Credentials::Params(params), Some(username)) =
                (&request.credentials, request.username.clone())
            else {
                return Decision::Deny(Denied::new(ErrorCode::AuthDenied, "who are you?"));
            };
            let said = serde_json::from_str::<serde_json::Value>(params.as_json());
            if said.is_ok_and(|said| said["word"] == self.0) {
                let method = AuthMethod::Hook { issued: None };
                return Decision::Allow(Box::new(Authenticated::new(username, method)));
            }
            Decision::Deny(Denied::new(ErrorCode::AuthDenied, "that is not the word"))
        }
        .boxed()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = "sk_change-me-change-me-change-me-ab".into();
    let secret = "change-me-change-me-change-me-ab".into();
    let config = Config::dev(Dev {
        listen: None,
        data: None,
        app_secret: secret,
        api_token: None,
        server_key: key,
    });
    let hooks = |_app: &str| -> Vec<Arc<dyn AuthHook>> { vec![Arc::new(Doorkeeper("sesame"))] };
    let server = Server::builder(config, Clock::system()).hooks(&hooks).bind().await?;
    println!("ws://{}/v1/connect", server.listen_addr());
    server.run(stagedoor::cli::stop_signal()?).await;
    Ok(())
}
