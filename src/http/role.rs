//! The roles of ports.

/// What a port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRole {
    /// Only clients.
    Clients,
    /// Only the server API.
    Admin,
    /// Both, in development mode.
    Both,
}
