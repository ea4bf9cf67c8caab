//! The server API on a port of its own: whom it answers.

use stagedoor::config::Config;

use crate::common::raw::Raw;
use crate::common::{Gateway, Setup};

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
