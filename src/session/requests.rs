//! The pending requests of a session.

use smallvec::SmallVec;

/// The ids of pending requests.
#[derive(Debug, Default)]
pub(super) struct Requests(SmallVec<[u32; 2]>);

impl Requests {
    /// Adds `id`; `false` if `max` requests are pending, or one with this id.
    pub(super) fn begin(&mut self, id: u32, max: usize) -> bool {
        let fits = self.0.len() < max && !self.0.contains(&id);
        if fits {
            self.0.push(id);
        }
        fits
    }

    /// Removes `id` after its reply.
    pub(super) fn finish(&mut self, id: u32) {
        self.0.retain(|pending| *pending != id);
        if self.0.is_empty() {
            self.0 = SmallVec::new(); // What a burst took goes back.
        }
    }

    pub(super) fn pending(&self) -> &[u32] {
        &self.0
    }
}
