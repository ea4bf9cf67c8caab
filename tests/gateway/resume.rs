//! Promise 3: a resumed session gets missed frames once and in order; and which credentials resume it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision, Purpose};
use stagedoor_proto::Credentials;
use tokio::sync::Semaphore;

use crate::common::{Client, Closed, Gateway, Setup, start_of};

/// The numbers of `establishing` and `established`: what a client has seen after its start.
const SEEN: u64 = 2;
/// As long as a lost session may be resumed.
const WINDOW: Duration = Duration::from_secs(30);

/// Admits every start, and renewals once the test allows it.
struct SlowRenewals(Arc<Semaphore>);

impl AuthHook for SlowRenewals {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        request.purpose == Purpose::Renew || matches!(request.credentials, Credentials::Params(_))
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            if request.purpose == Purpose::Renew {
                self.0.acquire().await.unwrap().forget();
            }
            Decision::Allow(Box::new(Authenticated::new(
                request.username.clone().unwrap(),
                AuthMethod::Hook { issued: None },
            )))
        }
        .boxed()
    }
}

fn resume_of(session: &Value, secret: &Value, last_seq: u64) -> Value {
    json!({ "session": session["session"]["id"], "secret": secret, "last_seq": last_seq })
}

/// Sends a `resume` of one's own making; the reply.
async fn try_resume(gateway: &Gateway, resume: Value) -> (Client, Value) {
    let mut client = Client::connect(gateway).await;
    client.send(json!({ "id": 0, "resume": resume })).await;
    let reply = client.hear().await;
    (client, reply)
}

async fn refused(gateway: &Gateway, resume: Value) -> Closed {
    Client::refused(gateway, json!({ "id": 0, "resume": resume })).await
}

/// A session whose renewal is pending until it is allowed.
struct UnderWay {
    gateway: Gateway,
    allowed: Arc<Semaphore>,
    client: Client,
    started: Value,
    /// The number of the request.
    slow: u32,
}

impl UnderWay {
    async fn renewal() -> Self {
        let allowed = Arc::new(Semaphore::new(0));
        let gateway = Setup::new().hook(Arc::new(SlowRenewals(Arc::clone(&allowed)))).run().await;
        let mut start = start_of("ada", "instance-1");
        start["credentials"] = json!({ "params": {} });
        let (mut client, started) = Client::start(&gateway, start).await;
        let slow = client.begin("renew", json!({ "auth_token": "any" })).await;
        Self { gateway, allowed, client, started, slow }
    }
}

#[tokio::test]
async fn resume_replays_missed_frames_then_pending_replies() {
    let UnderWay { gateway, allowed, mut client, started, slow } = UnderWay::renewal().await;
    for _ in 0..3 {
        client.request("postpone_renewal", json!({})).await.unwrap();
    }
    assert_eq!(client.last_seq, SEEN + 3);
    client.cut().await;

    let (mut client, resumed) = Client::resume(&gateway, &started, SEEN + 1).await;
    assert_eq!(resumed["replayed_count"], 2);
    assert_eq!(resumed["pending"], json!([slow]));
    assert_eq!(resumed["state"], "established");
    for seq in [SEEN + 2, SEEN + 3] {
        let missed = client.hear().await;
        assert_eq!(missed["seq"], seq);
        assert!(missed.pointer("/ok/postponed").is_some(), "{missed}");
    }
    allowed.add_permits(1);
    let reply = client.hear().await;
    assert_eq!((&reply["id"], &reply["seq"]), (&json!(slow), &json!(SEEN + 4)));
    assert!(reply.pointer("/ok/renewed").is_some(), "{reply}");
}

#[tokio::test]
async fn reply_produced_while_suspended_is_replayed() {
    let UnderWay { gateway, allowed, mut client, started, slow } = UnderWay::renewal().await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    client.cut().await;
    allowed.add_permits(1);
    // No client sees when the reply is ready, so the session resumes until it is no longer pending.
    let mut ticket = started["resume"]["secret"].clone();
    loop {
        let (mut client, reply) =
            try_resume(&gateway, resume_of(&started, &ticket, SEEN + 1)).await;
        let resumed = &reply["ok"]["resumed"];
        ticket = resumed["resume"]["secret"].clone();
        if resumed["pending"] == json!([]) {
            assert_eq!(resumed["replayed_count"], 1);
            assert!(client.reply(slow).await.is_ok());
            return;
        }
    }
}

