//! The metadata of a session: for its handle, the handoff, its history, events and operators.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{ClientInfo, FamilyId, InstanceId, SessionId, Timestamp, Username};

use crate::auth::CredentialSource;
use crate::engine::DirectoryKey;
use crate::grant::Grant;
use crate::principal::Guest;
use crate::revocation::Issued;
use crate::store::{FamilyGrant, UserKey};

/// The peer of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerInfo {
    pub address: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Box<str>>,
}

/// The constant metadata of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionMeta {
    pub id: SessionId,
    pub user: UserKey,
    pub instance: InstanceId,
    /// Whether the user is a guest.
    pub guest: bool,
    pub family: FamilyId,
    /// Where another guest's session proved the same person, or the name is exclusive: what all of them share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<FamilyId>,
    /// Of a guest: the last registered user of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Username>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Box<ClientInfo>>,
    /// The connection that started it, or its last one in a former process.
    pub peer: PeerInfo,
    pub started: Timestamp,
    /// The directory key of the user, once it is needed.
    #[serde(skip)]
    pub key: OnceLock<DirectoryKey>,
}

impl SessionMeta {
    /// The guest. `None`: a registered user.
    #[must_use]
    pub fn as_guest(&self) -> Option<Guest> {
        self.guest.then(|| Guest {
            instance: self.instance.clone(),
            proof: self.proof(),
            registered: self.registered.clone(),
        })
    }

    /// The directory key of the user.
    #[must_use]
    pub fn directory_key(&self) -> DirectoryKey {
        *self.key.get_or_init(|| DirectoryKey::of(&self.user))
    }

    /// What proves a guest to be the one it was before: the token family, unless several sessions share a proof.
    #[must_use]
    pub fn proof(&self) -> FamilyId {
        self.proof.unwrap_or(self.family)
    }
}

/// The rights of a session's credentials; renewals change them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AuthContext {
    pub(super) grant: Arc<Grant>,
    /// The credentials that the session lives by.
    pub(super) source: CredentialSource,
    /// Grows with each change of the grant, so that rooms apply the newest.
    pub(super) version: u64,
    /// When the user was last fully authenticated.
    pub(super) authenticated_at: Timestamp,
    /// When the app issued the credentials, if they were a session token; the epoch if it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_issued: Option<Timestamp>,
    /// The serial number of the session's newest access token.
    #[serde(default)]
    pub(super) serial: u64,
}

/// A renewal that was granted and is not applied yet.
pub(super) struct Renewal {
    pub(super) grant: Arc<Grant>,
    pub(super) source: CredentialSource,
    pub(super) authenticated_at: Timestamp,
    /// As of [`AuthContext`].
    pub(super) token_issued: Option<Timestamp>,
    pub(super) expires: Timestamp,
    /// When its credentials were issued. `None`: it needed none.
    pub(super) issued: Option<Issued>,
    /// The serial number of its access token, once the renewal is recorded.
    pub(super) serial: u64,
}

impl Renewal {
    /// What the session's token family grants after the renewal.
    pub(super) fn granted(&self) -> FamilyGrant {
        FamilyGrant {
            grant: (*self.grant).clone(),
            source: self.source,
            authenticated: self.authenticated_at,
            token_issued: self.token_issued,
            expires: self.expires,
        }
    }
}
