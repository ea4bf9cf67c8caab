//! What documents and comments say of the code is so: the paths they name exist, the numbers they state are the code's.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Numbers and quoted messages in prose: under its document, the words, the file and its code with the same meaning.
/// When the code changes, the words have to be read again.
const NUMBERS: &str = r#"
README.md
  in development mode, on 127.0.0.1:7080 | src/config/listen.rs | const PORT: u16 = 7080;
  Rust 1.95, a C compiler | Cargo.toml | rust-version = "1.95"
docs/alerts.md
  the 5 seconds after which a target counts as `ignored` | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
  Repair the endpoint within 24 hours | src/webhook/schedule.rs | DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
  with `stagedoor webhooks replay` within 30 days | src/webhook/schedule.rs | DEAD_LETTER_RETENTION: Duration = Duration::from_hours(30 * 24);
  An app holds at most 100 000 messages | src/webhook/webhooks.rs | MAX_MESSAGES: u64 = 100_000;
  The store failed every call for a minute | deploy/prometheus/alerts.yml | expr: 'stagedoor_store_up == 0' for: 1m
  One store call in a hundred took longer than 250 ms | deploy/prometheus/alerts.yml | histogram_quantile(0.99, sum by (instance, le) (rate(stagedoor_store_call_duration_seconds_bucket[5m]))) > 0.25
  More than 5 % of the decisions | deploy/prometheus/alerts.yml | (rate(stagedoor_auth_hook_duration_seconds_count[5m])) > 0.05
  More than 20 % of all starts | deploy/prometheus/alerts.yml | (rate(stagedoor_starts_total[5m])) > 0.2'
  More than 25 % of all resumes | deploy/prometheus/alerts.yml | (rate(stagedoor_resumes_total[10m])) > 0.25
  5 % of the moderation commands reached the 5 seconds | deploy/prometheus/alerts.yml | histogram_quantile(0.95, sum by (instance, le) (rate(stagedoor_moderation_duration_seconds_bucket[10m]))) >= 5
  For 15 minutes the last delivery | deploy/prometheus/alerts.yml | (stagedoor_webhook_endpoints{state!="ok"}) > 0' for: 15m
  began to drain more than a minute ago | deploy/prometheus/alerts.yml | expr: 'stagedoor_draining == 1' for: 1m
  More than 20 000 messages are pending, or one has been pending for 30 minutes | deploy/prometheus/alerts.yml | (stagedoor_webhook_messages{state="pending"}) > 20000 or stagedoor_webhook_oldest_pending_seconds > 1800
  when an app reaches its limit of 100 000 | src/webhook/webhooks.rs | MAX_MESSAGES: u64 = 100_000;
docs/configuration.md
  or `listen.listen changed: restart to apply` | src/server/reload.rs | "{key} changed: restart to apply"
docs/limits.md
  1 024, and 128 of one user, for ten minutes | src/room/settings.rs | MAX_REFS: usize = 1_024;
  1 024, and 128 of one user, for ten minutes | src/room/settings.rs | MAX_REFS_PER_USER: usize = 128;
  1 024, and 128 of one user, for ten minutes | src/room/settings.rs | REF_RETENTION: Duration = Duration::from_mins(10);
  20 000 of each | src/room/settings.rs | MAX_RECORD_ROWS: usize = 20_000;
  30 000, for ten minutes | src/room/settings.rs | MAX_RECENT_LEAVERS: usize = 30_000;
  30 000, for ten minutes | src/room/settings.rs | LEAVER_RETENTION: Duration = Duration::from_mins(10);
  100 000, and 32 MiB | src/http/idempotency_cache.rs | MAX_CACHED_ANSWERS: usize = 100_000;
  100 000, and 32 MiB | src/http/idempotency_cache.rs | MAX_CACHED_BYTES: usize = 32 * 1024 * 1024;
  1 000 000, for 30 days | src/server.rs | MAX_ENDED_SESSIONS: u64 = 1_000_000;
  200 000 ended sessions | src/hub/sessions/history.rs | MAX_QUEUED: usize = 200_000;
