//! The command line against a running gateway: output, exit codes and errors.

mod failing;
mod grammar;
mod verbs;
mod webhooks;

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::blocks::BlockSetter;
use stagedoor::store::{Block, BlockKind, UserKey};

use crate::common::{Client, Gateway, SERVER_KEY, Setup, stagedoor};

/// A gateway's command line.
struct Line {
    url: String,
    variables: Vec<(&'static str, String)>,
}

/// What a command came to.
#[derive(Debug)]
struct CliOutput {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Line {
    fn of(gateway: &Gateway) -> Self {
        let variables = vec![("STAGEDOOR_SERVER_KEY", SERVER_KEY.to_owned())];
        Self { url: format!("http://{}", gateway.address()), variables }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = stagedoor();
        command.env("STAGEDOOR_URL", &self.url).args(arguments);
        command.envs(self.variables.iter().cloned());
        command
    }

    /// Runs a command to its end; the gateway goes on meanwhile.
    async fn run(&self, arguments: &[&str]) -> CliOutput {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let Output { status, stdout, stderr } = output;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        CliOutput { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// What a command prints that does what it should.
    async fn does(&self, arguments: &[&str]) -> String {
        let received = self.run(arguments).await;
        assert_eq!((received.code, &*received.err), (Some(0), ""), "{arguments:?}: {received:?}");
        received.out
    }

    /// The one line a command complains with that ends with this code.
    async fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let received = self.run(arguments).await;
        assert_eq!(
            (received.code, &*received.out),
            (Some(code), ""),
            "{arguments:?}: {received:?}"
        );
        let line = received.err.strip_prefix("stagedoor: ").expect("it says who complains");
        let line = line.strip_suffix('\n').expect("it is a line");
        assert!(!line.contains('\n'), "{line}");
        line.to_owned()
    }

    /// The objects a command prints, one a line.
    async fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.does(&[arguments, &["--json"]].concat()).await;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[tokio::test]
async fn sessions_are_listed_shown_and_ended() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let (mut ada, started) = Client::guest(&gateway, "ada", "tab-of-ada").await;
    gateway.advance(Duration::from_secs(1));
    let (_bob, _) = Client::guest(&gateway, "bob", "tab-of-bob").await;
    let id = started["session"]["id"].as_str().unwrap();

    let table = line.does(&["sessions", "list"]).await;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert_eq!(words(lines[0])[..2], ["session", "user"]);
    assert_eq!(words(lines[1])[..6], [id, "ada", "yes", "tab-of-ada", "established", "yes"]);
    assert_eq!(words(lines[0])[7..], ["address", "client", "version"], "{table}");
    assert_eq!(words(lines[1])[7..], ["127.0.0.1", "test", "1"], "{table}");
    let one = line.objects(&["sessions", "list", "--user", "ada"]).await;
    assert_eq!((one.len(), &one[0]["id"]), (1, &json!(id)));
    let cut = line.run(&["sessions", "list", "--limit", "1"]).await;
    assert_eq!((cut.code, cut.out.lines().count()), (Some(0), 2), "{cut:?}");
    assert_eq!(cut.err, "stagedoor: more exist than the 1 shown; raise --limit\n");

    let shown = line.does(&["sessions", "show", id]).await;
    assert!(shown.contains("user           ada\n"), "{shown}");
    assert_eq!(line.objects(&["sessions", "show", id]).await[0]["username"], "ada");
    assert_eq!(line.does(&["sessions", "end", id]).await, format!("ended session {id}\n"));
    assert_eq!(ada.closed().await.code, 4015);
    let gone = line.fails(1, &["sessions", "end", id]).await;
    assert_eq!(gone, "rejected: no live session with this id");
    let ended = line.objects(&["sessions", "list", "--state", "ended"]).await;
    assert_eq!((ended.len(), &ended[0]["id"]), (1, &json!(id)));
    for state in ["ended", "terminated"] {
        let table = line.does(&["sessions", "list", "--state", state]).await;
        let lines: Vec<_> = table.lines().map(words).collect();
        assert_eq!(lines[0][6..9], ["ended", "code", "reason"], "{table}");
        assert!(lines[1][6].starts_with("2030-03-17T17:46:4"), "{table}");
        assert_eq!(lines[1][7..9], ["4015", "terminated"], "{table}");
    }
}

#[tokio::test]
async fn a_list_goes_on_over_its_pages() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    for n in 0..1_005 {
        let username = format!("user-{n:04}").parse().unwrap();
        let user = UserKey { app: "demo".into(), username };
        let since = gateway.clock().wall();
        let block = Block {
            kind: BlockKind::Ban,
            set_by: BlockSetter::Ban,
            reason: None,
            since,
            until: None,
        };
        gateway.hub().accounts.block_user(user, block, false, None, None).await.unwrap();
    }
    let users = line.objects(&["users", "list", "--banned", "--limit", "5000"]).await;
    let last = users.last().map(|user| &user["username"]);
    assert_eq!((users.len(), last), (1_005, Some(&json!("user-1004"))));
}

#[tokio::test]
async fn rooms_are_created_listed_shown_and_locked() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let create =
        ["rooms", "create", "town-hall", "--participants", "500", "--muted", "--mute-locked"];
    let created = line.does(&create).await;
    assert!(created.contains("max participants    500\n"), "{created}");
    let again = line.fails(1, &create).await;
    assert!(again.starts_with("rejected: room already exists; "), "{again}");
    let _ada = gateway.enter("ada", "publisher").await;
    let table = line.does(&["rooms", "list"]).await;
    let lines: Vec<_> = table.lines().map(words).collect();
    assert_eq!(lines[1], ["lobby", "yes", "1", "0", "no", "no"], "{table}");
    assert_eq!(lines[2][..5], ["town-hall", "yes", "0", "0", "yes"], "{table}");

