//! Promise 7: a renewal that narrows a grant takes effect in every room at once, and only what may extend a session
//! does.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Purpose};
use stagedoor::config::Renewal;
use stagedoor_proto::{Credentials, Role};
use tokio::sync::Semaphore;

use crate::common::{Client, Gateway, Person, Setup, start_of};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn now_ms(gateway: &Gateway) -> u64 {
    gateway.clock().wall().as_millis()
}

fn moderating() -> Value {
    json!({ "rooms": { "*": "moderator" }, "app_moderator": true })
}

/// Renews with a session token of these claims.
async fn renew(gateway: &Gateway, person: &mut Person, mut claims: Value) {
    (claims["scope"], claims["sub"]) = (json!("session"), json!("ada"));
    let token = gateway.token(claims);
    person.does("renew", json!({ "auth_token": token })).await;
}

#[tokio::test]
async fn narrowed_grant_holds_at_once_in_every_room() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.member("ada", moderating()).await;
    ada.does("join", json!({ "room": "hall" })).await;
    let mut bea = gateway.enter("bea", "publisher").await;
    ada.publish().await;
    let narrow = json!({ "rooms": { "*": "moderator" }, "scopes": ["join", "subscribe"] });
    renew(&gateway, &mut ada, narrow).await;
    for room in ["lobby", "hall"] {
        let signal = json!({ "room": room, "type": "chat", "data": 1 });
        assert_eq!(ada.fails("signal", signal).await, "forbidden", "{room}");
        assert_eq!(ada.fails("lock_room", json!({ "room": room })).await, "forbidden", "{room}");
    }
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let publish = json!({ "room": "lobby", "stream": stream });
    assert_eq!(ada.fails("publish", publish).await, "forbidden");
    let kick = json!({ "room": "lobby", "username": "bea", "block": { "scope": "app" } });
    assert_eq!(ada.fails("force_disconnect", kick).await, "forbidden");
    assert_eq!(bea.push("stream_unpublished").await["reason"], "force_unpublished");
    let changed = ada.push("role_changed").await;
    assert_eq!(changed["capabilities"]["publish"], json!(false), "{changed}");
}

#[tokio::test]
async fn app_moderation_ends_with_the_grant() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.member("ada", moderating()).await;
    gateway.enter("bea", "publisher").await;
    renew(&gateway, &mut ada, json!({ "rooms": { "*": "moderator" } })).await;
    let kick = json!({ "room": "lobby", "username": "bea", "block": { "scope": "app" } });
    assert_eq!(ada.fails("force_disconnect", kick).await, "forbidden");
    ada.does("lock_room", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn room_that_is_no_longer_granted_is_left() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.member("ada", moderating()).await;
    ada.does("join", json!({ "room": "hall" })).await;
    let mut bea = gateway.enter("bea", "publisher").await;
    renew(&gateway, &mut ada, json!({ "rooms": { "hall": "publisher" } })).await;
    assert_eq!(bea.push("participant_left").await["reason"], "not_granted");
    assert_eq!(ada.push("removed").await["room"], "lobby");
    assert_eq!(ada.fails("leave", json!({ "room": "lobby" })).await, "not_in_room");
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "forbidden");
    ada.does("leave", json!({ "room": "hall" })).await;
}

