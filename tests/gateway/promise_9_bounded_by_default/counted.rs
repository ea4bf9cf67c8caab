//! Every bound is hit: the client gets its error, and it is counted under its name and no other.
//!
//! The table is a `match` without a rest: a new [`Limit`] does not compile until it has its row.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use stagedoor::config::{Config, GuestNames};
use stagedoor::telemetry::{Label as _, Limit};

use super::{Undecided, hits};
use crate::common::{Gateway, Setup};

/// How a bound is hit.
struct Case {
    /// Makes it small.
    tighten: fn(&mut Config),
    /// Goes beyond it once; what came of that, as text.
    hit: for<'a> fn(&'a Gateway) -> BoxFuture<'a, String>,
    /// What must come of it.
    answer: &'static str,
}

const fn case(
    tighten: fn(&mut Config),
    hit: for<'a> fn(&'a Gateway) -> BoxFuture<'a, String>,
    answer: &'static str,
) -> Case {
    Case { tighten, hit, answer }
}

#[expect(clippy::too_many_lines, reason = "a table, with a row for each bound")]
fn case_of(limit: Limit) -> Case {
    match limit {
        Limit::HandshakeTimeout => case(
            |config| config.limits.handshake_timeout = Duration::from_millis(20),
            |gateway| hits::no_request(gateway).boxed(),
            "hung up",
        ),
        Limit::StartTimeout => case(
            |config| config.limits.start_timeout = Duration::from_millis(20),
            |gateway| hits::no_start(gateway).boxed(),
            "close 4205",
        ),
        Limit::MessageInBytes => case(
            |config| config.limits.message_in_bytes = 1_024,
            |gateway| hits::long_message(gateway).boxed(),
            "close 4501",
        ),
        Limit::MessagesInBytesTotal => case(
            |config| config.limits.messages_in_bytes_total = 2_048,
            |gateway| hits::long_unfinished_message(gateway).boxed(),
            "close 4201",
        ),
        Limit::MessageOutBytes => case(
            |config| config.limits.message_out_bytes = 128 * 1_024,
            |gateway| hits::long_room(gateway).boxed(),
            "next",
        ),
        Limit::FragmentsPerMessage => case(
            |config| config.limits.fragments_per_message = 2,
            |gateway| hits::fragments(gateway).boxed(),
            "close 4501",
        ),
        Limit::JsonDepth => {
            case(|_| (), |gateway| hits::deep_message(gateway).boxed(), "close 4500")
        }
        Limit::RequestsInFlight => case(
            |config| config.limits.requests_in_flight = 1,
            |gateway| hits::two_that_wait(gateway).boxed(),
            "close 4503",
        ),
        Limit::Commands => case(
            |config| (config.limits.commands_per_s, config.limits.commands_burst) = (1, 1),
            |gateway| hits::two_commands(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::Pings => case(
            |config| (config.limits.pings_per_s, config.limits.pings_burst) = (1, 1),
            |gateway| hits::two_pings(gateway).boxed(),
            "close 4202",
        ),
        Limit::Resumes => case(
            |config| config.limits.resumes_burst = 1,
            |gateway| hits::two_resumes(gateway).boxed(),
            "close 4202",
        ),
        Limit::Joins => case(
            |config| config.limits.joins_per_s = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::RoomsPerSession => case(
            |config| config.limits.rooms_per_session = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error too_many_rooms",
        ),
        Limit::RoomsOpened => case(
            |config| config.limits.rooms_opened_per_minute = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error too_many_rooms",
        ),
        Limit::RoomsPerNode => case(
            |config| config.limits.rooms_per_node = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error too_many_rooms",
        ),
        Limit::RoomsPerApp => case(
            |config| config.limits.rooms_per_app = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error too_many_rooms",
        ),
        Limit::RoomStubs => case(
            |config| config.limits.room_stubs = 0,
            |gateway| hits::forgotten_room(gateway).boxed(),
            "error not_in_room",
        ),
        Limit::ModerationRecordsPerApp => case(
            |config| config.limits.moderation_records_per_app = 1,
            |gateway| hits::two_roles(gateway).boxed(),
            "error overloaded",
        ),
        Limit::ParticipantsPerNode => case(
            |config| config.limits.participants_per_node = 1,
            |gateway| hits::two_joins(gateway).boxed(),
            "error overloaded",
        ),
        Limit::ParticipantsPerRoom => case(
            |config| config.limits.participants_per_room = 2,
            |gateway| hits::three_participants(gateway).boxed(),
            "error room_full",
        ),
        Limit::StreamsPerParticipant => case(
            |config| config.limits.streams_per_participant = 1,
            |gateway| hits::two_streams(gateway).boxed(),
            "error too_many_streams",
        ),
        Limit::StreamsPerRoom => case(
            |config| config.limits.streams_per_room = 1,
            |gateway| hits::two_streams(gateway).boxed(),
            "error too_many_streams",
        ),
        Limit::SignalsPerRoom => case(
            |config| config.limits.signals_per_s_per_room = 1,
            |gateway| hits::two_signals(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::ModeratorSignalsPerRoom => case(
            |config| config.limits.moderator_signals_per_s_per_room = 1,
            |gateway| hits::two_moderator_signals(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::SignalBytesPerRoom => case(
            |config| config.limits.signal_bytes_per_s_per_room = 1_024,
            |gateway| hits::two_large_signals(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::RosterInterval => {
            case(|_| (), |gateway| hits::two_rosters(gateway).boxed(), "error rate_limited")
        }
        Limit::RelayBytesPerReceiver => case(
            |config| {
                config.limits.relay_bytes_per_s_per_receiver = 1_024;
                config.limits.relay_bytes_burst_per_receiver = 1_024;
            },
            |gateway| hits::two_relays(gateway).boxed(),
            "error rate_limited",
        ),
        Limit::SessionsPerUser => case(
            |config| config.apps[0].sessions_per_user = 1,
            |gateway| hits::two_instances(gateway).boxed(),
            "close 4013",
        ),
        Limit::InstancesPerUser => case(
            |config| config.apps[0].instances_per_user = 1,
            |gateway| hits::forgotten_instance(gateway).boxed(),
            "close 4101",
        ),
        Limit::SessionsPerNode => case(
            |config| config.limits.sessions_per_node = 1,
            |gateway| hits::two_users(gateway).boxed(),
            "close 4201",
        ),
        Limit::SessionsPerAddress => case(
            |config| {
                config.limits.sessions_per_address = 1;
                config.limits.exempt_loopback = false;
            },
            |gateway| hits::two_users(gateway).boxed(),
            "close 4201",
        ),
        Limit::GuestNamesPerAddress => case(
            |config| {
                config.apps[0].guest_names = GuestNames::Exclusive;
                config.limits.guest_names_per_address = 1;
                config.limits.exempt_loopback = false;
            },
            |gateway| hits::idle_name(gateway).boxed(),
            "close 4201",
        ),
        Limit::GuestsPerApp => case(
            |config| config.limits.guests_per_app = 1,
            |gateway| hits::two_users(gateway).boxed(),
            "close 4201",
        ),
        Limit::Ring => case(
            |config| {
                config.resume.ring_frames = 16;
                config.limits.commands_burst = 1_000_000;
                config.limits.moderator_signals_per_s_per_room = 100_000;
                config.limits.signal_bytes_per_s_per_room = 1 << 30;
            },
            |gateway| hits::slow_reader(gateway).boxed(),
            "close 4203",
        ),
        Limit::RingTotal => case(
            |config| config.resume.ring_bytes_total = 64 * 1_024,
            |gateway| hits::many_missed_frames(gateway).boxed(),
            "room_reset",
        ),
        Limit::ResumeWindow => case(
            |config| config.resume.window = Duration::from_secs(1),
            |gateway| hits::late_return(gateway).boxed(),
            "close 4400",
        ),
        Limit::StartsPerAddress => case(
            |config| {
                config.limits.starts_per_s_per_address = 1;
                config.limits.exempt_loopback = false;
            },
            |gateway| hits::two_users(gateway).boxed(),
            "close 4202",
        ),
        Limit::PendingConnectionsPerAddress => case(
            |config| {
                config.limits.pending_connections_per_address = 1;
                config.limits.exempt_loopback = false;
            },
            |gateway| hits::two_silent(gateway).boxed(),
            "status 429",
        ),
        Limit::PendingConnections => case(
            |config| config.limits.pending_connections = 1,
            |gateway| hits::two_silent(gateway).boxed(),
            "status 503",
        ),
        Limit::AuthParamsBytes => case(
            |config| config.limits.auth_params_bytes = 1_024,
            |gateway| hits::long_params(gateway).boxed(),
            "close 4501",
        ),
        Limit::ConnectionDataMaxChars => case(
            |config| config.limits.connection_data_max_chars = 10,
            |gateway| hits::long_data(gateway).boxed(),
            "error too_large",
        ),
        Limit::AuditDenials => case(
            |config| config.limits.audit_denials_per_minute = 1,
            |gateway| hits::two_denials(gateway).boxed(),
            "error forbidden",
        ),
        Limit::ApiCalls => case(
            |config| (config.limits.api_calls_per_s, config.limits.api_calls_burst) = (1, 1),
            |gateway| hits::two_calls(gateway).boxed(),
            "status 429 rate_limited",
        ),
        Limit::ApiAuthFailures => case(
            |config| {
                config.limits.api_auth_failures_burst = 1;
                config.limits.exempt_loopback = false;
            },
            |gateway| hits::two_wrong_keys(gateway).boxed(),
            "status 429 rate_limited",
        ),
        Limit::ApiBodyBytes => case(
            |config| config.limits.api_body_bytes = 1_024,
            |gateway| hits::long_body(gateway).boxed(),
            "status 413 too_large",
        ),
        Limit::ApiBodyTimeout => case(
            |config| config.limits.api_body_timeout = Duration::from_millis(20),
            |gateway| hits::endless_body(gateway).boxed(),
            "status 408",
        ),
        Limit::AdminConnections => case(
            |config| {
                config.limits.admin_connections = 1;
                config.listen.admin_listen = "127.0.0.1:0".parse().ok();
            },
            |gateway| hits::two_to_the_admin_port(gateway).boxed(),
            "status 503",
        ),
        Limit::ReservedFileDescriptors => case(
            |config| config.limits.reserved_file_descriptors = 10_000_000,
            |gateway| hits::many_connections(gateway).boxed(),
            "hung up",
        ),
    }
}

/// How often one bound was hit by now.
pub fn count_of(gateway: &Gateway, limit: &str) -> u64 {
    counted(gateway).into_iter().find(|(name, _)| name == limit).map_or(0, |(_, count)| count)
}

/// What was hit by now, and how often.
fn counted(gateway: &Gateway) -> Vec<(String, u64)> {
    let scrape = gateway.hub().scrape();
    let samples =
        scrape.lines().filter_map(|line| line.strip_prefix("stagedoor_limits_hit_total{limit=\""));
    let samples = samples.map(|sample| {
        let (name, count) = sample.split_once("\"} ").unwrap();
        (name.to_owned(), count.parse().unwrap())
    });
    samples.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn every_limit_has_an_error_and_a_counter() {
    for limit in Limit::all() {
        let Case { tighten, hit, answer } = case_of(limit);
        let gateway = Setup::new().with(tighten).hook(Arc::new(Undecided)).run().await;
        assert_eq!(counted(&gateway), [], "{limit:?}, before");
        assert_eq!(hit(&gateway).await, answer, "{limit:?}");
        assert_eq!(counted(&gateway), [(limit.as_str().to_owned(), 1)], "{limit:?}");
    }
}
