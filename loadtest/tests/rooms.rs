//! The scenarios of rooms and of the server API against a real gateway, with tiny numbers: what they count, not how
//! long it takes.

mod common;

use common::program::{config, program};
use common::{Gateway, assert_counts, measure};

#[test]
fn fanout_delivers_the_same_through_the_gateway_and_the_floor() {
    let gateway = Gateway::start("fanout");
    for workers in ["1", "2"] {
        let sessions = ["--sessions", "12", "--runs", "1", "--workers", workers];
        let summary = gateway
            .measure("fanout", &[&sessions[..], &["--signals", "8", "--in-flight", "4"]].concat());
        for server in ["gateway", "floor"] {
            // Eleven receive what the twelfth sends.
            let expected = [("one_deliveries", 88.0), ("burst_deliveries", 88.0)];
            assert_counts(&summary, server, &expected);
        }
    }
}

#[test]
fn rooms_measures_joins_and_deliveries() {
    let gateway = Gateway::start("rooms");
    let rooms = ["--rooms", "3", "--per-room", "4", "--per-s", "50", "--workers", "2"];
    let joins = ["--join-sizes", "2,6", "--joins", "2", "--runs", "1", "--hold-s", "1"];
    let summary = gateway.measure("rooms", &[&rooms[..], &joins].concat());
    for (server, name) in
        [("gateway", "deliveries"), ("floor", "deliveries"), ("gateway", "join_largest_cpu_us")]
    {
        assert!(summary[server][name]["min"].as_f64().unwrap() > 0.0, "{summary:#}");
    }
}

#[test]
fn moderation_reaches_participants_of_every_worker() {
    let gateway = Gateway::start("moderation");
    for workers in ["1", "3"] {
        let main = ["--sessions", "20", "--publishers", "3", "--runs", "1", "--hold-s", "1"];
        let others = ["--rooms", "2", "--per-room", "5", "--workers", workers];
        let summary = gateway.measure("moderation", &[&main[..], &others].concat());
        for server in ["gateway", "floor"] {
            for name in ["mute_all_notified_ms", "mute_all_enforced_ms", "end_room_notified_ms"] {
                let notified = summary[server][name]["min"].as_f64().unwrap();
                assert!(notified > 0.0, "{server} {name}: {summary:#}");
            }
        }
    }
}

#[test]
fn after_a_storm_everybody_is_back_and_nothing_is_lost() {
    let gateway = Gateway::start("storm");
    for by in ["resume", "start"] {
        let rooms = ["--sessions", "20", "--per-room", "5", "--by", by, "--workers", "2"];
        let summary = gateway.measure("storm", &[&rooms[..], &["--runs", "2"]].concat());
        let nothing = [
            "not_back",
            "rooms_not_whole",
            "frames_missed",
            "frames_repeated",
            "signals_missed",
            "signals_repeated",
            "room_resets",
            "errors",
        ];
        assert_counts(&summary, "gateway", &nothing.map(|name| (name, 0.0)));
        assert_counts(&summary, "floor", &[("not_back", 0.0), ("open_files_growth", 0.0)]);
    }
}

#[test]
fn a_takeover_leaves_one_connection_for_each_instance() {
    let gateway = Gateway::start("takeover");
    for rivals in ["1", "3"] {
        let arguments = ["--sessions", "12", "--parallel", "4", "--runs", "2", "--rivals", rivals];
        let summary = gateway.measure("takeover", &arguments);
        let expected = [
            ("instances_with_one", 12.0),
            ("instances_with_none", 0.0),
            ("instances_with_several", 0.0),
        ];
        assert_counts(&summary, "gateway", &expected);
        if rivals == "1" {
            assert_counts(&summary, "gateway", &[("closed_replaced", 12.0), ("rejected", 0.0)]);
        }
    }
}

#[test]
fn stalled_readers_do_not_delay_others() {
    let gateway = Gateway::start("slow");
    let rooms = ["--rooms", "2", "--per-room", "5", "--share", "0.2", "--per-s", "20"];
    let summary =
        gateway.measure("slow", &[&rooms[..], &["--runs", "1", "--hold-s", "1"]].concat());
    // Of eight receivers two are deaf, but for the little that none of them is sent in the time.
    for name in ["without_deliveries", "with_deliveries"] {
        assert!(summary["gateway"][name]["min"].as_f64().unwrap() > 0.0, "{summary:#}");
    }
    assert_counts(&summary, "gateway", &[("closed_otherwise", 0.0)]);
}

#[test]
fn a_soak_ends_with_everybody_in_their_rooms_and_no_error() {
    let gateway = Gateway::start("soak");
    let arguments = ["--sessions", "20", "--per-room", "5", "--minutes", "0.05", "--sample-s", "1"];
    let summary = gateway.measure("soak", &[&arguments[..], &["--churn-per-s", "20"]].concat());
    let nothing =
        ["rooms_not_whole", "sessions_lost", "signals_missed", "signals_repeated", "errors"];
    assert_counts(&summary, "gateway", &nothing.map(|name| (name, 0.0)));
    for name in ["cuts", "departures", "removals", "returns"] {
        assert!(summary["gateway"][name]["min"].as_f64().unwrap() > 0.0, "{name}: {summary:#}");
    }
}

/// What is lost in a restart is the gateway's affair; here it is that every session is accounted for.
#[test]
fn a_restart_accounts_for_every_session() {
    let directory = std::env::temp_dir().join(format!("loadtest-restart-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (program, config) = (program().to_str().unwrap(), config());
    let summary = measure(
        "restart",
        &directory,
        &["--gateway", program, "--config", config.to_str().unwrap(), "--runs", "1"]
            .into_iter()
            .chain(["--sessions", "8", "--per-room", "4", "--per-s", "5"])
            .collect::<Vec<_>>(),
    );
    std::fs::remove_dir_all(&directory).unwrap();
    let count = |name: &str| summary["gateway"][name]["median"].as_f64().unwrap();
    assert_eq!((count("sessions_back") + count("sessions_lost")).to_string(), "8", "{summary:#}");
}

#[test]
fn api_load_mints_mutes_and_metrics_stay_constant() {
    let gateway = Gateway::start("api");
    let calls = ["--calls", "10", "--connections", "3", "--mutes", "3", "--scrapes", "3"];
    let sessions = ["--sessions", "10", "--runs", "3", "--admin", &gateway.admin()];
    let summary = gateway.measure("api", &[&calls[..], &sessions].concat());
    let names =
        ["mint_session_p50_us", "mint_room_p50_us", "mute_notified_p50_ms", "lift_notified_p50_ms"];
    for name in names.into_iter().chain(["mute_answered_p50_ms", "scrape_p50_ms", "scrape_bytes"]) {
        assert!(summary["gateway"][name]["min"].as_f64().unwrap() > 0.0, "{name}: {summary:#}");
    }
    // What happens for the first time may add a line; in the median run nothing does.
    let lines = summary["gateway"]["scrape_before_lines"]["median"].as_f64().unwrap();
    assert_counts(&summary, "gateway", &[("scrape_lines", lines)]);
}
