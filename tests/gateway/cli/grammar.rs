//! The grammar of the command line, every command of moderation, and what a user of such tools expects.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{CliOutput, Line, kept, words};
use crate::common::{Client, Gateway, SECRET, SERVER_KEY, Setup, stagedoor, start_of};
use crate::tls::{issue, tls};

/// A command line without a gateway.
fn alone() -> Line {
    Line { url: "http://127.0.0.1:1".to_owned(), variables: Vec::new() }
}

#[tokio::test]
async fn roles_are_set_and_streams_are_ended_by_username() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let received = line.does(&["rooms", "set-role", "lobby", "ada", "moderator"]).await;
    assert!(received.contains("set_role in lobby: 1 enforced in "), "{received}");
    assert_eq!(ada.push("role_changed").await["role"], "moderator");

    let nothing = line.fails(1, &["rooms", "unpublish", "lobby", "ada"]).await;
    assert_eq!(nothing, "\"ada\" publishes no stream in \"lobby\"");
    let stream = ada.publish().await["id"].clone();
    // With its audio on there would be nothing to request.
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let received = line.does(&["rooms", "request-unmute", "lobby", "ada", "--wait", "0s"]).await;
    assert!(received.contains("request_unmute in lobby: "), "{received}");
    assert_eq!(ada.push("unmute_requested").await["stream"], stream);
    let second = ada.publish().await["id"].clone();
    let several = line.fails(1, &["rooms", "ask-unmute", "lobby", "ada"]).await;
    assert!(several.contains("several streams; name one with --stream: "), "{several}");
    for (arguments, id) in [
        (&["rooms", "unpublish", "lobby", "--stream", second.as_str().unwrap()][..], &second),
        (&["rooms", "unpublish", "lobby", "ada", "--reason", "spam"], &stream),
    ] {
        let received = line.does(arguments).await;
        assert!(received.contains("force_unpublish in lobby: 1 enforced in "), "{received}");
        assert_eq!(ada.push("stream_unpublished").await["stream"], *id);
    }
    let unknown = line.fails(1, &["rooms", "set-role", "lobby", "adda", "publisher"]).await;
    assert!(
        unknown.starts_with("no participant named \"adda\", did you mean \"ada\"?"),
        "{unknown}"
    );
}

#[tokio::test]
async fn signals_are_sent_to_a_room_and_to_a_user() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let data = r#"{"text":"five minutes"}"#;
    let sent = line.does(&["rooms", "signal", "lobby", "notice", data]).await;
    assert_eq!(sent, "sent to 2 participants\n");
    for person in [&mut ada, &mut bob] {
        let signal = person.push("signal").await;
        let received = (&signal["type"], &signal["data"]);
        assert_eq!(received, (&json!("notice"), &json!({ "text": "five minutes" })));
    }
    let sent =
        line.does(&["rooms", "signal", "lobby", "wave", "--to", "bob", "--ref", "s-1"]).await;
    assert_eq!(sent, "sent to 1 participant\n");
    assert_eq!(bob.push("signal").await["type"], "wave");
    let unknown = line.fails(1, &["rooms", "signal", "lobyy", "wave"]).await;
    assert!(unknown.starts_with("no room named \"lobyy\", did you mean \"lobby\"?"), "{unknown}");
}

#[tokio::test]
async fn tail_prints_what_happens_in_the_room() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let tail = line.run(&["tail", "lobby", "--count", "2"]);
    let happens = async {
        let joined = ada.push("participant_joined").await;
        assert_eq!(joined["participant"]["username"], "stagedoor-tail");
        assert_eq!(joined["participant"]["role"], "subscriber");
        line.does(&["rooms", "signal", "lobby", "chat", "[1]"]).await;
        ada.publish().await;
        assert_eq!(ada.push("participant_left").await["reason"], "ended");
    };
    let (CliOutput { code, out, err }, ()) = tokio::join!(tail, happens);
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    let pushes: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pushes[0]["signal"]["data"], json!([1]));
    assert_eq!(pushes[1]["stream_published"]["stream"]["kind"], "camera");
    let unknown = line.fails(1, &["rooms", "tail", "lobyy"]).await;
    assert!(unknown.starts_with("no room named \"lobyy\", did you mean \"lobby\"?"), "{unknown}");
    let nowhere = ["tail", "lobby", "--connect", "ws://127.0.0.1:1/v1/connect"];
    let nowhere = line.fails(1, &nowhere).await;
    assert!(nowhere.starts_with("cannot listen at ws://127.0.0.1:1/v1/connect: "), "{nowhere}");
}

