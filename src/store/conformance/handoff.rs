//! A handoff is saved as a whole and taken once.

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

pub(in crate::store) async fn nothing_is_taken_before_a_save(store: &dyn Store) {
    assert_eq!(store.take_handoff().await.unwrap(), None);
}

pub(in crate::store) async fn saved_handoff_is_taken_once(store: &dyn Store) {
    store.save_handoff(handed("head")).await.unwrap();
    assert_eq!(store.take_handoff().await.unwrap(), Some(handed("head")));
    assert_eq!(store.take_handoff().await.unwrap(), None, "it is gone");
}

pub(in crate::store) async fn later_handoff_replaces_an_earlier_one(store: &dyn Store) {
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
