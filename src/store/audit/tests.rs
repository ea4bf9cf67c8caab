//! Tampered logs, and the errors reported for them.

use super::*;

const APP: &str = "app";

fn key() -> AuditKey {
    AuditKey::new(&[7; 32])
}

/// A log of `count` rows and its head.
fn log(count: usize) -> (Vec<FoundRow>, ChainHead) {
    let mut head = key().start(APP);
    let rows = (0..count).map(|n| {
        let event = format!(r#"{{"command":"command {n}"}}"#).into_bytes().into_boxed_slice();
        head = key().next(&head, &event);
        FoundRow { number: head.number, event, hash: head.hash }
    });
    (rows.collect(), head)
}

/// The result for rows that are all readable.
fn verify(
    key: &AuditKey,
    app: &str,
    rows: &[FoundRow],
    head: Option<&ChainHead>,
    recorded: Option<&ChainHead>,
) -> Result<VerifiedLog, Tampered> {
    let rows = rows.iter().cloned().map(Ok::<_, std::convert::Infallible>);
    let mut verifier = Verifier::new(key.clone(), app, None, recorded.copied());
    let taken = verifier.take(rows).unwrap_or_else(|never| match never {});
    taken.and_then(|()| verifier.finish(head))
}

/// Exchanges the contents of two rows; their numbers stay.
fn swap(rows: &mut [FoundRow], a: usize, b: usize) {
    rows.swap(a, b);
    let number = rows[a].number;
    rows[a].number = rows[b].number;
    rows[b].number = number;
}

fn set_hash(row: &mut FoundRow) {
    row.hash = AuditHash([9; 32]);
}

#[test]
fn intact_log_is_verified_and_returns_its_head() {
    for count in [0, 1, 2, 10] {
        let (rows, head) = log(count);
        assert_eq!(
            verify(&key(), APP, &rows, Some(&head), None),
            Ok(VerifiedLog { head }),
            "{count}"
        );
    }
    let start = key().start(APP);
    assert_eq!(
        verify(&key(), APP, &[], None, None),
        Ok(VerifiedLog { head: start }),
        "no head yet"
    );
}

#[test]
fn tampering_with_a_log_is_detected() {
    type AuditedAction = fn(&mut Vec<FoundRow>);
    let cases: [(&str, AuditedAction, Tampered); 16] = [
        ("first event", |rows| rows[0].event[2] ^= 1, Tampered::Changed { number: 1 }),
        ("event", |rows| rows[4].event[2] ^= 1, Tampered::Changed { number: 5 }),
        ("last event", |rows| rows[9].event[2] ^= 1, Tampered::Changed { number: 10 }),
        (
            "blank added",
            |rows| rows[4].event = b"{ }".as_slice().into(),
            Tampered::Changed { number: 5 },
        ),
        ("hash", |rows| set_hash(&mut rows[4]), Tampered::Changed { number: 5 }),
        (
            "copy of another",
            |rows| rows[4] = FoundRow { number: 5, ..rows[1].clone() },
            Tampered::Changed { number: 5 },
        ),
        (
            "number taken down",
            |rows| rows[0].number = 0,
            Tampered::Reordered { number: 1, found: 0 },
        ),
        ("first gone", |rows| drop(rows.remove(0)), Tampered::Missing { number: 1 }),
        ("one gone", |rows| drop(rows.remove(4)), Tampered::Missing { number: 5 }),
        ("several gone", |rows| drop(rows.drain(4..7)), Tampered::Missing { number: 5 }),
        (
            "neighbours swapped",
            |rows| swap(rows, 4, 5),
            Tampered::Reordered { number: 5, found: 6 },
        ),
        (
            "first and last swapped",
            |rows| swap(rows, 0, 9),
            Tampered::Reordered { number: 1, found: 10 },
        ),
        ("read out of order", |rows| rows.swap(4, 6), Tampered::Reordered { number: 5, found: 5 }),
        ("last gone", |rows| drop(rows.pop()), Tampered::Cut { first: 10, last: 10 }),
        ("last three gone", |rows| rows.truncate(7), Tampered::Cut { first: 8, last: 10 }),
        ("all gone", Vec::clear, Tampered::Cut { first: 1, last: 10 }),
    ];
    for (case, action, expected) in cases {
        let (mut rows, head) = log(10);
        action(&mut rows);
        assert_eq!(verify(&key(), APP, &rows, Some(&head), None), Err(expected), "{case}");
    }
}

#[test]
fn head_not_matching_the_last_row_is_detected() {
    let (rows, head) = log(10);
    let earlier = ChainHead { number: 9, hash: rows[8].hash };
    let made_up = ChainHead { hash: AuditHash([9; 32]), ..head };
    for (case, head) in [("earlier", Some(&earlier)), ("made up", Some(&made_up)), ("gone", None)] {
        let found = verify(&key(), APP, &rows, head, None);
        assert_eq!(found, Err(Tampered::Head { last: 10 }), "{case}");
    }
}

#[test]
fn log_of_another_app_or_key_fails_at_its_first_row() {
    let (rows, head) = log(3);
    let other = AuditKey::new(&[8; 32]);
    for (key, app) in [(&key(), "other"), (&other, APP)] {
        let found = verify(key, app, &rows, Some(&head), None);
        assert_eq!(found, Err(Tampered::Changed { number: 1 }), "{app}");
    }
}

#[test]
fn recorded_head_reveals_a_rewritten_log() {
    let (rows, head) = log(10);
    let at = |number: usize| ChainHead { number: number as u64, hash: rows[number - 1].hash };
    for recorded in [at(4), head, key().start(APP)] {
        assert!(verify(&key(), APP, &rows, Some(&head), Some(&recorded)).is_ok(), "{recorded}");
    }
    // The owner of the key can truncate the log and reset its head.
    let cut = verify(&key(), APP, &rows[..7], Some(&at(7)), Some(&head));
    assert_eq!(cut, Err(Tampered::Cut { first: 8, last: 10 }));
    let recorded = ChainHead { hash: AuditHash([9; 32]), ..at(4) };
    let found = verify(&key(), APP, &rows, Some(&head), Some(&recorded));
    assert_eq!(found, Err(Tampered::Rewritten { number: 4 }));
}

#[test]
fn unreadable_row_ends_verification_without_verdict() {
    let (rows, _) = log(3);
    for unread in 0..3 {
        let mut rows: Vec<_> = rows.iter().cloned().map(Ok).collect();
        rows[unread] = Err("the disk");
        let taken = Verifier::new(key(), APP, None, None).take(rows);
        assert_eq!(taken, Err("the disk"), "{unread}");
    }
}

#[test]
fn head_is_read_back_from_its_text() {
    let (_, head) = log(3);
    assert_eq!(head.to_string().parse(), Ok(head));
    let digits = "a".repeat(64);
    let long = format!("1:{digits}a");
    let wide = format!("1:{}é", "a".repeat(62));
    for text in ["", "1", "1:ab", ":", &format!(":{digits}"), &format!("-1:{digits}"), &long, &wide]
    {
        assert_eq!(text.parse::<ChainHead>(), Err(InvalidHead), "{text}");
    }
}

#[test]
fn debug_form_of_a_key_does_not_show_it() {
    assert_eq!(format!("{:?}", key()), "AuditKey(..)");
}
