//! Retention and order of the outbox.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::NOW;
use crate::event_type::OutboxShare;
use crate::store::{
    Backlog, DeadLetters, DeliveryResult, Evicted, ExpiredMessages, Message, NewMessage,
    OutboxCount, Store,
};

/// More than any of these tests adds.
const MANY: u64 = 10_000;
const HOUR: Duration = Duration::from_hours(1);

fn new(endpoint: &str, event: u128) -> NewMessage {
    NewMessage {
        endpoint: endpoint.into(),
        event,
        kind: "room.opened".into(),
        share: OutboxShare::Common,
        body: format!("{{\"n\":{event},\"é\":\"\\u0000\"}}").into(),
        at: NOW - HOUR,
    }
}

/// Adds messages of these events for the endpoint `crm`.
async fn put(store: &dyn Store, events: impl IntoIterator<Item = u128>) {
    let messages = events.into_iter().map(|event| new("crm", event)).collect();
    assert_eq!(
        store.put_messages("app".into(), messages, MANY, NOW).await.unwrap(),
        Evicted::default()
    );
}

/// Expires old messages. Returns how many were dead-lettered, and how many removed.
async fn expire(store: &dyn Store, pending: Timestamp, dead: Timestamp) -> (u64, u64) {
    let mut sum = (0, 0);
    loop {
        let step = store.expire_messages(NOW + HOUR * 240, pending, dead).await.unwrap();
        if step == ExpiredMessages::default() {
            return sum;
        }
        sum = (sum.0 + step.dead_lettered, sum.1 + step.pruned);
    }
}

async fn due(store: &dyn Store, now: Timestamp) -> Vec<Message> {
    store.due_messages("app".into(), "crm".into(), now, 1_000).await.unwrap().messages
}

async fn dead(store: &dyn Store) -> Vec<Message> {
    store.dead_letters("app".into(), 0, 1_000).await.unwrap()
}

fn events(messages: &[Message]) -> Vec<u128> {
    messages.iter().map(|message| message.new.event).collect()
}

/// Dead-letters the first due message.
async fn kill(store: &dyn Store) -> Message {
    let message = due(store, NOW).await.remove(0);
    let result = DeliveryResult::Dead { error: "refused".into() };
    store.record_delivery(message.number, result).await.unwrap();
    message
}

pub(in crate::store) async fn messages_are_due_at_once_and_in_their_order(store: &dyn Store) {
    put(store, [u128::MAX, 1, 2]).await;
    let messages = due(store, NOW).await;
    assert_eq!(events(&messages), [u128::MAX, 1, 2]);
    assert_eq!(messages[0].new, new("crm", u128::MAX));
    for message in &messages {
        assert_eq!((message.since, message.attempts, &message.error), (NOW, 0, &None));
    }
    let some = store.due_messages("app".into(), "crm".into(), NOW, 2).await.unwrap();
    assert_eq!(events(&some.messages), [u128::MAX, 1]);
    let none = store.due_messages("app".into(), "crm".into(), NOW - HOUR, 9).await.unwrap();
    assert_eq!((none.messages, none.next), (vec![], Some(NOW)));
}

/// Moves all pending messages by a step to `now`.
async fn shift(store: &dyn Store, step_ms: i64, now: Timestamp) {
    let mut after = 0;
    while let Some(last) = store.shift_messages(step_ms, now, after).await.unwrap() {
        after = last;
    }
}

