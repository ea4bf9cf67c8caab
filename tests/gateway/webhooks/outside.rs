//! Where no call of the gateway's leads: into private networks, and to where a redirect points.

use stagedoor::config::{AuthWebhook, Jwks, Mode, WebhookEndpoint};

use super::receiver::{Answer, Receiver, SECRETS, secret};
use super::{endpoint_at, of_bans, setup};
use crate::common::{Client, Setup, start_of};
use serde_json::json;

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_not_called() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let url = format!("http://localhost:{}/events", receiver.port());
    let endpoint = WebhookEndpoint { allow_private: false, ..endpoint_at("crm", url.clone()) };
    let allowed = WebhookEndpoint { url, ..of_bans("allowed", &receiver) };
    let gateway = setup(vec![endpoint, allowed]).run().await;
    gateway.ban("eve").await;
    let failing = gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
    let error = failing["last_error"].as_str().unwrap();
    assert!(error.contains("allow_private") && !error.contains("/events"), "{error}");
    receiver.next().await;
    assert!(receiver.is_quiet(), "only the one that was allowed came");
}

#[tokio::test]
async fn an_address_of_a_private_network_is_refused_at_the_start() {
    for host in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:192.168.0.1]"] {
        let url = format!("http://{host}/events");
        let endpoint = WebhookEndpoint { allow_private: false, ..endpoint_at("crm", url) };
        let error = setup(vec![endpoint]).bind().await.err().expect(host).to_string();
        assert!(error.contains("demo") && error.contains("crm"), "{error}");
        assert!(error.contains("allow_private"), "{error}");
    }
}

#[tokio::test]
async fn the_auth_webhook_and_key_sets_are_not_called_there_either() {
    let mut receiver = Receiver::run(Answer::Status(200)).await;
    let webhook = AuthWebhook {
        url: format!("http://localhost:{}/events", receiver.port()),
        secret: secret(SECRETS[0]),
        allow_private: false,
        deadline: std::time::Duration::from_secs(5),
        max_concurrent: 4,
    };
    let jwks = Jwks {
        url: "http://127.0.0.1:1/keys".to_owned(),
        issuer: "https://id.example".to_owned(),
        audience: "chat".to_owned(),
        allow_private: false,
        claims: stagedoor::config::Claims::default(),
    };
    let production = || Setup::new().with(|config| config.mode = Mode::Production);
    let refused = production().with(|config| config.apps[0].jwks = Some(jwks)).bind().await;
    assert!(refused.err().expect("it is loopback").to_string().contains("allow_private"));
    let gateway =
        production().with(|config| config.apps[0].auth_webhook = Some(webhook)).run().await;
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "params": {} });
    assert_eq!(Client::refused(&gateway, json!({ "id": 0, "start": start })).await.code, 4206);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut target = Receiver::run(Answer::Status(200)).await;
    for status in [301, 302, 307, 308] {
        let mut receiver = Receiver::run(Answer::With(status, "location", target.url())).await;
        let gateway = setup(vec![of_bans("crm", &receiver)]).run().await;
        gateway.ban("eve").await;
        receiver.next().await;
        let failing = gateway.endpoint_stats("crm", |crm| crm["failed"] == 1).await;
        assert_eq!(failing["last_error"], format!("answered with status {status}"));
        assert!(target.is_quiet(), "{status}");
    }
}
