//! The program: its output, its exit codes, and the files it leaves.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::common::{Client, Program, stagedoor, start_of};

/// The least a configuration says.
const LEAST: &str = "[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n";

/// Runs the program to its end.
fn run(arguments: &[&str]) -> Output {
    stagedoor().args(arguments).output().unwrap()
}

/// The one line it complained with, and its exit code.
fn complaint(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, lines) = complaints(arguments);
    assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
    (code, lines.concat())
}

/// The code that the program exits with, and the lines it complains with.
fn complaints(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = run(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &lines {
        assert!(line.starts_with("stagedoor: "), "{arguments:?}: {text}");
    }
    (output.status.code(), lines)
}

/// A running program in development mode.
struct Running {
    child: Program,
    stdout: BufReader<ChildStdout>,
    ready: Value,
}

impl Running {
    fn dev(arguments: &[&str]) -> Self {
        let fixed = ["serve", "--dev", "--listen", "127.0.0.1:0", "--ready-json"];
        let mut child = Program::run(&[&fixed[..], arguments].concat());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, stdout, ready }
    }

    fn with_data(directory: &Path) -> Self {
        Self::dev(&["--data", directory.to_str().unwrap()])
    }

    async fn connect(&self) -> Client {
        let url = format!("ws://{}/v1/connect", self.ready["listen"].as_str().unwrap());
        Client::connect_to(&url, &[]).await
    }

    async fn start(&self, start: Value) -> (Client, Value) {
        let mut client = self.connect().await;
        let started = client.establish(start).await;
        (client, started)
    }

    async fn ban(&self, username: &str) {
        let listen = self.ready["listen"].as_str().unwrap();
        let url = format!("http://{listen}/api/v1/apps/demo/users/{username}/ban");
        let key = self.ready["server_key"].as_str().unwrap();
        let answer = reqwest::Client::new().post(url).bearer_auth(key).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// Asks it to stop: by a signal, or by the command line.
    fn stop(&self, way: &str) {
        if way != "drain" {
            return self.child.signal(way);
        }
        let url = format!("http://{}", self.ready["listen"].as_str().unwrap());
        let key = self.ready["server_key"].as_str().unwrap();
        let mut drain = stagedoor();
        drain.arg("drain").env("STAGEDOOR_URL", url).env("STAGEDOOR_SERVER_KEY", key);
        assert!(drain.output().unwrap().status.success());
    }

    /// How it ended, and what else it had printed.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn what_is_logged_into_a_pipe_has_no_colours() {
    let mut running = Running::dev(&[]);
    let mut stderr = running.child.stderr.take().unwrap();
    running.stop("-TERM");
    let mut log = String::new();
    stderr.read_to_string(&mut log).unwrap();
    assert!(log.contains("listening") && !log.contains('\u{1b}'), "{log}");
}

#[tokio::test]
async fn it_says_in_one_line_where_it_is_and_stops_without_hurting() {
    for way in ["-TERM", "-INT", "drain"] {
        let running = Running::dev(&[]);
        let fields: Vec<&String> = running.ready.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["api_token", "app", "app_secret", "listen", "server_key"]);
        let (mut client, _) = running.start(start_of("ada", "instance-1")).await;
        let mut undecided = running.connect().await;
        running.stop(way);
        for client in [&mut client, &mut undecided] {
            let closed = client.closed().await;
            assert_eq!((closed.code, &closed.disconnect["action"]), (4200, &json!("retry")));
            assert!(closed.disconnect["retry_after_ms"].as_u64() > Some(0));
        }
        drop((client, undecided));
        assert_eq!(running.ended(), (Some(0), String::new()), "{way}");
    }
}

