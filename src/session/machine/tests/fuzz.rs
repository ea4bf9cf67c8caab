//! Any sequence of inputs keeps the invariants: four bytes are one input.

use stagedoor_fuzz::{Target, run};

use super::{CloseCode, ShownSecret, TestInput, World};

fn input([kind, a, b, c]: [u8; 4]) -> TestInput {
    let frames = 1 + usize::from(b % 6);
    let ago = u64::from(a % 3);
    match kind % 13 {
        0 => TestInput::Push(1 + usize::from(a) * 3),
        1 => TestInput::Output { generations_ago: ago, frames },
        2 => TestInput::Resume {
            shows: [ShownSecret::Newest, ShownSecret::Former, ShownSecret::Wrong]
                [usize::from(b % 3)],
            behind: u64::from(c % 5),
        },
        3 => TestInput::Loss { generations_ago: ago },
        4 => TestInput::Pong { behind: u64::from(b % 5) },
        5 => TestInput::Life,
        6 => TestInput::Disconnect(CloseCode::ALL[usize::from(a) % CloseCode::ALL.len()]),
        7 => TestInput::Time(u64::from(u16::from_be_bytes([b, c]))),
        8 => TestInput::Renew { secs: u64::from(u16::from_be_bytes([b, c])) },
        9 => TestInput::Postpone,
        10 => TestInput::Begin(u32::from(a % 8)),
        11 => TestInput::Finish(u32::from(a % 8)),
        _ => TestInput::Restart,
    }
}

#[test]
fn fuzz_session_core() {
    let target = Target {
        name: "session_core",
        seeds: &[b"\x00\x10\x00\x00\x01\x00\x05\x00\x03\x00\x00\x00\x02\x00\x00\x01"],
        dictionary: &[],
        max_len: 4 * 120,
    };
    run(target, |bytes| {
        let mut world = World::new();
        for chunk in bytes.as_chunks::<4>().0 {
            world.step(&input(*chunk));
        }
        let is_live = world.session.generation().is_some();
        (world.session.state, is_live, world.ending, world.session.requests.pending().len())
    });
}
