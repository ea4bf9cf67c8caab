//! Tests of the rooms that a session manager keeps joined, against the real gateway.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stagedoor_client::proto::{ErrorCode, Push, Role, SessionState};
use stagedoor_client::{Backoff, Client, Event, JoinError, JoinOptions, LoaderError, ManagedRoom};
use stagedoor_client::{ManagedRoomSnapshot, ManagedRoomStatus, MembershipState, Observer};
use stagedoor_client::{RequestError, Room, Session, SessionManager, StartError, StartWith};

use crate::cutting::Cutting;
use crate::program::Program;
use crate::reconnector::lobby;

fn guest(name: &str) -> StartWith {
    StartWith::Guest(name.parse().expect("a username"))
}

fn manager(url: String) -> SessionManager {
    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(20));
    SessionManager::new(Client::builder(url).app("demo").backoff(backoff))
}

/// A manager with the session of a guest who is in the lobby.
async fn inside(program: &Program, name: &str) -> (SessionManager, ManagedRoom, Room) {
    let manager = manager(program.url());
    assert!(manager.start(guest(name)).await.succeeded());
    let wanted = manager.room(lobby());
    let room = wanted.join(JoinOptions::new()).await.expect("a guest may join");
    (manager, wanted, room)
}

async fn until(
    observer: &mut Observer<ManagedRoomSnapshot>,
    status: ManagedRoomStatus,
) -> ManagedRoomSnapshot {
    observer.wait_for(|now| now.status == status).await.expect("the manager is there")
}

/// The participant of a moderator in the lobby.
async fn moderator(program: &Program) -> (Session, stagedoor_client::Events, Room) {
    let token = program.token(&["room", "lobby", "--role", "moderator"]);
    let builder =
        Client::builder(program.url()).app("demo").username("mod".parse().expect("a username"));
    let (session, events) = builder.connect().await.expect("a session");
    let room = session.join(lobby(), Some(token.parse().expect("a token")), None).await;
    (session, events, room.expect("a moderator"))
}

#[tokio::test]
async fn managed_room_survives_a_lost_connection() {
    let program = Program::run();
    let proxy = Cutting::run(program.listen(), 6, 5).await;
    let manager = manager(proxy.url());
    while manager.start(guest("ann")).await.failed() {}
    let wanted = manager.room(lobby());
    let room = wanted.join(JoinOptions::new()).await.expect("a guest may join");
    let (_session, _events, other) = moderator(&program).await;
    // Each signal comes back to its sender, over as many connections as are needed.
    while proxy.cuts_left() > 0 {
        let data = serde_json::from_value(serde_json::json!("x".repeat(500))).expect("any JSON");
        let signal = room.signal(None, "chat".parse().unwrap(), data, None);
        signal.await.expect("a participant");
    }
    let state = wanted.state();
    assert_eq!(state.status, ManagedRoomStatus::Inside);
    assert_eq!(state.room.expect("inside").participant(), room.participant());
    assert!(other.view().participants.contains_key(&room.participant()));
}

#[tokio::test]
async fn new_session_joins_with_a_new_token() {
    let first = Program::run();
    let proxy = Cutting::run(first.listen(), 0, 0).await;
    let token = |program: &Program| program.token(&["room", "lobby", "--role", "moderator"]);
    let current = Arc::new(Mutex::new(token(&first)));
    let source = {
        let current = Arc::clone(&current);
        move || {
            let token = current.lock().unwrap().parse().map_err(LoaderError::from);
            std::future::ready(token)
        }
    };
    let manager = manager(proxy.url());
    assert!(manager.start(guest("ann")).await.succeeded());
    let wanted = manager.room(lobby());
    let options = JoinOptions::new().token_source(source).data("of ann");
    let before = wanted.join(options).await.expect("a moderator");

    // The second gateway knows neither the session nor the first token.
    let second = Program::run();
    *current.lock().unwrap() = token(&second);
    proxy.set_upstream(second.listen());
    drop(first);
    let mut observer = wanted.observe();
    let is_back = |now: &ManagedRoomSnapshot| {
        now.room.as_ref().is_some_and(|room| room.participant() != before.participant())
    };
    let back = observer.wait_for(is_back).await.expect("the manager is there").room.unwrap();
    assert_eq!(
        (back.view().own.role, back.view().membership),
        (Role::Moderator, MembershipState::Inside)
    );
    assert_eq!(back.view().own.data.as_deref(), Some("of ann"));
    assert_eq!(before.view().membership, MembershipState::Lost);
}

#[tokio::test]
async fn next_session_of_the_user_returns_to_the_room() {
    let program = Program::run();
    let (manager, wanted, _) = inside(&program, "ann").await;
    let mut observer = wanted.observe();
    // Without a source of credentials the session ends; the program may start another one.
    program.post("users/ann/revoke").await;
    until(&mut observer, ManagedRoomStatus::Joining).await;
    assert!(manager.start(guest("ann")).await.succeeded());
    let back = until(&mut observer, ManagedRoomStatus::Inside).await.room.expect("inside");
    assert_eq!(back.session().id(), manager.get().expect("active").id());

    program.post("users/ann/revoke").await;
    until(&mut observer, ManagedRoomStatus::Joining).await;
    assert!(manager.start(guest("bob")).await.succeeded());
    let left = until(&mut observer, ManagedRoomStatus::Out).await;
    assert!(matches!(left.error, Some(JoinError::SessionEnded)), "{left:?}");
}

