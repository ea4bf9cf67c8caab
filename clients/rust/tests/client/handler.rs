//! Tests of the session handler: each decision, without one, and rejected ones.

use std::sync::Arc;

use serde_json::{Value, json};
use stagedoor_client::proto::{ErrorCode, SessionState};
use stagedoor_client::{AccessTokenRenewal, Event, SessionHandler, SessionManager, StartWith};
use tokio::sync::mpsc;

use crate::gateway::{Gateway, Served};
use crate::program::Program;
use crate::reconnector::{builder, established};

/// Passes each renewal to the test.
fn to(renewals: mpsc::Sender<AccessTokenRenewal>) -> impl SessionHandler + 'static {
    move |renewal| renewals.try_send(renewal).expect("the test waits for it")
}

async fn expires(served: &mut Served, seq: u64) {
    served.send(json!({ "seq": seq, "token_expiring": { "expires_at_ms": 9 } })).await;
}

#[tokio::test]
async fn each_decision_of_the_handler_is_sent() {
    let decisions: [(fn(AccessTokenRenewal), Value); 5] = [
        (AccessTokenRenewal::renew, json!({ "renew": {} })),
        (
            |renewal| renewal.renew_with_auth_token("auth".parse().expect("a token")),
            json!({ "renew": { "auth_token": "auth" } }),
        ),
        (
            |renewal| renewal.renew_with_params(serde_json::from_str("7").expect("any JSON")),
            json!({ "renew": { "params": 7 } }),
        ),
        (AccessTokenRenewal::unable_to_retrieve_auth_token, json!({ "postpone_renewal": {} })),
        // Without a decision.
        (drop, json!({ "postpone_renewal": {} })),
    ];
    for (decide, expected) in decisions {
        let gateway = Gateway::bind().await;
        let (renewals, mut asked) = mpsc::channel(8);
        let builder = builder(&gateway).session_handler(to(renewals));
        let (_session, _events, mut served) = established(&gateway, builder).await;
        expires(&mut served, 1).await;
        let renewal = asked.recv().await.expect("the handler is asked");
        assert_eq!(renewal.expires_at().as_millis(), 1_000);
        decide(renewal);
        let request = served.request().await;
        assert_eq!(serde_json::to_value(&request.command).unwrap(), expected);
    }
}

#[tokio::test]
async fn handler_is_asked_again_only_after_its_decision() {
    let gateway = Gateway::bind().await;
    let (renewals, mut asked) = mpsc::channel(8);
    let builder = builder(&gateway).session_handler(to(renewals));
    let (_session, mut events, mut served) = established(&gateway, builder).await;
    for seq in [1, 2] {
        expires(&mut served, seq).await;
        assert!(matches!(events.next().await, Some(Event::Push { .. })));
    }
    let renewal = asked.recv().await.expect("the handler is asked");
    assert!(asked.try_recv().is_err(), "one renewal at a time");
    renewal.unable_to_retrieve_auth_token();
    let request = served.request().await;
    let postponed = json!({ "postponed": { "next_prompt_ms": 9 } });
    served.send(json!({ "id": request.id, "seq": 3, "ok": postponed })).await;
    expires(&mut served, 4).await;
    asked.recv().await.expect("the handler is asked again").renew();
    served.request().await;
}

#[tokio::test]
async fn rejected_renewal_is_an_event() {
    let gateway = Gateway::bind().await;
    let (renewals, mut asked) = mpsc::channel(8);
    let builder = builder(&gateway).session_handler(to(renewals));
    let (session, mut events, mut served) = established(&gateway, builder).await;
    expires(&mut served, 1).await;
    asked.recv().await.expect("the handler is asked").renew();
    let request = served.request().await;
    let error = json!({ "code": "auth_token_required", "message": "send an auth token" });
    served.send(json!({ "id": request.id, "seq": 2, "error": error })).await;
    assert!(matches!(events.next().await, Some(Event::Push { seq: 1, .. })));
    let Some(Event::RenewalFailed(error)) = events.next().await else { panic!("no event") };
    assert_eq!(error.code, ErrorCode::AuthTokenRequired);
    assert_eq!(session.access_token().unwrap().as_str(), "token-1");
    assert_eq!((session.state(), session.last_seq()), (SessionState::Established, 2));
}

#[tokio::test]
async fn handler_renews_a_session_of_the_real_gateway() {
    let program = Program::run();
    let token =
        |ttl| program.token(&["session", "ann", "--session-ttl", ttl]).parse().expect("a token");
    let (short, long) = (token("3s"), Arc::new(token("1h")));
    let (renewals, mut asked) = mpsc::channel(8);
    let client = stagedoor_client::Client::builder(program.url()).app("demo");
    let manager = SessionManager::new(client.session_handler(to(renewals)));
    let mut events = manager.events();
    let session = manager.start(StartWith::Token(short)).await.into_result().expect("a session");
    let before = session.expires_at();
    // The backend set the end of the session, so only an auth token moves it.
    asked.recv().await.expect("the handler is asked").renew();
    loop {
        match events.next().await.expect("the session goes on") {
            Event::RenewalFailed(error) => {
                assert_eq!(error.code, ErrorCode::AuthTokenRequired);
                break;
            }
            Event::Push { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let mut observer = manager.observe();
    asked.recv().await.expect("the handler is asked").renew_with_auth_token((*long).clone());
    while session.expires_at() == before {
        session.postpone_renewal().await.expect("a session");
    }
    observer
        .wait_for(|snapshot| snapshot.state == SessionState::Established)
        .await
        .expect("the manager is there");
    assert!(session.expires_at() > before);
}
