//! Streams, their limits and owners; relays and signals.

use std::time::Duration;

use stagedoor_proto::{
    Data, ErrorCode, LayoutClasses, Relay, Role, Scope, SendSignal, UpdateStream,
};

use super::model::{
    RoomModel, leave, origin, participant_id, publish, request, room_id, session, stream_id,
};
use crate::room::{
    AcceptedRelay, Audience, DurableState, Origin, RoomCommand, RoomSettings, ScopeSet,
};

fn data(text: &str) -> Data {
    Data::from_json(text.to_owned()).expect("JSON")
}

fn signal(text: &str) -> SendSignal {
    let type_ = "chat".parse().expect("a type");
    SendSignal { room: room_id(), to: None, type_, data: data(text), ref_: None }
}

#[test]
fn streams_are_limited_per_participant_and_room() {
    let settings =
        RoomSettings { streams_per_participant: 2, streams: 3, ..RoomSettings::default() };
    let mut model = RoomModel::with(settings, DurableState::default());
    model.join(1, "ada", Role::Publisher);
    model.join(2, "bea", Role::Publisher);
    for (n, stream, code) in [
        (1, 1, None),
        (1, 2, None),
        (1, 3, Some(ErrorCode::TooManyStreams)),
        (2, 1, Some(ErrorCode::InvalidArgument)),
        (2, 3, None),
        (2, 4, Some(ErrorCode::TooManyStreams)),
    ] {
        assert_eq!(model.step(publish(n, stream)).code(), code, "{n} {stream}");
    }
    model.step(leave(1));
    assert_eq!(model.room.counts().streams, 1);
}

#[test]
fn only_owner_updates_stream_and_server_its_layout() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.join(2, "bea", Role::Publisher);
    model.publish(1, 1);
    let update = |has_audio, layout: Option<&str>| UpdateStream {
        stream: stream_id(1),
        has_audio,
        has_video: None,
        name: None,
        layout_classes: layout
            .map(|class| LayoutClasses::try_from(vec![class.to_owned()]).expect("a class")),
    };
    let server = Origin::Call(1);
    let cases = [
        (origin(2), update(Some(false), None), Some(ErrorCode::NotOwner)),
        (origin(1), update(Some(false), None), None),
        (server, update(None, Some("focus")), None),
        (server, update(Some(true), None), Some(ErrorCode::NotOwner)),
    ];
    for (by, update, code) in cases {
        assert_eq!(
            model.step(RoomCommand::UpdateStream { origin: by, update }).code(),
            code,
            "{by:?}"
        );
    }
    let unpublish = |n, stream| RoomCommand::Unpublish {
        origin: origin(n),
        stream: stream_id(stream),
        ref_: None,
    };
    assert_eq!(model.step(unpublish(2, 1)).code(), Some(ErrorCode::NotOwner));
    assert_eq!(model.step(unpublish(1, 9)).code(), Some(ErrorCode::StreamNotFound));
    assert_eq!(model.step(unpublish(1, 1)).code(), None);
}

#[test]
fn publisher_only_sees_only_its_own_streams() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.publish(1, 1);
    let joined = model.join(2, "bea", Role::PublisherOnly);
    assert!(joined.room.streams.is_empty());
    model.publish(1, 3);
    model.publish(2, 2);
    assert_eq!(
        model.clients[&session(2)].streams.keys().copied().collect::<Vec<_>>(),
        [stream_id(2)]
    );
    assert_eq!(model.clients[&session(1)].streams.len(), 3);
}

