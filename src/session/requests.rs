//! Which requests of a session still wait for their reply.

use smallvec::SmallVec;

/// The ids of requests that are being worked on.
#[derive(Debug, Default)]
pub(super) struct Requests(SmallVec<[u32; 2]>);

impl Requests {
    /// Notes that `id` is being worked on; `false` when `max` are already, or `id` itself is.
    pub(super) fn begin(&mut self, id: u32, max: usize) -> bool {
        let fits = self.0.len() < max && !self.0.contains(&id);
        if fits {
            self.0.push(id);
        }
        fits
    }

    /// Notes that `id` was answered.
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
