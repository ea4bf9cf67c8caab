//! The server API on a port of its own.

use std::time::Duration;

use stagedoor::config::{Config, Mode};

use crate::common::raw::Raw;
use crate::common::{Client, Gateway, SERVER_KEY, Setup};

/// A gateway in development mode whose server API has a port of its own.
async fn apart(change: impl FnOnce(&mut Config)) -> Gateway {
    let setup = Setup::new();
    let setup = setup.with(|config| config.listen.admin_listen = "127.0.0.1:0".parse().ok());
    let gateway = setup.with(change).run().await;
    assert_ne!(gateway.admin_address(), gateway.address());
    gateway
}

/// A request for this path, of this host.
fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[tokio::test]
async fn no_port_of_development_mode_answers_to_a_foreign_host() {
    let gateway = apart(|_| ()).await;
    for (port, path) in [
        (gateway.admin_address(), "/metrics"),
        (gateway.admin_address(), "/api/openapi.json"),
        (gateway.admin_address(), "/livez"),
        (gateway.address(), "/livez"),
    ] {
        for (host, status) in [("evil.test", 421), ("localhost", 200), ("127.0.0.1:1", 200)] {
            let mut raw = Raw::connect_to(port).await;
            raw.send(get(path, host)).await;
            assert_eq!(raw.head().await.status(), status, "{path} of {host}");
        }
    }
}

#[tokio::test]
async fn production_metrics_are_served_under_known_hosts_only() {
    let gateway = apart(|config| {
        config.mode = Mode::Production;
        config.listen.admin_hosts = vec!["gateway".to_owned()];
    });
    let gateway = gateway.await;
    for path in ["/metrics", "/api/openapi.json"] {
        for (host, status) in [
            ("evil.test", 421),
            ("gateway.evil.test", 421),
            ("gateway:7081", 200),
            ("localhost", 200),
            ("192.0.2.1:7081", 200),
            ("[::1]", 200),
        ] {
            let mut raw = Raw::connect_to(gateway.admin_address()).await;
            raw.send(get(path, host)).await;
            assert_eq!(raw.head().await.status(), status, "{path} of {host}");
        }
    }
    for (target, host, status) in [
        ("http://evil.test/metrics", "localhost", 421),
        ("http://localhost/metrics", "evil.test", 200),
        ("http://user@localhost/metrics", "localhost", 400),
        ("ftp://localhost/metrics", "localhost", 400),
    ] {
        let mut raw = Raw::connect_to(gateway.admin_address()).await;
        raw.send(get(target, host)).await;
        assert_eq!(raw.head().await.status(), status, "{target} is for its own host");
    }
    for (port, path, status) in [
        (gateway.admin_address(), "/livez", 200),
        (gateway.admin_address(), "/api/v1/apps/demo/rooms", 401),
        (gateway.address(), "/livez", 200),
        (gateway.address(), "/metrics", 404),
    ] {
        let mut raw = Raw::connect_to(port).await;
        raw.send(get(path, "a-name.example")).await;
        assert_eq!(raw.head().await.status(), status, "{path} needs a key or says nothing");
    }
    gateway.reload(|config| config.listen.admin_hosts = vec!["ops.example.com".to_owned()]);
    let mut raw = Raw::connect_to(gateway.admin_address()).await;
    raw.send(get("/metrics", "ops.example.com")).await;
    assert_eq!(raw.head().await.status(), 200, "a reload applies at once");
}

#[tokio::test]
async fn full_admin_port_still_answers_health() {
    let gateway = apart(|config| {
        config.limits.admin_connections = 1;
        config.limits.handshake_timeout = Duration::from_mins(1);
    });
    let gateway = gateway.await;
    let mut first = Raw::connect_to(gateway.admin_address()).await;
    first.send(get("/metrics", "localhost")).await;
    assert_eq!(first.head().await.status(), 200);
    for (path, status) in [("/metrics", 503), ("/api/openapi.json", 503), ("/livez", 200)] {
        let mut more = Raw::connect_to(gateway.admin_address()).await;
        more.send(get(path, "localhost")).await;
        let head = more.head().await;
        assert_eq!((head.status(), head.header("connection")), (status, Some("close")), "{path}");
        assert_eq!(head.header("retry-after").is_some(), status == 503, "{path}");
        assert!(head.header("x-request-id").is_some(), "{path}");
        more.ended().await;
    }
    let counted = r#"stagedoor_limits_hit_total{limit="admin_connections"} 3"#;
    assert!(gateway.hub().scrape().contains(counted), "{}", gateway.hub().scrape());
    Client::guest(&gateway, "ada", "instance-1").await;
    drop(first);
    // The place comes back as soon as the gateway has noticed.
    loop {
        let mut next = Raw::connect_to(gateway.admin_address()).await;
        next.send(get("/metrics", "localhost")).await;
        if next.head().await.status() == 200 {
            break;
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let gateway = apart(|config| config.limits.api_body_timeout = Duration::from_millis(1)).await;
    let mut raw = Raw::connect_to(gateway.admin_address()).await;
    raw.send(format!(
        "POST /api/v1/apps/demo/users/ada/ban HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {SERVER_KEY}\r\nContent-Length: 100\r\n\r\n{{"
    ))
    .await;
    let head = raw.head().await;
    assert_eq!(head.status(), 408);
    assert_eq!(head.header("content-type"), Some("application/problem+json"));
    let body: Vec<u8> = raw.ended().await;
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "body_timeout");
    let counted = r#"stagedoor_limits_hit_total{limit="api_body_timeout"} 1"#;
    assert!(gateway.hub().scrape().contains(counted), "{}", gateway.hub().scrape());
    let ada = stagedoor::store::UserKey { app: "demo".into(), username: "ada".parse().unwrap() };
    let known = gateway.hub().store().user(ada, gateway.clock().wall()).await.unwrap();
    assert_eq!(known, None, "nothing was done");
}
