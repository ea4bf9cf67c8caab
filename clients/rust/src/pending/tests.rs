use super::*;
use stagedoor_proto::{End, InRoom, NewStream, Publish, StreamKind};

type Answer = oneshot::Receiver<Result<Reply, RequestError>>;

fn leave() -> Command {
    Command::Leave(InRoom { room: "lobby".parse().unwrap() })
}

fn publish() -> Command {
    let stream = NewStream {
        name: None,
        kind: StreamKind::Audio,
        has_audio: true,
        has_video: false,
        layout_classes: stagedoor_proto::LayoutClasses::default(),
    };
    Command::Publish(Publish { room: "lobby".parse().unwrap(), stream })
}

fn ask(pending: &mut PendingRequests, command: Command) -> (u32, Answer) {
    let (reply_to, reply) = oneshot::channel();
    (pending.add(command, ReplyTo::Caller(reply_to)), reply)
}

/// The ids of the requests to send now.
fn sent(pending: &mut PendingRequests) -> Vec<u64> {
    let texts = std::iter::from_fn(|| pending.next_to_send(false));
    let id =
        |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap()["id"].as_u64();
    texts.map(|text| id(text).unwrap()).collect()
}

fn is_interrupted(answer: &mut Answer) -> bool {
    matches!(answer.try_recv(), Ok(Err(RequestError::Interrupted)))
}

#[test]
fn a_number_in_use_is_passed_over_when_numbering_wraps() {
    let mut pending = PendingRequests::new(u32::MAX, 8);
    assert_eq!((ask(&mut pending, leave()).0, ask(&mut pending, leave()).0), (u32::MAX, 0));
    pending.next_id = u32::MAX;
    assert_eq!(ask(&mut pending, leave()).0, 1);
}

#[test]
fn who_waits_is_found_once_and_makes_room() {
    let mut pending = PendingRequests::new(7, 1);
    let (id, mut answer) = ask(&mut pending, leave());
    assert!(!pending.has_capacity() && pending.is_for_caller(id));
    assert!(pending.take(8).is_none());
    let (ReplyTo::Caller(reply_to), about) = pending.take(id).unwrap() else { panic!() };
    assert_eq!(about, RequestContext::Leave("lobby".parse().unwrap()));
    reply_to.send(Ok(Reply::Left {})).unwrap();
    assert!(matches!(answer.try_recv(), Ok(Ok(Reply::Left {}))));
    assert!(pending.take(id).is_none() && pending.has_capacity());
}

#[test]
fn after_a_resume_only_what_was_never_received_is_sent_again() {
    let mut pending = PendingRequests::new(1, 8);
    let mut answers: Vec<Answer> =
        [leave(), leave(), publish()].map(|command| ask(&mut pending, command).1).into();
    assert_eq!(sent(&mut pending), [1, 2, 3]);
    answers.push(ask(&mut pending, leave()).1);
    pending.note_resumed(&[2]);
    // The replay has the reply to the first request.
    pending.take(1).unwrap();
    pending.note_replayed(false);
    assert_eq!(sent(&mut pending), [3, 4], "the third again, the fourth for the first time");
    assert!(!is_interrupted(&mut answers[2]));
}

#[test]
fn a_hole_in_the_replay_gives_up_what_must_not_happen_twice() {
    let mut pending = PendingRequests::new(1, 8);
    let (_, mut left) = ask(&mut pending, leave());
    let (_, mut published) = ask(&mut pending, publish());
    sent(&mut pending);
    pending.note_resumed(&[]);
    pending.note_replayed(true);
    assert_eq!(sent(&mut pending), [1]);
    assert!(is_interrupted(&mut published) && !is_interrupted(&mut left));
}

#[test]
fn new_session_repeats_only_requests_that_were_not_sent() {
    let mut pending = PendingRequests::new(1, 8);
    let (_, mut published) = ask(&mut pending, publish());
    let (_, _left) = ask(&mut pending, leave());
    pending.add(leave(), ReplyTo::Renewal);
    sent(&mut pending);
    let (_, mut unsent) = ask(&mut pending, publish());
    pending.note_restarted(1);
    assert_eq!(sent(&mut pending), [2], "one at a time now");
    pending.take(2).unwrap();
    assert_eq!(sent(&mut pending), [4]);
    assert!(is_interrupted(&mut published) && !is_interrupted(&mut unsent));
}

#[test]
fn the_return_to_rooms_goes_before_all_else() {
    let mut pending = PendingRequests::new(1, 8);
    let (_, _answer) = ask(&mut pending, leave());
    let room: RoomId = "lobby".parse().unwrap();
    pending.add(leave(), ReplyTo::Rejoin(room));
    assert!(pending.next_to_send(true).unwrap().contains("\"id\":2"));
    assert_eq!(pending.next_to_send(true), None);
    assert_eq!(sent(&mut pending), [1]);
}

#[test]
fn an_end_whose_reply_was_lost_is_answered_all_the_same() {
    let mut pending = PendingRequests::new(1, 8);
    let (_, mut ended) = ask(&mut pending, Command::End(End { revoke: true }));
    let (_, mut left) = ask(&mut pending, leave());
    pending.note_ended();
    assert!(matches!(ended.try_recv(), Ok(Ok(Reply::Ended {}))));
    assert!(matches!(left.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
}