pub(in crate::store) async fn pending_messages_move_with_the_wall_clock(store: &dyn Store) {
    let day = HOUR * 24;
    let day_ms = 86_400_000;
    put(store, 1..=1_001).await;
    let retried = due(store, NOW).await.remove(0);
    let result = DeliveryResult::Retry { due: NOW + HOUR, error: "busy".into() };
    store.record_delivery(retried.number, result).await.unwrap();
    let stepped = NOW + day;
    let messages = vec![new("crm", 2_000)];
    store.put_messages("app".into(), messages, MANY, stepped).await.unwrap();
    shift(store, day_ms, stepped).await;
    assert_eq!(expire(store, NOW, NOW).await, (0, 0), "no message grew older");
    let waits = store.due_messages("app".into(), "crm".into(), stepped, 2_000).await.unwrap();
    assert_eq!((waits.messages.len(), waits.next), (1_001, Some(stepped + HOUR)));
    assert!(waits.messages.iter().all(|message| message.since == stepped));
    shift(store, -day_ms, NOW).await;
    let waits = store.due_messages("app".into(), "crm".into(), NOW, 2_000).await.unwrap();
    assert_eq!((waits.messages.len(), waits.next), (1_001, Some(NOW + HOUR)));
}

pub(in crate::store) async fn messages_of_the_future_are_due_now(store: &dyn Store) {
    put(store, 1..=1_001).await;
    kill(store).await;
    let past = NOW - HOUR;
    let mut corrected = 0;
    loop {
        let epoch = Timestamp::default();
        let step = store.expire_messages(past, epoch, epoch).await.unwrap();
        if step == ExpiredMessages::default() {
            break;
        }
        corrected += step.corrected;
    }
    assert_eq!(corrected, 1_001);
    let waits = store.due_messages("app".into(), "crm".into(), past, 2_000).await.unwrap();
    assert!(waits.messages.iter().all(|message| message.since == past));
    assert_eq!((waits.messages.len(), waits.next), (1_000, None));
    assert_eq!(expire(store, Timestamp::default(), past + HOUR).await.1, 1, "the dead letter too");
}

pub(in crate::store) async fn delivered_message_is_gone(store: &dyn Store) {
    put(store, [1, 2]).await;
    let first = due(store, NOW).await.remove(0);
    for _ in 0..2 {
        store.record_delivery(first.number, DeliveryResult::Delivered).await.unwrap();
    }
    assert_eq!(events(&due(store, NOW).await), [2]);
    assert_eq!(dead(store).await, []);
    put(store, [3]).await;
    assert!(due(store, NOW).await.iter().all(|message| message.number > first.number));
}

pub(in crate::store) async fn retried_message_waits_until_it_is_due(store: &dyn Store) {
    put(store, [1, 2]).await;
    let first = due(store, NOW).await.remove(0);
    for attempts in 1..=2 {
        let result = DeliveryResult::Retry { due: NOW + HOUR, error: "busy".into() };
        store.record_delivery(first.number, result).await.unwrap();
        let now = store.due_messages("app".into(), "crm".into(), NOW, 9).await.unwrap();
        assert_eq!((events(&now.messages), now.next), (vec![2], Some(NOW + HOUR)));
        let later = due(store, NOW + HOUR).await;
        assert_eq!(events(&later), [2, 1]);
        assert_eq!((later[1].attempts, later[1].error.as_deref()), (attempts, Some("busy")));
    }
}

pub(in crate::store) async fn dead_letter_is_listed_and_not_due(store: &dyn Store) {
    put(store, [1, 2]).await;
    let first = kill(store).await;
    assert_eq!(events(&due(store, Timestamp::MAX).await), [2]);
    let expected = Message { attempts: 1, error: Some("refused".into()), ..first };
    assert_eq!(dead(store).await, [expected]);
    let count = OutboxCount {
        endpoint: "crm".into(),
        pending: 1,
        dead: 1,
        oldest_pending: Some(NOW - HOUR),
    };
    assert_eq!(store.count_messages("app".into()).await.unwrap(), [count]);
}

pub(in crate::store) async fn dead_letters_come_after_a_number_and_within_a_limit(
    store: &dyn Store,
) {
    put(store, 0..5).await;
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(kill(store).await.number);
    }
    for (after, limit, expected) in [
        (0, 2, &[0, 1][..]),
        (numbers[1], 2, &[2, 3]),
        (numbers[3], 2, &[4]),
        (numbers[4], 2, &[]),
        (0, 0, &[]),
        (u64::MAX, usize::MAX, &[]),
    ] {
        let letters = store.dead_letters("app".into(), after, limit).await.unwrap();
        assert_eq!(events(&letters), expected, "after {after}, at most {limit}");
    }
}