    let locked = line.does(&["rooms", "lock", "lobby"]).await;
    assert!(locked.contains("\nlock_room in lobby: 1 enforced in "), "{locked}");
    assert_eq!(line.objects(&["rooms", "show", "lobby"]).await[0]["locked"], true);
    line.does(&["rooms", "unlock", "lobby"]).await;
    let shown = line.does(&["rooms", "show", "lobby"]).await;
    assert!(shown.contains("\nlocked              no\n"), "{shown}");
}

#[tokio::test]
async fn users_are_listed_shown_banned_revoked_and_deleted() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let (mut ada, _) = Client::guest(&gateway, "ada", "tab-of-ada").await;
    let ban = ["ban", "ada", "--for", "1h", "--reason", "spam", "--ref", "b-1"];
    let banned = line.does(&ban).await;
    assert!(banned.starts_with("banned ada until 2030-03-17T18:"), "{banned}");
    assert!(banned.ends_with("; 1 session ended\n"), "{banned}");
    assert_eq!(line.does(&ban).await, banned, "under one ref it is done once");
    assert_eq!(ada.closed().await.code, 4011);
    let shown = line.does(&["users", "show", "ada"]).await;
    assert!(shown.contains("blocked by             ban\n"), "{shown}");
    assert!(shown.contains("reason                 spam\n"), "{shown}");
    assert_eq!(line.does(&["users", "list", "--banned"]).await.lines().count(), 2);
    assert_eq!(line.does(&["users", "unban", "ada"]).await, "unbanned ada\n");
    let too_long = line.run(&["users", "ban", "eve", "--for", "3651d"]).await;
    assert_eq!(too_long.code, Some(2));
    assert!(too_long.err.contains("expected at most 3650d"), "{}", too_long.err);
    assert_eq!(line.does(&["ban", "eve"]).await, "banned eve; permanent\n");
    let shown = line.does(&["users", "show", "eve"]).await;
    assert!(shown.contains("blocked by             ban\n"), "{shown}");
    assert!(!shown.contains("until"), "it has no end: {shown}");
    line.does(&["users", "unban", "eve"]).await;
    assert_eq!(line.fails(1, &["users", "unban", "ada"]).await, "rejected: user is not banned");