docs/operations.md
  at most three seconds more for connections that do not close | src/server.rs | const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
  and five for the store to save | src/server.rs | const HANDOFF_TIMEOUT: Duration = Duration::from_secs(5);
  kept up to 64 KiB per session | src/session/machine/saved.rs | MAX_SAVED_RING_BYTES: usize = 64 * 1024;
  default `http://127.0.0.1:7081` | src/cli/connection.rs | DEFAULT_URL: &str = "http://127.0.0.1:7081";
  default `http://127.0.0.1:7081` | src/config/listen.rs | const ADMIN_PORT: u16 = 7081;
  tables of up to 100 rows | src/cli/limit.rs | const DEFAULT_ROWS: usize = 100;
  **Moderation commands** wait a second for acknowledgements | src/cli/moderation.rs | default_value = "1s")] wait: Duration,
  A connection may take 5 seconds | src/cli/api.rs | CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
  and an answer 30. | src/cli/api.rs | ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
  After 24 hours it becomes a dead letter | src/webhook/schedule.rs | DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
  which is kept for 30 days | src/webhook/schedule.rs | DEAD_LETTER_RETENTION: Duration = Duration::from_hours(30 * 24);
  An app has at most 100 000 messages | src/webhook/webhooks.rs | MAX_MESSAGES: u64 = 100_000;
  for another 24 hours | src/webhook/schedule.rs | DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
  a row per minute that counts attempts | src/hub/rooms/denials.rs | const MINUTE: Duration = Duration::from_mins(1);
  A list shows the last 100 rows | src/cli/limit.rs | const DEFAULT_ROWS: usize = 100;
  (`webhook queued`: | src/webhook/webhooks.rs | "webhook queued"
  (`webhook delivered`, `webhook attempt failed`: | src/webhook/queue.rs | "webhook delivered"
  (`webhook delivered`, `webhook attempt failed`: | src/webhook/queue.rs | "webhook attempt failed"
  (`cannot restore sessions from the previous process`) | src/server.rs | "cannot restore sessions from the previous process;
  did you mean "lobby"? 3 are open: lobby, quiet, stage | src/cli/suggest.rs | did you mean \"lobby\"? 3 are open: lobby, quiet, stage
docs/protocol.md
  of its user, in one room, for ten minutes | src/room/settings.rs | REF_RETENTION: Duration = Duration::from_mins(10);
  and acknowledge within 5 seconds | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
  An owner who is connected has 5 seconds for that | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
  users who left it in the last ten minutes | src/room/settings.rs | LEAVER_RETENTION: Duration = Duration::from_mins(10);
  by ending the stream, within 5 seconds | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
  `request_unmute` is settled within 30 seconds | src/room/settings.rs | UNMUTE_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
  sent together, at most every 250 ms | src/room/settings.rs | BATCH_INTERVAL: Duration = Duration::from_millis(250);
docs/security.md
  HS256 with a secret of at least 32 bytes | src/config/keys.rs | MIN_HS256_BYTES: usize = 32;
  RS256 with at least 2048 bits | src/config/keys.rs | MIN_RSA_BYTES: usize = 256;
  at most 30 seconds in the future | src/auth/token/mod.rs | LEEWAY: Duration = Duration::from_secs(30);
  A room token lives at most 30 days | src/auth/token/mod.rs | MAX_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(30 * 24);
  a server token at most one hour | src/auth/token/mod.rs | MAX_SERVER_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
  fetched at most every 30 seconds | src/auth/keys/remote.rs | REFETCH_PAUSE: Duration = Duration::from_secs(30);
  refreshed after 10 minutes | src/auth/keys/remote.rs | STALE_AFTER: Duration = Duration::from_mins(10);
  `revocation_leeway` (1 s by default) | src/revocation.rs | DEFAULT_REVOCATION_LEEWAY: Duration = Duration::from_secs(1);
  A token without `iat` is void for 30 days | src/revocation.rs | REVOCATION_RETENTION: Duration = Duration::from_hours(30 * 24);
  guests for 7 days after they were last seen | src/config/apps.rs | guest_retention: Duration::from_hours(7 * 24),
  does not acknowledge a mute within 5 seconds | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
docs/server-api.md
  http://127.0.0.1:7080/api/ | src/config/listen.rs | const PORT: u16 = 7080;
  A server token lives for an hour at most | src/auth/token/mod.rs | MAX_SERVER_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
  a `ref` of up to 64 bytes | proto/src/limits.rs | MAX_REF_BYTES: usize = 64;
  under the same `ref` within 24 hours | src/http/idempotency_cache.rs | ANSWER_RETENTION: Duration = Duration::from_hours(24);
  `ref`s of moderation commands and signals for 10 minutes | src/room/settings.rs | REF_RETENTION: Duration = Duration::from_mins(10);
  `wait_ms` (1000, | src/http/api/moderation.rs | DEFAULT_WAIT_MS: u64 = 1_000;
  at most 10000) for its targets | src/http/api/moderation.rs | MAX_WAIT_MS: u64 = 10_000;
  have not been used for 30 days | src/store/archive.rs | CREATED_ROOM_RETENTION: Duration = Duration::from_hours(30 * 24);
  closes 10 minutes after it opened | src/room/settings.rs | LEAVER_RETENTION: Duration = Duration::from_mins(10);
  room not found: it is neither open nor created; create it first | src/http/api/errors.rs | "room not found: it is neither open nor created; create it first"
  `limit` is 1 to 1000 | src/http/api/paging.rs | MAX_PAGE: usize = 1_000;
  and 100 by default | src/http/api/paging.rs | DEFAULT_PAGE: usize = 100;
  ended in the last 30 days | src/server.rs | ENDED_SESSION_RETENTION: Duration = Duration::from_hours(30 * 24);
  (a million of an app at most) | src/server.rs | MAX_ENDED_SESSIONS: u64 = 1_000_000;
  `X-Request-Id` (up to 64 characters | src/http/request_id.rs | MAX_ID_BYTES: usize = 64;
  nests at most 32 deep | proto/src/decode.rs | MAX_JSON_DEPTH: usize = 32;
docs/sessions-tabs-reloads.md
  `resume.going_away_window`, 10 seconds | src/config/resume.rs | going_away_window: Duration::from_secs(10),
docs/tokens.md
  the token is not a signed JSON Web Token | src/auth/token/error.rs | "the token is not a signed JSON Web Token"
  the token's signature does not match the key | src/auth/token/error.rs | "the token's signature does not match the key"
  no known key has the token's `kid` | src/auth/token/error.rs | "no known key has the token's `kid`"
  the token's claim `exp` must be … | src/auth/token/error.rs | "the token's claim `{claim}` must be {expected}"
  the token's `iss` must be … | src/auth/token/error.rs | "the token's `iss` must be `{expected}`"
  the token is not valid yet: … | src/auth/token/error.rs | "the token is not valid yet: its `{claim}` is in the future"
  more than 30 seconds ahead | src/auth/token/mod.rs | LEEWAY: Duration = Duration::from_secs(30);
  the token was revoked; fetch a new one | src/auth/token/error.rs | "the token was revoked; fetch a new one"
  at most one hour | src/auth/token/mod.rs | MAX_SERVER_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
docs/tour.md
  The gateway keeps the session for 30 seconds | src/config/resume.rs | window: Duration::from_secs(30),
  the gateway ends `ada`'s stream after 5 seconds | src/room/settings.rs | ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
docs/webhooks.md
  decoded from base64: 24 to 64 bytes | src/outbound/signing.rs | (24..=64).contains(&bytes.len())
  for that time, at most an hour | src/webhook/attempt.rs | MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
  The second attempt follows within 5 seconds | src/webhook/schedule.rs | INITIAL_RETRY_DELAY: Duration = Duration::from_secs(5);
  twice as long as the one before, up to an hour | src/webhook/schedule.rs | MAX_RETRY_DELAY: Duration = Duration::from_hours(1);
  After 24 hours a message becomes a dead letter | src/webhook/schedule.rs | DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
  Store each `id` for a day | src/webhook/schedule.rs | DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
"#;

/// Folders of what others wrote, or tools made.
const FOREIGN: &[&str] = &["target", "node_modules", "dist"];

#[test]
fn numbers_in_prose_are_those_of_the_code() {
    let mut document = "";
    for row in NUMBERS.lines().filter(|row| !row.is_empty()) {
        let [words, file, code] = row.trim().split(" | ").collect::<Vec<_>>()[..] else {
            document = row;
            continue;
        };
        assert!(flat(document).contains(words), "{document} does not say `{words}`: fix the table");
        assert!(
            flat(file).contains(code),
            "{document} says `{words}`, but {file} has no `{code}`: fix the document, then the table"
        );
    }
}

#[test]
fn paths_that_documents_and_comments_name_exist() {
    let mut files = Vec::new();
    collect(Path::new(""), &mut files);
    let mut named = 0;
    for file in files {
        let text = read(&file);
        for (number, line) in text.lines().enumerate() {
            for word in line.split('`').skip(1).step_by(2).filter(|word| is_path(word)) {
                named += 1;
                let place = (number + 1, file.display());
                assert!(exists(word, &file), "{}:{}: there is no {word}", place.1, place.0);
            }
        }
    }
    assert!(named > 40, "only {named} were found");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut named = 0;
    for file in documents() {
        let text = read(&file);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (target, _) in links.filter(|(target, _)| !target.contains("://")) {
            named += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = file.parent().expect("a document is in a folder");
            let page = if path.is_empty() { file.clone() } else { folder.join(path) };
            assert!(root().join(&page).exists(), "{}: there is no {target}", file.display());
            let is_there = anchor.is_empty() || anchors(&read(&page)).any(|it| it == anchor);
            assert!(is_there, "{}: there is no heading for {target}", file.display());
        }
    }
    assert!(named > 60, "only {named} were found");
}

#[test]
fn prose_wraps_at_120_columns() {
    for file in documents() {
        let mut is_code = false;
        for (number, line) in read(&file).lines().enumerate() {
            is_code ^= line.trim_start().starts_with("```");
            let is_prose = !is_code && !line.starts_with('|');
            let (place, width) = (number + 1, line.chars().count());
            assert!(!is_prose || width <= 120, "{}:{place}: {width} columns", file.display());
        }
    }
}

/// All documents in Markdown, decision records included.
fn documents() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(Path::new(""), &mut files);
    collect(Path::new("docs/adr"), &mut files);
    files.retain(|file| file.extension().is_some_and(|kind| kind == "md"));
    files
}

/// The anchors of a document's headings, as they are rendered on GitHub.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn server_api_examples_fit_the_openapi_document() {
    let document: Value = serde_json::from_str(&read("docs/openapi.json")).expect("it is JSON");
    let page = read("docs/server-api.md");
    let calls: Vec<&str> = page.lines().filter(|line| line.starts_with("api ")).collect();
    assert!(calls.len() > 30, "only {} examples were found", calls.len());
    for call in calls {
        let word_after = |option: &str| call.split(option).nth(1);
        let method = word_after("-X ").and_then(|rest| rest.split(' ').next()).unwrap_or("GET");
        let url = word_after("$API").and_then(|rest| rest.split(['"', ' ']).next());
        let url = url.expect("it names a path");
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let operation = operation(&document, method, path)
            .unwrap_or_else(|| panic!("the document has no such operation: {call}"));
        for parameter in query.split('&').filter_map(|pair| pair.split('=').next()) {
            let mut known = operation["parameters"].as_array().into_iter().flatten();
            let is_known = known.any(|known| known["name"] == *parameter);
            assert!(parameter.is_empty() || is_known, "unknown parameter {parameter}: {call}");
        }
        let body = word_after("-d '").and_then(|rest| rest.split('\'').next()).unwrap_or("{}");
        let body: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {call}"));
        assert_body_fits(&document, operation, &body, call);
    }
}

/// The operation of a method and a path below the app's.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').skip(5).collect();
        let mut pairs = template.iter().zip(&parts);
        template.len() == parts.len() && pairs.all(|(a, b)| a == b || a.starts_with('{'))
    };
    let mut paths: Vec<_> = document["paths"].as_object()?.iter().collect();
    // A path without placeholders wins.
    paths.sort_by_key(|(template, _)| template.matches('{').count());
    let mut found = paths.into_iter().filter(|(template, _)| fits(template));
    found.find_map(|(_, operations)| operations.get(method.to_lowercase()))
}