#[tokio::test]
async fn what_was_seen_is_not_sent_again() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    client.send(json!({ "pong": { "seq": SEEN + 1 } })).await;
    client.request("postpone_renewal", json!({})).await.unwrap();
    client.cut().await;
    let (mut client, resumed) = Client::resume(&gateway, &started, SEEN + 2).await;
    assert_eq!((&resumed["replayed_count"], &resumed["pending"]), (&json!(0), &json!([])));
    client.begin("renew", json!({})).await;
    assert_eq!(client.hear().await["seq"], SEEN + 3, "the next number is the next frame's");
}

#[tokio::test]
async fn former_secret_is_valid_until_the_first_new_frame() {
    let gateway = Gateway::dev().await;
    let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let first = started["resume"]["secret"].clone();
    client.cut().await;
    // The replies of these are lost, say.
    for _ in 0..2 {
        let (client, reply) = try_resume(&gateway, resume_of(&started, &first, SEEN)).await;
        assert!(reply.pointer("/ok/resumed").is_some(), "{reply}");
        client.cut().await;
    }
    let (mut client, reply) = try_resume(&gateway, resume_of(&started, &first, SEEN)).await;
    let second = reply["ok"]["resumed"]["resume"]["secret"].clone();
    assert_ne!(first, second);
    client.request("postpone_renewal", json!({})).await.unwrap();
    let closed = refused(&gateway, resume_of(&started, &first, SEEN)).await;
    assert_eq!(closed.code, 4401, "the former one is worth nothing now");
    assert!(client.request("renew", json!({})).await.is_ok(), "and the session was left alone");
    client.cut().await;
    let (_client, reply) = try_resume(&gateway, resume_of(&started, &second, SEEN)).await;
    assert!(reply.pointer("/ok/resumed").is_some(), "{reply}");
}

#[tokio::test]
async fn resume_needs_the_right_secret() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (_other, others) = Client::guest(&gateway, "bob", "instance-2").await;
    let (own, foreign) = (&started["resume"]["secret"], &others["resume"]["secret"]);
    let unknown = json!({ "session": { "id": "AAAAAAAAAAAAAAAAAAAAAA" } });
    for (case, resume) in [
        ("wrong secret", resume_of(&started, &json!("no secret of anybody's"), SEEN)),
        ("another session's secret", resume_of(&started, foreign, SEEN)),
        ("unknown session", resume_of(&unknown, own, SEEN)),
        ("a future number", resume_of(&started, own, 1_000)),
        ("the largest number", resume_of(&started, own, u64::MAX)),
    ] {
        let closed = refused(&gateway, resume).await;
        assert_eq!(closed.code, 4401, "{case}");
        assert_eq!(closed.before[0]["error"]["code"], "resume_denied", "{case}");
        assert_eq!(closed.before[0]["seq"], Value::Null, "{case}: it has no number");
        assert_eq!(closed.disconnect["action"], "start", "{case}");
    }
    assert!(client.request("renew", json!({})).await.is_ok(), "the session was left alone");
}

#[tokio::test]
async fn session_outlives_its_connection_for_the_window() {
    let gateway = Gateway::dev().await;
    let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    suspended(&gateway, 1).await;
    gateway.advance(Duration::from_millis(29_999));
    let (client, resumed) = Client::resume(&gateway, &started, SEEN).await;
    client.cut().await;
    suspended(&gateway, 1).await;
    gateway.advance(WINDOW);
    let closed = refused(&gateway, resume_of(&started, &resumed["resume"]["secret"], SEEN)).await;
    assert_eq!(closed.code, 4400);
    assert_eq!(closed.before[0]["error"]["code"], "resume_expired");
}

