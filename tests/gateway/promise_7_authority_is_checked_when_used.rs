//! Promise 7: what waited is authorized again before it takes effect, and a banned user is never `established`.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use stagedoor::auth::{AuthHook, AuthMethod, AuthRequest, Authenticated, Decision};
use tokio::sync::Semaphore;

use crate::common::raw::Raw;
use crate::common::{Client, Gateway, SERVER_KEY, Setup, start_of};

/// An auth hook that admits users when the test permits it.
struct SlowHook {
    called: Semaphore,
    permitted: Semaphore,
}

impl SlowHook {
    fn new() -> Arc<Self> {
        Arc::new(Self { called: Semaphore::new(0), permitted: Semaphore::new(0) })
    }

    /// Waits for the next call of the hook.
    async fn called(&self) {
        self.called.acquire().await.unwrap().forget();
    }
}

impl AuthHook for SlowHook {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn claims(&self, _: &AuthRequest) -> bool {
        true
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        async move {
            self.called.add_permits(1);
            self.permitted.acquire().await.unwrap().forget();
            let username = request.username.clone().unwrap();
            Decision::Allow(Box::new(Authenticated::new(username, AuthMethod::Guest)))
        }
        .boxed()
    }
}

/// Sends a start of `ada` and waits until the hook has it.
async fn waiting_start(gateway: &Gateway, hook: &SlowHook) -> Client {
    let mut client = Client::connect(gateway).await;
    client.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    hook.called().await;
    client
}

#[tokio::test]
async fn user_banned_during_authentication_is_never_established() {
    let hook = SlowHook::new();
    let gateway = Setup::new().hook(Arc::<SlowHook>::clone(&hook)).run().await;
    let mut ada = waiting_start(&gateway, &hook).await;
    assert_eq!(gateway.api("POST", "users/ada/ban", None).await.status, 200);
    hook.permitted.add_permits(1);
    let closed = ada.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4011, &json!("stop")));
    let states: Vec<&Value> =
        closed.before.iter().filter_map(|push| push.pointer("/session_state/state")).collect();
    assert!(!states.contains(&&json!("established")), "{states:?}");
    assert!(gateway.hub().sessions.list("demo").is_empty());
}

#[tokio::test]
async fn renewal_of_a_banned_user_does_not_take_effect() {
    let hook = SlowHook::new();
    let gateway = Setup::new().hook(Arc::<SlowHook>::clone(&hook)).run().await;
    hook.permitted.add_permits(1);
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    hook.called().await;
    let renewal = ada.begin("renew", json!({ "auth_token": "a" })).await;
    hook.called().await;
    assert_eq!(gateway.api("POST", "users/ada/ban", None).await.status, 200);
    hook.permitted.add_permits(1);
    let closed = ada.closed().await;
    assert_eq!(closed.code, 4011);
    let is_renewed = |push: &Value| push["id"] == json!(renewal) && push.get("ok").is_some();
    assert!(!closed.before.iter().any(is_renewed), "{:?}", closed.before);
}

#[tokio::test]
async fn demoted_moderator_cannot_moderate() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut second = gateway.enter("second", "moderator").await;
    gateway.enter("ada", "publisher").await;
    let demotion = json!({ "room": "lobby", "participant": second.id(), "role": "publisher" });
    host.does("set_role", demotion).await;
    let removal = json!({ "room": "lobby", "username": "ada" });
    assert_eq!(second.fails("force_disconnect", removal.clone()).await, "forbidden");
    host.does("force_disconnect", removal).await;
}

/// A ban of `ada` whose body follows later: the caller is authenticated, and the gateway waits for the body.
async fn begin_ban(gateway: &Gateway, credentials: &str) -> Raw {
    let mut call = Raw::connect_to(gateway.admin_address()).await;
    call.send(format!(
        "POST /api/v1/apps/demo/users/ada/ban HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {credentials}\r\nContent-Type: application/json\r\n\
         Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    ))
    .await;
    assert_eq!(call.head().await.status(), 100);
    call
}

#[tokio::test]
async fn server_call_is_authorized_again_after_its_body() {
    let gateway = Gateway::dev().await;
    let token = gateway.token(json!({ "scope": "server" }));
    let mut by_token = begin_ban(&gateway, &token).await;
    gateway.api_does("POST", "revoke-all", json!({})).await;
    by_token.send("{}").await;
    assert_eq!(by_token.head().await.status(), 401);
    let mut by_key = begin_ban(&gateway, SERVER_KEY).await;
    gateway.reload(|config| {
        config.apps[0].server_keys =
            vec!["sk_another-server-key-of-the-demo-app-of-32-bytes".into()];
    });
    by_key.send("{}").await;
    assert_eq!(by_key.head().await.status(), 401);
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-of-ada").await;
    ada.request("postpone_renewal", json!({})).await.unwrap();
}