pub(in crate::store) async fn replayed_message_is_retried_as_new(store: &dyn Store) {
    put(store, [1, 2, 3]).await;
    let first = kill(store).await;
    kill(store).await;
    let app = || Arc::<str>::from("app");
    let later = NOW + HOUR;
    let one = DeadLetters::One(first.number);
    assert_eq!(store.replay_messages(app(), one.clone(), later, None).await.unwrap(), 1);
    assert_eq!(
        store.replay_messages(app(), one, later, None).await.unwrap(),
        0,
        "it is pending again"
    );
    let again = due(store, later).await;
    assert_eq!(events(&again), [3, 1]);
    assert_eq!((again[1].since, again[1].attempts), (later, 0));
    let of = |endpoint: &str| DeadLetters::Of(endpoint.into());
    assert_eq!(store.replay_messages(app(), of("other"), later, None).await.unwrap(), 0);
    assert_eq!(store.replay_messages(app(), of("crm"), later, None).await.unwrap(), 1);
    assert_eq!(dead(store).await, []);
}

pub(in crate::store) async fn late_result_of_a_dead_letter_is_ignored(store: &dyn Store) {
    put(store, [1]).await;
    let letter = kill(store).await;
    let late = DeliveryResult::Retry { due: NOW, error: "late".into() };
    store.record_delivery(letter.number, late).await.unwrap();
    assert_eq!(dead(store).await[0].error.as_deref(), Some("refused"));
    assert_eq!(due(store, NOW).await, []);
}

pub(in crate::store) async fn old_messages_are_dead_lettered_then_pruned(store: &dyn Store) {
    put(store, [1]).await;
    let later = store.put_messages("app".into(), vec![new("crm", 2)], MANY, NOW + HOUR).await;
    later.unwrap();
    let long_ago = NOW - HOUR;
    assert_eq!(expire(store, long_ago, long_ago).await, (0, 0));
    assert_eq!(expire(store, NOW, long_ago).await, (1, 0));
    let letters = dead(store).await;
    assert_eq!(events(&letters), [1]);
    assert!(letters[0].error.is_some(), "it has a reason");
    assert_eq!(expire(store, NOW, NOW).await, (0, 1));
    assert_eq!(dead(store).await, []);
    assert_eq!(events(&due(store, NOW + HOUR).await), [2]);
}

pub(in crate::store) async fn full_outbox_evicts_oldest_dead_letters_first(store: &dyn Store) {
    put(store, [1, 2, 3, 4]).await;
    let second = due(store, NOW).await.remove(1);
    let result = DeliveryResult::Dead { error: "refused".into() };
    store.record_delivery(second.number, result).await.unwrap();
    for (event, expected_dropped, expected) in
        [(5, 1, &[1, 3, 4, 5][..]), (6, 1, &[3, 4, 5, 6]), (7, 1, &[4, 5, 6, 7])]
    {
        let put = store.put_messages("app".into(), vec![new("crm", event)], 4, NOW).await;
        assert_eq!(put.unwrap().common, expected_dropped, "{event}");
        assert_eq!(events(&due(store, NOW).await), expected, "{event}");
        assert_eq!(dead(store).await, [], "{event}");
    }
    let delivered = due(store, NOW).await.remove(0);
    store.record_delivery(delivered.number, DeliveryResult::Delivered).await.unwrap();
    let put = store.put_messages("app".into(), vec![new("crm", 8)], 4, NOW).await;
    assert_eq!(put.unwrap(), Evicted::default(), "there is space again");
}

