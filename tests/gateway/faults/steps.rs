//! A connection lost at each step of a request: one effect and one reply.

use serde_json::{Value, json};
use stagedoor_client::SocketClose;

use super::{next_cut, unhurried};
use crate::common::proxy::{At, Fault, Proxy, Strike, Way};
use crate::common::{Gateway, Person, Survivor, start_of};

/// A command that is cut.
struct Step {
    command: &'static str,
    /// How its request and its reply differ from others.
    request: &'static str,
    reply: &'static str,
    body: fn(&Stage, &str) -> Value,
    /// Whether it has a `ref`, by which it may be sent again.
    has_ref: bool,
}

const STEPS: [Step; 4] = [
    Step {
        command: "join",
        request: "\"join\"",
        reply: "\"joined\":{",
        body: |stage, _| stage.join(),
        has_ref: false,
    },
    Step {
        command: "signal",
        request: "\"signal\"",
        reply: "\"sent\"",
        body: |_, ref_| json!({ "room": "lobby", "type": "n", "data": ref_, "ref": ref_ }),
        has_ref: true,
    },
    Step {
        command: "force_mute",
        request: "\"force_mute\"",
        reply: "\"accepted\"",
        body: |_, ref_| json!({ "room": "lobby", "username": "bob", "lock": true, "ref": ref_ }),
        has_ref: true,
    },
    Step {
        command: "renew",
        request: "\"renew\"",
        reply: "\"renewed\"",
        body: |_, _| json!({}),
        has_ref: false,
    },
];

/// The room in which it happens, and who looks on.
struct Stage {
    gateway: Gateway,
    host: Person,
    _bob: Person,
    rounds: usize,
}

impl Stage {
    async fn new() -> Self {
        let gateway = unhurried().await;
        let host = gateway.enter("host", "moderator").await;
        let mut bob = gateway.enter("bob", "publisher").await;
        bob.publish().await;
        Self { gateway, host, _bob: bob, rounds: 0 }
    }

    fn join(&self) -> Value {
        json!({ "room": "lobby", "token": self.gateway.room_token("moderator") })
    }

    /// Cuts a step as given and resumes the session; the size of what was cut.
    async fn round(&mut self, step: &Step, strike: Strike) -> usize {
        self.rounds += 1;
        let name = format!("ada-{}", self.rounds);
        let case = format!("{} {strike:?}", step.command);
        let mut proxy = Proxy::striking(&self.gateway, strike).await;
        let mut ada = Survivor::start(&proxy.url(), start_of(&name, &format!("on-{name}"))).await;
        if step.command != "join" {
            ada.does("join", self.join()).await;
        }
        self.host.received().await;

        let ref_ = format!("ref-{}", self.rounds);
        let asked = ada.begin(step.command, (step.body)(self, &ref_)).await;
        ada.hear_out().await;
        let len = proxy.struck().await;
        self.gateway.suspended(&name).await;
        let resumed = ada.resume(&self.gateway.url()).await;
        let is_pending = resumed["pending"].as_array().unwrap().contains(&json!(asked));
        assert!(!is_pending || ada.replies(asked).is_empty(), "{case}: done, and pending");
        let is_done = is_pending || !ada.replies(asked).is_empty();
        if is_done {
            assert!(ada.reply(asked).await.get("ok").is_some(), "{case}");
        }
        if !is_done || step.has_ref {
            let again = ada.does(step.command, (step.body)(self, &ref_)).await;
            if is_done {
                assert_eq!(again, ada.reply(asked).await["ok"], "{case}: answered as at first");
            }
        }
        ada.catch_up().await;
        assert!(ada.replies(asked).len() <= 1, "{case}: one reply");
        ada.check_numbers();
        self.check_effects(step, &name, &ref_, &case).await;

        ada.begin("end", json!({})).await;
        ada.hear_out().await;
        self.host.push("participant_left").await;
        len
    }