#[tokio::test]
async fn membership_by_room_token_is_limited_by_the_scopes() {
    let gateway = Gateway::dev().await;
    let (client, started) = gateway.registered("ada", "instance-1", json!({})).await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("moderator") });
    let mut ada = Person::join(client, started, join).await;
    renew(&gateway, &mut ada, json!({ "scopes": ["join", "signal"] })).await;
    assert_eq!(ada.fails("lock_room", json!({ "room": "lobby" })).await, "forbidden");
    ada.does("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })).await;
    renew(&gateway, &mut ada, json!({})).await;
    ada.does("lock_room", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn resume_with_a_narrower_token_narrows_too() {
    let gateway = Gateway::dev().await;
    let ada = gateway.member("ada", moderating()).await;
    let (started, last_seq) = ada.cut().await;
    let (session, secret) = (&started["session"]["id"], &started["resume"]["secret"]);
    let claims = json!({ "scope": "session", "sub": "ada", "rooms": { "lobby": "subscriber" } });
    let resume = json!({ "session": session, "secret": secret, "last_seq": last_seq,
                         "auth_token": gateway.token(claims) });
    let mut ada = Client::connect(&gateway).await;
    ada.send(json!({ "id": 0, "resume": resume })).await;
    ada.reply(0).await.unwrap();
    let refused = ada.request("lock_room", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(refused["code"], "forbidden");
}

/// Decides renewals by token when it is permitted, by the order in which they came.
struct SlowRenewals {
    asked: Semaphore,
    permitted: [Semaphore; 2],
}

impl SlowRenewals {
    fn new() -> Arc<Self> {
        let permitted = [(); 2].map(|()| Semaphore::new(0));
        Arc::new(Self { asked: Semaphore::new(0), permitted })
    }

    async fn asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }
}

impl AuthHook for SlowRenewals {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew || matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            if let Credentials::Token(token) = &request.credentials {
                self.asked.add_permits(1);
                let index: usize = token.as_str().parse().unwrap();
                self.permitted[index].acquire().await.unwrap().forget();
            }
            let method = AuthMethod::Hook { issued: None };
            Decision::Allow(Box::new(Authenticated::new(request.username.clone().unwrap(), method)))
        }
        .boxed()
    }
}

/// A session of `ada` whose renewals wait.
async fn slow_session() -> (Gateway, Arc<SlowRenewals>, Client) {
    let hook = SlowRenewals::new();
    let gateway = Setup::new().hook(Arc::<SlowRenewals>::clone(&hook)).run().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": {} });
    let (client, _) = Client::start(&gateway, start).await;
    (gateway, hook, client)
}

#[tokio::test]
async fn of_two_renewals_the_later_one_holds() {
    let (_gateway, hook, mut ada) = slow_session().await;
    let first = ada.begin("renew", json!({ "auth_token": "0" })).await;
    hook.asked().await;
    let second = ada.begin("renew", json!({ "auth_token": "1" })).await;
    hook.asked().await;
    hook.permitted[1].add_permits(1);
    ada.reply(second).await.unwrap();
    hook.permitted[0].add_permits(1);
    assert_eq!(ada.reply(first).await.unwrap_err()["code"], "superseded");
}

#[tokio::test]
async fn renewals_in_their_order_all_apply() {
    let (_gateway, hook, mut ada) = slow_session().await;
    for number in ["0", "1"] {
        let renewal = ada.begin("renew", json!({ "auth_token": number })).await;
        hook.asked().await;
        hook.permitted[number.parse::<usize>().unwrap()].add_permits(1);
        ada.reply(renewal).await.unwrap();
    }
}

#[tokio::test]
async fn session_token_bounds_its_session() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "exp": now_ms(&gateway) / 1_000 + 12, "rooms": { "*": "moderator" } });
    let (mut ada, _) = gateway.registered("ada", "instance-1", claims).await;
    let refused = ada.request("renew", json!({})).await.unwrap_err();
    assert_eq!(refused["code"], "auth_token_required");
    let params = ada.request("renew", json!({ "params": {} })).await.unwrap_err();
    assert_eq!(params["code"], "auth_denied");
    let claims = json!({ "scope": "session", "sub": "ada", "ttl_s": 600 });
    let both = json!({ "auth_token": gateway.token(claims.clone()), "params": {} });
    assert_eq!(ada.request("renew", both).await.unwrap_err()["code"], "invalid_argument");
    let renewed = ada.request("renew", json!({ "auth_token": gateway.token(claims) })).await;
    let expected = now_ms(&gateway) + 600_000;
    assert_eq!(renewed.unwrap()["renewed"]["expires_at_ms"], expected, "the token's bound");
    assert!(ada.request("renew", json!({})).await.is_err(), "it is a bound again");
}

#[tokio::test]
async fn access_token_keeps_the_bound_of_its_session() {
    let gateway = Gateway::dev().await;
    let (ada, started) = gateway.registered("ada", "instance-1", json!({ "ttl_s": 60 })).await;
    ada.cut().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": started["access_token"] });
    let (mut ada, again) = Client::start(&gateway, start).await;
    assert_eq!(again["session"]["expires_at_ms"], started["session"]["expires_at_ms"]);
    let refused = ada.request("renew", json!({})).await.unwrap_err();
    assert_eq!(refused["code"], "auth_token_required");
}

