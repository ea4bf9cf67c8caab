//! Endpoints that come, go and change while the gateway runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use stagedoor::config::WebhookEndpoint;
use tokio::sync::Notify;

use super::health::{DISABLED, FAILING, GONE, OK, PENDING};
use super::receiver::{Answer, Receiver, SECRETS, secret};
use super::{endpoint_at, of_bans, setup};
use crate::common::{Client, Gateway};
use crate::metrics::{Scrape, assert_exposed};
use crate::reload::{Running, SERVER_KEY};

/// More than a message waits after the first attempt.
const RETRY: Duration = Duration::from_secs(5);

impl Gateway {
    pub(super) fn reload_endpoints(&self, endpoints: Vec<WebhookEndpoint>) {
        self.reload(|config| config.apps[0].webhook_endpoints = endpoints);
    }

    /// The ids of the endpoints the server API shows, former ones aside.
    async fn endpoints(&self) -> Vec<String> {
        let shown = self.api("GET", "webhooks", None).await.body;
        let endpoints = shown["endpoints"].as_array().unwrap().iter();
        let endpoints = endpoints.filter(|endpoint| endpoint["state"] != "former");
        endpoints.map(|endpoint| endpoint["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn banned(event: &Value) -> &str {
    event["data"]["username"].as_str().unwrap()
}

#[tokio::test]
async fn added_endpoint_gets_events_of_live_sessions() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    gateway.ban("eve").await;
    gateway.reload_endpoints(vec![endpoint_at("crm", receiver.url())]);
    ada.request("join", json!({ "room": "lobby" })).await.unwrap();
    assert_eq!(receiver.event("participant.joined").await["data"]["username"], "ada");
    ada.request("end", json!({})).await.unwrap();
    receiver.event("session.ended").await;
    gateway.ban("bob").await;
    assert_eq!(banned(&receiver.event("user.banned").await), "bob", "eve was before it came");
}

#[tokio::test]
async fn removed_endpoint_finds_its_messages_on_return() {
    let mut receiver = Receiver::run(Answer::Status(500)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    receiver.answers(Answer::Status(200));
    gateway.reload_endpoints(vec![]);
    assert_eq!(gateway.endpoints().await, [""; 0]);
    gateway.advance(RETRY);
    gateway.ban("bob").await;
    while Scrape::of(&gateway).await.value(FAILING) > 0.0 {}
    while Scrape::of(&gateway).await.value(PENDING) < 1.0 {}
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 0.0), (PENDING, 1.0)]);
    assert!(receiver.is_quiet());
    gateway.reload(|_| ());
    assert_eq!(banned(&receiver.next().await.event()), "eve");
    gateway.endpoint_stats("crm", |crm| crm["delivered"] == 1 && crm["pending"] == 0).await;
    assert!(receiver.is_quiet(), "bob's event was not delivered");
}

#[tokio::test]
async fn a_secret_is_exchanged_by_signals_alone() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let [old, new] = SECRETS;
    let rest = |secrets: &[&[u8; 32]]| {
        let secrets = secrets.iter().map(|bytes| secret(*bytes).expose_secret().to_owned());
        let (secrets, url) = (secrets.collect::<Vec<_>>(), receiver.url());
        format!(
            "guests = true\nserver_keys = [\"{SERVER_KEY}\"]\n[[apps.webhook_endpoints]]\nid = \"crm\"\n\
             url = \"{url}\"\nallow_private = true\nevents = [\"user.banned\"]\nsecrets = {secrets:?}\n"
        )
    };
    let files = [rest(&[old]), rest(&[old, new]), rest(&[new]), rest(&[old])];
    let mut running = Running::start(&files[0]);
    let mut delivered = Vec::new();
    for (file, username) in files.iter().zip(["ada", "bob", "eve", "mia"]) {
        if username != "ada" {
            let said = running.reload(file);
            assert_eq!(
                said,
                ["apps[shop].webhook_endpoints[0].secrets changed", "configuration reloaded"]
            );
        }
        running.ban(username).await;
        let request = receiver.next().await;
        assert_eq!(banned(&request.event()), username);
        delivered.push((request.signed_by(old), request.signed_by(new)));
    }
    let (yes, no) = (vec![true], vec![false]);
    let both = (vec![true, false], vec![false, true]);
    assert_eq!(delivered, [(yes.clone(), no.clone()), both, (no.clone(), yes.clone()), (yes, no)]);
}

