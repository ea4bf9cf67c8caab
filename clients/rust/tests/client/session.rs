//! Tests of sessions against a scripted gateway.

use crate::gateway::{Gateway, SESSION, Served, degraded, resumed, started};
use serde_json::json;
use stagedoor_client::proto::{Action, ClientMessage, CloseCode, Command, Credentials, ErrorCode};
use stagedoor_client::proto::{Pong, Push, SessionState};
use stagedoor_client::{Cause, Client, ClientBuilder, ConnectError, DialError, Event, Events};
use stagedoor_client::{RequestError, Session, Ticket};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

fn builder(gateway: &Gateway) -> ClientBuilder {
    let builder = Client::builder(gateway.url()).app("demo").no_reconnect();
    builder.username("ann".parse().expect("a username"))
}

/// A started session, its events, and the gateway's end of the connection.
async fn established(gateway: &Gateway) -> (Session, Events, Served) {
    let (client, mut served) = tokio::join!(builder(gateway).connect(), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    let (session, events) = client.expect("a session");
    // A frame each way: what the test sends next comes after the start.
    served.send(json!({ "ping": {} })).await;
    assert_eq!(served.message().await, ClientMessage::Pong(Pong { seq: 0 }));
    (session, events, served)
}

#[tokio::test]
async fn start_sends_identity_and_keeps_the_reply() {
    let gateway = Gateway::bind().await;
    let builder = builder(&gateway).instance("instance-1".parse().unwrap());
    let (client, command) = tokio::join!(builder.connect(), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        // State changes come before the reply.
        served
            .send(json!({ "seq": 1, "session_state": { "state": "establishing", "version": 1 } }))
            .await;
        served
            .send(json!({ "seq": 2, "session_state": { "state": "established", "version": 2 } }))
            .await;
        served.send(started(first.id)).await;
        (first.command, served)
    });
    let (session, mut events) = client.unwrap();
    let Command::Start(start) = command.0 else { panic!("not a start") };
    assert_eq!((start.app.as_str(), start.instance.as_str()), ("demo", "instance-1"));
    assert_eq!(start.credentials, Credentials::Guest {});
    for state in [SessionState::Establishing, SessionState::Established] {
        let Some(Event::Push { push, .. }) = events.next().await else { panic!("not a push") };
        assert!(matches!(*push, Push::SessionState(change) if change.state == state));
    }
    assert_eq!(session.id().to_string(), SESSION);
    assert_eq!(session.user().unwrap().username.as_str(), "ann");
    assert_eq!(session.state(), SessionState::Established);
    assert_eq!(session.access_token().unwrap().as_str(), "token-1");
    assert_eq!(session.resume_ticket().secret.as_str(), "secret-1");
    assert_eq!(session.last_seq(), 2);
}

#[tokio::test]
async fn replies_match_requests_in_any_order() {
    let gateway = Gateway::bind().await;
    let (session, _events, mut served) = established(&gateway).await;
    let answering = async {
        let (first, second) = (served.request().await, served.request().await);
        assert!(matches!(first.command, Command::Renew(_)));
        let error = json!({ "code": "rate_limited", "message": "later", "retry_after_ms": 5 });
        served.send(json!({ "id": second.id, "seq": 1, "error": error })).await;
        let renewed = json!({ "access_token": "token-2", "expires_at_ms": 9, "scopes": [] });
        served.send(json!({ "id": first.id, "seq": 2, "ok": { "renewed": renewed } })).await;
    };
    let (renewed, postponed, ()) =
        tokio::join!(session.renew(None), session.postpone_renewal(), answering);
    assert_eq!(renewed.unwrap().expires_at_ms.as_millis(), 9);
    let Err(RequestError::Refused(error)) = postponed else { panic!("not refused") };
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited, Some(5)));
    assert_eq!(session.access_token().unwrap().as_str(), "token-2");
    assert_eq!(session.last_seq(), 2);
}

