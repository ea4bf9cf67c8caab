//! Tests of the client against the real gateway.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use stagedoor_client::proto::{Action, Block, BlockScope, Credentials, Push, Who};
use stagedoor_client::proto::{LayoutClasses, NewStream, Role, StreamKind};
use stagedoor_client::{Backoff, Client, ClientBuilder, Ending, Event, Events, Room, Session};
use stagedoor_client::{MembershipState, RequestError};

use crate::cutting::Cutting;
use crate::program::Program;
use crate::reconnector::lobby;

/// Less than the burst limit of a session.
const SIGNALS: u32 = 90;
/// More than the cuts of a proxy.
const MOST_STARTS: u32 = 50;

fn builder(url: String, username: &str) -> ClientBuilder {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(20));
    let builder = Client::builder(url).app("demo").backoff(backoff);
    builder.username(username.parse().expect("a username"))
}

/// Starts a guest session, and repeats attempts that the proxy cuts.
async fn started(url: String, username: &str) -> (Session, Events) {
    for _ in 0..MOST_STARTS {
        if let Ok(client) = builder(url.clone(), username).connect().await {
            return client;
        }
    }
    panic!("no session at {url}")
}

/// A guest in the lobby.
async fn enter(url: String, username: &str, token: Option<&str>) -> (Session, Events, Room) {
    let (session, events) = started(url, username).await;
    let token = token.map(|token| token.parse().expect("a token"));
    let room = session.join(lobby(), token, Some(format!("of {username}"))).await;
    (session, events, room.expect("a room"))
}

/// The next push that `pick` accepts.
async fn push<T>(events: &mut Events, pick: impl Fn(&Push) -> Option<T>) -> T {
    loop {
        match events.next().await.expect("the session goes on") {
            Event::Push { push, .. } => {
                if let Some(found) = pick(&push) {
                    return found;
                }
            }
            Event::Ended(ending) => panic!("ended: {ending:?}"),
            _ => {}
        }
    }
}

async fn signal(room: &Room, n: u32) -> Result<u64, RequestError> {
    let data = serde_json::from_value(json!(n)).expect("any JSON");
    Ok(room.signal(None, "count".parse().expect("a type"), data, None).await?.order)
}

#[tokio::test]
async fn a_room_is_joined_and_its_view_follows_what_happens_there() {
    let program = Program::run();
    let (_ann, mut ann_hears, ann_room) = enter(program.url(), "ann", None).await;
    assert_eq!(ann_room.view().own.data.as_deref(), Some("of ann"));
    assert_eq!(ann_room.view().counts.participants, 1);

    let moderator = program.token(&["room", "lobby", "--role", "moderator"]);
    let (bob, mut bob_hears, bob_room) = enter(program.url(), "bob", Some(&moderator)).await;
    assert!(bob_room.capabilities().moderate && !ann_room.capabilities().moderate);
    let came = push(&mut ann_hears, |push| match push {
        Push::ParticipantJoined(joined) => Some(joined.participant.clone()),
        _ => None,
    });
    assert_eq!(came.await.id, bob_room.participant());
    assert_eq!(ann_room.view().participants[&bob_room.participant()].role, Role::Moderator);

    let layout_classes = LayoutClasses::default();
    let kind = StreamKind::Camera;
    let camera = NewStream { name: None, kind, has_audio: true, has_video: true, layout_classes };
    let stream = ann_room.publish(camera).await.expect("a publisher");
    assert!(stream.view().expect("published").has_audio);
    push(&mut bob_hears, |push| matches!(push, Push::StreamPublished(_)).then_some(())).await;
    assert_eq!(bob_room.view().streams[&stream.id()].participant, ann_room.participant());
    assert_eq!(bob_room.view().counts.streams, 1);

    let everything = bob_room.audio_of(Who::Participant(ann_room.participant()));
    bob_room.force_mute(everything, true, None).await.expect("a moderator");
    push(&mut ann_hears, |push| matches!(push, Push::MuteForced(_)).then_some(())).await;
    assert!(ann_room.view().own.mute_locked && stream.view().expect("still there").muted);
    stream.set_audio(false).await.expect("it may always be off");
    assert!(matches!(stream.set_audio(true).await, Err(RequestError::Refused(_))));

    let page = bob_room.roster(None).await.expect("a participant");
    let both = BTreeSet::from([ann_room.participant(), bob_room.participant()]);
    assert_eq!(page.participants.iter().map(|one| one.id).collect::<BTreeSet<_>>(), both);

    ann_room.leave().await.expect("a participant");
    assert_eq!(ann_room.view().membership, MembershipState::Left);
    push(&mut bob_hears, |push| matches!(push, Push::ParticipantLeft(_)).then_some(())).await;
    assert_eq!((bob_room.view().counts.participants, bob_room.view().streams.len()), (1, 0));

    bob.end(true).await.expect("a session");
    let ending = bob_hears.ended().await.expect("an ending");
    assert_eq!((ending.close_code(), ending.action()), (Some(1000), Action::Stop));
    assert_eq!(bob_room.view().membership, MembershipState::Lost);
}

