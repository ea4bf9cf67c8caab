//! Tests of the session manager: results of starts, stop, observers, loader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use stagedoor_client::proto::{Command, Credentials, ErrorCode, Push, SessionState, Username};
use stagedoor_client::{Client, ClientBuilder, ConnectError, Event, LoaderError, SessionManager};
use stagedoor_client::{SessionSnapshot, StartError, StartResult, StartWith, StateObserver};
use tokio::sync::Notify;

use crate::gateway::{Gateway, Served, resumed, started};
use crate::program::Program;
use crate::reconnector::{builder, lobby};

fn guest(name: &str) -> StartWith {
    StartWith::Guest(name.parse().expect("a username"))
}

fn demo(url: &str) -> ClientBuilder {
    Client::builder(url).app("demo")
}

/// A manager with an active session, and the gateway's end of its connection.
async fn active(gateway: &Gateway, manager: &SessionManager) -> Served {
    let (result, served) = tokio::join!(manager.start(guest("ann")), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    assert!(result.succeeded(), "{result:?}");
    served
}

/// The next value of an observer, which is also the one of the property.
async fn next(observer: &mut StateObserver, manager: &SessionManager) -> SessionSnapshot {
    let snapshot = observer.next().await.expect("the manager is there");
    assert_eq!((manager.state(), observer.value()), (snapshot.state, snapshot.clone()));
    snapshot
}

#[tokio::test]
async fn start_result_is_failed_or_succeeded() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let (result, ()) = tokio::join!(manager.start(guest("ann")), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        served.refuse(first.id, "banned", 4011).await;
    });
    assert!(result.failed() && !result.succeeded() && result.session().is_none());
    let Some(StartError::Connect(error)) = result.error() else { panic!("{result:?}") };
    let ConnectError::Refused { error, disconnect } = &**error else { panic!("{error}") };
    assert_eq!((error.code, disconnect.is_some()), (ErrorCode::Banned, true));
    assert!(manager.get().is_none());
    assert_eq!(manager.state(), SessionState::NotLoggedIn);

    let _served = active(&gateway, &manager).await;
    assert_eq!(manager.get().expect("active").state(), SessionState::Established);
    assert_eq!(manager.state(), SessionState::Established);
}

#[tokio::test]
async fn start_sends_what_it_is_given_from_one_instance() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(demo(&gateway.url()).credentials(Credentials::Guest {}));
    let params = || serde_json::from_value(json!({ "pin": 7 })).expect("any JSON");
    let token = || "token-of-ann".parse().expect("a token");
    let mut instances = Vec::new();
    for (with, username, credentials) in [
        (guest("ann"), Some("ann"), Credentials::Guest {}),
        (StartWith::Token(token()), None, Credentials::Token(token())),
        (
            StartWith::Params { username: "bob".parse().unwrap(), params: params() },
            Some("bob"),
            Credentials::Params(params()),
        ),
        (StartWith::Settings, None, Credentials::Guest {}),
    ] {
        let (result, start) = tokio::join!(manager.start(with), async {
            let mut served = gateway.accept().await;
            let first = served.request().await;
            served.refuse(first.id, "overloaded", 4201).await;
            first.command
        });
        assert!(result.failed());
        let Command::Start(start) = start else { panic!("not a start") };
        assert_eq!(start.username.as_ref().map(Username::as_str), username);
        assert_eq!(start.credentials, credentials);
        instances.push(start.instance);
    }
    assert!(instances.iter().all(|instance| *instance == instances[0]), "{instances:?}");
}

#[tokio::test]
async fn ticket_resumes_the_session() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let mut served = active(&gateway, &manager).await;
    let ticket = manager.get().expect("active").resume_ticket();
    // Only the client ends: the session goes on at the gateway.
    manager.get().expect("active").detach();
    assert!(served.frame().await.expect("a close").is_close());
    let (result, resume) = tokio::join!(
        async {
            let mut observer = manager.observe();
            observer.wait_for(|snapshot| snapshot.ending.is_some()).await.expect("it ends");
            assert!(manager.get().is_none());
            manager.start(StartWith::Ticket(ticket.clone())).await
        },
        async {
            let mut served = gateway.accept().await;
            let (id, resume) = served.resume().await;
            served.send(resumed(id, 0, &[], "secret-2")).await;
            (served, resume)
        }
    );
    assert!(result.succeeded(), "{result:?}");
    assert_eq!(resume.1.secret, ticket.secret);
}

