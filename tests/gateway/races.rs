//! Concurrent commands: each ends in a typed error or in one outcome that all clients agree on.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person, Setup};

/// How often each race is run.
const ROUNDS: usize = 25;

/// Does two things at once; what came of them.
async fn race(
    (mut one, command, body): (Person, &'static str, Value),
    (mut other, other_command, other_body): (Person, &'static str, Value),
) -> [(Person, Result<Value, Value>); 2] {
    let first = tokio::spawn(async move {
        let result = one.request(command, body).await;
        (one, result)
    });
    let second = tokio::spawn(async move {
        let result = other.request(other_command, other_body).await;
        (other, result)
    });
    [first.await.unwrap(), second.await.unwrap()]
}

fn code(error: &Value) -> &str {
    error["code"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mute_and_its_end_the_later_one_holds_for_all() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let one = gateway.enter("one", "moderator").await;
        let other = gateway.enter("other", "moderator").await;
        let mut ada = gateway.enter("ada", "publisher").await;
        one_mutes_the_other_ends(one, other).await;
        let last = ada.received_of("mute_forced").await.pop().expect("the mute is sent");
        let late = gateway.enter("late", "publisher").await;
        assert_eq!(late.joined["room"]["mute"]["active"], last["active"]);
        assert_eq!(ada.publish().await["muted"], last["active"]);
    }
}

async fn one_mutes_the_other_ends(one: Person, other: Person) {
    let mute = json!({ "room": "lobby", "lock": true });
    let ended = json!({ "room": "lobby" });
    for (_, result) in
        race((one, "force_mute_all", mute), (other, "disable_force_mute", ended)).await
    {
        result.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_and_leave_race_sends_one_of_them() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let host = gateway.enter("host", "moderator").await;
        let mut witness = gateway.enter("witness", "subscriber").await;
        let ada = gateway.enter("ada", "publisher").await;
        let kick = json!({ "room": "lobby", "participant": ada.id() });
        let [(_, kicked), (mut ada, left)] =
            race((host, "force_disconnect", kick), (ada, "leave", json!({ "room": "lobby" })))
                .await;
        let received = witness.received_of("participant_left").await;
        assert_eq!(received.len(), 1, "{received:?}");
        let is_kick = received[0]["reason"] == "force_disconnected";
        assert_eq!(kicked.is_ok(), is_kick);
        assert_eq!(left.is_ok(), !is_kick);
        if is_kick {
            assert_eq!(code(&left.unwrap_err()), "not_in_room");
            assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
        } else {
            assert_eq!(code(&kicked.unwrap_err()), "participant_not_found");
            ada.does("join", json!({ "room": "lobby" })).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_lock_and_a_join_whichever_came_first_decides() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let host = gateway.enter("host", "moderator").await;
        let ada = gateway.enter_with("ada", json!({ "room": "hall" })).await;
        let lobby = json!({ "room": "lobby" });
        let [(mut host, locked), (mut ada, joined)] =
            race((host, "lock_room", lobby.clone()), (ada, "join", lobby.clone())).await;
        locked.unwrap();
        let received = host.received_of("participant_joined").await;
        match joined {
            Ok(joined) => {
                assert_eq!(received.len(), 1);
                let saw_lock = joined["joined"]["room"]["locked"] == true;
                let was_notified = !ada.received_of("room_state").await.is_empty();
                assert!(
                    !saw_lock && was_notified,
                    "it came before the lock and was notified of it"
                );
            }
            Err(error) => {
                assert_eq!((code(&error), received.len()), ("room_locked", 0));
                assert_eq!(ada.fails("leave", lobby).await, "not_in_room");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_moderators_who_remove_each_other_one_stays() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let one = gateway.enter("one", "moderator").await;
        let other = gateway.enter("other", "moderator").await;
        let remove = |who: &Person| json!({ "room": "lobby", "participant": who.id() });
        let (of_one, of_other) = (remove(&one), remove(&other));
        let results =
            race((one, "force_disconnect", of_other), (other, "force_disconnect", of_one)).await;
        let (stay, go): (Vec<_>, Vec<_>) = results.into_iter().partition(|(_, done)| done.is_ok());
        assert_eq!((stay.len(), go.len()), (1, 1), "one command came first");
        for (mut person, _) in stay {
            let roster = person.does("roster", json!({ "room": "lobby" })).await;
            assert_eq!(roster["roster"]["participants"].as_array().unwrap().len(), 1);
        }
        for (mut person, refused) in go {
            assert_eq!(code(&refused.unwrap_err()), "not_in_room");
            assert_eq!(person.fails("join", json!({ "room": "lobby" })).await, "blocked");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_moderators_who_remove_the_same_participant_one_did() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let one = gateway.enter("one", "moderator").await;
        let other = gateway.enter("other", "moderator").await;
        let mut ada = gateway.enter("ada", "publisher").await;
        let kick = json!({ "room": "lobby", "participant": ada.id() });
        let results =
            race((one, "force_disconnect", kick.clone()), (other, "force_disconnect", kick)).await;
        let refused = results.iter().filter_map(|(_, result)| result.as_ref().err());
        let refused: Vec<_> = refused.map(code).collect();
        assert_eq!(refused, ["participant_not_found"]);
        assert_eq!(ada.received_of("removed").await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_mute_and_an_unpublishing_no_receipt_is_left_open() {
    for _ in 0..ROUNDS {
        let gateway = Gateway::dev().await;
        let (host, ada, stream) = gateway.host_and_speaker().await;
        let (mute, off) = (json!({ "stream": stream }), json!({ "stream": stream }));
        let [(mut host, muted), (_, ended)] =
            race((host, "force_mute", mute), (ada, "unpublish", off)).await;
        ended.unwrap();
        if let Err(error) = muted {
            assert_eq!(code(&error), "stream_not_found");
            continue;
        }
        // The stream's end is all that a mute can ask for.
        loop {
            let report = host.push("moderation").await;
            if report["counts"]["pending"] == 0 {
                assert_eq!(report["counts"]["enforced"], 1);
                break;
            }
            gateway.advance(std::time::Duration::from_millis(250));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_an_id_shown_by_many_at_once_admits_one() {
    const RACERS: usize = 20;
    let gateway = Arc::new(Gateway::dev().await);
    let token = gateway.token(json!({ "scope": "room", "room": "lobby", "jti": "ticket-1" }));
    let racers = (0..RACERS).map(|n| {
        let (gateway, token) = (Arc::clone(&gateway), token.clone());
        tokio::spawn(async move {
            let (mut client, _) =
                Client::guest(&gateway, &format!("racer-{n}"), "instance-1").await;
            let result = client.request("join", json!({ "room": "lobby", "token": token })).await;
            (client, result)
        })
    });
    let mut admitted = 0;
    for racer in futures::future::join_all(racers).await {
        match racer.unwrap().1 {
            Ok(_) => admitted += 1,
            Err(error) => assert_eq!(code(&error), "token_used"),
        }
    }
    assert_eq!(admitted, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_removal_and_many_joins_no_membership_is_left() {
    for _ in 0..ROUNDS {
        let gateway = Arc::new(Setup::new().run().await);
        let mut host = gateway.enter("host", "moderator").await;
        let claims = json!({ "rooms": { "*": "publisher" } });
        let joins = (0..6).map(|n| {
            let (gateway, claims) = (Arc::clone(&gateway), claims.clone());
            tokio::spawn(async move {
                let instance = format!("instance-{n}");
                let (mut client, _) = gateway.registered("ada", &instance, claims).await;
                let result = client.request("join", json!({ "room": "lobby" })).await;
                (client, result)
            })
        });
        let joins: Vec<_> = joins.collect();
        host.does("force_disconnect", json!({ "room": "lobby", "username": "ada" })).await;
        for join in joins {
            let (mut client, result) = join.await.unwrap();
            if let Err(error) = result {
                assert_eq!(code(&error), "blocked");
            }
            let error = client.request("leave", json!({ "room": "lobby" })).await.unwrap_err();
            assert_eq!(code(&error), "not_in_room");
        }
        let roster = host.does("roster", json!({ "room": "lobby" })).await;
        assert_eq!(roster["roster"]["participants"].as_array().unwrap().len(), 1);
    }
}