#[tokio::test]
async fn cuts_at_any_point_lose_nothing_and_repeat_nothing() {
    for seed in [1, 3] {
        lose_nothing(seed).await;
    }
}

/// One client sends signals to another while the proxy cuts both connections.
async fn lose_nothing(seed: u64) {
    let program = Program::run();
    let sending = Cutting::run(program.listen(), 20, seed).await;
    let hearing = Cutting::run(program.listen(), 20, seed + 1).await;
    let (_bob, mut bob_hears, _bob_room) = enter(hearing.url(), "bob", None).await;
    let (_ann, mut ann_hears, ann_room) = enter(sending.url(), "ann", None).await;
    // Three at a time, so that cuts hit requests in all stages.
    let sending_all = async {
        let mut orders = Vec::new();
        for first in (0..SIGNALS).step_by(3) {
            let three = (first..first + 3).map(|n| signal(&ann_room, n));
            for order in futures::future::join_all(three).await {
                orders.push(order.expect("a place among the signals"));
            }
        }
        orders
    };
    let hearing_all = async {
        let mut heard = Vec::new();
        for _ in 0..SIGNALS {
            let next = push(&mut bob_hears, |push| match push {
                Push::Signal(signal) => Some((signal.order, signal.data.clone())),
                _ => None,
            });
            heard.push(next.await);
        }
        heard
    };
    let ends = async { while !matches!(ann_hears.next().await, None | Some(Event::Ended(_))) {} };
    let (orders, heard) = tokio::select! {
        both = async { tokio::join!(sending_all, hearing_all) } => both,
        () = ends => panic!("the sender's session ended"),
    };
    let expected: Vec<u64> = (orders[0]..orders[0] + u64::from(SIGNALS)).collect();
    assert_eq!(orders, expected, "each was carried out once, in the order it was asked");
    for ((n, order), (heard, data)) in (0..SIGNALS).zip(expected).zip(heard) {
        assert_eq!((heard, serde_json::to_value(data).expect("JSON")), (order, json!(n)));
    }
    assert!(sending.cuts_left() < 16 && hearing.cuts_left() < 16, "it was really cut");
}