#[tokio::test]
async fn managed_room_is_left_for_good() {
    let program = Program::run();
    let (_session, mut events, other) = moderator(&program).await;

    let (_manager, wanted, room) = inside(&program, "ann").await;
    wanted.leave().await.expect("a participant");
    assert_eq!(
        (wanted.state().status, room.view().membership),
        (ManagedRoomStatus::Out, MembershipState::Left)
    );
    loop {
        if let Event::Push { push, .. } = events.next().await.expect("the session goes on")
            && matches!(*push, Push::ParticipantLeft(_))
        {
            break;
        }
    }
    wanted.leave().await.expect("leaving once more does nothing");

    let (_manager, wanted, room) = inside(&program, "bob").await;
    let who = stagedoor_client::proto::Who::Participant(room.participant());
    let block = stagedoor_client::proto::Block::default();
    other.force_disconnect(who, block, None, None).await.expect("a moderator");
    until(&mut wanted.observe(), ManagedRoomStatus::Removed).await;

    let (stopped, wanted, _) = inside(&program, "eve").await;
    stopped.stop(true).await;
    assert_eq!(wanted.state().status, ManagedRoomStatus::Out);
    assert!(stopped.start(guest("eve")).await.succeeded());
    let joined = wanted.join(JoinOptions::new()).await.expect("the program may join again");
    other.end_room(None).await.expect("a moderator");
    until(&mut wanted.observe(), ManagedRoomStatus::Ended).await;
    assert_eq!(joined.view().membership, MembershipState::Ended);
}

#[tokio::test]
async fn room_is_joined_through_the_loader_once() {
    let program = Program::run();
    let loads = Arc::new(AtomicUsize::new(0));
    let loader = {
        let loads = Arc::clone(&loads);
        move || {
            loads.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(guest("ann")))
        }
    };
    let client = Client::builder(program.url()).app("demo");
    let manager = SessionManager::with_loader(client, loader);
    let wanted = manager.room(lobby());
    assert_eq!(wanted.state().status, ManagedRoomStatus::Out);
    let same = manager.room(lobby());
    let (one, other, third) = tokio::join!(
        wanted.join(JoinOptions::new()),
        same.join(JoinOptions::new()),
        wanted.join(JoinOptions::new()),
    );
    let [one, other, third] =
        [one, other, third].map(|joined| joined.expect("joined").participant());
    assert_eq!((one, one), (other, third));
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(wanted.room().expect("inside").participant(), one);
}

#[tokio::test]
async fn rejected_join_is_not_repeated() {
    let program = Program::run();
    let manager = manager(program.url());
    let wanted = manager.room(lobby());
    let error = wanted.join(JoinOptions::new()).await.expect_err("there is no session");
    assert!(matches!(error, JoinError::Start(StartError::NoActiveSession)), "{error}");
    assert!(manager.start(guest("ann")).await.succeeded());
    let options = JoinOptions::new().token("no-token".parse().unwrap());
    let error = wanted.join(options).await.expect_err("it is no token");
    let JoinError::Request(error) = error else { panic!("{error}") };
    let RequestError::Refused(refused) = &*error else { panic!("{error}") };
    assert_eq!(refused.code, ErrorCode::TokenInvalid);
    let state = wanted.state();
    assert!(state.status == ManagedRoomStatus::Out && state.error.is_some(), "{state:?}");
    let options = JoinOptions::new().token_source(|| std::future::ready(Err("no answer".into())));
    let error = wanted.join(options).await.expect_err("there is no token");
    assert!(matches!(error, JoinError::Token(_)), "{error}");
    assert_eq!(manager.state(), SessionState::Established);
}

#[tokio::test]
async fn leave_during_a_join_leaves_the_room() {
    let program = Program::run();
    let manager = manager(program.url());
    assert!(manager.start(guest("ann")).await.succeeded());
    let wanted = manager.room(lobby());
    let asked = Arc::new(tokio::sync::Notify::new());
    let options = {
        let asked = Arc::clone(&asked);
        JoinOptions::new().token_source(move || {
            asked.notify_one();
            std::future::pending()
        })
    };
    let (joined, left) = tokio::join!(wanted.join(options), async {
        asked.notified().await;
        wanted.leave().await
    });
    assert!(matches!(joined, Err(JoinError::Left)), "{joined:?}");
    left.expect("nothing to leave");
    assert_eq!(wanted.state().status, ManagedRoomStatus::Out);
}

#[tokio::test]
async fn token_that_expires_soon_is_replaced() {
    let program = Arc::new(Program::run());
    // A membership that ends with its token.
    let settings = r#"{"room":"lobby","settings":{"membership_expiry":"enforce"}}"#;
    program.post_json("rooms", settings).await;
    let manager = manager(program.url());
    assert!(manager.start(guest("ann")).await.succeeded());
    let wanted = manager.room(lobby());
    let calls = Arc::new(AtomicUsize::new(0));
    let source = {
        let (program, calls) = (Arc::clone(&program), Arc::clone(&calls));
        move || {
            let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
            let ttl = if is_first { "3s" } else { "1h" };
            let role = if is_first { "publisher" } else { "moderator" };
            let token = program.token(&["room", "lobby", "--role", role, "--ttl", ttl]);
            std::future::ready(token.parse().map_err(LoaderError::from))
        }
    };
    let room = wanted.join(JoinOptions::new().token_source(source)).await.expect("joined");
    assert_eq!(room.view().own.role, Role::Publisher);
    let mut views = room.observe();
    views.wait_for(|view| view.own.role == Role::Moderator).await.expect("the session goes on");
    assert_eq!(wanted.room().expect("inside").participant(), room.participant());
}
