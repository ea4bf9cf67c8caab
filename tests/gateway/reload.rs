//! SIGHUP: what a reload applies to live sessions, and that an invalid file changes nothing.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStderr;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use stagedoor::clock::Clock;
use tempfile::TempDir;

use crate::common::{Client, Gateway, Program, start_of};
use crate::tls::issue;

const OLD: &str = "the-old-secret-of-the-shop-of-at-least-32-bytes";
const NEW: &str = "the-new-secret-of-the-shop-of-at-least-32-bytes";

/// Opens the server API, where the configuration says so.
pub const SERVER_KEY: &str = "sk_a-server-key-of-the-shop-of-at-least-32-bytes";

/// The program with a configuration file.
pub struct Running {
    child: Program,
    log: BufReader<ChildStderr>,
    directory: TempDir,
    address: String,
    admin: String,
}

impl Running {
    pub fn start(rest: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        issue().write(directory.path(), "a");
        let file = write(directory.path(), rest);
        let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let serve = ["serve", "--config", file.to_str().unwrap()];
        let mut child = Program::run(&[&serve[..], &ports[..]].concat());
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running =
            Self { child, log, directory, address: String::new(), admin: String::new() };
        let serving = running.until("listening").pop().unwrap();
        serving["listen"].as_str().unwrap().clone_into(&mut running.address);
        serving["admin"].as_str().unwrap().clone_into(&mut running.admin);
        running
    }

    /// The lines of the log up to one that begins like this.
    fn until(&mut self, message: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "it ended: {lines:?}");
            let line: Value = serde_json::from_str(&line).unwrap();
            lines.push(line);
            let said = lines.last().unwrap()["message"].as_str().unwrap();
            if said.starts_with(message) {
                return lines;
            }
        }
    }

    /// Writes the file again and has it read; what the log says of it.
    pub fn reload(&mut self, rest: &str) -> Vec<String> {
        write(self.directory.path(), rest);
        self.child.signal("-HUP");
        let lines = self.until("configuration ");
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    /// Bans a user by the server API.
    pub async fn ban(&self, username: &str) {
        let url = format!("http://{}/api/v1/apps/shop/users/{username}/ban", self.admin);
        let call = reqwest::Client::new().post(url).bearer_auth(SERVER_KEY);
        assert_eq!(call.send().await.unwrap().status(), 200);
    }

    async fn connect(&self, headers: &[(&str, &str)]) -> Client {
        Client::connect_to(&format!("ws://{}/v1/connect", self.address), headers).await
    }

    /// What becomes of a start with a token of this secret: the session, or the close code.
    async fn start_with(&self, secret: &str, username: &str) -> Result<Client, u16> {
        let now = Clock::system().wall().as_secs();
        let claims = json!({
            "iss": "shop", "aud": "stagedoor", "scope": "session",
            "sub": username, "iat": now, "exp": now + 600,
        });
        let key = EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
        let mut start = start_of(username, &format!("instance-of-{username}"));
        (start["app"], start["credentials"]) = (json!("shop"), json!({ "token": token }));
        let mut client = self.connect(&[]).await;
        client.send(json!({ "id": 0, "start": start })).await;
        loop {
            let message = client.hear().await;
            if message["ok"].get("started").is_some() {
                return Ok(client);
            }
            if message.get("error").is_some() {
                return Err(client.closed().await.code);
            }
        }
    }
}

fn write(directory: &Path, rest: &str) -> PathBuf {
    let file = directory.join("stagedoor.toml");
    let text = format!("[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\n{rest}");
    std::fs::write(&file, text).unwrap();
    file
}

fn keyed(secret: &str) -> String {
    format!("hs256_secrets = [\"{secret}\"]\n")
}

#[tokio::test]
async fn reload_swaps_server_keys_and_keeps_sessions() {
    let mut running = Running::start(&keyed(OLD));
    let mut ada = running.start_with(OLD, "ada").await.unwrap_or_else(|code| panic!("{code}"));
    assert_eq!(running.start_with(NEW, "bob").await.err(), Some(4003));
    let said = running.reload(&keyed(NEW));
    assert_eq!(said, ["apps[shop].hs256_secrets changed", "configuration reloaded"]);
    assert_eq!(running.start_with(OLD, "bob").await.err(), Some(4003));
    running.start_with(NEW, "bob").await.unwrap_or_else(|code| panic!("{code}"));
    let refused = ada.request("leave", json!({ "room": "nowhere" })).await.unwrap_err();
    assert_eq!(refused["code"], "not_in_room", "the session of before is served");
}