#[test]
fn it_serves_whether_or_not_anybody_reads_what_it_prints() {
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    for arguments in [&["--ready-json"][..], &[]] {
        let fixed = ["serve", "--dev", "--listen", "127.0.0.1:0", "--log", "info"];
        let mut serve = stagedoor();
        serve.args(fixed).args(arguments).stdout(closed.try_clone().unwrap());
        let mut child = Program::start(serve);
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let serves = log.any(|line| line.unwrap().contains("listening"));
        assert!(serves, "{arguments:?}");
        child.signal("-TERM");
        assert!(log.all(|line| !line.unwrap().contains("panicked")), "{arguments:?}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_token_of_the_command_line_starts_a_session() {
    let running = Running::dev(&[]);
    let secret = running.ready["app_secret"].as_str().unwrap();
    let mint = ["tokens", "mint", "session", "ada", "--name", "Ada"];
    let output = stagedoor().env("STAGEDOOR_APP_SECRET", secret).args(mint).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    let mut start = start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": token.trim_end() });
    let (_client, started) = running.start(start).await;
    assert_eq!(
        started["session"]["user"],
        json!({ "username": "ada", "guest": false, "name": "Ada" })
    );
}

#[tokio::test]
async fn api_token_of_development_mode_starts_as_any_user() {
    let running = Running::dev(&[]);
    let mut start = start_of("grace", "instance-1");
    start["credentials"] = json!({ "params": { "api_token": running.ready["api_token"] } });
    let (_client, started) = running.start(start).await;
    assert_eq!(started["session"]["user"], json!({ "username": "grace", "guest": false }));
}

#[tokio::test]
async fn examples_are_served_in_development_mode() {
    let running = Running::dev(&[]);
    let listen = running.ready["listen"].as_str().unwrap();
    let index = reqwest::get(format!("http://{listen}/examples")).await.unwrap();
    assert_eq!(index.headers()["content-type"], "text/html; charset=utf-8");
    let index = index.text().await.unwrap();
    assert!(index.contains("<a href=\"/examples/chat.html\">"), "{index}");
    let chat = reqwest::get(format!("http://{listen}/examples/chat.html")).await.unwrap();
    assert_eq!(chat.status(), 200);
    let chat = chat.text().await.unwrap();
    assert_eq!(chat, include_str!("../../examples/chat.html"));
    for missing in ["/examples/none.html", "/examples/..%2fCargo.toml"] {
        let missing = reqwest::get(format!("http://{listen}{missing}")).await.unwrap();
        assert_eq!(missing.status(), 404);
    }
}

#[test]
fn a_secret_may_begin_with_a_hyphen() {
    let secret = "-a-secret-that-begins-with-a-hyphen-as-one-in-64";
    let mint = ["tokens", "mint", "session", "ada"];
    let output = stagedoor().env("STAGEDOOR_APP_SECRET", secret).args(mint).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_kick_is_final_after_a_kill_too() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::with_data(directory.path());
    let (mut banned, _) = running.start(start_of("ada", "instance-1")).await;
    let (_client, started) = running.start(start_of("bob", "instance-2")).await;
    running.ban("ada").await;
    running.child.signal("-KILL");
    // It may have been killed before it could say so.
    assert!(matches!(banned.closed_or_lost().await, None | Some(4011)));
    assert_eq!(running.ended().0, None, "it had no say in it");

    let running = Running::with_data(directory.path());
    for start in [start_of("ada", "instance-3"), start_of("mallory", "instance-1")] {
        let mut client = running.connect().await;
        client.send(json!({ "id": 0, "start": start })).await;
        assert_eq!(client.closed().await.code, 4011);
    }
    // Its keys survived as well: a former session starts again with its token.
    let mut start = start_of("bob", "instance-2");
    start["credentials"] = json!({ "token": started["access_token"] });
    running.start(start).await;
}

#[tokio::test]
async fn out_of_files_it_says_so_counts_it_and_goes_on() {
    let mut running = Running::dev(&[]);
    let (pid, few) = (running.child.id().to_string(), 48);
    let limit = format!("--nofile={few}");
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
    assert!(limited.success());
    let listen = running.ready["listen"].as_str().unwrap().to_owned();
    let held: Vec<_> = (0..few).map(|_| TcpStream::connect(&listen).unwrap()).collect();
    let log = BufReader::new(running.child.stderr.take().unwrap());
    let said = log.lines().map(Result::unwrap).find(|line| line.contains("cannot accept"));
    assert!(said.is_some_and(|line| line.contains("Too many open files")));
    drop(held);

    let (_client, _) = running.start(start_of("ada", "instance-1")).await;
    let metrics = reqwest::get(format!("http://{listen}/metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let counted = metrics.lines().find_map(|line| {
        line.strip_prefix("stagedoor_accept_failures_total ")?.parse::<u64>().ok()
    });
    assert!(counted.is_some_and(|count| count > 0), "{metrics}");
}

#[tokio::test]
async fn a_backup_of_a_running_gateway_is_put_back() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let running = Running::with_data(directory.path());
    running.ban("ada").await;
    let (data, copy) = (directory.path().to_str().unwrap(), at("copy.db"));
    let output = run(&["backup", &copy, "--data", data]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with(&copy) && said.ends_with("verified\n"), "{said}");
    let (code, line) = complaint(&["backup", &copy, "--store", &at("stagedoor.db")]);
    assert!(code == Some(1) && line.contains(&copy), "it overwrites nothing: {line}");
    running.start(start_of("bob", "instance-2")).await;
    running.child.signal("-KILL");
    assert_eq!(running.ended().0, None);

    for end in ["", "-wal", "-shm"] {
        std::fs::remove_file(at(&format!("stagedoor.db{end}"))).unwrap();
    }
    std::fs::rename(&copy, at("stagedoor.db")).unwrap();
    let running = Running::with_data(directory.path());
    let mut client = running.connect().await;
    client.send(json!({ "id": 0, "start": start_of("ada", "instance-1") })).await;
    assert_eq!(client.closed().await.code, 4011);
}

#[tokio::test]
async fn a_session_outlives_a_restart_once() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::with_data(directory.path());
    let (mut client, started) = running.start(start_of("ada", "instance-1")).await;
    running.child.signal("-TERM");
    assert_eq!(client.closed().await.code, 4200);
    drop(client);
    assert_eq!(running.ended().0, Some(0));

    let resume = json!({ "session": started["session"]["id"], "secret": started["resume"]["secret"], "last_seq": 2 });
    let resume = json!({ "id": 0, "resume": resume });
    let running = Running::with_data(directory.path());
    // It restored the session, and no client came for it.
    running.child.signal("-KILL");
    assert_eq!(running.ended().0, None);
    let running = Running::with_data(directory.path());
    let mut client = running.connect().await;
    client.send(resume.clone()).await;
    assert_eq!(client.closed().await.code, 4401, "it was restored by the process that was killed");

    let (mut client, started) = running.start(start_of("bob", "instance-2")).await;
    running.child.signal("-TERM");
    assert_eq!(client.closed().await.code, 4200);
    drop(client);
    assert_eq!(running.ended().0, Some(0));
    let running = Running::with_data(directory.path());
    let mut client = running.connect().await;
    let mut resume = resume;
    resume["resume"]["session"] = started["session"]["id"].clone();
    resume["resume"]["secret"] = started["resume"]["secret"].clone();
    client.send(resume).await;
    let reply = client.hear().await;
    assert_eq!(reply["ok"]["resumed"]["state"], "established", "{reply}");
}