    let (mut ada, _) = Client::guest(&gateway, "ada", "tab-of-ada").await;
    let shown = line.does(&["users", "show", "ada"]).await;
    assert!(shown.contains("tab-of-ada"), "her session is shown too: {shown}");
    let revoked = line.does(&["users", "revoke", "ada"]).await;
    let accepted = "tokens issued from 2030-03-17T17:46:41.000Z on are accepted";
    assert_eq!(revoked, format!("revoked all tokens of ada; 1 session ended; {accepted}\n"));
    assert_eq!(ada.closed().await.code, 4101);
    assert_eq!(line.does(&["users", "delete", "ada"]).await, "deleted ada\n");
    let again = line.fails(1, &["users", "delete", "ada"]).await;
    assert!(again.contains("user not found or already deleted"), "{again}");
    let deleted = line.objects(&["users", "show", "ada"]).await;
    assert!(deleted[0]["user"]["deleted_ms"].is_u64(), "{deleted:?}");
}

#[tokio::test]
async fn an_audit_log_is_read_from_a_gateway_that_runs() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let url = line.url.clone();
    for user in ["ada", "bob", "eve"] {
        line.does(&["ban", user]).await;
    }
    let audit = |what: &'static str, more: &[&'static str]| {
        let fixed = ["audit", what, "--app", "demo", "--url"].into_iter();
        let all = fixed.chain([Box::leak(url.clone().into_boxed_str()) as &str]);
        all.chain(more.iter().copied()).collect::<Vec<&str>>()
    };
    let table = line.does(&["audit", "list", "--after", "1", "--user", "bob"]).await;
    let row = words(table.lines().nth(1).unwrap());
    assert_eq!(
        (row[0], &row[2..6]),
        ("2", &["server", "key:58bcea48", "ban", "bob"][..]),
        "{table}"
    );
    assert_eq!(table.lines().count(), 2);
    let last = line.run(&["audit", "list", "--command", "ban", "--limit", "2", "--json"]).await;
    let numbers = last
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap());
    assert!(numbers.eq([2, 3]), "{last:?}");
    assert_eq!(last.err, "stagedoor: more rows exist than the 2 shown; raise --limit\n");
    let export = line.does(&audit("export", &["--limit", "2"])).await;
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["head"]["number"]), (3, &json!(3)), "the head is last");
    let verified = line.does(&audit("verify", &[])).await;
    let head = verified.strip_prefix("ok: 3 rows, head ").unwrap().trim_end().to_owned();
    let mut verify = audit("verify", &["--head"]);
    verify.push(&head);
    assert_eq!(line.does(&verify).await, verified);
    let other = head.replace("3:", "2:");
    *verify.last_mut().unwrap() = &other;
    let received = line.run(&verify).await;
    assert!(
        received.code == Some(1) && received.out.starts_with("tampered with: "),
        "{received:?}"
    );
}

#[tokio::test]
async fn an_audit_log_is_asked_for_as_everything_else_is() {
    let gateway = Gateway::dev().await;
    let mut line = Line::of(&gateway);
    line.does(&["ban", "ada"]).await;
    let file = kept(SERVER_KEY);
    let path = file.path().display().to_string();
    line.variables = vec![("STAGEDOOR_KEY_FILE", path), ("STAGEDOOR_APP", "demo".to_owned())];
    for what in ["list", "export", "verify"] {
        line.does(&["audit", what]).await;
    }
    line.variables[1].1 = "other".to_owned();
    assert!(line.fails(1, &["audit", "list"]).await.starts_with("rejected: "));
    let offline = line.fails(1, &["audit", "list", "--data", "/nowhere"]).await;
    assert!(offline.starts_with("store /nowhere/"), "a store that is named goes before: {offline}");
    line.url = "127.0.0.1".to_owned();
    assert!(line.fails(2, &["audit", "list"]).await.starts_with("STAGEDOOR_URL: expected "));
}