#[tokio::test]
async fn no_more_requests_are_under_way_than_announced() {
    let gateway = Gateway::bind().await;
    let (session, _events, mut served) = established(&gateway).await;
    let answering = async {
        let (first, _second) = (served.request().await, served.request().await);
        // The third request waits in the client, so the next frame is the answer to this ping.
        served.send(json!({ "ping": {} })).await;
        assert!(matches!(served.message().await, ClientMessage::Pong(_)));
        served.send(json!({ "id": first.id, "seq": 1, "ok": { "ended": {} } })).await;
        assert!(matches!(served.request().await.command, Command::End(_)));
    };
    let requests = async { tokio::join!(session.end(true), session.end(true), session.end(false)) };
    tokio::select! {
        _ = requests => panic!("the others have no reply"),
        () = answering => {}
    }
}

#[tokio::test]
async fn a_number_that_goes_back_is_dropped_and_one_that_skips_is_not() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway).await;
    for seq in [1, 2, 2, 1, 5] {
        served.send(degraded(seq)).await;
    }
    served.send(json!({ "seq": 6, "from_the_future": {} })).await;
    served.send(json!({ "ping": {} })).await;
    assert_eq!(served.message().await, ClientMessage::Pong(Pong { seq: 6 }));
    for expected in [1, 2, 5] {
        let event = events.next().await;
        assert!(matches!(event, Some(Event::Push { seq, .. }) if seq == expected), "{event:?}");
    }
    assert_eq!(events.next().await, Some(Event::Unknown { seq: 6 }));
    assert_eq!((session.frame_counts().duplicates, session.frame_counts().skipped), (2, 2));
}

#[tokio::test]
async fn disconnect_carries_a_reason_and_fails_pending_requests() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway).await;
    let kicked = async {
        served.request().await;
        let disconnect = json!({ "code": 4010, "reason": "kicked", "action": "stop" });
        served.send(json!({ "disconnect": disconnect })).await;
        served.close(4010, "kicked").await;
    };
    let (renewed, ()) = tokio::join!(session.renew(None), kicked);
    assert!(matches!(renewed, Err(RequestError::Lost)));
    let end = events.ended().await.unwrap();
    assert_eq!(
        (end.cause(), end.close_code(), end.action()),
        (Some(Cause::Closed), Some(4010), Action::Stop)
    );
    assert_eq!(end.disconnect().unwrap().code, CloseCode::Kicked);
    assert_eq!(session.state(), SessionState::Terminated);
    assert_eq!(events.next().await, None);
    assert!(matches!(session.renew(None).await, Err(RequestError::Closed)));
}

#[tokio::test]
async fn a_lost_socket_leaves_the_session_to_be_resumed() {
    let gateway = Gateway::bind().await;
    let (session, mut events, served) = established(&gateway).await;
    drop(served);
    let end = events.ended().await.unwrap();
    assert_eq!((end.cause(), end.action()), (Some(Cause::Lost), Action::Resume));
    assert_eq!(session.state(), SessionState::Established);
}

#[tokio::test]
async fn resume_proves_itself_and_continues_at_last_seq() {
    let gateway = Gateway::bind().await;
    let ticket = Ticket {
        session: SESSION.parse().unwrap(),
        secret: "secret-1".parse().unwrap(),
        last_seq: 7,
    };
    let client = Client::builder(gateway.url()).no_reconnect();
    let (resumed, (command, mut served)) = tokio::join!(client.resume(ticket, None), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        let resumed = json!({
            "replayed_count": 2, "pending": [], "state": "established", "expires_at_ms": 3,
            "resume": { "secret": "secret-2" }, "scopes": ["join"], "rooms": [],
        });
        served.send(json!({ "id": first.id, "ok": { "resumed": resumed } })).await;
        served.send(json!({ "id": 3, "seq": 8, "ok": { "left": {} } })).await;
        served.send(degraded(9)).await;
        (first.command, served)
    });
    let (session, mut events) = resumed.unwrap();
    assert!(matches!(command, Command::Resume(resume) if resume.last_seq == 7));
    assert!(matches!(events.next().await, Some(Event::LateReply { id: 3, result: Ok(_) })));
    assert!(matches!(events.next().await, Some(Event::Push { seq: 9, .. })));
    assert_eq!(session.resume_ticket().secret.as_str(), "secret-2");
    assert_eq!(session.resume_ticket().last_seq, 9);
    session.detach();
    let Some(Message::Close(Some(close))) = served.frame().await else { panic!("no close") };
    assert_eq!(u16::from(close.code), 3000);
    assert_eq!(events.ended().await.unwrap().cause(), Some(Cause::Detached));
}