#[test]
fn startup_failure_prints_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, line) = complaint(&["serve", "--dev", "--listen", &address, "--log", "error"]);
    assert_eq!(code, Some(1));
    let expected =
        format!("stagedoor: cannot listen on {address}: Address already in use (os error 98)");
    assert_eq!(line, expected, "it is said once");

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let newer = directory.path().join("newer");
    std::fs::create_dir(&newer).unwrap();
    let mut first = Running::with_data(&newer);
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let database = rusqlite::Connection::open(newer.join("stagedoor.db")).unwrap();
    database.pragma_update(None, "user_version", 9_999).unwrap();
    drop(database);
    let text = directory.path().join("text");
    std::fs::create_dir(&text).unwrap();
    std::fs::write(text.join("stagedoor.db"), "this is not a database, however long it is")
        .unwrap();
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(empty.join("stagedoor.db"), "").unwrap();
    let missing = directory.path().join("missing");
    for (case, data, received) in [
        ("a file", &file, "file"),
        ("a newer gateway's", &newer, "schema version 9999"),
        ("no store", &text, "not a database"),
        ("an empty file", &empty, "file is empty; restore a backup"),
        ("no directory", &missing, "missing does not exist; create it"),
    ] {
        let data = data.to_str().unwrap();
        let arguments =
            ["serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error", "--data", data];
        let (code, line) = complaint(&arguments);
        assert_eq!(code, Some(1), "{case}");
        assert!(line.contains(received) && line.contains(data), "{case}: {line}");
    }
}

#[test]
fn a_store_in_use_is_left_to_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::with_data(directory.path());
    let data = directory.path().to_str().unwrap();
    let arguments = ["serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error", "--data", data];
    let (code, line) = complaint(&arguments);
    assert_eq!(code, Some(1));
    assert!(line.contains("another gateway has it open"), "{line}");
    drop(running);
}

