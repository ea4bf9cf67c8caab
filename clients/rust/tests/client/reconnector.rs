//! Tests of reconnection against a scripted gateway.

use std::time::Duration;

use crate::gateway::{Gateway, SESSION, Served, degraded, joined, resumed};
use serde_json::{Value, json};
use stagedoor_client::proto::StreamKind;
use stagedoor_client::proto::{Action, Command, Credentials, Request, RoomId, SessionState};
use stagedoor_client::proto::{LayoutClasses, NewStream, Publish};
use stagedoor_client::{Backoff, Cause, Client, ClientBuilder, Ending, Event, Events};
use stagedoor_client::{MembershipState, RequestError, Session};

/// Reconnects without waiting.
pub(crate) fn builder(gateway: &Gateway) -> ClientBuilder {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
    let builder = Client::builder(gateway.url()).app("demo").backoff(backoff);
    builder.username("ann".parse().expect("a username"))
}

/// A started session, its events, and the gateway's end of the connection.
pub(crate) async fn established(
    gateway: &Gateway,
    builder: ClientBuilder,
) -> (Session, Events, Served) {
    let (client, served) = tokio::join!(builder.connect(), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    let (session, events) = client.expect("a session");
    (session, events, served)
}

fn publish() -> Command {
    let layout_classes = LayoutClasses::default();
    let kind = StreamKind::Audio;
    let stream = NewStream { name: None, kind, has_audio: true, has_video: false, layout_classes };
    Command::Publish(Publish { room: lobby(), stream })
}

pub(crate) fn lobby() -> RoomId {
    "lobby".parse().expect("a room")
}

#[tokio::test]
async fn lost_connection_resumes_and_delivers_each_frame_once() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
    served.send(degraded(1)).await;
    assert!(matches!(events.next().await, Some(Event::Push { seq: 1, .. })));
    drop(served);
    let mut served = gateway.accept().await;
    let (id, resume) = served.resume().await;
    assert_eq!((resume.session.to_string().as_str(), resume.last_seq), (SESSION, 1));
    served.send(resumed(id, 2, &[], "secret-2")).await;
    for seq in [1, 2, 3] {
        served.send(degraded(seq)).await;
    }
    let Some(Event::Suspended { end, .. }) = events.next().await else { panic!("not suspended") };
    assert_eq!((end.cause, end.ends_session()), (Cause::Lost, false));
    assert_eq!(events.next().await, Some(Event::Resumed { replayed_count: 2 }));
    for expected in [2, 3] {
        let event = events.next().await;
        assert!(matches!(event, Some(Event::Push { seq, .. }) if seq == expected), "{event:?}");
    }
    assert_eq!(session.resume_ticket().secret.as_str(), "secret-2");
}

#[tokio::test]
async fn lost_resume_reply_does_not_lock_the_client_out() {
    let gateway = Gateway::bind().await;
    let (_session, mut events, served) = established(&gateway, builder(&gateway)).await;
    drop(served);
    let mut served = gateway.accept().await;
    assert_eq!(served.resume().await.1.secret.as_str(), "secret-1");
    // The reply is lost.
    drop(served);
    let mut served = gateway.accept().await;
    let (id, resume) = served.resume().await;
    assert_eq!(resume.secret.as_str(), "secret-1");
    served.send(resumed(id, 0, &[], "secret-2")).await;
    while !matches!(events.next().await, Some(Event::Resumed { .. })) {}
    drop(served);
    // The gateway does not know the new secret, but the previous one.
    let mut served = gateway.accept().await;
    let (id, resume) = served.resume().await;
    assert_eq!(resume.secret.as_str(), "secret-2");
    served.refuse(id, "resume_denied", 4401).await;
    let mut served = gateway.accept().await;
    let (id, resume) = served.resume().await;
    assert_eq!(resume.secret.as_str(), "secret-1");
    served.send(resumed(id, 0, &[], "secret-3")).await;
    while !matches!(events.next().await, Some(Event::Resumed { .. })) {}
    // After the first frame only the new secret is valid.
    served.send(json!({ "ping": {} })).await;
    served.message().await;
    drop(served);
    let mut served = gateway.accept().await;
    let (id, _) = served.resume().await;
    served.refuse(id, "resume_denied", 4401).await;
    let mut served = gateway.accept().await;
    assert!(matches!(served.start().await, Command::Start(_)));
}

#[tokio::test]
async fn requests_survive_a_lost_connection() {
    let gateway = Gateway::bind().await;
    let (session, _events, mut served) = established(&gateway, builder(&gateway)).await;
    let script = async {
        let (answered, pending) = (served.request().await, served.request().await);
        drop(served);
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.send(resumed(id, 1, &[pending.id], "secret-2")).await;
        served.send(json!({ "id": answered.id, "seq": 1, "ok": { "postponed": { "next_prompt_ms": 1 } } })).await;
        // Now another request may be in flight: the one that was never sent.
        let unsent = served.request().await;
        assert_eq!(unsent.command, publish());
        drop(served);
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.send(resumed(id, 0, &[pending.id], "secret-3")).await;
        let again = served.request().await;
        assert_eq!(again, unsent, "the gateway never saw it, so it comes again as it was");
        for (id, seq) in [(pending.id, 2), (again.id, 3)] {
            let reply = json!({ "postponed": { "next_prompt_ms": seq } });
            served.send(json!({ "id": id, "seq": seq, "ok": reply })).await;
        }
        served
    };
    let asking = async {
        tokio::join!(
            session.postpone_renewal(),
            session.postpone_renewal(),
            session.request(publish())
        )
    };
    let ((first, second, third), _served) = tokio::join!(asking, script);
    assert_eq!(first.unwrap().next_prompt_ms.as_millis(), 1);
    assert_eq!(second.unwrap().next_prompt_ms.as_millis(), 2);
    third.unwrap();
}

