//! Tests of new credentials after the previous ones are rejected or about to expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;
use stagedoor_client::proto::{Action, Command, Credentials, Timestamp};
use stagedoor_client::{CredentialsProvider, Ending, Event, Renewal};

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::gateway::{Gateway, resumed};
use crate::reconnector::{builder, established};

fn token(text: &str) -> Credentials {
    Credentials::Token(text.parse().expect("a token"))
}

#[tokio::test]
async fn void_credentials_are_replaced_by_the_providers() {
    for code in [4100, 4101, 4199] {
        let gateway = Gateway::bind().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let provider = move || {
            let nth = counter.fetch_add(1, Ordering::Relaxed);
            async move { Some(token(["first", "second"][nth])) }
        };
        let builder = builder(&gateway).provider(provider);
        let (_session, mut events, mut served) = established(&gateway, builder).await;
        served.part(code, json!({})).await;
        // The gateway also rejects the first credentials of the provider.
        let mut served = gateway.accept().await;
        let first = served.request().await;
        let Command::Start(start) = first.command else { panic!("not a start") };
        assert_eq!(start.credentials, token("first"));
        served.refuse(first.id, "token_expired", 4100).await;
        let mut served = gateway.accept().await;
        let Command::Start(start) = served.start().await else { panic!("not a start") };
        assert_eq!(start.credentials, token("second"), "{code}");
        assert!(matches!(events.next().await, Some(Event::Suspended { .. })));
        assert!(matches!(events.next().await, Some(Event::Restarted { .. })));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn provider_is_asked_after_the_demanded_wait() {
    let gateway = Gateway::bind().await;
    let (asked, mut was_asked) = mpsc::channel(8);
    let provider = move || {
        asked.try_send(Instant::now()).expect("the test waits for it");
        async { Some(token("new")) }
    };
    let builder = builder(&gateway).provider(provider);
    let (_session, _events, mut served) = established(&gateway, builder).await;
    let began = Instant::now();
    served.part(4101, json!({ "retry_after_ms": 300 })).await;
    let asked_at = was_asked.recv().await.expect("the client asks for credentials");
    assert!(asked_at - began >= Duration::from_millis(300), "a token fetched earlier is void");
    let mut served = gateway.accept().await;
    let Command::Start(start) = served.start().await else { panic!("not a start") };
    assert_eq!(start.credentials, token("new"));
}

#[tokio::test]
async fn without_new_credentials_the_session_ends() {
    let no_credentials = || async { None };
    for has_provider in [false, true] {
        let gateway = Gateway::bind().await;
        let mut builder = builder(&gateway);
        if has_provider {
            builder = builder.provider(no_credentials);
        }
        let (_session, mut events, mut served) = established(&gateway, builder).await;
        served.part(4101, json!({})).await;
        let ending = events.ended().await.unwrap();
        assert!(matches!(ending, Ending::Unauthenticated { .. }), "{ending:?}");
        assert_eq!((ending.close_code(), ending.action()), (Some(4101), Action::Reauth));
    }
}

/// A provider with different credentials for reconnection and renewal.
struct Prolonging(Renewal);

impl CredentialsProvider for Prolonging {
    fn credentials(&self) -> BoxFuture<'static, Option<Credentials>> {
        Box::pin(std::future::ready(None))
    }

    fn renewal(&self, _expires_at: Timestamp) -> BoxFuture<'static, Renewal> {
        Box::pin(std::future::ready(self.0.clone()))
    }
}

#[tokio::test]
async fn a_prompt_for_renewal_goes_to_the_provider() {
    let auth_token = || "auth".parse().unwrap();
    for (renewal, expected) in [
        (Renewal::Renew, json!({ "renew": {} })),
        (Renewal::WithAuthToken(auth_token()), json!({ "renew": { "auth_token": "auth" } })),
        (Renewal::Unable, json!({ "postpone_renewal": {} })),
    ] {
        let gateway = Gateway::bind().await;
        let builder = builder(&gateway).provider(Prolonging(renewal));
        let (session, _events, mut served) = established(&gateway, builder).await;
        served.send(json!({ "seq": 1, "token_expiring": { "expires_at_ms": 9 } })).await;
        let request = served.request().await;
        assert_eq!(serde_json::to_value(&request.command).unwrap(), expected);
        let renewed = json!({ "access_token": "token-2", "expires_at_ms": 9, "scopes": ["join"] });
        let renewed = json!({ "renewed": renewed });
        served.send(json!({ "id": request.id, "seq": 2, "ok": renewed })).await;
        served.send(json!({ "ping": {} })).await;
        served.message().await;
        assert_eq!(session.access_token().unwrap().as_str(), "token-2");
    }
}

#[tokio::test]
async fn a_session_that_expired_meanwhile_is_renewed_after_its_resume() {
    let gateway = Gateway::bind().await;
    let builder = builder(&gateway).provider(Prolonging(Renewal::Renew));
    let (_session, _events, served) = established(&gateway, builder).await;
    drop(served);
    let mut served = gateway.accept().await;
    let (id, _) = served.resume().await;
    let mut reply = resumed(id, 0, &[], "secret-2");
    reply["ok"]["resumed"]["state"] = json!("tokenExpired");
    served.send(reply).await;
    assert!(matches!(served.request().await.command, Command::Renew(_)));
}

#[tokio::test]
async fn a_prompt_for_a_room_is_the_programs_own() {
    let gateway = Gateway::bind().await;
    let builder = builder(&gateway).provider(Prolonging(Renewal::Renew));
    let (_session, mut events, mut served) = established(&gateway, builder).await;
    let expiring = json!({ "expires_at_ms": 9, "room": "lobby" });
    served.send(json!({ "seq": 1, "token_expiring": expiring })).await;
    served.send(json!({ "ping": {} })).await;
    assert!(matches!(served.message().await, stagedoor_client::proto::ClientMessage::Pong(_)));
    assert!(matches!(events.next().await, Some(Event::Push { seq: 1, .. })));
}
