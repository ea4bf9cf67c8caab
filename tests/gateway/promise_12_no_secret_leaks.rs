//! Promise 12: no secret is in a log, metric, error or URL; usernames are there only as a keyed hash, and what
//! connections and signals carry is not there at all.
//!
//! The program itself runs, with everything it logs switched on, through all that sessions, backends and operators can
//! meet. Its input is made of canaries; then each line it wrote is searched for them, and so is each error.

mod configured;
mod endpoints;
mod operators;
mod running;
mod servers;
mod sessions;
mod tokens;

use serde_json::Value;

use configured::{Configured, OLD};
use running::Running;

const ADA: &str = "canary-name-ada";
const HOST: &str = "canary-name-host";
const EVE: &str = "canary-name-eve";

/// How a canary reads, in either case of its first letter: as a text, as bytes, in hexadecimal, and in base64 as it
/// falls.
const MARKS: [&str; 6] =
    ["anary", "97, 110, 97, 114, 121", "616e617279", "Y2FuYXJ5", "NhbmFye", "jYW5hcn"];
/// How one reads that is a key, a password, or a part of a URL, and no name.
const SECRET_MARK: &str = "anary-secret";

/// What must appear nowhere.
#[derive(Default)]
struct Canaries(Vec<String>);

impl Canaries {
    /// Keeps a token or a secret that the gateway made. Any part of it is as good as the whole.
    fn keep(&mut self, text: impl Into<String>) -> String {
        let text = text.into();
        self.0.extend(text.split('.').map(str::to_owned));
        text
    }

    fn keep_session(&mut self, started: &Value) {
        for secret in ["/access_token", "/resume/secret"] {
            self.keep(started.pointer(secret).unwrap().as_str().unwrap());
        }
    }

    /// Nothing of the program's secret input is in a text.
    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        self.assert_none(&MARKS, place, text);
    }

    /// The same of all but names and reasons, which an authorized caller may see.
    #[track_caller]
    fn assert_no_secret(&self, place: &str, text: &str) {
        self.assert_none(&[&[SECRET_MARK], &MARKS[1..]].concat(), place, text);
    }

    #[track_caller]
    fn assert_none(&self, marks: &[&str], place: &str, text: &str) {
        for canary in self.0.iter().map(String::as_str).chain(marks.iter().copied()) {
            let leaks = |line: &&str| line.contains(canary) || line.to_lowercase().contains(canary);
            assert_eq!(text.lines().find(leaks), None, "{canary} is in {place}");
        }
    }
}

#[tokio::test]
async fn nothing_of_a_whole_run_is_in_its_log_or_metrics() {
    let configured = Configured::new().await;
    endpoints::leave_a_dead_letter(&configured).await;
    let mut running = Running::with(&configured.file()).await;
    let mut canaries = Canaries::default();

    sessions::deny(&running, &mut canaries).await;
    let (mut host, mut ada, started) = sessions::connect_all(&running, &mut canaries).await;
    let stream = sessions::converse(&mut host, &mut ada, &mut canaries).await;
    sessions::moderate(&mut host, &mut ada, &stream).await;
    let ada = sessions::come_back(&running, ada, &started, &mut canaries).await;
    let (billing, eve) = tokens::mint(&running, &mut canaries).await;
    operators::administer(&running, &billing, &canaries).await;
    endpoints::fail(&running, &canaries).await;
    operators::command(&running, &canaries).await;
    operators::check(&configured, &canaries);
    operators::reload(&configured, &mut running).await;

    assert_eq!(running.metrics_at(running.clients).await.0, 404, "clients get no metrics");
    let (status, metrics) = running.metrics_at(running.admin).await;
    assert_eq!(status, 200);
    canaries.assert_absent("/metrics", &metrics);

    operators::drain(&running, &canaries).await;
    for mut client in [host, ada, eve] {
        client.closed_or_lost().await;
    }
    let (stdout, log) = running.ended();
    canaries.assert_absent("the standard output", &stdout);
    canaries.assert_absent("the log", &log);
    for said in [
        "session opened",
        "connection ended",
        "auth webhook request failed",
        "webhook attempt failed",
        "webhook endpoint failing",
        "apps[shop].webhook_endpoints[0].url changed",
        "configuration not reloaded",
        running::REQUEST,
        "draining",
    ] {
        assert!(log.contains(said), "{said:?} is missing, so the log was not searched:\n{log}");
    }
}

#[test]
fn canary_is_found_in_every_encoding() {
    let mut canaries = Canaries::default();
    canaries.keep("head.payload-of-a-token.signature");
    for text in [
        "user canary-name-ada",
        "user Canary-Name-Ada",
        "GET /users/%63anary",
        "[99, 97, 110, 97, 114, 121]",
        "63616e617279",
        "eyJzdWIiOiJjYW5hcnktbmFtZS1hZGEifQ",
        "payload-of-a-token",
    ] {
        let found = std::panic::catch_unwind(|| canaries.assert_absent("a text", text));
        assert!(found.is_err(), "{text}");
    }
    canaries.assert_absent("a text", "user 5f2c");
    canaries.assert_no_secret("an answer", "user canary-name-ada");
    let key = configured::server_key(OLD);
    let found = std::panic::catch_unwind(|| canaries.assert_no_secret("an answer", &key));
    assert!(found.is_err());
}