#[tokio::test]
async fn lost_session_restarts_and_rejoins_its_rooms() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
    let joining = session.join(lobby(), Some("room-token".parse().unwrap()), Some("hi".into()));
    let (room, join) = tokio::join!(joining, async {
        let Request { id, command } = served.request().await;
        served.send(joined(id, 1)).await;
        command
    });
    let room = room.unwrap();
    let script = async {
        assert_eq!(served.request().await.command, publish());
        let left = served.request().await;
        served.part(4201, json!({ "retry_after_ms": 3 })).await;
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.refuse(id, "resume_expired", 4400).await;
        // With the access token; then, because this gateway does not know it, with the original credentials.
        let mut served = gateway.accept().await;
        let Request { id, command: Command::Start(start) } = served.request().await else {
            panic!()
        };
        assert_eq!(start.credentials, Credentials::Token("token-1".parse().unwrap()));
        served.refuse(id, "auth_denied", 4003).await;
        let mut served = gateway.accept().await;
        let Command::Start(start) = served.start().await else { panic!() };
        assert_eq!(start.credentials, Credentials::Guest {});
        // The room comes first, and again after the gateway was busy.
        let again = served.request().await;
        assert_eq!(again.command, join);
        let busy = json!({ "code": "rate_limited", "message": "", "retry_after_ms": 1 });
        served.send(json!({ "id": again.id, "seq": 1, "error": busy })).await;
        let again = served.request().await;
        assert_eq!(again.command, join);
        served.send(joined(again.id, 2)).await;
        assert_eq!(served.request().await, left);
        served.send(json!({ "id": left.id, "seq": 3, "ok": { "left": {} } })).await;
        served
    };
    let asking = async { tokio::join!(session.request(publish()), room.leave()) };
    let ((published, left), _served) = tokio::join!(asking, script);
    assert!(matches!(published, Err(RequestError::Interrupted)), "{published:?}");
    left.unwrap();
    assert_eq!(room.view().membership, MembershipState::Left);
    let Some(Event::Suspended { end, retry_after }) = events.next().await else { panic!() };
    assert_eq!(end.action(), Action::Retry);
    assert!(retry_after >= Duration::from_millis(3));
    assert_eq!(events.next().await, Some(Event::Restarted { session: SESSION.parse().unwrap() }));
    assert_eq!(events.next().await, Some(Event::Rejoined { room: lobby(), result: Ok(()) }));
}

#[tokio::test]
async fn a_room_that_cannot_be_entered_again_is_lost() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
    let (room, ()) = tokio::join!(session.join(lobby(), None, None), async {
        let id = served.request().await.id;
        served.send(joined(id, 1)).await;
    });
    served.part(4400, json!({})).await;
    let mut served = gateway.accept().await;
    served.start().await;
    let id = served.request().await.id;
    let ended = json!({ "code": "room_ended", "message": "it is over" });
    served.send(json!({ "id": id, "seq": 1, "error": ended })).await;
    let rejoined = loop {
        if let Some(Event::Rejoined { result, .. }) = events.next().await {
            break result;
        }
    };
    assert!(rejoined.is_err());
    assert_eq!(room.unwrap().view().membership, MembershipState::Lost);
}