#[tokio::test]
async fn user_is_blocked_before_joining_and_unblocked() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let _ada = gateway.enter("ada", "publisher").await;
    let blocked = line.does(&["rooms", "block", "lobby", "eve", "--for", "1h"]).await;
    assert!(blocked.ends_with("blocked: eve may not join lobby for 1h\n"), "{blocked}");
    let (mut eve, _) = Client::guest(&gateway, "eve", "tab-of-eve").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    assert_eq!(eve.request("join", join.clone()).await.unwrap_err()["code"], "blocked");
    line.does(&["rooms", "unblock", "lobby", "eve"]).await;
    eve.request("join", join).await.unwrap();
}

#[tokio::test]
async fn gateway_mints_the_tokens_of_the_command_line() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let token =
        line.does(&["tokens", "mint", "session", "grace", "--room", "lobby=moderator"]).await;
    let mut start = start_of("grace", "tab-of-grace");
    start["credentials"] = json!({ "token": token.trim_end() });
    let (mut grace, started) = Client::start(&gateway, start).await;
    assert_eq!(started["session"]["user"]["guest"], false);
    let joined = grace.request("join", json!({ "room": "lobby" })).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["role"], "moderator");

    let room = ["tokens", "mint", "room", "stage", "--role", "publisher", "--once"];
    let token = line.does(&room).await;
    let join = json!({ "room": "stage", "token": token.trim_end() });
    grace.request("join", join).await.unwrap();
    let server =
        line.objects(&["tokens", "mint", "server", "--name", "billing", "--ttl", "1m"]).await;
    assert!(server[0]["expires_at_ms"].is_u64(), "{server:?}");
    let token = server[0]["token"].as_str().unwrap().to_owned();
    let line = Line { variables: vec![("STAGEDOOR_SERVER_KEY", token)], ..line };
    line.does(&["rooms", "list"]).await;
    let denied = line.fails(1, &["tokens", "mint", "server"]).await;
    assert!(denied.starts_with("rejected: "), "{denied}");
}

