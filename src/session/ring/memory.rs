//! The memory of replay buffers: each body once, however many rings share it, and the tables of the rings.
//!
//! Counted with atomics when a body first enters a ring and is dropped, and when a table grows or shrinks, so a
//! delivery to one more session usually counts nothing. Not here: what happens above a limit (`hub`).

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The memory that the rings which share this value use, in bytes.
#[derive(Clone, Debug, Default)]
pub struct ReplayMemory(Arc<AtomicUsize>);

impl ReplayMemory {
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A table of frames was reallocated.
    pub(super) fn resize(&self, before: usize, after: usize) {
        if after > before {
            self.add(after - before);
        } else if after < before {
            self.release(before - after);
        }
    }
}

/// The body of a frame, without its head: see `stagedoor_proto::frame_text`. Clones share it.
#[derive(Clone)]
pub struct Body(Arc<Shared>);

struct Shared {
    bytes: Arc<[u8]>,
    /// Set when the body first enters a ring.
    counted: OnceLock<ReplayMemory>,
}

impl Body {
    /// The memory of a body of `len` bytes, with its reference counts.
    pub(super) const fn footprint(len: usize) -> usize {
        size_of::<Shared>() + 2 * REFERENCE_COUNTS + len
    }

    /// Counts the body, unless a ring has already.
    pub(super) fn count_in(&self, memory: &ReplayMemory) {
        self.0.counted.get_or_init(|| {
            memory.add(Self::footprint(self.len()));
            memory.clone()
        });
    }

    /// Differs between bodies that exist at the same time.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The bytes, not counted.
    pub(super) fn bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.0.bytes)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(memory) = self.counted.get() {
            memory.release(Body::footprint(self.bytes.len()));
        }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Body {
    fn from(bytes: B) -> Self {
        Self(Arc::new(Shared { bytes: bytes.into(), counted: OnceLock::new() }))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len())
    }
}

/// The two reference counts of an [`Arc`].
const REFERENCE_COUNTS: usize = 2 * size_of::<usize>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_body_is_counted_once_and_released_last() {
        let memory = ReplayMemory::default();
        let body = Body::from(vec![b'x'; 1_000]);
        assert_eq!(memory.bytes(), 0, "no ring has it");
        let copies = [body.clone(), body.clone()];
        for copy in &copies {
            copy.count_in(&memory);
        }
        assert_eq!(memory.bytes(), Body::footprint(1_000));
        drop((body, copies.into_iter().next()));
        assert_eq!(memory.bytes(), 0);
    }
}