#[tokio::test]
async fn client_restarts_after_the_gateway_lost_its_state() {
    let first = Program::run();
    let proxy = Cutting::run(first.listen(), 0, 0).await;
    let (session, mut events, room) = enter(proxy.url(), "ann", None).await;
    let before = session.id();
    let second = Program::run();
    proxy.set_upstream(second.listen());
    drop(first);
    loop {
        match events.next().await.expect("the session goes on") {
            Event::Restarted { session: now } => {
                assert_ne!(now, before);
                assert_eq!(session.id(), now);
            }
            Event::Rejoined { room, result } => {
                assert_eq!((room, result), (lobby(), Ok(())));
                break;
            }
            Event::Suspended { .. } | Event::Push { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(room.view().membership, MembershipState::Inside);
    assert_eq!(room.view().own.data.as_deref(), Some("of ann"));
    let (_bob, mut bob_hears, _) = enter(second.url(), "bob", None).await;
    signal(&room, 7).await.expect("a participant");
    push(&mut bob_hears, |push| matches!(push, Push::Signal(_)).then_some(())).await;
}

#[tokio::test]
async fn a_gateway_that_drains_is_returned_to_when_it_said() {
    let directory = tempfile::tempdir().unwrap();
    let first = Program::run_with("127.0.0.1:0", Some(directory.path()));
    let listen = first.listen().to_owned();
    let (_session, mut events, room) = enter(first.url(), "ann", None).await;
    first.stop().await;
    let _second = Program::run_with(&listen, Some(directory.path()));
    let (end, retry_after) = loop {
        if let Some(Event::Suspended { end, retry_after }) = events.next().await {
            break (end, retry_after);
        }
    };
    let disconnect = end.disconnect.expect("a word before the close");
    assert_eq!(disconnect.code.code(), 4200);
    let hint = disconnect.retry_after_ms.expect("a drain says when to return");
    assert!(retry_after >= Duration::from_millis(hint));
    // The client is back in the room, whether the next process restored the session or not.
    let page = room.roster(None).await.expect("a participant again");
    assert_eq!(page.participants[0].id, room.participant());
}

#[tokio::test]
async fn who_was_kicked_from_the_app_stays_away() {
    let program = Program::run();
    let (_ann, mut ann_hears, ann_room) = enter(program.url(), "ann", None).await;
    let moderator = program.token(&["room", "lobby", "--role", "moderator", "--app-moderator"]);
    let (_bob, _bob_hears, bob_room) = enter(program.url(), "bob", Some(&moderator)).await;
    let block = Block { for_ms: Some(60_000), scope: BlockScope::App };
    let who = Who::Participant(ann_room.participant());
    bob_room.force_disconnect(who, block, None, None).await.expect("a moderator");
    let ending = ann_hears.ended().await.expect("an ending");
    assert_eq!((ending.close_code(), ending.action()), (Some(4010), Action::Stop));
    assert!(ending.disconnect().expect("a word before the close").until_ms.is_some());
    assert_eq!(ann_hears.next().await, None);
}

#[tokio::test]
async fn a_duplicated_client_does_not_fight_for_its_place() {
    let program = Program::run();
    let start = || builder(program.url(), "ann").instance("instance-1".parse().unwrap()).connect();
    let (_older, mut older_hears) = start().await.expect("a session");
    let (newer, _newer_hears) = start().await.expect("a session");
    let ending = older_hears.ended().await.expect("an ending");
    assert_eq!((ending.close_code(), ending.action()), (Some(4013), Action::Stop));
    newer.join(lobby(), None, None).await.expect("the newer one is still here");
}

#[tokio::test]
async fn a_session_that_runs_out_is_prolonged_by_the_provider() {
    let program = Program::run();
    let [short, long] =
        ["3s", "1h"].map(|ttl| program.token(&["session", "ann", "--session-ttl", ttl]));
    let token = |text: &str| Credentials::Token(text.parse().expect("a token"));
    let (first, later) = (token(&short), token(&long));
    let provider = move || std::future::ready(Some(later.clone()));
    let builder = builder(program.url(), "ann").credentials(first).provider(provider);
    let (session, mut events) = builder.connect().await.expect("a session");
    let before = session.expires_at();
    push(&mut events, |push| matches!(push, Push::TokenExpiring(_)).then_some(())).await;
    // The reply to this request comes after the renewal, which was sent first.
    while session.expires_at() == before {
        session.postpone_renewal().await.expect("a session");
    }
    assert!(session.expires_at() > before);
}

#[tokio::test]
async fn who_is_revoked_and_has_no_new_credentials_is_out() {
    let program = Program::run();
    let no_credentials = || std::future::ready(None);
    let builder = builder(program.url(), "ann").provider(no_credentials);
    let (_session, mut events) = builder.connect().await.expect("a session");
    program.post("users/ann/revoke").await;
    let ending = events.ended().await.expect("an ending");
    assert!(matches!(ending, Ending::Unauthenticated { .. }), "{ending:?}");
    assert_eq!(ending.action(), Action::Reauth);
}