#[tokio::test]
async fn client_may_extend_a_bound_where_the_app_allows_it() {
    let setup = Setup::new().with(|config| {
        config.apps[0].renewal = Renewal::Client;
        config.apps[0].access_ttl = secs(100);
        config.apps[0].max_session_age = secs(150);
    });
    let gateway = setup.run().await;
    let (mut ada, started) = gateway.registered("ada", "instance-1", json!({ "ttl_s": 60 })).await;
    let began = now_ms(&gateway);
    assert_eq!(started["session"]["expires_at_ms"], began + 60_000);
    let renewed = ada.request("renew", json!({})).await.unwrap();
    assert_eq!(renewed["renewed"]["expires_at_ms"], began + 100_000, "by access_ttl");
    gateway.advance(secs(90));
    let renewed = ada.request("renew", json!({})).await.unwrap();
    assert_eq!(renewed["renewed"]["expires_at_ms"], began + 150_000, "up to max_session_age");
}

#[tokio::test]
async fn guest_session_ends_at_its_renewal_once_guests_are_off() {
    let gateway = Gateway::dev().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut bea, _) = Client::guest(&gateway, "bea", "instance-2").await;
    assert!(bea.request("renew", json!({})).await.is_ok());
    gateway.reload(|config| {
        config.apps[0].guests = false;
    });
    assert!(ada.request("postpone_renewal", json!({})).await.is_ok(), "it goes on until then");
    let renewal = ada.begin("renew", json!({})).await;
    let closed = ada.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4003, &json!("stop")));
    let reply = closed.before.iter().find(|message| message["id"] == json!(renewal)).unwrap();
    assert_eq!(reply["error"]["code"], "auth_denied");
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": started["access_token"] });
    assert_eq!(Client::refused(&gateway, json!({ "id": 0, "start": start })).await.code, 4003);
}

#[tokio::test]
async fn guests_get_the_current_default_rooms() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let (bea, started) = Client::guest(&gateway, "bea", "instance-2").await;
    ada.request("join", json!({ "room": "lobby" })).await.unwrap();
    bea.cut().await;
    gateway.reload(|config| {
        config.apps[0].default_rooms =
            vec![("hall".to_owned().try_into().unwrap(), Role::Subscriber)];
    });
    ada.request("renew", json!({})).await.unwrap();
    assert_eq!(ada.push("removed").await["room"], "lobby");
    let mut start = start_of("bea", "instance-2");
    start["credentials"] = json!({ "token": started["access_token"] });
    let (mut bea, _) = Client::start(&gateway, start).await;
    for client in [&mut ada, &mut bea] {
        let error = client.request("join", json!({ "room": "lobby" })).await.unwrap_err();
        assert_eq!(error["code"], "forbidden");
        let joined = client.request("join", json!({ "room": "hall" })).await.unwrap();
        assert_eq!(joined["joined"]["participant"]["role"], "subscriber");
    }
}

#[tokio::test]
async fn postponing_ends_with_the_maximum_session_age() {
    let setup = Setup::new().with(|config| {
        config.apps[0].access_ttl = secs(60);
        config.apps[0].max_session_age = secs(3_600);
        config.keepalive.interval = secs(86_400);
        config.keepalive.timeout = secs(86_400);
    });
    let gateway = setup.run().await;
    let (mut ada, _) = gateway.registered("ada", "instance-1", json!({ "ttl_s": 60 })).await;
    let end = now_ms(&gateway) + 3_600_000;
    let mut postponed = 0;
    while now_ms(&gateway) < end {
        let next = ada.request("postpone_renewal", json!({})).await.unwrap();
        assert!(next["postponed"]["next_prompt_ms"].as_u64().unwrap() <= end);
        gateway.advance(secs(300));
        postponed += 1;
    }
    assert_eq!(postponed, 12);
    assert_eq!(ada.closed().await.code, 4100);
}