pub(in crate::store) async fn common_messages_evict_no_reserved_ones(store: &dyn Store) {
    let reserved = |event| NewMessage { share: OutboxShare::Reserved, ..new("crm", event) };
    let add = async |message: NewMessage| {
        store.put_messages("app".into(), vec![message], 10, NOW).await.unwrap()
    };
    for event in 1..=5 {
        add(reserved(event)).await;
    }
    let letter = kill(store).await;
    assert_eq!(letter.new, reserved(1), "the share is stored");
    for event in 100..1_000 {
        let evicted = add(new("crm", event)).await;
        assert_eq!(evicted, Evicted { reserved: 0, common: u64::from(event >= 105) }, "{event}");
    }
    assert_eq!(events(&due(store, NOW).await), [2, 3, 4, 5, 995, 996, 997, 998, 999]);
    assert_eq!(events(&dead(store).await), [1]);
    // Nor does a flood of reserved ones evict the common half.
    for event in 6..100 {
        assert_eq!(add(reserved(event)).await, Evicted { reserved: 1, common: 0 }, "{event}");
    }
    assert_eq!(events(&due(store, NOW).await), [995, 996, 997, 998, 999, 95, 96, 97, 98, 99]);
}

pub(in crate::store) async fn no_message_crosses_apps_or_endpoints(store: &dyn Store) {
    put(store, [1]).await;
    for (app, endpoint) in [("app", "other"), ("other", "crm")] {
        store.put_messages(app.into(), vec![new(endpoint, 2)], 2, NOW).await.unwrap();
    }
    assert_eq!(events(&due(store, NOW).await), [1]);
    let letter = kill(store).await;
    assert_eq!(store.dead_letters("other".into(), 0, 9).await.unwrap(), []);
    let foreign = store.replay_messages("other".into(), DeadLetters::One(letter.number), NOW, None);
    assert_eq!(foreign.await.unwrap(), 0);
    assert_eq!(store.count_messages("other".into()).await.unwrap().len(), 1);
    assert_eq!(store.count_messages("unknown".into()).await.unwrap(), []);
}

pub(in crate::store) async fn more_than_a_batch_are_dead_lettered_and_replayed(store: &dyn Store) {
    put(store, 0..1_203).await;
    assert_eq!(expire(store, NOW, NOW - HOUR).await, (1_203, 0));
    let all = DeadLetters::Of("crm".into());
    assert_eq!(store.replay_messages("app".into(), all, NOW, None).await.unwrap(), 1_203);
    assert_eq!(expire(store, NOW, NOW).await, (1_203, 1_203));
    assert_eq!(store.count_messages("app".into()).await.unwrap(), [], "all are removed");
}

pub(in crate::store) async fn backlog_covers_all_apps_and_has_the_oldest(store: &dyn Store) {
    let later = NOW + HOUR;
    let backlog = async |pending, dead, oldest| {
        assert_eq!(store.backlog().await.unwrap(), Backlog { pending, dead, oldest });
    };
    backlog(0, 0, None).await;
    put(store, [1, 2, 3]).await;
    let other = vec![new("crm", 4)];
    store.put_messages("other".into(), other, MANY, later).await.unwrap();
    backlog(4, 0, Some(NOW)).await;
    let letter = kill(store).await;
    backlog(3, 1, Some(NOW)).await;
    for message in due(store, NOW).await {
        let result = DeliveryResult::Retry { due: later, error: "busy".into() };
        store.record_delivery(message.number, result).await.unwrap();
        backlog(3, 1, Some(NOW)).await;
    }
    for (message, left) in due(store, later).await.into_iter().zip([2, 1]) {
        store.record_delivery(message.number, DeliveryResult::Delivered).await.unwrap();
        store.record_delivery(message.number, DeliveryResult::Delivered).await.unwrap();
        backlog(left, 1, Some(if left > 1 { NOW } else { later })).await;
    }
    let one = DeadLetters::One(letter.number);
    store.replay_messages("app".into(), one, later + HOUR, None).await.unwrap();
    backlog(2, 0, Some(later)).await;
    // There is space for one: the older is evicted.
    store.put_messages("app".into(), vec![new("crm", 5)], 1, later).await.unwrap();
    backlog(2, 0, Some(later)).await;
    assert_eq!(expire(store, later, NOW).await, (2, 0));
    backlog(0, 2, None).await;
    assert_eq!(expire(store, later, later).await, (0, 2));
    backlog(0, 0, None).await;
}