    /// The effect is there once, and others saw no one leave.
    async fn check_effects(&mut self, step: &Step, name: &str, ref_: &str, case: &str) {
        let received = self.host.received().await;
        let of = |name: &str| {
            received.iter().filter(|(received, _)| received == name).collect::<Vec<_>>()
        };
        assert!(of("participant_left").is_empty(), "{case}: a flap: {received:?}");
        let links: Vec<_> =
            of("participant_link").iter().map(|(_, received)| &received["link"]).collect();
        // A user that joins only after the loss was never seen without a connection.
        let may_be_unseen = step.command == "join" && links.is_empty();
        assert!(may_be_unseen || links == ["suspended", "live"], "{case}: {links:?}");
        match step.command {
            "join" => {
                let joined = of("participant_joined");
                assert_eq!(joined.len(), 1, "{case}: {received:?}");
                assert_eq!(joined[0].1["participant"]["username"], name);
            }
            "signal" => assert_eq!(of("signal").len(), 1, "{case}: {received:?}"),
            "force_mute" => {
                let rows = self.gateway.hub().store().audit_rows("demo".into(), 0, 10_000);
                let rows = rows.await.unwrap().into_iter();
                let own = rows.filter(|row| row.event.ref_ == ref_.parse().ok());
                let versions: Vec<_> = own.map(|row| row.event.version).collect();
                assert!(!versions.is_empty(), "{case}: it is in the audit log");
                assert!(
                    versions.iter().all(|version| *version == versions[0]),
                    "{case}: done twice"
                );
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_request_cut_on_its_way_up_is_done_once() {
    let mut stage = Stage::new().await;
    for step in &STEPS {
        let (mut passing, mut len) = (0, usize::MAX);
        while passing <= len {
            let cut = if passing % 2 == 0 { SocketClose::Reset } else { SocketClose::Fin };
            let (way, at) = (Way::Up, At::Text(step.request));
            let strike = Strike { way, at, passing, fault: Fault::SocketClose(cut) };
            len = stage.round(step, strike).await;
            passing = next_cut(passing, len);
        }
    }
}

#[tokio::test]
async fn a_reply_cut_on_its_way_down_comes_once_after_the_resume() {
    let mut stage = Stage::new().await;
    for step in &STEPS {
        let (mut passing, mut len) = (0, usize::MAX);
        while passing <= len {
            let cut = if passing % 2 == 0 { SocketClose::Fin } else { SocketClose::Reset };
            let (way, at) = (Way::Down, At::Text(step.reply));
            let strike = Strike { way, at, passing, fault: Fault::SocketClose(cut) };
            len = stage.round(step, strike).await;
            passing = next_cut(passing, len);
        }
    }
}

#[tokio::test]
async fn a_request_before_a_half_closed_connection_is_done_once() {
    let mut stage = Stage::new().await;
    for step in &STEPS {
        for passing in [0, 9, usize::MAX] {
            let (way, at) = (Way::Up, At::Text(step.request));
            stage.round(step, Strike { way, at, passing, fault: Fault::HalfClose }).await;
        }
    }
}

#[tokio::test]
async fn everything_works_byte_by_byte() {
    let mut stage = Stage::new().await;
    let proxy = Proxy::splitting(&stage.gateway).await;
    let mut ada = Survivor::start(&proxy.url(), start_of("ada", "instance-of-ada")).await;
    for step in &STEPS {
        ada.does(step.command, (step.body)(&stage, "a-ref")).await;
    }
    ada.cut().await;
    stage.gateway.suspended("ada").await;
    stage.host.does("signal", json!({ "room": "lobby", "type": "n", "data": "missed: π" })).await;
    ada.resume(&Proxy::splitting(&stage.gateway).await.url()).await;
    ada.catch_up().await;
    assert_eq!(ada.heard_of("signal")[0]["data"], "missed: π");
    ada.check_numbers();
}

#[tokio::test]
async fn logout_happens_once_and_repeats_its_answer() {
    let gateway = unhurried().await;
    for (n, (way, at)) in
        [(Way::Up, At::Text("\"end\"")), (Way::Down, At::Text("\"ended\""))].into_iter().enumerate()
    {
        let name = format!("ada-{n}");
        let strike = Strike { way, at, passing: 5, fault: Fault::SocketClose(SocketClose::Reset) };
        let proxy = Proxy::striking(&gateway, strike).await;
        let mut ada = Survivor::start(&proxy.url(), start_of(&name, &format!("on-{name}"))).await;
        let asked = ada.begin("end", json!({})).await;
        ada.hear_out().await;
        if way == Way::Up {
            gateway.suspended(&name).await;
            let resumed = ada.resume(&gateway.url()).await;
            assert_eq!(resumed["pending"], json!([]), "it was not asked for yet");
            assert!(ada.replies(asked).is_empty());
        } else {
            ada.ask_back(&gateway.url()).await;
            let refused = ada.hear().await;
            assert_eq!(refused["error"]["code"], "terminated", "{refused}");
            assert_eq!(ada.hear().await["disconnect"]["code"], 1000);
        }
    }
}
