//! What a session is from its start to its end, and what it may do.

use std::net::IpAddr;
use std::sync::Arc;

use stagedoor_proto::{ClientInfo, FamilyId, InstanceId, SessionId, Timestamp};

use super::app::App;
use crate::grant::Grant;
use crate::store::UserKey;

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// The client's address.
    pub address: IpAddr,
    /// The client's `User-Agent`.
    pub user_agent: Option<Box<str>>,
}

/// What never changes about a session.
pub struct SessionMeta {
    pub id: SessionId,
    pub app: Arc<App>,
    pub user: UserKey,
    pub instance: InstanceId,
    /// Whether the username is only borrowed.
    pub guest: bool,
    /// The family of its access token.
    pub family: FamilyId,
    pub client: Option<Box<ClientInfo>>,
    /// The connection it was started on.
    pub peer: PeerInfo,
    pub started: Timestamp,
}

/// What a session's credentials allow; renewals change it.
#[derive(Clone, Debug)]
pub(super) struct AuthContext {
    pub(super) grant: Arc<Grant>,
    /// When the user was last fully authenticated.
    pub(super) authenticated_at: Timestamp,
}
