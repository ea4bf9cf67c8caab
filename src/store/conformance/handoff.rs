//! What a gateway leaves to the next is whole, and there once.

use std::sync::Arc;

use crate::store::{Handoff, Store};

fn parts(texts: &[&str]) -> Vec<Arc<[u8]>> {
    texts.iter().map(|text| text.as_bytes().into()).collect()
}

fn handed(head: &str) -> Handoff {
    Handoff {
        head: head.as_bytes().into(),
        rooms: parts(&["room"]),
        sessions: parts(&["first", "second"]),
        bodies: parts(&["", "a body", "\u{1f642}"]),
    }
}

pub(in crate::store) async fn nothing_is_taken_up_where_nothing_was_handed_over(store: &dyn Store) {
    assert_eq!(store.take_handoff().await.unwrap(), None);
}

pub(in crate::store) async fn what_was_handed_over_is_taken_up_once(store: &dyn Store) {
    store.save_handoff(handed("head")).await.unwrap();
    assert_eq!(store.take_handoff().await.unwrap(), Some(handed("head")));
    assert_eq!(store.take_handoff().await.unwrap(), None, "it is gone");
}

pub(in crate::store) async fn later_hand_over_takes_an_earlier_ones_place(store: &dyn Store) {
    store.save_handoff(handed("earlier")).await.unwrap();
    let later = Handoff { sessions: Vec::new(), ..handed("later") };
    store.save_handoff(later.clone()).await.unwrap();
    assert_eq!(store.take_handoff().await.unwrap(), Some(later));
}

pub(in crate::store) async fn parts_keep_their_order(store: &dyn Store) {
    let numbers: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let many = Handoff { bodies: parts(&numbers), ..handed("head") };
    store.save_handoff(many.clone()).await.unwrap();
    assert_eq!(store.take_handoff().await.unwrap(), Some(many));
}