#[tokio::test]
async fn an_attempt_under_way_ends_under_the_settings_it_began_with() {
    for status in [200, 410] {
        let held = Arc::new(Notify::new());
        let mut former = Receiver::run(Answer::Held(Arc::clone(&held), status)).await;
        let mut present = Receiver::run(Answer::Status(200)).await;
        let gateway = setup(vec![of_bans("crm", &former)]).run().await;
        gateway.ban("eve").await;
        former.next().await;
        gateway.reload_endpoints(vec![of_bans("crm", &present)]);
        gateway.ban("bob").await;
        assert_eq!(banned(&present.next().await.event()), "bob");
        gateway.endpoint_stats("crm", |crm| crm["delivered"] == 1 && crm["pending"] == 1).await;
        assert!(present.is_quiet(), "{status}: eve's event is being delivered");
        held.notify_one();
        if status == 410 {
            // It says nothing of the endpoint as it is now.
            while Scrape::of(&gateway).await.value(GONE) < 1.0 {}
            gateway.advance(RETRY);
            assert_eq!(banned(&present.next().await.event()), "eve");
        }
        let well = gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
        assert_eq!(well["state"], "ok", "{status}");
        assert!(former.is_quiet() && present.is_quiet(), "{status}");
    }
}

#[tokio::test]
async fn returning_endpoint_gets_no_duplicate_in_flight() {
    let held = Arc::new(Notify::new());
    let mut receiver = Receiver::run(Answer::Held(Arc::clone(&held), 200)).await;
    let one = WebhookEndpoint { max_concurrent: 1, ..of_bans("crm", &receiver) };
    let gateway = setup(vec![one]).run().await;
    gateway.ban("eve").await;
    receiver.next().await;
    gateway.ban("bob").await;
    gateway.reload_endpoints(vec![]);
    while Scrape::of(&gateway).await.value(PENDING) < 2.0 {}
    gateway.reload(|_| ());
    gateway.ban("mia").await;
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 3).await;
    assert!(receiver.is_quiet(), "one attempt at a time");
    let mut delivered = Vec::new();
    for _ in 0..2 {
        held.notify_one();
        delivered.push(banned(&receiver.next().await.event()).to_owned());
    }
    held.notify_one();
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    assert_eq!(delivered, ["bob", "mia"]);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn endpoint_stats_reset_only_when_settings_change() {
    let mut failing = Receiver::run(Answer::Status(500)).await;
    let mut gone = Receiver::run(Answer::Status(410)).await;
    let other = Receiver::run(Answer::Status(200)).await;
    let configured = || vec![of_bans("failing", &failing), of_bans("gone", &gone)];
    let gateway = setup(configured()).run().await;
    gateway.ban("eve").await;
    gateway.endpoint_stats("failing", |delivered| delivered["failed"] == 1).await;
    gateway.endpoint_stats("gone", |delivered| delivered["state"] == "disabled").await;
    let more = [configured(), vec![of_bans("other", &other)]].concat();
    gateway.reload_endpoints(more.clone());
    let before = gateway.endpoint_stats("failing", |_| true).await;
    assert_eq!((&before["state"], &before["failed"]), (&json!("failing"), &json!(1)));
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 1.0), (FAILING, 1.0), (DISABLED, 1.0)]);

    for receiver in [&mut failing, &mut gone] {
        receiver.next().await;
        receiver.answers(Answer::Status(200));
    }
    let mut changed = more;
    changed[1].deadline += Duration::from_secs(1);
    gateway.reload_endpoints(changed);
    let reset = gateway.endpoint_stats("gone", |_| true).await;
    assert_eq!((&reset["state"], &reset["failed"]), (&json!("ok"), &json!(0)));
    gateway.advance(RETRY);
    assert_eq!(banned(&gone.next().await.event()), "eve");
    let well = gateway.endpoint_stats("failing", |delivered| delivered["delivered"] == 1).await;
    assert_eq!(well["failed"], 1, "it is the one there was");
    while Scrape::of(&gateway).await.value(DISABLED) > 0.0 {}
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 3.0), (FAILING, 0.0)]);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_used_changes_nothing() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    let url = "http://10.0.0.1/events".to_owned();
    let private = WebhookEndpoint { url, allow_private: false, ..of_bans("private", &receiver) };
    let refused = gateway.try_reload(|config| {
        config.apps[0].guests = false;
        config.apps[0].webhook_endpoints = vec![of_bans("other", &receiver), private];
    });
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("endpoint private") && error.contains("allow_private"), "{error}");
    assert_eq!(gateway.endpoints().await, ["crm"]);
    assert_exposed(&Scrape::of(&gateway).await, &[(OK, 1.0)]);
    Client::guest(&gateway, "ada", "instance-1").await;
    gateway.ban("eve").await;
    assert_eq!(banned(&receiver.next().await.event()), "eve");
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn reload_loses_and_duplicates_no_message() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
    let names: BTreeSet<String> = (0..60).map(|number| format!("user-{number}")).collect();
    for (name, secs) in names.iter().zip(5..) {
        gateway.ban(name).await;
        if secs % 3 == 0 {
            gateway.reload_endpoints(vec![]);
        }
        let deadline = Duration::from_secs(secs);
        gateway.reload_endpoints(vec![WebhookEndpoint { deadline, ..of_bans("crm", &receiver) }]);
    }
    let mut delivered = BTreeSet::new();
    for _ in &names {
        delivered.insert(banned(&receiver.next().await.event()).to_owned());
    }
    assert_eq!(delivered, names);
    gateway.endpoint_stats("crm", |crm| crm["pending"] == 0).await;
    assert!(receiver.is_quiet());
}