#[test]
fn invalid_configuration_error_names_its_position() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    let name = path.to_str().unwrap();
    let missing = directory.path().join("missing.toml");
    let (code, line) = complaint(&["serve", "--config", missing.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(line.contains("missing.toml"), "{line}");
    for (case, text, received) in [
        ("no TOML", "[apps".to_owned(), ":1"),
        ("unknown key", format!("{LEAST}colour = 1\n"), ":6"),
        ("wrong type", format!("{LEAST}require_auth_token = 1\n"), "require_auth_token"),
        ("out of bounds", format!("{LEAST}sessions_per_user = 0\n"), "sessions_per_user"),
        ("no UTF-8", String::new(), "stagedoor.toml"),
    ] {
        let bytes = if case == "no UTF-8" { b"\xff\xfe".to_vec() } else { text.into_bytes() };
        std::fs::write(&path, bytes).unwrap();
        for arguments in [
            ["serve", "--config", name].as_slice(),
            &["check-config", name],
            &["check-config", "--config", name],
        ] {
            let (code, line) = complaint(arguments);
            assert_eq!(code, Some(2), "{case}");
            assert!(line.contains(name) && line.contains(received), "{case}: {line}");
        }
    }
}

#[test]
fn every_configuration_mistake_is_reported_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    let name = path.to_str().unwrap();
    let key = "sk_the-operators-key-of-this-very-node";
    std::fs::write(
        &path,
        format!(
            "colour = 1\n[listen]\nlisten = \"127.0.0.1:7081\"\n[operator]\napi_key = \"{key}\"\n\
             [limits]\nrequests_in_flight = 0\n[store.sqlite]\n[[apps]]\nid = \"shop\"\nguests = 1\n\
             server_keys = [7]\n[[apps]]\nid = \"shop\"\nguests = true\nserver_keys = [\"{key}\"]\n"
        ),
    )
    .unwrap();
    let expected = [
        "1: colour: found an unknown key; expected one of ",
        "2: listen.admin_listen: found 127.0.0.1:7081 where listen is 127.0.0.1:7081; expected another address",
        "5: operator.api_key: found the value of apps[1].server_keys; expected a key that no app has",
        "7: limits.requests_in_flight: found 0; expected a whole number from 1",
        "8: store.sqlite.path: found nothing; expected it to be set",
        "11: apps[0].guests: found 1; expected ",
        "12: apps[0].server_keys[0]: found a value of type integer; expected ",
        "14: apps[1].id: found \"shop\" a second time; expected a unique id",
    ];
    for arguments in [["serve", "--config", name].as_slice(), &["check-config", name]] {
        let (code, lines) = complaints(arguments);
        assert_eq!(code, Some(2));
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(&format!("stagedoor: {name}:{expected}")), "{line}");
        }
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        assert!(!lines.concat().contains(key), "{lines:?}");
    }
}

#[test]
fn a_good_configuration_is_summed_up_without_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    let secret = "change-me-change-me-change-me-ab";
    let signing = "whsec_Y2hhbmdlLW1lLWNoYW5nZS1tZS1jaGFuZ2UtbWUtYWI=";
    let url = "url = \"https://change-me:change-me@shop.example.com/change-me?key=change-me\"\n";
    let text = format!(
        "{LEAST}hs256_secrets = [\"{secret}\"]\n[apps.jwks]\n{url}issuer = \"i\"\naudience = \"a\"\n\
         [apps.auth_webhook]\n{url}secret = \"{signing}\"\n\
         [[apps.webhook_endpoints]]\nid = \"crm\"\n{url}secrets = [\"{signing}\"]\n"
    );
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    for arguments in [&["check-config", file][..], &["check-config", "--json", file]] {
        let output = run(arguments);
        let summary = String::from_utf8(output.stdout).unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
        assert!(summary.contains("shop") && summary.contains("facts.db"), "{summary}");
        let hosts = summary.matches("https://shop.example.com (the rest is not shown)");
        assert_eq!(hosts.count(), 3, "{summary}");
        assert!(!summary.contains("change-me") && !summary.contains(signing), "{summary}");
    }
}

#[test]
fn check_config_warns_of_an_unusable_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    let file = directory.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let missing = directory.path().join("missing");
    for (store, warning) in [
        (missing.join("facts.db"), "missing does not exist; create it"),
        (file.join("facts.db"), "a-file is not a directory"),
        (directory.path().to_owned(), "is a directory; name a file in it"),
    ] {
        let text = LEAST.replace("facts.db", store.to_str().unwrap());
        std::fs::write(&path, text).unwrap();
        for arguments in [&["check-config"][..], &["check-config", "--json"]] {
            let output = run(&[arguments, &[path.to_str().unwrap()]].concat());
            assert_eq!(output.status.code(), Some(0));
            let report = String::from_utf8(output.stdout).unwrap();
            assert!(report.contains("store.sqlite.path: "), "{report}");
            assert!(report.contains(warning), "{warning}: {report}");
        }
    }
    let text = LEAST.replace("facts.db", directory.path().join("facts.db").to_str().unwrap());
    std::fs::write(&path, text).unwrap();
    let report = String::from_utf8(run(&["check-config", path.to_str().unwrap()]).stdout).unwrap();
    assert!(!report.contains("warning"), "{report}");
}

