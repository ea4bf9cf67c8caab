//! Moderation from the command line, with its receipts.

use serde_json::json;

use super::{Line, words};
use crate::common::{Client, Gateway};

#[tokio::test]
async fn user_is_kicked_and_unblocked() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let received = line.does(&["kick", "lobby", "ada", "--for", "5m", "--reason", "spam"]).await;
    let lines: Vec<_> = received.lines().collect();
    assert_eq!(words(lines[0]), ["target", "outcome", "elapsed"], "{received}");
    assert_eq!(words(lines[1])[..2], ["ada", "enforced"], "{received}");
    assert!(lines[2].starts_with("force_disconnect in lobby: 1 enforced in "), "{received}");
    let removed = ada.push("removed").await;
    assert_eq!(removed["reason"], "spam");
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
    line.does(&["rooms", "unblock", "lobby", "ada"]).await;
    let joined = ada.does("join", json!({ "room": "lobby" })).await;
    let id = joined["joined"]["participant"]["id"].as_str().unwrap();
    let receipt = line.objects(&["kick", "lobby", "--participant", id]).await;
    assert_eq!(receipt.len(), 1);
    assert_eq!(
        (&receipt[0]["command"], &receipt[0]["target_count"]),
        (&json!("force_disconnect"), &json!(1))
    );
}

#[tokio::test]
async fn a_kick_from_everywhere_ends_the_session() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await.into_client();
    line.does(&["kick", "lobby", "ada", "--everywhere", "--for", "1m"]).await;
    assert_eq!(ada.closed().await.code, 4010);
}

#[tokio::test]
async fn a_mute_waits_and_is_lifted() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let (received, ()) =
        tokio::join!(line.does(&["mute", "lobby", "ada", "--wait", "10s"]), async {
            assert_eq!(ada.push("mute_forced").await["lock"], false);
            ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
        });
    assert!(received.contains("force_mute in lobby: 1 enforced in "), "{received}");
    let received = line.does(&["mute", "lobby", "ada", "--lock"]).await;
    assert!(received.contains("force_mute in lobby: 1 enforced in "), "{received}");
    let on = json!({ "stream": stream, "has_audio": true });
    assert_eq!(ada.fails("update_stream", on.clone()).await, "muted_by_moderator");
    line.does(&["rooms", "lift-mute", "lobby", "ada"]).await;
    ada.does("update_stream", on).await;
    let stream = stream.as_str().unwrap();
    let received = line.does(&["mute", "lobby", "--stream", stream, "--wait", "0s"]).await;
    assert!(received.contains("force_mute in lobby: 1 pending in "), "{received}");
}

#[tokio::test]
async fn everybody_is_muted_and_the_room_is_ended() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let spared = stream.as_str().unwrap();
    let mute = ["rooms", "mute-all", "lobby", "--lock", "--except", spared, "--wait", "0s"];
    line.does(&mute).await;
    assert_eq!(ada.push("mute_forced").await["except"], json!([ada.id()]));
    let room = line.objects(&["rooms", "show", "lobby"]).await;
    assert_eq!(room[0]["mute"], json!({ "active": true, "lock": true }));
    line.does(&["rooms", "lift-mute-all", "lobby"]).await;
    let room = line.objects(&["rooms", "show", "lobby"]).await;
    assert_eq!(room[0]["mute"]["active"], false);
    let received = line.does(&["rooms", "end", "lobby", "--ref", "end-1"]).await;
    assert!(received.contains("end_room in lobby: "), "{received}");
    ada.push("room_ended").await;
}