#[tokio::test]
async fn second_start_fails_while_a_session_is_active() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let fails = async || {
        let result = manager.clone().start(guest("bob")).await;
        assert!(matches!(result.error(), Some(StartError::SessionActive)), "{result:?}");
    };
    let (result, _served) = tokio::join!(manager.start(guest("ann")), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        fails().await;
        served.send(started(first.id)).await;
        served
    });
    assert!(result.succeeded());
    fails().await;
    assert_eq!(manager.get().expect("active").user().expect("a user").username.as_str(), "ann");
}

#[tokio::test]
async fn stop_gives_up_a_start() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let (result, ()) = tokio::join!(manager.start(guest("ann")), async {
        let mut served = gateway.accept().await;
        served.request().await;
        manager.stop(false).await;
        assert!(served.frame().await.is_none_or(|frame| frame.is_close()), "it disconnects");
    });
    assert!(matches!(result.error(), Some(StartError::Stopped)), "{result:?}");
    assert_eq!(manager.state(), SessionState::NotLoggedIn);
    let _served = active(&gateway, &manager).await;
}

#[tokio::test]
async fn dropped_start_leaves_no_session() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    tokio::select! {
        result = manager.start(guest("ann")) => panic!("{result:?}"),
        _ = async { gateway.accept().await.request().await } => {}
    }
    assert_eq!((manager.state(), manager.get().is_none()), (SessionState::NotLoggedIn, true));
    let _served = active(&gateway, &manager).await;
}

#[tokio::test]
async fn stop_does_nothing_without_a_session() {
    let program = Program::run();
    let manager = SessionManager::new(demo(program.url().as_str()));
    let mut events = manager.events();
    manager.stop(false).await;
    for name in ["ann", "bob"] {
        let session = manager.start(guest(name)).await.into_result().expect("a guest");
        assert_eq!(session.user().expect("a user").username.as_str(), name);
        manager.stop(true).await;
        manager.stop(true).await;
        assert!(session.is_over() && manager.get().is_none());
        assert_eq!(manager.state(), SessionState::NotLoggedIn);
        session.end(false).await.expect("nothing to do");
        // The events of a session end before those of the next.
        let ending = events.ended().await.expect("an ending");
        assert_eq!(ending.close_code(), Some(1000));
    }
}

#[tokio::test]
async fn stop_leaves_a_lost_connection_to_the_resume_window() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let served = active(&gateway, &manager).await;
    let session = manager.get().expect("active");
    drop((served, gateway));
    // Nothing but timers is left to wait for.
    tokio::time::pause();
    manager.stop(false).await;
    assert!(manager.get().is_none() && !session.is_over());
}

#[tokio::test]
async fn observer_agrees_with_the_property() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let mut observer = manager.observe();
    assert_eq!(next(&mut observer, &manager).await.state, SessionState::NotLoggedIn);
    let (result, mut served) = tokio::join!(manager.start(guest("ann")), async {
        let mut served = gateway.accept().await;
        let first = served.request().await;
        assert_eq!(next(&mut observer, &manager).await.state, SessionState::Establishing);
        let establishing = json!({ "state": "establishing", "version": 1 });
        served.send(json!({ "seq": 1, "session_state": establishing })).await;
        served.send(started(first.id)).await;
        served
    });
    let session = result.into_result().expect("started");
    let snapshot = next(&mut observer, &manager).await;
    assert_eq!((snapshot.state, snapshot.session), (SessionState::Established, Some(session.id())));
    for (version, state) in [(2, SessionState::TokenExpired), (3, SessionState::Established)] {
        let change = json!({ "state": state, "version": version });
        served.send(json!({ "seq": version, "session_state": change })).await;
        assert_eq!(next(&mut observer, &manager).await.state, state);
        assert_eq!(session.state(), state);
    }
    served.part(4015, json!({})).await;
    let snapshot = next(&mut observer, &manager).await;
    assert_eq!(snapshot.state, SessionState::Terminated);
    assert_eq!(snapshot.ending.and_then(|ending| ending.close_code()), Some(4015));
    assert!(manager.get().is_none() && session.is_over());
    // A late observer begins with the value now, and ends with the manager.
    let mut late = manager.observe();
    assert_eq!(next(&mut late, &manager).await.state, SessionState::Terminated);
    drop((manager, session));
    assert_eq!(late.next().await, None);
}

