//! Rooms as their app's server sees and uses them.

mod rooms;

pub use rooms::ShownRoom;