#[tokio::test]
async fn a_room_is_shown_with_the_ids_that_verbs_take() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let mut ada = gateway.enter("ada", "publisher").await;
    let stream = ada.publish().await["id"].clone();
    let _bob = gateway.enter("bob", "subscriber").await;
    let id = ada.id();
    let (id, stream) = (id.as_str().unwrap(), stream.as_str().unwrap());
    line.does(&["mute", "lobby", "--participant", id, "--lock", "--wait", "0s"]).await;

    let shown = line.does(&["rooms", "show", "lobby"]).await;
    let row = |id: &str| words(shown.lines().find(|line| line.starts_with(id)).unwrap());
    assert_eq!(row(id), [id, "ada", "publisher", "live", "established", "yes"], "{shown}");
    assert_eq!(row(stream), [stream, "ada", id, "camera", "no", "yes", "yes"], "{shown}");
    let room = line.objects(&["rooms", "show", "lobby"]).await.remove(0);
    assert_eq!(room["participants"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&room["streams"][0]["id"], &room["streams"][0]["username"]),
        (&json!(stream), &json!("ada"))
    );
    let cut = line.run(&["rooms", "show", "lobby", "--limit", "1"]).await;
    assert_eq!(
        (cut.code, &*cut.err),
        (Some(0), "stagedoor: more participants exist than the 1 shown; raise --limit\n")
    );
}

#[tokio::test]
async fn kick_of_an_absent_user_prints_the_block() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let _ada = gateway.enter("ada", "publisher").await;
    assert_eq!(
        line.does(&["kick", "lobby", "adda", "--for", "5m"]).await,
        "no participant named \"adda\", did you mean \"ada\"? 1 is in the room: ada\n\
         blocked: adda may not join lobby for 5m\n"
    );
    let (mut adda, _) = Client::guest(&gateway, "adda", "tab-of-adda").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    assert_eq!(adda.request("join", join).await.unwrap_err()["code"], "blocked");
    let received = line.does(&["kick", "lobby", "eve", "--everywhere"]).await;
    let block = "blocked: eve may not join the app for the app's default_block_duration\n";
    assert!(received.ends_with(block), "{received}");
    let receipt = line.objects(&["rooms", "block", "lobby", "mallory"]).await.remove(0);
    assert_eq!((&receipt["target_count"], &receipt["targets"]), (&json!(0), &json!([])));
    let rows = line.objects(&["audit", "list", "--command", "force_disconnect"]).await;
    for row in &rows {
        assert_eq!(
            row["outcome"]["receipts"]["counts"]["enforced"], 0,
            "no participant was removed: {row}"
        );
        assert!(row["target"]["username"].is_string(), "it says who is blocked: {row}");
    }
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn unknown_target_error_lists_participants() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let _ada = gateway.enter("ada", "publisher").await;
    let _bob = gateway.enter("bob", "publisher").await;
    for arguments in [
        &["mute", "lobby", "boob"][..],
        &["rooms", "lift-mute", "lobby", "boob"],
        &["kick", "lobby", "boob", "--for", "0s"],
    ] {
        assert_eq!(
            line.fails(1, arguments).await,
            "no participant named \"boob\", did you mean \"bob\"? 2 are in the room: ada, bob"
        );
    }
    let unknown = "AAAAAAAAAAAAAAAAAAAAAA";
    for arguments in [
        &["mute", "lobby", "--stream", unknown][..],
        &["mute", "lobby", "--participant", unknown],
        &["kick", "lobby", "--participant", unknown],
    ] {
        let gone = line.fails(1, arguments).await;
        assert!(gone.ends_with("; `stagedoor rooms show lobby` lists the current ones"), "{gone}");
    }
}

#[tokio::test]
async fn all_tokens_of_the_app_are_revoked() {
    let gateway = Gateway::dev().await;
    let line = Line::of(&gateway);
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let nothing = line.objects(&["tokens", "revoke-all", "--before", "2030-01-01T00:00:00Z"]).await;
    assert_eq!(nothing[0]["sessions_ended"], 0);
    let received =
        line.does(&["tokens", "revoke-all", "--reason", "leak", "--ref", "leak-1"]).await;
    assert!(received.contains("revoked all tokens (1 session ended)"), "{received}");
    assert_eq!(ada.closed().await.code, 4101);
    let error = line.fails(1, &["tokens", "revoke-all", "--before", "2040-01-01T00:00:00Z"]).await;
    assert!(error.contains("not in the future"), "{error}");
    let received = line.run(&["tokens", "revoke-all", "--before", "yesterday"]).await;
    assert_eq!(received.code, Some(2));
    assert!(received.err.contains("expected a time such as"), "{received:?}");
}
