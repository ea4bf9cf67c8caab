//! What backends and operators do: the server API, the command line, a reload and a drain, with right keys and wrong.

use serde_json::json;

use super::configured::{Configured, NEW, OLD, operator_key, server_key};
use super::running::Running;
use super::{ADA, Canaries, EVE};
use crate::common::stagedoor;

const WRONG_KEY: &str = "sk_canary-secret-of-another-app";

/// The server API, rightly and wrongly called.
pub async fn administer(running: &Running, billing: &str, canaries: &Canaries) {
    let (key, operators) = (server_key(OLD), operator_key(OLD));
    let ban = json!({ "for_ms": 60_000, "reason": "canary-reason" });
    let signal = json!({ "type": "canary-type", "data": { "text": "canary-signal-data" } });
    let eve = format!("users/{EVE}/ban");
    for (status, bearer, method, path, body) in [
        (200, &*key, "POST", &*eve, ban.clone()),
        (200, &key, "DELETE", "users/%63anary%2Dname-eve/ban", json!({})),
        (200, billing, "POST", "users/CANARY-NAME-%C3%88VE/ban", ban),
        (200, &key, "POST", "rooms/lobby/signal", signal),
        (200, &key, "GET", "users?limit=10", json!({})),
        (400, &key, "POST", &eve, json!({ "reason": 7, "canary_field": "canary-reason" })),
        (400, &key, "GET", "sessions?api_key=canary-secret-key", json!({})),
        (400, &key, "GET", "sessions?cursor=canary-secret-key", json!({})),
        (401, WRONG_KEY, "GET", "sessions", json!({})),
        (401, &operators, "GET", "sessions", json!({})),
        (401, &format!("{billing}x"), "GET", "sessions", json!({})),
        (401, WRONG_KEY, "GET", "webhooks/dead-letters", json!({})),
        (404, &key, "DELETE", "users/canary-name-unknown/ban", json!({})),
        (404, &key, "GET", "canary-name", json!({})),
    ] {
        let (found, received) = running.api(bearer, method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {received}");
        canaries.assert_no_secret(path, &received);
        if status == 401 {
            canaries.assert_absent(path, &received);
        }
    }
}

/// What commands print: names to a caller with the key, and the key never.
pub async fn command(running: &Running, canaries: &Canaries) {
    let ban = ["ban", "CANARY-NAME-EVE", "--reason", "canary-reason", "--for", "1m"];
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "list", "--state", "ended", "--json"],
        &["kick", "lobby", ADA, "--reason", "canary-reason", "--for", "1m"],
        &ban,
        &["users", "show", "CANARY-NAME-EVE"],
        &["audit", "list"],
        &["audit", "export"],
        &["webhooks", "list", "--json"],
        &["webhooks", "list-dead"],
        &["webhooks", "list-dead", "--json"],
        &["webhooks", "replay", "1"],
    ] {
        let done = running.command(&server_key(OLD), arguments).await;
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.printed);
        canaries.assert_no_secret(&format!("{arguments:?}"), &done.printed);
        let refused = running.command(WRONG_KEY, arguments).await;
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.printed);
        canaries.assert_no_secret(&format!("{arguments:?}"), &refused.printed);
    }
}

/// `check-config` of the file that is run, and of those that cannot be.
pub fn check(configured: &Configured, canaries: &Canaries) {
    let file = configured.file();
    let check = |arguments: &[&str]| {
        let output = stagedoor().arg("check-config").arg(&file).args(arguments).output().unwrap();
        let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        canaries.assert_absent("what check-config prints", &printed);
        output.status.code()
    };
    assert_eq!((check(&[]), check(&["--json"])), (Some(0), Some(0)));
    for broken in configured.broken() {
        configured.write(&broken);
        assert_eq!(check(&[]), Some(2), "{broken}");
    }
}

/// Every secret is exchanged, and then the file is broken in several ways.
pub async fn reload(configured: &Configured, running: &mut Running) {
    configured.write(&configured.text(NEW));
    running.signal("-HUP");
    running.says("configuration reloaded").await;
    for (age, expected) in [(OLD, 401), (NEW, 200)] {
        let found = running.api(&server_key(age), "GET", "sessions", json!({})).await;
        assert_eq!(found.0, expected, "{age}");
    }
    for broken in configured.broken() {
        configured.write(&broken);
        running.signal("-HUP");
        running.says("configuration not reloaded").await;
    }
}

/// Asks for a drain, with wrong keys first.
pub async fn drain(running: &Running, canaries: &Canaries) {
    for key in [WRONG_KEY, &server_key(NEW), &operator_key(NEW)] {
        let (status, received) = running.call(key, "POST", "drain", json!({})).await;
        assert_eq!(status, 401, "{received}");
        canaries.assert_absent("a refused drain", &received);
        let refused = running.command(key, &["drain"]).await;
        assert_eq!(refused.code, Some(1));
        canaries.assert_absent("a refused drain", &refused.printed);
    }
    // Another operator's key takes a restart.
    let (status, received) = running.call(&operator_key(OLD), "POST", "drain", json!({})).await;
    assert_eq!(status, 202, "{received}");
    canaries.assert_absent("a drain", &received);
}