#[tokio::test]
async fn last_log_line_says_how_the_gateway_stopped() {
    let mut running = Running::dev(&[]);
    running.stop("-TERM");
    let mut log = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.trim_end().ends_with("stopped outcome=clean sessions=0"), "{log}");
}

#[tokio::test]
async fn rejected_origin_is_logged_once_with_the_key_to_set() {
    let mut running = Running::dev(&[]);
    let url = format!("ws://{}/v1/connect", running.ready["listen"].as_str().unwrap());
    for origin in ["https://one.example", "https://one.example", "null", "https://two.example"] {
        let mut client = Client::connect_to(&url, &[("Origin", origin)]).await;
        assert_eq!(client.closed().await.code, 4004);
    }
    running.stop("-TERM");
    let mut log = String::new();
    running.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("https://one.example"), 1, "{log}");
    assert_eq!(lines("listen.allowed_origins"), 2, "{log}");
    assert_eq!(lines("--allow-null-origin"), 1, "{log}");

    let running = Running::dev(&["--allow-null-origin"]);
    let url = format!("ws://{}/v1/connect", running.ready["listen"].as_str().unwrap());
    let mut client = Client::connect_to(&url, &[("Origin", "null")]).await;
    client.establish(start_of("ada", "instance-1")).await;
    let (code, line) = complaint(&["serve", "--config", "none.toml", "--allow-null-origin"]);
    assert_eq!(code, Some(2));
    assert!(line.contains("requires --dev"), "{line}");
}

/// Runs the program in development mode with these limits of open files, and a port of its own for the server API.
fn running_with_files(limits: &str) -> (Program, Vec<String>, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new("prlimit");
    command.arg(format!("--nofile={limits}")).arg(env!("CARGO_BIN_EXE_stagedoor"));
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--ready-json"]);
    command.args(["--admin-listen", &admin.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Program::start(command);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let listen = ready["listen"].as_str().unwrap().to_owned();
    let mut log = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut log).unwrap();
    (child, vec![listen, log], admin)
}

#[tokio::test]
async fn production_warns_of_too_few_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stagedoor.toml");
    let listen = "[listen]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
    std::fs::write(&path, format!("{listen}{LEAST}")).unwrap();
    let mut command = Command::new("prlimit");
    command.arg("--nofile=80:80").arg(env!("CARGO_BIN_EXE_stagedoor"));
    command.args(["serve", "--config", path.to_str().unwrap()]);
    command.arg("--data").arg(directory.path()).stderr(Stdio::piped());
    let mut child = Program::start(command);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let expected = "file-descriptor limit allows 16 connections";
    assert!(log.any(|line| line.contains("WARN") && line.contains(expected)));
}

#[tokio::test]
async fn connections_leave_descriptors_for_the_admin_port() {
    let (_child, said, admin) = running_with_files("80:80");
    assert!(said[1].contains("listening"), "no warning in development mode: {}", said[1]);
    let url = format!("ws://{}/v1/connect", said[0]);
    let (mut sessions, mut rejected) = (Vec::new(), 0);
    for n in 0..65 {
        match Client::try_connect_to(&url).await {
            Some(mut client) => {
                client.establish(start_of(&format!("user-{n}"), &format!("instance-{n}"))).await;
                sessions.push(client);
            }
            None => rejected += 1,
        }
    }
    assert_eq!((sessions.len(), rejected), (16, 49));
    for _ in 0..3 {
        let answer = reqwest::get(format!("http://{admin}/livez")).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let metrics = reqwest::get(format!("http://{admin}/metrics")).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let counted = r#"stagedoor_limits_hit_total{limit="reserved_file_descriptors"} 49"#;
    assert!(metrics.contains(counted), "{metrics}");
    drop(sessions);
}

#[tokio::test]
async fn soft_descriptor_limit_is_raised() {
    let (_child, said, admin) = running_with_files("80:1000");
    let url = format!("ws://{}/v1/connect", said[0]);
    let mut sessions = Vec::new();
    for n in 0..100 {
        let mut client = Client::connect_to(&url, &[]).await;
        client.establish(start_of(&format!("user-{n}"), &format!("instance-{n}"))).await;
        sessions.push(client);
    }
    assert_eq!(reqwest::get(format!("http://{admin}/livez")).await.unwrap().status(), 200);
}