#[tokio::test]
async fn slow_observer_sees_only_the_newest_state() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let mut observer = manager.observe();
    let mut events = manager.events();
    let mut served = active(&gateway, &manager).await;
    for version in 1..=100 {
        let state = if version % 2 == 1 { "tokenExpired" } else { "established" };
        let change = json!({ "state": state, "version": version });
        served.send(json!({ "seq": version, "session_state": change })).await;
    }
    loop {
        match events.next().await.expect("the session goes on") {
            Event::Push { seq: 100, .. } => break,
            Event::Push { push, .. } => assert!(matches!(*push, Push::SessionState(_))),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(next(&mut observer, &manager).await.state, SessionState::Established);
    assert!(tokio::time::timeout(std::time::Duration::ZERO, observer.next()).await.is_err());
}

/// A loader that counts its calls and waits for permission to answer.
fn loader(
    calls: &Arc<AtomicUsize>,
    may_answer: &Arc<Notify>,
    fails_first: bool,
) -> impl stagedoor_client::SessionLoader + 'static {
    let (calls, may_answer) = (Arc::clone(calls), Arc::clone(may_answer));
    move || {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        let may_answer = Arc::clone(&may_answer);
        async move {
            may_answer.notified().await;
            if fails_first && number == 0 {
                return Err(LoaderError::from("signed out"));
            }
            Ok(guest("ann"))
        }
    }
}

#[tokio::test]
async fn concurrent_callers_share_one_load() {
    let gateway = Gateway::bind().await;
    let (calls, may_answer) = (Arc::default(), Arc::new(Notify::new()));
    let manager =
        SessionManager::with_loader(builder(&gateway), loader(&calls, &may_answer, false));
    let callers = futures::future::join_all((0..20).map(|_| manager.session()));
    let (sessions, _served) = tokio::join!(callers, async {
        may_answer.notify_one();
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    for session in sessions {
        assert_eq!(session.expect("loaded").id(), manager.get().expect("active").id());
    }
    manager.session().await.expect("active");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn failed_load_is_shared_and_not_remembered() {
    let gateway = Gateway::bind().await;
    let (calls, may_answer) = (Arc::default(), Arc::new(Notify::new()));
    let manager = SessionManager::with_loader(builder(&gateway), loader(&calls, &may_answer, true));
    let callers = futures::future::join_all((0..5).map(|_| manager.session()));
    let (results, ()) = tokio::join!(biased; callers, async { may_answer.notify_one() });
    for result in results {
        let Err(StartError::Loader(error)) = result else { panic!("{result:?}") };
        assert_eq!(error.to_string(), "signed out");
    }
    may_answer.notify_one();
    let (session, _served) = tokio::join!(manager.session(), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    session.expect("loaded at the second call");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn load_ends_with_its_last_caller() {
    let gateway = Gateway::bind().await;
    let (calls, may_answer) = (Arc::default(), Arc::new(Notify::new()));
    let manager =
        SessionManager::with_loader(builder(&gateway), loader(&calls, &may_answer, false));
    {
        let (mut one, mut other) = (Box::pin(manager.session()), Box::pin(manager.session()));
        assert!(futures::poll!(&mut one).is_pending() && futures::poll!(&mut other).is_pending());
        drop(one);
        assert!(futures::poll!(&mut other).is_pending());
        let result = manager.start(guest("bob")).await;
        assert!(matches!(result.error(), Some(StartError::SessionActive)), "{result:?}");
    }
    // Nothing of the load is left.
    let _served = active(&gateway, &manager).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn caller_waits_for_a_start_in_progress() {
    let gateway = Gateway::bind().await;
    let manager = SessionManager::new(builder(&gateway));
    let without = manager.session().await;
    assert!(matches!(without, Err(StartError::NoActiveSession)), "{without:?}");
    let (result, waited, _served) = tokio::join!(biased; manager.start(guest("ann")), manager.session(), async {
        let mut served = gateway.accept().await;
        served.start().await;
        served
    });
    let session: StartResult = waited.into();
    assert_eq!(session.session().expect("active").id(), result.session().expect("active").id());
}

#[tokio::test]
async fn stop_gives_up_a_load() {
    let gateway = Gateway::bind().await;
    let (calls, may_answer) = (Arc::default(), Arc::new(Notify::new()));
    let manager =
        SessionManager::with_loader(builder(&gateway), loader(&calls, &may_answer, false));
    let (loaded, ()) = tokio::join!(biased; manager.session(), manager.stop(false));
    assert!(matches!(loaded, Err(StartError::Stopped)), "{loaded:?}");
    assert!(manager.get().is_none());
}

#[tokio::test]
async fn ended_session_is_loaded_again_at_the_next_call() {
    let program = Program::run();
    let count = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&count);
    let load = move || {
        calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(guest("ann")))
    };
    let manager = SessionManager::with_loader(demo(program.url().as_str()), load);
    let first = manager.session().await.expect("loaded");
    first.join(lobby(), None, None).await.expect("a room");
    let mut observer = manager.observe();
    program.post("users/ann/revoke").await;
    observer.wait_for(|snapshot| snapshot.ending.is_some()).await.expect("it ends");
    let second = manager.session().await.expect("loaded again");
    assert_ne!(first.id(), second.id());
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert_eq!(second.state(), SessionState::Established);
}