#[tokio::test]
async fn stop_codes_end_the_client() {
    for code in [1000, 4010, 4011, 4013, 4015, 4016, 4042, 4500, 4503, 4599] {
        let gateway = Gateway::bind().await;
        let (_session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
        served.part(code, json!({})).await;
        let Some(Event::Ended(ending)) = events.next().await else { panic!("{code}: not ended") };
        assert_eq!((ending.close_code(), ending.action()), (Some(code), Action::Stop));
        assert_eq!(events.next().await, None, "{code}: nothing comes after the end");
    }
}

#[tokio::test]
async fn a_resume_that_is_answered_with_how_it_ended_stops_too() {
    for (error, code) in [("replaced", 4013), ("kicked", 4010), ("superseded", 4016)] {
        let gateway = Gateway::bind().await;
        let (session, mut events, served) = established(&gateway, builder(&gateway)).await;
        drop(served);
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.refuse(id, error, code).await;
        let ending = events.ended().await.unwrap();
        assert!(matches!(ending, Ending::Refused { error: Some(_), .. }), "{ending:?}");
        assert_eq!((ending.close_code(), ending.action()), (Some(code), Action::Stop));
        assert!(matches!(session.renew(None).await, Err(RequestError::Closed)));
    }
}

#[tokio::test]
async fn an_end_whose_reply_was_lost_has_succeeded() {
    let gateway = Gateway::bind().await;
    let (session, _events, mut served) = established(&gateway, builder(&gateway)).await;
    let (ended, ()) = tokio::join!(session.end(true), async {
        served.request().await;
        drop(served);
        let mut served = gateway.accept().await;
        let (id, _) = served.resume().await;
        served.refuse(id, "terminated", 1000).await;
    });
    ended.unwrap();
}

#[tokio::test]
async fn unread_events_hold_the_return_up_and_are_not_lost() {
    let gateway = Gateway::bind().await;
    let builder = builder(&gateway).event_capacity(2);
    let (session, mut events, mut served) = established(&gateway, builder).await;
    for seq in 1..=4 {
        served.send(degraded(seq)).await;
    }
    while served.frame().await.is_some() {}
    assert_eq!(session.last_seq(), 2);
    let reading = async {
        let mut seen: Vec<u64> = Vec::new();
        while seen.len() < 4 {
            if let Some(Event::Push { seq, .. }) = events.next().await {
                seen.push(seq);
            }
        }
        seen
    };
    let (seen, _served) = tokio::join!(reading, async {
        let mut served = gateway.accept().await;
        let (id, resume) = served.resume().await;
        assert_eq!(resume.last_seq, 2);
        served.send(resumed(id, 2, &[], "secret-2")).await;
        served.send(degraded(3)).await;
        served.send(degraded(4)).await;
        served
    });
    assert_eq!(seen, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_verb_without_a_ref_gets_one() {
    let gateway = Gateway::bind().await;
    let (session, _events, mut served) = established(&gateway, builder(&gateway)).await;
    let signal = |ref_: Option<&str>| {
        let mut body = json!({ "room": "lobby", "type": "chat", "data": 1 });
        body["ref"] = json!(ref_);
        Command::Signal(serde_json::from_value(body).unwrap())
    };
    let script = async {
        let mut refs = Vec::new();
        for seq in 1..=2 {
            let Request { id, command } = served.request().await;
            let command: Value = serde_json::to_value(command).unwrap();
            refs.push(command["signal"]["ref"].as_str().unwrap().to_owned());
            let sent = json!({ "sent": { "recipients": 1, "order": seq } });
            served.send(json!({ "id": id, "seq": seq, "ok": sent })).await;
        }
        refs
    };
    let asking = async {
        tokio::join!(session.request(signal(None)), session.request(signal(Some("mine"))))
    };
    let (_, refs) = tokio::join!(asking, script);
    assert_eq!((refs[0].len(), refs[1].as_str()), (22, "mine"));
}

#[tokio::test]
async fn letting_go_ends_the_way_back() {
    let gateway = Gateway::bind().await;
    let far = Backoff::new(Duration::from_hours(1), Duration::from_hours(1));
    let builder = builder(&gateway).backoff(far);
    let (session, mut events, served) = established(&gateway, builder).await;
    drop(served);
    assert!(matches!(events.next().await, Some(Event::Suspended { .. })));
    let asking = session.postpone_renewal();
    session.detach();
    assert!(matches!(asking.await, Err(RequestError::Lost | RequestError::Closed)));
    assert_eq!(events.ended().await.unwrap().cause(), Some(Cause::Detached));
}

#[tokio::test]
async fn connection_lost_after_an_end_is_not_reopened() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
    let (ended, ()) = tokio::join!(session.end(false), async {
        let request = served.request().await;
        served.send(json!({ "id": request.id, "seq": 1, "ok": { "ended": {} } })).await;
    });
    ended.expect("a session");
    drop(served);
    let ending = tokio::select! {
        ending = events.ended() => ending.expect("an ending"),
        _ = gateway.accept_tcp() => panic!("it reconnects"),
    };
    assert_eq!(ending.cause(), Some(Cause::Lost));
    assert_eq!(session.state(), SessionState::NotLoggedIn);
    session.end(false).await.expect("nothing to do");
}

#[tokio::test]
async fn end_while_a_new_session_is_started_ends_that_one() {
    let gateway = Gateway::bind().await;
    let (session, mut events, mut served) = established(&gateway, builder(&gateway)).await;
    let out = json!({ "state": "notLoggedIn", "version": 1 });
    served.send(json!({ "seq": 1, "session_state": out })).await;
    served.part(4400, json!({})).await;
    assert!(matches!(events.next().await, Some(Event::Push { .. })));
    assert!(matches!(events.next().await, Some(Event::Suspended { .. })));
    assert_eq!((session.state(), session.is_over()), (SessionState::NotLoggedIn, false));
    let (ended, ()) = tokio::join!(biased; session.end(false), async {
        let mut served = gateway.accept().await;
        served.start().await;
        let request = served.request().await;
        assert!(matches!(request.command, Command::End(_)));
        served.send(json!({ "id": request.id, "seq": 1, "ok": { "ended": {} } })).await;
        served.part(1000, json!({})).await;
    });
    ended.expect("the new session is ended");
    assert!(session.is_over());
}