#[test]
fn relays_connect_a_publisher_with_its_subscribers() {
    let mut model = RoomModel::new();
    for (n, name) in [(1, "ada"), (2, "bea"), (3, "cleo")] {
        model.join(n, name, Role::Publisher);
    }
    let mut mute = request(4, "dora", Role::Publisher);
    mute.scopes = ScopeSet::ALL.without(Scope::Relay);
    model.step(RoomCommand::Join(Box::new(mute)));
    model.publish(1, 1);
    let subscribe = |n| RoomCommand::Subscribe { origin: origin(n), stream: stream_id(1) };
    assert_eq!(model.step(subscribe(2)).names(), ["stream_subscribed"]);
    assert!(model.step(subscribe(2)).names().is_empty(), "once");
    let relay =
        |to, stream| Relay { to: participant_id(to), stream: stream_id(stream), data: data("1") };
    let code = |model: &RoomModel, from, relay: &Relay| {
        model.room.relay(session(from), relay).map_err(|error| error.code)
    };
    let passed = |to, from| Ok(AcceptedRelay { to: session(to), from: participant_id(from) });
    let cases = [
        (1, relay(2, 1), passed(2, 1)),
        (2, relay(1, 1), passed(1, 2)),
        (1, relay(3, 1), Err(ErrorCode::NotSubscribed)),
        (2, relay(3, 1), Err(ErrorCode::NotSubscribed)),
        (3, relay(1, 1), Err(ErrorCode::NotSubscribed)),
        (1, relay(2, 9), Err(ErrorCode::StreamNotFound)),
        (1, relay(9, 1), Err(ErrorCode::ParticipantNotFound)),
        (4, relay(1, 1), Err(ErrorCode::Forbidden)),
        (9, relay(1, 1), Err(ErrorCode::NotInRoom)),
        (
            1,
            Relay { data: data(&format!("\"{}\"", "x".repeat(48 * 1024))), ..relay(2, 1) },
            Err(ErrorCode::TooLarge),
        ),
    ];
    for (from, relay, expected) in cases {
        assert_eq!(code(&model, from, &relay), expected, "{from} to {:?}", relay.to);
    }
    let unsubscribe = RoomCommand::Unsubscribe { origin: origin(2), stream: stream_id(1) };
    assert_eq!(model.step(unsubscribe).names(), ["stream_unsubscribed"]);
    assert_eq!(code(&model, 1, &relay(2, 1)), Err(ErrorCode::NotSubscribed));
}

#[test]
fn signals_have_an_order_a_size_a_rate_and_their_recipients() {
    let settings = RoomSettings { signals_per_s: 3, ..RoomSettings::default() };
    let mut model = RoomModel::with(settings, DurableState::default());
    for (n, name) in [(1, "ada"), (2, "bea"), (3, "cleo")] {
        model.join(n, name, Role::Publisher);
    }
    let now = model.now;
    let large = signal(&format!("\"{}\"", "x".repeat(8_191)));
    assert_eq!(
        model.signal(Some(session(1)), &large, now).map_err(|error| error.code),
        Err(ErrorCode::TooLarge)
    );
    let stray = SendSignal { to: Some(participant_id(9)), ..signal("1") };
    assert_eq!(
        model.signal(Some(session(1)), &stray, now).map_err(|error| error.code),
        Err(ErrorCode::ParticipantNotFound)
    );
    let sent = model.signal(Some(session(1)), &signal("1"), now).expect("sent");
    assert_eq!((sent.sent.order, sent.sent.recipients), (1, 2));
    assert_eq!(sent.to, Some(Audience::All { except: Some(session(1)) }));
    let direct = SendSignal { to: Some(participant_id(2)), ..signal("1") };
    let sent = model.signal(Some(session(1)), &direct, now).expect("sent");
    assert_eq!((sent.sent.order, sent.to), (2, Some(Audience::One(session(2)))));
    let sent = model.signal(None, &signal("1"), now).expect("the server's");
    assert_eq!((sent.sent.order, sent.sent.recipients, sent.from), (3, 3, None));
    model.signal(Some(session(2)), &signal("1"), now).expect("the server has a budget of its own");
    let error = model.signal(Some(session(2)), &signal("1"), now).expect_err("too fast");
    assert_eq!((error.code, error.retry_after_ms), (ErrorCode::RateLimited, Some(334)));
    assert!(model.signal(Some(session(2)), &signal("1"), now + Duration::from_millis(334)).is_ok());
}

#[test]
fn a_signal_under_the_same_ref_is_sent_once() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    let now = model.now;
    let keyed = |text| SendSignal { ref_: Some("r".parse().expect("a ref")), ..signal(text) };
    let first = model.signal(Some(session(1)), &keyed("1"), now).expect("sent");
    let again = model.signal(Some(session(1)), &keyed("1"), now).expect("answered");
    assert_eq!((again.to, again.sent), (None, first.sent));
    let other = model.signal(Some(session(1)), &keyed("2"), now).map_err(|error| error.code);
    assert_eq!(other, Err(ErrorCode::RefConflict));
}