#[tokio::test]
async fn rejected_start_carries_error_and_disconnect() {
    let gateway = Gateway::bind().await;
    let (client, ()) = tokio::join!(builder(&gateway).connect(), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        let error = json!({ "code": "banned", "message": "the user is banned" });
        served.send(json!({ "id": first.id, "error": error })).await;
        let disconnect =
            json!({ "code": 4011, "reason": "banned", "action": "stop", "until_ms": 5 });
        served.send(json!({ "disconnect": disconnect })).await;
        served.close(4011, "banned").await;
    });
    let Err(ConnectError::Refused { error, disconnect: Some(end) }) = client else {
        panic!("not refused: {client:?}")
    };
    assert_eq!((error.code, end.code), (ErrorCode::Banned, CloseCode::Banned));
    assert_eq!(end.until_ms.unwrap().as_millis(), 5);
}

#[tokio::test]
async fn rejected_upgrade_carries_retry_after() {
    let gateway = Gateway::bind().await;
    let (client, ()) = tokio::join!(builder(&gateway).connect(), async {
        let mut stream = gateway.accept_tcp().await;
        let answer =
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let Err(ConnectError::Dial(DialError::Refused { status, retry_after })) = client else {
        panic!("not refused: {client:?}")
    };
    assert_eq!((status, retry_after.unwrap().as_secs()), (429, 3));
}

#[tokio::test]
async fn what_cannot_be_dialled_is_said_before_anything_is_sent() {
    for url in ["wss:///v1/connect", "http://localhost/", "nonsense", "ws:///v1/connect"] {
        let client = Client::builder(url).app("demo").connect().await;
        let invalid = matches!(client, Err(ConnectError::Dial(DialError::InvalidUrl { .. })));
        assert!(invalid, "{url}: {client:?}");
    }
    let nameless = Client::builder("ws://localhost/").connect().await;
    assert!(matches!(nameless, Err(ConnectError::Incomplete("app"))));
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_given_up() {
    let gateway = Gateway::bind().await;
    let (_session, mut events, _served) = established(&gateway).await;
    // From here on the test only awaits timers, and paused time jumps to the next one.
    tokio::time::pause();
    assert_eq!(events.ended().await.unwrap().cause(), Some(Cause::Silent));
}

#[tokio::test]
async fn unread_events_end_the_connection_and_stay_unacknowledged() {
    let gateway = Gateway::bind().await;
    let builder = builder(&gateway).event_capacity(2);
    let (client, mut served) = tokio::join!(builder.connect(), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    let (session, mut events) = client.unwrap();
    for seq in 1..=3 {
        served.send(degraded(seq)).await;
    }
    while served.frame().await.is_some() {}
    assert_eq!(session.last_seq(), 2);
    assert_eq!(events.ended().await.unwrap().cause(), Some(Cause::Overflow));
}

#[tokio::test]
async fn nonsense_from_a_gateway_ends_the_connection() {
    for text in ["{", "[]", r#"{"seq":1}x"#, r#"{"id":-1,"ok":{}}"#] {
        let gateway = Gateway::bind().await;
        let (_session, mut events, mut served) = established(&gateway).await;
        served.send_text(text).await;
        assert_eq!(events.ended().await.unwrap().cause(), Some(Cause::Malformed), "{text}");
    }
}

#[tokio::test]
async fn dropped_connection_is_closed() {
    let gateway = Gateway::bind().await;
    let (session, events, mut served) = established(&gateway).await;
    drop(session);
    served.send(json!({ "ping": {} })).await;
    assert!(matches!(served.message().await, ClientMessage::Pong(_)), "the events are still held");
    drop(events);
    let Some(Message::Close(Some(close))) = served.frame().await else { panic!("no close") };
    assert_eq!(u16::from(close.code), 3000);
}

#[tokio::test]
async fn state_does_not_step_back_after_the_start() {
    let gateway = Gateway::bind().await;
    let change = |seq: u64, state: &str| json!({ "seq": seq, "session_state": { "state": state, "version": seq } });
    let (client, mut served) = tokio::join!(builder(&gateway).connect(), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        served.send(change(1, "establishing")).await;
        served.send(started(first.id)).await;
        served
    });
    let (session, mut events) = client.unwrap();
    let mut observer = session.observe();
    assert_eq!(session.state(), SessionState::Established);
    assert!(matches!(events.next().await, Some(Event::Push { seq: 1, .. })));
    assert_eq!(session.state(), SessionState::Established);
    served.send(change(2, "established")).await;
    served.send(change(3, "tokenExpired")).await;
    for _ in [2, 3] {
        events.next().await.expect("a push");
    }
    assert_eq!(session.state(), SessionState::TokenExpired);
    let snapshot = observer.next().await.expect("a value");
    assert_eq!((snapshot.state, snapshot.ending), (SessionState::TokenExpired, None));
}

#[tokio::test]
async fn replayed_states_are_older_than_the_resume() {
    let gateway = Gateway::bind().await;
    let ticket = Ticket {
        session: SESSION.parse().unwrap(),
        secret: "secret-1".parse().unwrap(),
        last_seq: 0,
    };
    let (client, mut served) = tokio::join!(builder(&gateway).resume(ticket, None), async {
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.send(resumed(id, 1, &[], "secret-2")).await;
        served
    });
    let (session, mut events) = client.unwrap();
    let change = |seq: u64, state: &str| json!({ "seq": seq, "session_state": { "state": state, "version": seq } });
    served.send(change(1, "tokenExpired")).await;
    assert!(matches!(events.next().await, Some(Event::Push { seq: 1, .. })));
    assert_eq!(session.state(), SessionState::Established, "as the resume said");
    served.send(change(2, "tokenExpired")).await;
    assert!(matches!(events.next().await, Some(Event::Push { seq: 2, .. })));
    assert_eq!(session.state(), SessionState::TokenExpired);
}

#[tokio::test]
async fn second_end_does_nothing() {
    for code in [1000, 4015] {
        let gateway = Gateway::bind().await;
        let (session, mut events, mut served) = established(&gateway).await;
        if code == 1000 {
            let (ended, ()) = tokio::join!(session.end(false), async {
                let request = served.request().await;
                served.send(json!({ "id": request.id, "seq": 1, "ok": { "ended": {} } })).await;
            });
            ended.expect("a session");
            session.end(false).await.expect("nothing to do before the close");
        }
        served.part(code, json!({})).await;
        events.ended().await.expect("an ending");
        session.end(true).await.expect("nothing to do after it");
        assert!(session.is_over());
    }
}

#[tokio::test]
async fn two_ends_at_once_both_succeed() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway).await;
    let (first, second, ()) = tokio::join!(session.end(false), session.end(false), async {
        let request = served.request().await;
        served.request().await;
        served.send(json!({ "id": request.id, "seq": 1, "ok": { "ended": {} } })).await;
        served.part(1000, json!({})).await;
    });
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    events.ended().await.expect("an ending");
}

#[tokio::test]
async fn end_of_a_detached_session_is_an_error() {
    let gateway = Gateway::bind().await;
    let (session, mut events, _served) = established(&gateway).await;
    session.detach();
    events.ended().await.expect("an ending");
    assert!(matches!(session.end(false).await, Err(RequestError::Closed)));
    assert!(!session.is_over(), "the gateway keeps it for a while");
}