#[tokio::test]
async fn secret_is_in_a_file_the_input_or_a_variable() {
    let file = kept(SECRET);
    let path = file.path().to_str().unwrap();
    let mint = ["tokens", "mint", "room", "lobby"];
    let mut line = alone();
    let by_file = line.does(&[&mint[..], &["--secret-file", path]].concat()).await;
    let mut child =
        stagedoor().args(mint).args(["--secret-file", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{SECRET}\n").as_bytes()).unwrap();
    let by_input = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    line.variables = vec![("STAGEDOOR_APP_SECRET", SECRET.to_owned())];
    let by_variable = line.does(&mint).await;
    for token in [&by_file, &by_input, &by_variable] {
        assert_eq!(token.matches('.').count(), 2, "it is a token: {token}");
    }
    let json = line.objects(&mint).await;
    assert!(json[0]["token"].is_string(), "{json:?}");

    let line = alone();
    let missing = line.fails(2, &mint).await;
    assert!(missing.contains("set --secret-file, --config or STAGEDOOR_APP_SECRET"), "{missing}");
    let nowhere = line.fails(2, &[&mint[..], &["--secret-file", "/nowhere/s"]].concat()).await;
    assert!(nowhere.starts_with("/nowhere/s: "), "{nowhere}");
    let argument = line.run(&[&mint[..], &["--secret", SECRET]].concat()).await;
    assert_eq!(argument.code, Some(2), "a secret is no argument");
}

#[tokio::test]
async fn help_names_variables_and_arguments_in_their_order() {
    let mut line = alone();
    line.variables = vec![("STAGEDOOR_APP", "shop".to_owned())];
    for (command, usage) in [
        (&["mute"][..], "stagedoor mute [OPTIONS] <ROOM> [USER]"),
        (&["kick"], "stagedoor kick [OPTIONS] <ROOM> [USER]"),
        (&["ban"], "stagedoor ban [OPTIONS] <USER>"),
        (&["rooms", "mute"], "stagedoor rooms mute [OPTIONS] <ROOM> [USER]"),
        (&["rooms", "lift-mute"], "stagedoor rooms lift-mute [OPTIONS] <ROOM> [USER]"),
        (&["rooms", "set-role"], "stagedoor rooms set-role [OPTIONS] <ROOM> <USER> <ROLE>"),
        (&["rooms", "signal"], "stagedoor rooms signal [OPTIONS] <ROOM> <TYPE> [DATA]"),
        (&["rooms", "unpublish"], "stagedoor rooms unpublish [OPTIONS] <ROOM> [USER]"),
        (&["tokens", "mint", "room"], "stagedoor tokens mint room [OPTIONS] <ROOM>"),
    ] {
        let help = line.does(&[command, &["--help"]].concat()).await;
        assert!(help.contains(&format!("Usage: {usage}\n")), "{help}");
        for variable in
            ["STAGEDOOR_URL", "STAGEDOOR_APP", "STAGEDOOR_KEY_FILE", "STAGEDOOR_CA_FILE"]
        {
            assert!(help.contains(variable), "{variable} in {help}");
            assert!(!help.contains(&format!("`{variable}")), "{help}");
        }
        let required: Vec<_> = usage.split(' ').filter(|word| word.starts_with('<')).collect();
        let wrong = line.run(&[command, &["--no-such-option"]].concat()).await;
        let shown = wrong.err.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        assert!(!shown.contains("--url") && !shown.contains("--app"), "{shown}");
        assert!(required.iter().all(|word| shown.contains(word)), "{shown}");
    }
    let help = line.does(&["--help"]).await;
    assert!(help.contains("Exit codes:") && !help.contains("end-room"), "{help}");
    for verb in
        ["mute", "lift-mute", "mute-all", "lift-mute-all", "kick", "block", "unblock", "end"]
    {
        let help = line.does(&["rooms", "--help"]).await;
        assert!(help.lines().any(|line| words(line).first() == Some(&verb)), "{verb} in {help}");
    }
}

#[tokio::test]
async fn version_has_both_short_flags() {
    let line = alone();
    let version = line.does(&["--version"]).await;
    assert_eq!(version, format!("stagedoor {}\n", env!("CARGO_PKG_VERSION")));
    for flag in ["-V", "-v"] {
        assert_eq!(line.does(&[flag]).await, version);
    }
}

#[tokio::test]
async fn empty_lists_say_so_and_print_nothing() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    for (arguments, what) in [
        (&["sessions", "list"][..], "live sessions"),
        (&["sessions", "list", "--state", "ended"], "ended sessions"),
        (&["rooms", "list"], "rooms"),
        (&["users", "list"], "users"),
        (&["users", "list", "--banned"], "banned users"),
        (&["webhooks", "list"], "webhook endpoints"),
        (&["webhooks", "list-dead"], "dead letters"),
        (&["audit", "list"], "rows"),
    ] {
        let CliOutput { code, out, err } = line.run(arguments).await;
        let expected = format!("stagedoor: no {what}\n");
        assert_eq!((code, &*out, err), (Some(0), "", expected), "{arguments:?}");
        assert!(line.objects(arguments).await.is_empty(), "{arguments:?}");
    }
    line.does(&["rooms", "create", "stage"]).await;
    let shown = line.does(&["rooms", "show", "stage"]).await;
    assert!(shown.ends_with("\n\nno participants\n\nno streams\n"), "{shown}");
}

#[tokio::test]
async fn other_protocol_on_the_port_is_named() {
    let (directory, issued) = (tempfile::tempdir().unwrap(), issue());
    issued.write(directory.path(), "a");
    let certificate = directory.path().join("a.pem").to_str().unwrap().to_owned();
    let configured = tls(directory.path(), "a").unwrap();
    let gateway = Setup::new().with(|config| config.listen.tls = Some(configured)).run().await;
    let port = gateway.address().port();
    let mut line = Line::of(&gateway);

    line.url = format!("http://localhost:{port}");
    let error = line.fails(1, &["rooms", "list"]).await;
    let url = &line.url;
    let says =
        "does not answer in HTTP; if it has a certificate, use https:// in --url or STAGEDOOR_URL";
    assert_eq!(error, format!("{url} {says}"));

    line.url = format!("https://localhost:{port}");
    let error = line.fails(1, &["rooms", "list"]).await;
    assert!(error.contains("is signed by an unknown authority"), "{error}");
    assert!(error.contains("--ca-file"), "{error}");
    let trusted = line.run(&["rooms", "list", "--ca-file", &certificate]).await;
    assert_eq!((trusted.code, &*trusted.err), (Some(0), "stagedoor: no rooms\n"));
    line.variables.push(("STAGEDOOR_CA_FILE", certificate.clone()));
    assert_eq!(line.run(&["audit", "list"]).await.code, Some(0));
    line.url = format!("https://127.0.0.1:{port}");
    let error = line.fails(1, &["rooms", "list"]).await;
    assert!(error.contains("is for another host; use a name of the certificate"), "{error}");
    line.variables.pop();
    let key = directory.path().join("a.key");
    let error = line.fails(2, &["rooms", "list", "--ca-file", key.to_str().unwrap()]).await;
    assert!(error.ends_with("a.key: found no certificate; expected a PEM file"), "{error}");

    let plain = Gateway::dev().await;
    line.url = format!("https://{}", plain.address());
    let error = line.fails(1, &["rooms", "list"]).await;
    let says = "does not answer with TLS; name it with http:// in --url or STAGEDOOR_URL";
    assert_eq!(error, format!("{} {says}", line.url));
}

#[tokio::test]
async fn hostile_names_are_escaped_in_tables_and_errors() {
    let name = "ada\u{202e}\u{200b}\u{3164}\u{1b}[2J";
    let escaped = "ada\\u{202e}\\u{200b}\\u{3164}\\u{1b}[2J";
    let user =
        json!({ "username": name, "registered": true, "name": name, "block": { "reason": name } });
    let users = json!({ "items": [user] });
    let received = answered(&["users", "list"], "200 OK", &users).await;
    let row = received.out.lines().nth(1).unwrap();
    assert_eq!(words(row)[..3], [escaped, "yes", escaped], "{received:?}");
    let json = answered(&["users", "list", "--json"], "200 OK", &users).await;
    assert!(!json.out.contains(['\u{202e}', '\u{200b}', '\u{3164}', '\u{1b}']), "{json:?}");
    let printed: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(printed["username"], name, "the value is the same");
    let problem =
        json!({ "status": 400, "code": "invalid_argument", "detail": format!("found {name}") });
    let received = answered(&["users", "list"], "400 Bad Request", &problem).await;
    assert_eq!(received.err, format!("stagedoor: rejected: found {escaped}\n"));
}

/// What a command prints when this is what it is answered with.
async fn answered(arguments: &[&str], status: &str, body: &serde_json::Value) -> CliOutput {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let line = Line { url, variables: vec![("STAGEDOOR_SERVER_KEY", SERVER_KEY.to_owned())] };
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0, "it is cut off");
        }
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    };
    tokio::join!(line.run(arguments), answering).0
}
