//! A connection lost during a start or resume: a new start is the only session, a retry resumes.

use serde_json::{Value, json};
use stagedoor_client::SocketClose;

use super::{next_cut, unhurried};
use crate::common::proxy::{At, Fault, Proxy, Strike, Way};
use crate::common::{Client, Gateway, Setup, Survivor, start_of};

/// Starts through a proxy that cuts; what was heard, and whether it was all.
async fn cut_start(gateway: &Gateway, strike: Strike, start: Value) -> (Vec<Value>, bool) {
    let proxy = Proxy::striking(gateway, strike).await;
    let Some(mut client) = Client::try_connect_to(&proxy.url()).await else {
        return (Vec::new(), false);
    };
    client.send(json!({ "id": 0, "start": start })).await;
    let mut heard = Vec::new();
    while let Some(message) = client.try_hear().await {
        let is_all = message.pointer("/session_state/state") == Some(&json!("established"));
        heard.push(message);
        if is_all {
            return (heard, true);
        }
    }
    (heard, false)
}

#[tokio::test]
async fn restart_after_a_cut_start_leaves_one_session() {
    let gateway = unhurried().await;
    for way in [Way::Up, Way::Down] {
        let mut place = 0;
        loop {
            let name = format!("ada-{way:?}-{place}");
            let mut start = start_of(&name, "instance-of-ada");
            let strike = Strike {
                way,
                at: At::Byte(place),
                passing: 0,
                fault: Fault::SocketClose(SocketClose::Fin),
            };
            let (heard, is_established) = cut_start(&gateway, strike, start.clone()).await;
            if is_established {
                break;
            }
            let before = heard.iter().find_map(|message| message.pointer("/ok/started"));
            if let Some(before) = before {
                start["credentials"] = json!({ "token": before["access_token"] });
            }
            let (mut ada, started) = Client::start(&gateway, start).await;
            assert!(ada.request("renew", json!({})).await.is_ok(), "{way:?} {place}");
            let own = gateway.hub().sessions.list("demo").into_iter();
            let own: Vec<_> =
                own.filter(|session| session.user().username.as_str() == name).collect();
            assert_eq!(own.len(), 1, "{way:?} {place}: it is alone");
            assert_eq!(json!(own[0].id()), started["session"]["id"], "{way:?} {place}");
            if let Some(before) = before {
                assert_eq!(Client::resume_refused(&gateway, before, 1).await.code, 4013);
            }
            place += if place < 16 { 1 } else { 7 };
        }
        assert!(place > 100, "{way:?}: a start takes more than {place} bytes");
    }
}

/// Where a resume is cut, so that the gateway either never got the request or did answer it.
fn places() -> Vec<(Way, At)> {
    let mut places = vec![(Way::Up, At::Text("\"resume\"")), (Way::Down, At::Text("\"resumed\""))];
    // The frames that follow the reply.
    places.extend((2..=4).map(|frame| (Way::Down, At::Frame(frame))));
    places
}

#[tokio::test]
async fn a_cut_resume_is_tried_again_and_nothing_comes_twice_or_never() {
    let gateway = unhurried().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = Survivor::start(&gateway.url(), start_of("ada", "instance-of-ada")).await;
    ada.does("join", json!({ "room": "lobby" })).await;
    host.received().await;
    let mut said = 0;
    for (way, at) in places() {
        let (mut passing, mut len) = (0, usize::MAX);
        // A whole request that is cut off behind may still be resumed, later than the next: that is no cut resume.
        while passing < len || (way == Way::Down && passing == len) {
            let case = format!("{way:?} {at:?} {passing}");
            ada.cut().await;
            gateway.suspended("ada").await;
            for _ in 0..3 {
                said += 1;
                host.does("signal", json!({ "room": "lobby", "type": "n", "data": said })).await;
            }
            let strike = Strike { way, at, passing, fault: Fault::SocketClose(SocketClose::Reset) };
            let mut proxy = Proxy::striking(&gateway, strike).await;
            ada.ask_back(&proxy.url()).await;
            ada.hear_out().await;
            len = proxy.struck().await;
            gateway.suspended("ada").await;
            let resumed = ada.resume(&gateway.url()).await;
            assert_eq!(resumed["pending"], json!([]), "{case}");
            ada.catch_up().await;
            let heard: Vec<u64> = ada
                .heard_of("signal")
                .iter()
                .map(|received| received["data"].as_u64().unwrap())
                .collect();
            assert_eq!(heard, (1..=said).collect::<Vec<_>>(), "{case}");
            ada.check_numbers();
            let received = host.received().await;
            assert!(
                received.iter().all(|(name, _)| name == "participant_link"),
                "{case}: {received:?}"
            );
            let links: Vec<_> = received.iter().map(|(_, received)| &received["link"]).collect();
            // The clock stands still, so later links are not pushed.
            assert!(links.is_empty() || links == ["suspended", "live"], "{case}: {links:?}");
            passing = next_cut(passing, len);
        }
    }
}

#[tokio::test]
async fn a_token_lost_with_its_resumed_is_had_again() {
    let gateway = Setup::new().run().await;
    for asks_again in [true, false] {
        let token = gateway.session_token(json!({ "username": "ada", "ttl_s": 600 })).await;
        let mut start = start_of("ada", "instance-of-ada");
        start["credentials"] = json!({ "token": token });
        let mut ada = Survivor::start(&gateway.url(), start).await;
        ada.cut().await;
        gateway.suspended("ada").await;

        let (way, at) = (Way::Down, At::Text("\"resumed\""));
        let strike = Strike { way, at, passing: 0, fault: Fault::SocketClose(SocketClose::Reset) };
        let proxy = Proxy::striking(&gateway, strike).await;
        let auth = gateway.session_token(json!({ "username": "ada", "ttl_s": 6_000 })).await;
        let renewing = json!({ "auth_token": auth });
        ada.ask_back_with(&proxy.url(), renewing.clone()).await;
        ada.hear_out().await;
        gateway.suspended("ada").await;

        let access = if asks_again {
            ada.ask_back_with(&gateway.url(), renewing).await;
            ada.come_back().await["access_token"].clone()
        } else {
            // The session is renewed all the same; only its token is missing.
            let resumed = ada.resume(&gateway.url()).await;
            let until = ada.started["session"]["expires_at_ms"].as_u64();
            assert!(resumed["expires_at_ms"].as_u64() > until, "{resumed}");
            ada.does("renew", renewing).await["renewed"]["access_token"].clone()
        };
        // Meanwhile the one from before is as good as it was.
        for token in [ada.started["access_token"].clone(), access] {
            let mut start = start_of("ada", "instance-of-ada");
            start["credentials"] = json!({ "token": token });
            Client::start(&gateway, start).await;
        }
    }
}
