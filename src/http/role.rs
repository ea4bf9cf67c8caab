//! What a port serves.

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRole {
    /// Clients alone.
    Clients,
    /// The server API alone.
    Admin,
    /// Both: development mode.
    Both,
}
