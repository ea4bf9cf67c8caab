//! What every figure gets: a gateway process and the sizes of the load.

use crate::procfs::Process;
use crate::sizes::Sizes;
use crate::target::Target;

/// A running gateway and how much load it gets.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) target: Target,
    /// The server API.
    pub(crate) admin: Target,
    pub(crate) process: Process,
    pub(crate) sizes: Sizes,
}