#[tokio::test]
async fn an_unmasked_close_frame_of_a_proxy_suspends() {
    let gateway = Gateway::dev().await;
    let (mut client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    client.send_raw(&[0x88, 0x02, 0x03, 0xe9]).await;
    suspended(&gateway, 1).await;
    Client::resume(&gateway, &started, SEEN).await;
}

/// Waits until the gateway has noticed that `count` connections are lost.
async fn suspended(gateway: &Gateway, count: usize) {
    let is_suspended = || {
        let sessions = gateway.hub().sessions.list("demo");
        sessions.iter().filter(|session| !session.status().1).count() == count
    };
    while !is_suspended() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_ended_session_answers_with_its_ending_for_its_window() {
    let gateway = Gateway::dev().await;
    let ban = Some(json!({ "reason": "spam" }));
    let mut ended = Vec::new();
    for (code, error, username) in [
        (4013, "replaced", "replaced"),
        (4011, "banned", "banned"),
        (4012, "user_deleted", "deleted"),
        (4015, "terminated", "terminated"),
        (4101, "token_revoked", "revoked"),
        (1000, "terminated", "left"),
    ] {
        // Each on an instance of its own: a guest's ban is of the instance too.
        let instance = format!("instance-{username}");
        let (mut client, started) = Client::guest(&gateway, username, &instance).await;
        let user = format!("users/{username}");
        let mut by = None;
        match username {
            "replaced" => by = Some(Client::guest(&gateway, username, &instance).await),
            "banned" => {
                gateway.api("POST", &format!("{user}/ban"), ban.clone()).await;
            }
            "deleted" => {
                gateway.api("DELETE", &user, None).await;
            }
            "terminated" => {
                let id = started["session"]["id"].as_str().unwrap();
                gateway.api("DELETE", &format!("sessions/{id}"), None).await;
            }
            "revoked" => {
                gateway.api("POST", &format!("{user}/revoke"), None).await;
            }
            _ => {
                client.begin("end", json!({})).await;
            }
        }
        assert_eq!(client.closed().await.code, code, "{username}");
        ended.push((code, error, username, started, by));
    }
    gateway.advance(Duration::from_secs(29));
    for (code, error, username, started, _) in &ended {
        let closed = Client::resume_refused(&gateway, started, SEEN).await;
        assert_eq!(closed.code, *code, "{username}");
        assert_eq!(closed.before[0]["error"]["code"], *error, "{username}");
        if *username == "banned" {
            assert_eq!(closed.disconnect["reason"], "spam");
        }
    }
    // Another secret than its own learns nothing of it.
    let closed = refused(&gateway, resume_of(&ended[1].3, &json!("another"), SEEN)).await;
    assert_eq!(closed.code, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_resumes_at_once_exactly_one_survives() {
    let gateway = Arc::new(Gateway::dev().await);
    for round in 0..50 {
        let (client, started) = Client::guest(&gateway, "ada", "instance-1").await;
        client.cut().await;
        let race = [0, 1].map(|_| {
            let (gateway, started) = (Arc::clone(&gateway), started.clone());
            tokio::spawn(async move {
                let resume = resume_of(&started, &started["resume"]["secret"], SEEN);
                let (mut client, reply) = try_resume(&gateway, resume).await;
                if reply.pointer("/ok/resumed").is_none() {
                    // The other was served first, and its first frame came before this one's.
                    assert_eq!(reply["error"]["code"], "resume_denied", "round {round}");
                    return Err(client.closed().await.code.into());
                }
                client.begin("postpone_renewal", json!({})).await;
                loop {
                    let message = client.try_hear().await.expect("a disconnect precedes the close");
                    if message.pointer("/ok/postponed").is_some() {
                        return Ok(client);
                    }
                    if let Some(code) = message.pointer("/disconnect/code") {
                        return Err(code.as_u64().unwrap());
                    }
                }
            })
        });
        let mut answered = Vec::new();
        for attempt in futures::future::join_all(race).await {
            match attempt.unwrap() {
                Ok(client) => answered.push(client),
                Err(code) => assert!([4016, 4401].contains(&code), "round {round}: {code}"),
            }
        }
        // One may have been answered before the other took over: it learns of that next.
        let mut survivors = 0;
        for mut client in answered {
            client.begin("postpone_renewal", json!({})).await;
            let message = client.hear().await;
            match message.pointer("/disconnect/code") {
                Some(code) => assert_eq!(code, 4016, "round {round}"),
                None => survivors += 1,
            }
        }
        assert_eq!(survivors, 1, "round {round}");
    }
}

#[tokio::test]
async fn older_connection_gets_superseded() {
    let gateway = Gateway::dev().await;
    let (mut older, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let (mut newer, _) = Client::resume(&gateway, &started, SEEN).await;
    let closed = older.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4016, &json!("stop")));
    assert!(newer.request("renew", json!({})).await.is_ok());
}

#[tokio::test]
async fn a_resume_with_an_auth_token_renews_in_the_same_step() {
    let gateway =
        Setup::new().with(|config| config.resume.window = Duration::from_hours(1)).run().await;
    let token = gateway.session_token(json!({ "username": "ada", "ttl_s": 60 })).await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": token });
    let (client, started) = Client::start(&gateway, start).await;
    client.cut().await;
    suspended(&gateway, 1).await;
    gateway.advance(Duration::from_secs(100));

    let foreign = gateway.session_token(json!({ "username": "bob" })).await;
    let mut resume = resume_of(&started, &started["resume"]["secret"], SEEN);
    resume["auth_token"] = json!(foreign);
    assert_eq!(refused(&gateway, resume.clone()).await.code, 4003);

    resume["auth_token"] = json!(gateway.session_token(json!({ "username": "ada" })).await);
    let (mut client, reply) = try_resume(&gateway, resume).await;
    let resumed = &reply["ok"]["resumed"];
    assert_eq!(resumed["state"], "established");
    let now = gateway.clock().wall().as_millis();
    assert!(resumed["expires_at_ms"].as_u64().unwrap() > now, "{resumed}");
    client.request("postpone_renewal", json!({})).await.unwrap();

    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": resumed["access_token"] });
    Client::start(&gateway, start).await;
}

#[tokio::test]
async fn user_banned_while_away_cannot_resume() {
    let gateway = Gateway::dev().await;
    let (client, banned) = Client::guest(&gateway, "ada", "instance-1").await;
    client.cut().await;
    let (client, revoked) = Client::guest(&gateway, "bob", "instance-2").await;
    client.cut().await;
    suspended(&gateway, 2).await;
    gateway.api("POST", "users/ada/ban", None).await;
    gateway.api("POST", "users/bob/revoke", None).await;
    for (started, code) in [(&banned, 4011), (&revoked, 4101)] {
        assert_eq!(Client::resume_refused(&gateway, started, SEEN).await.code, code);
    }
    assert!(gateway.hub().sessions.list("demo").is_empty());
}

#[tokio::test]
async fn guest_ban_follows_the_instance_on_resume() {
    let gateway = Gateway::dev().await;
    let (first, _) = Client::guest(&gateway, "ada", "instance-1").await;
    first.cut().await;
    let (client, started) = Client::guest(&gateway, "eve", "instance-1").await;
    client.cut().await;
    gateway.api("POST", "users/ada/ban", None).await;
    // Nothing acted on this session yet: the check at resume finds the ban.
    assert_eq!(Client::resume_refused(&gateway, &started, SEEN).await.code, 4011);
}

#[tokio::test]
async fn resumes_that_reset_rooms_are_bounded() {
    let gateway = Setup::new().with(|config| {
        config.limits.resumes_burst = 3;
        config.resume.window = Duration::from_mins(10);
    });
    let gateway = gateway.run().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    ada.request("join", json!({ "room": "lobby" })).await.unwrap();
    let last_seq = ada.last_seq;
    ada.cut().await;
    for _ in 0..3 {
        let (mut again, _) = Client::resume(&gateway, &started, 0).await;
        again.push("room_reset").await;
        again.cut().await;
    }
    gateway.advance(Duration::from_secs(5));
    let refused = Client::resume_refused(&gateway, &started, 0).await;
    assert_eq!((refused.code, &refused.disconnect["retry_after_ms"]), (4202, &json!(5_000)));
    let (again, resumed) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(resumed["rooms"][0]["room"], "lobby", "no snapshot is needed");
    again.cut().await;
    gateway.advance(Duration::from_secs(5));
    let (mut again, _) = Client::resume(&gateway, &started, 0).await;
    again.push("room_reset").await;
}
