//! What the command line says when it cannot, and when it is asked for what makes no sense.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Line, kept};
use crate::common::{Client, Gateway};

#[tokio::test]
async fn unknown_name_error_lists_existing_names() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    assert_eq!(
        line.fails(1, &["rooms", "end", "lobby"]).await,
        "no room named \"lobby\"; none is open"
    );
    let _ada = gateway.enter("ada", "publisher").await;
    gateway.api_does("POST", "rooms", json!({ "room": "stage" })).await;
    for arguments in [
        &["rooms", "kick", "lobyy", "ada"][..],
        &["kick", "lobyy", "ada"],
        &["mute", "lobyy", "ada"],
        &["rooms", "mute-all", "lobyy"],
        &["rooms", "end", "lobyy"],
        &["rooms", "show", "lobyy"],
        &["rooms", "lock", "lobyy"],
    ] {
        assert_eq!(
            line.fails(1, arguments).await,
            "no room named \"lobyy\", did you mean \"lobby\"? 2 are open: lobby, stage"
        );
    }
    for command in ["show", "delete"] {
        assert_eq!(
            line.fails(1, &["users", command, "Ada"]).await,
            "no user named \"Ada\", did you mean \"ada\"? 1 is known: ada"
        );
    }
}

#[tokio::test]
async fn a_wrong_key_or_app_is_refused_and_a_missing_one_is_misuse() {
    let gateway = Gateway::dev().await;
    let mut line = Line::of(&gateway);
    let says = "rejected: not a valid server key or server token of this app; select the app with --app and its key with --key-file";
    assert_eq!(line.fails(1, &["rooms", "list", "--app", "other"]).await, says);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "sk_another-key\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(line.fails(1, &["rooms", "list", "--key-file", path]).await, says);
    std::fs::write(file.path(), format!("{}\n", crate::common::SERVER_KEY)).unwrap();
    line.variables.clear();
    assert!(line.objects(&["rooms", "list", "--key-file", path]).await.is_empty());
    for unusable in ["sk_one\nsk_two\n", "sk one", "sk_ö"] {
        std::fs::write(file.path(), unusable).unwrap();
        let error = line.fails(2, &["rooms", "list", "--key-file", path]).await;
        assert_eq!(
            error,
            format!("{path}: expected one key, without spaces and line breaks in it")
        );
    }
    let nowhere = line.fails(2, &["rooms", "list", "--key-file", "/nowhere/key"]).await;
    assert!(nowhere.starts_with("/nowhere/key: "), "{nowhere}");
    assert_eq!(
        line.fails(2, &["rooms", "list"]).await,
        "no key given: set --key-file or STAGEDOOR_SERVER_KEY"
    );
}

#[tokio::test]
async fn url_special_names_reach_no_other_resource() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    line.does(&["ban", "ban"]).await;
    let refused = line.run(&["users", "unban", "."]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("not . or .."), "{refused:?}");
    assert_eq!(line.objects(&["users", "list", "--banned"]).await.len(), 1, "`ban` stays banned");
    for odd in ["a/b", "a?b#c", "%2e", "ü \"x\""] {
        line.does(&["ban", odd]).await;
        assert_eq!(line.objects(&["users", "show", odd]).await[0]["user"]["username"], odd);
    }
}

#[tokio::test]
async fn unknown_and_foreign_users_are_distinguished() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let variables = vec![("STAGEDOOR_SERVER_KEY", "sk_key".to_owned())];
    let line = Line { url: url.clone(), variables };
    let answering = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>").await.unwrap();
    };
    let (received, ()) = tokio::join!(line.fails(1, &["rooms", "list"]), answering);
    assert!(
        received
            .ends_with("answered with status 200 but is not a gateway's server API; check --url"),
        "{received}"
    );
    drop(listener);
    let received = line.fails(1, &["rooms", "list"]).await;
    assert!(
        received.starts_with(&format!("no gateway is listening at {url}; start it, or set --url")),
        "{received}"
    );
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_misuse() {
    let line = Line { url: "http://127.0.0.1:1".to_owned(), variables: Vec::new() };
    for arguments in [
        &["kick", "lobby"][..],
        &["kick", "lobby", "ada", "--for", "5"],
        &["kick", "lobby", "ada", "--lift"],
        &["rooms", "unblock", "lobby"],
        &["rooms", "set-role", "lobby", "ada", "king"],
        &["rooms", "set-role", "lobby", "ada"],
        &["rooms", "signal", "lobby", "chat", "{no"],
        &["rooms", "unpublish", "lobby"],
        &["rooms", "lift-mute", "lobby", "ada", "--lock"],
        &["end-room", "lobby"],
        &["mute", "lobby"],
        &["mute", "lobby", "ada", "--participant", "AAAAAAAAAAAAAAAAAAAAAA"],
        &["rooms", "mute-all", "lobby", "--lift"],
        &["sessions", "show", "not-an-id"],
        &["sessions", "list", "--state", "gone"],
        &["sessions", "list", "--limit", "0"],
        &["rooms", "show", "lobby", "--limit", "0"],
        &["audit", "list", "--limit", "0"],
        &["rooms", "create", "lobby", "--mute-locked"],
        &["rooms", "list", "--url", "127.0.0.1:7081"],
        &["rooms", "list", "--url", "http://ada:secret@127.0.0.1:7081"],
        &["completions", "cobol"],
        &["drain", "now"],
    ] {
        let received = line.run(arguments).await;
        assert_eq!((received.code, &*received.out), (Some(2), ""), "{arguments:?}: {received:?}");
    }
}

#[tokio::test]
async fn a_closed_pipe_is_no_failure() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let (_ada, _) = Client::guest(&gateway, "ada", "tab-of-ada").await;
    line.does(&["ban", "eve"]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"shop\"\nguests = true\n";
    std::fs::write(file.path(), text).unwrap();
    let config = file.path().to_str().unwrap();
    let secret = kept(crate::common::SECRET);
    for arguments in [
        &["sessions", "list"][..],
        &["sessions", "list", "--json"],
        &["users", "show", "ada"],
        &["audit", "export", "--app", "demo", "--url", &line.url],
        &["completions", "bash"],
        &["check-config", "--schema"],
        &["check-config", config],
        &["tokens", "mint", "session", "ada", "--secret-file", secret.path().to_str().unwrap()],
    ] {
        let mut command = line.command(arguments);
        let (mut code, err) = tokio::task::spawn_blocking(move || {
            let mut child = command.stdout(closed_pipe()).stderr(Stdio::piped()).spawn().unwrap();
            let mut err = String::new();
            child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            (child.wait().unwrap().code(), err)
        })
        .await
        .unwrap();
        assert_eq!((code.take(), &*err), (Some(0), ""), "{arguments:?}");
    }
}

/// What is left of a pipe whose reader has had enough, as `head` has after a few lines.
fn closed_pipe() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[tokio::test]
async fn closed_stderr_does_not_change_the_exit_code() {
    let line = Line { url: "http://127.0.0.1:1".to_owned(), variables: Vec::new() };
    let mut command = line.command(&["rooms", "list"]);
    let ended = tokio::task::spawn_blocking(move || command.stderr(closed_pipe()).status());
    assert_eq!(ended.await.unwrap().unwrap().code(), Some(2));
}