#[tokio::test]
async fn a_new_origin_may_connect() {
    let mut running = Running::start("guests = true\n");
    let origin = [("origin", "https://new.example")];
    assert_eq!(running.connect(&origin).await.closed().await.code, 4004);
    let listen = "guests = true\n[listen]\nallowed_origins = [\"https://new.example\"]\n";
    assert!(running.reload(listen).contains(&"listen.allowed_origins changed".to_owned()));
    let mut client = running.connect(&origin).await;
    let mut start = start_of("ada", "instance-1");
    start["app"] = json!("shop");
    client.establish(start).await;
}

#[tokio::test]
async fn a_certificate_renewed_in_place_is_served() {
    let tls = "guests = true\n[listen.tls]\ncert = \"a.pem\"\nkey = \"a.key\"\n";
    let mut running = Running::start(tls);
    let (first, renewed) = (issue(), issue());
    first.write(running.directory.path(), "a");
    running.reload(tls);
    first.connect(&running.address).await.unwrap();
    renewed.write(running.directory.path(), "a");
    let said = running.reload(tls);
    assert!(said.contains(&"listen.tls.cert changed".to_owned()), "{said:?}");
    renewed.connect(&running.address).await.unwrap();
    assert!(first.connect(&running.address).await.is_err());
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_says_why() {
    let mut running = Running::start(&keyed(OLD));
    let _ada = running.start_with(OLD, "ada").await.unwrap_or_else(|code| panic!("{code}"));
    for (case, rest) in [
        ("no TOML", format!("{}[limits\n", keyed(NEW))),
        ("an unknown key", format!("{}colour = 1\n", keyed(NEW))),
        ("no certificate", format!("{}[listen.tls]\ncert = \"x\"\nkey = \"x\"\n", keyed(NEW))),
    ] {
        write(running.directory.path(), &rest);
        running.child.signal("-HUP");
        let last = running.until("configuration not reloaded: nothing changed").pop().unwrap();
        assert!(last["error"].as_str().unwrap().contains("stagedoor.toml:"), "{case}: {last}");
    }
    assert_eq!(running.start_with(NEW, "bob").await.err(), Some(4003));
    running.start_with(OLD, "bob").await.unwrap_or_else(|code| panic!("{code}"));
}

#[tokio::test]
async fn reload_reports_keys_that_need_a_restart() {
    let mut running = Running::start("guests = true\n");
    let rest =
        "guests = true\n[[apps]]\nid = \"other\"\nguests = true\n[resume]\nwindow = \"9s\"\n";
    let said = running.reload(rest);
    for key in ["resume.window", "apps[other]"] {
        let expected = format!("{key} changed: restart to apply");
        assert!(said.contains(&expected), "{said:?}");
    }
}

#[tokio::test]
async fn limits_hold_for_those_who_are_in_and_those_who_come() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let changes = gateway.reload(|config| config.limits.rooms_per_session = 1);
    assert_eq!(changes, ["limits.rooms_per_session"]);
    assert_eq!(ada.fails("join", json!({ "room": "other" })).await, "too_many_rooms");
    gateway.reload(|config| config.limits.sessions_per_node = 1);
    let start = json!({ "id": 5, "start": start_of("bob", "instance-2") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4201);
    assert!(gateway.reload(|_| ()).len() == 1, "back to where it began");
    ada.does("join", json!({ "room": "other" })).await;
}

#[tokio::test]
async fn reloaded_app_rules_apply_to_new_sessions_only() {
    let gateway = Gateway::dev().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(gateway.reload(|config| config.apps[0].guests = false), ["apps[demo].guests"]);
    let start = json!({ "id": 5, "start": start_of("bob", "instance-2") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4003);
    let refused = ada.request("leave", json!({ "room": "nowhere" })).await.unwrap_err();
    assert_eq!(refused["code"], "not_in_room");
}

#[tokio::test]
async fn limits_of_the_server_api_hold_for_the_next_call() {
    let gateway = Gateway::dev().await;
    let large = || Some(json!({ "username": "ada", "name": "x".repeat(2_000) }));
    assert_ne!(gateway.api("POST", "sessions", large()).await.status, 413);
    gateway.advance(Duration::from_secs(1));
    let changes = gateway.reload(|config| {
        (config.limits.api_calls_per_s, config.limits.api_calls_burst) = (1, 2);
        config.limits.api_body_bytes = 1_024;
    });
    let keys = ["api_body_bytes", "api_calls_burst", "api_calls_per_s"];
    assert_eq!(changes, keys.map(|key| format!("limits.{key}")));
    assert_eq!(gateway.api("POST", "sessions", large()).await.status, 413);
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 200);
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 429);
    gateway.reload(|_| ());
    assert_eq!(gateway.api("GET", "sessions", None).await.status, 200);
    assert_ne!(gateway.api("POST", "sessions", large()).await.status, 413);
}
