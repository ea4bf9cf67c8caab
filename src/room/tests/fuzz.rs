//! Any log keeps the invariants on every replica: five bytes are one command and the wait after it.

use std::time::Duration;

use stagedoor_fuzz::{Target, run};

use super::model::{RoomModel, small_room};
use super::property::command;
use crate::room::{DurableState, OpenRoom, RoomCommand};

#[test]
fn fuzz_room_core() {
    let target = Target {
        name: "room_core",
        seeds: &[b"\x00\x00\x00\x00\x00\x0d\x00\x00\x01\x00\x1a\x01\x04\x21\x03"],
        dictionary: &[],
        max_len: 5 * 120,
    };
    let settings = small_room();
    run(target, |bytes| {
        let mut model = RoomModel::with(settings.clone(), DurableState::default());
        let mut last = None;
        for [kind, a, b, c, wait] in bytes.as_chunks::<5>().0 {
            if model.room.is_open() {
                let command = command((*kind, *a, *b, *c), &model);
                last = Some(std::mem::discriminant(&command));
                model.step(command);
            } else {
                let open = OpenRoom { settings: settings.clone(), ..OpenRoom::default() };
                model.step(RoomCommand::Open(Box::new(open)));
            }
            let ms = [0, 1, 100, 250, 1_000, 5_000, 60_000, 700_000][usize::from(wait % 8)];
            if wait & 64 == 0 {
                model.wait(ms);
            } else {
                // The next command comes before the due tick.
                model.now = model.now + Duration::from_millis(ms);
            }
        }
        (model.room.is_open(), last, model.clients.len())
    });
}