fn assert_body_fits(document: &Value, operation: &Value, body: &Value, call: &str) {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let fields = body.as_object().expect("a body is an object");
    let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else {
        assert!(fields.is_empty(), "the operation takes no body: {call}");
        return;
    };
    let schema = &document["components"]["schemas"][name];
    for field in fields.keys() {
        assert!(schema["properties"].get(field).is_some(), "unknown field {field}: {call}");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        let required = required.as_str().expect("a name");
        assert!(fields.contains_key(required), "missing field {required}: {call}");
    }
}

/// All documents, and sources, whose comments are documents too. Records are of their time, and are not edited.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
        let name = name.to_string_lossy();
        if entry.file_type().expect("it has a type").is_dir() {
            if !name.starts_with('.') && !FOREIGN.contains(&&*name) && path != Path::new("docs/adr")
            {
                collect(&path, into);
            }
        } else if is_text(&path) {
            into.push(path);
        }
    }
}

/// Whether it is a path in the repository: it begins with a folder of it, or is a source or a document by its name.
fn is_path(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let first = word.split_once('/').map(|(first, _)| first).filter(|first| !first.is_empty());
    let is_in_folder =
        first.is_some_and(|first| ["", "src"].iter().any(|base| is_folder(base, first)));
    word.chars().all(is_plain) && (is_in_folder || is_text(Path::new(word)))
}

/// Whether it is a document or a source.
fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "md" || kind == "rs")
}

fn is_folder(base: &str, name: &str) -> bool {
    root().join(base).join(name).is_dir()
}

/// Whether it is there, as seen from the root, from `src`, or from a folder that `file` is in.
fn exists(word: &str, file: &Path) -> bool {
    let bases = file.ancestors().skip(1).chain([Path::new("src")]);
    bases.into_iter().any(|base| root().join(base).join(word).exists())
}

/// A text in one line.
fn flat(path: &str) -> String {
    read(path).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
