//! Budgets: one client cannot use up what others need.

use std::time::Duration;

use serde_json::json;

use super::limited;

#[tokio::test]
async fn denials_beyond_the_limit_share_an_audit_row() {
    let gateway = limited(|limits| limits.audit_denials_per_minute = 1).await;
    for name in ["ada", "bob", "eve"] {
        let mut guest = gateway.enter(name, "publisher").await;
        for _ in 0..2 {
            guest.fails("lock_room", json!({ "room": "lobby" })).await;
        }
    }
    gateway.advance(Duration::from_mins(1));
    let rows = loop {
        let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
        if rows.len() >= 2 {
            break rows;
        }
    };
    let mut commands: Vec<&str> = rows.iter().map(|row| &*row.event.command).collect();
    commands.sort_unstable();
    assert_eq!(commands, ["denied_commands", "lock_room"]);
}