#[tokio::test]
async fn a_drain_is_that_of_sigterm_and_can_be_waited_for() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let (mut ada, _) = Client::guest(&gateway, "ada", "tab-of-ada").await;
    let (received, closed) = tokio::join!(line.does(&["drain", "--wait"]), ada.closed());
    assert_eq!(received, "draining 1 session, within 10 s\n");
    assert_eq!((closed.code, &closed.disconnect["action"]), (4200, &json!("retry")));
    drop(ada);
    assert_eq!(gateway.ended().await, stagedoor::server::Stopped::Cleanly);
    let gone = line.fails(1, &["drain"]).await;
    assert!(gone.starts_with("no gateway is listening at http://127.0.0.1:"), "{gone}");
}

#[tokio::test]
async fn only_the_operator_drains() {
    let key = "sk_the-operators-key-of-this-very-node";
    let gateway =
        Setup::new().with(|config| config.operator.api_key = Some(key.into())).run().await;
    let mut line = Line::of(&gateway);
    let refused = line.fails(1, &["drain"]).await;
    assert!(refused.starts_with("rejected: not the operator key; "), "{refused}");
    line.variables.push(("STAGEDOOR_OPERATOR_KEY", key.to_owned()));
    assert!(line.objects(&["rooms", "list"]).await.is_empty());
    assert_eq!(
        line.objects(&["drain"]).await,
        [json!({ "sessions": 0, "spread_ms": 1, "deadline_ms": 10_000 })]
    );
    gateway.ended().await;

    let gateway = Setup::new().with(|config| config.operator.api_key = None).run().await;
    let refused = Line::of(&gateway).fails(1, &["drain"]).await;
    assert!(refused.starts_with("rejected: the gateway has no operator key; "), "{refused}");
}

#[tokio::test]
async fn the_operators_own_key_is_shown_before_the_apps() {
    let key = "sk_the-operators-key-of-this-very-node";
    let (operators, apps) = (kept(key), kept(SERVER_KEY));
    let [operators, apps] = [operators.path(), apps.path()].map(|path| path.to_str().unwrap());
    for (variables, arguments) in [
        (&[("STAGEDOOR_KEY_FILE", apps), ("STAGEDOOR_OPERATOR_KEY", key)][..], &["drain"][..]),
        (
            &[("STAGEDOOR_OPERATOR_KEY", "sk_old"), ("STAGEDOOR_OPERATOR_KEY_FILE", operators)],
            &["drain", "--wait"],
        ),
        (&[("STAGEDOOR_OPERATOR_KEY_FILE", apps)], &["drain", "--key-file", operators]),
    ] {
        let gateway =
            Setup::new().with(|config| config.operator.api_key = Some(key.into())).run().await;
        let mut line = Line::of(&gateway);
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        line.variables = variables.collect();
        line.does(arguments).await;
        gateway.ended().await;
    }

    let gateway =
        Setup::new().with(|config| config.operator.api_key = Some(key.into())).run().await;
    let mut line = Line::of(&gateway);
    line.variables = vec![("STAGEDOOR_KEY_FILE", apps.to_owned())];
    let refused = line.fails(1, &["drain"]).await;
    assert!(refused.contains("STAGEDOOR_OPERATOR_KEY") && !refused.contains("--app"), "{refused}");
    line.variables.clear();
    assert!(line.fails(2, &["drain"]).await.ends_with("or STAGEDOOR_OPERATOR_KEY"));
}

/// A file that has a key.
fn kept(key: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{key}\n")).unwrap();
    file
}

#[tokio::test]
async fn completions_are_made_for_each_shell() {
    let line = Line { url: "http://127.0.0.1:1".to_owned(), variables: Vec::new() };
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = line.does(&["completions", shell]).await;
        assert!(script.contains("lift-mute-all") && script.contains("key-file"), "{shell}");
    }
}
