//! What the program is configured with: a canary wherever the file holds a secret or a URL.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::servers::Servers;

/// Secrets as they are at first, and as a reload finds them: as long as before.
pub const OLD: &str = "old";
pub const NEW: &str = "new";

pub fn app_secret(age: &str) -> String {
    format!("canary-secret-{age}-of-the-app-32-bytes")
}

pub fn server_key(age: &str) -> String {
    format!("sk_canary-secret-{age}-server-key-32-bytes")
}

pub fn operator_key(age: &str) -> String {
    format!("sk_canary-secret-{age}-operator-key-32-bytes")
}

/// A secret that signs what is sent to an app's server.
fn signing(what: &str, age: &str) -> String {
    format!("whsec_{}", STANDARD.encode(format!("canary-secret-{age}-{what}")))
}

/// A URL on `address` of which every part that may be a secret is one.
fn url(address: &str, path: &str, age: &str) -> String {
    format!(
        "http://canary-secret:canary-secret@{address}/{path}/canary-secret?key=canary-secret-{age}"
    )
}

/// The file, and the servers that it names.
pub struct Configured {
    directory: TempDir,
    servers: Servers,
}

impl Configured {
    pub async fn new() -> Self {
        let configured =
            Self { directory: tempfile::tempdir().unwrap(), servers: Servers::run().await };
        configured.write(&configured.text(OLD));
        configured
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("stagedoor.toml")
    }

    pub fn store(&self) -> PathBuf {
        self.directory.path().join("facts.db")
    }

    pub fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
    }

    /// A file that can be run, with secrets of this age.
    pub fn text(&self, age: &str) -> String {
        let (app_secret, server_key) = (app_secret(age), server_key(age));
        let operator_key = operator_key(age);
        let (auth_url, auth_secret) =
            (url(&self.servers.http, "auth", age), signing("of-the-auth-webhook", age));
        let endpoints = self.servers.endpoints().map(|(id, address)| {
            let (url, current) = (url(&address, id, age), signing("current-of-an-endpoint", age));
            let former = signing("former-of-an-endpoint", age);
            let deadline = if id == "hanging" { "50ms" } else { "10s" };
            format!(
                "[[apps.webhook_endpoints]]\nid = \"{id}\"\nurl = \"{url}\"\nallow_private = true\n\
                 secrets = [\"{current}\", \"{former}\"]\ndeadline = \"{deadline}\"\n"
            )
        });
        format!(
            r#"
[listen]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[store.sqlite]
path = "facts.db"
[drain]
spread = "10ms"
[limits]
starts_per_s_per_address = 1000
[operator]
api_key = "{operator_key}"
[[apps]]
id = "shop"
guests = true
hs256_secrets = ["{app_secret}"]
server_keys = ["{server_key}"]
api_token = "canary-secret-{age}-api-token-32-bytes"
[apps.auth_webhook]
url = "{auth_url}"
allow_private = true
secret = "{auth_secret}"
{}"#,
            endpoints.concat()
        )
    }

    /// Files that cannot be run, each for something wrong with a secret.
    pub fn broken(&self) -> Vec<String> {
        let good = self.text(NEW);
        let (server_key, app_secret) = (server_key(NEW), app_secret(NEW));
        let quoted = format!("\"canary-secret-{NEW}-api-token-32-bytes\"");
        let endpoint_secret = signing("current-of-an-endpoint", NEW);
        let endpoint_url = url("127.0.0.1:1", "refused", NEW);
        [
            (&*quoted, "canary-secret-without-quotes"),
            (&quoted, "\"canary-secret\""),
            (&quoted, "[\"canary-secret\"]"),
            (&quoted, "\"\"\"\ncanary-secret"),
            (&server_key, "canary-secret-with-another-beginning"),
            (&app_secret, "canary-secret-too-short"),
            (&endpoint_secret, "whsec_canary-secret-that-is-no-base64"),
            (&endpoint_url, "http://canary-secret@example.com/canary-secret"),
            (&endpoint_url, "canary-secret"),
        ]
        .map(|(from, to)| {
            assert!(good.contains(from), "{from}");
            good.replacen(from, to, 1)
        })
        .to_vec()
    }
}
