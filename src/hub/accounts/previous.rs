//! The session that a start continues: a proof of the same person, whose penalties follow to the new session.
//!
//! It is found on this node under any name, and on other nodes if it is a guest's session under the same name.

use std::collections::HashSet;
use std::sync::Arc;

use stagedoor_proto::{CloseCode, Disconnect, FamilyId, Start, Username};

use super::Accounts;
use crate::engine::{Prepared, SessionRow};
use crate::hub::peers::PEER_TIMEOUT;
use crate::hub::rooms::Opener;
use crate::hub::sessions::SessionHandle;
use crate::principal::{Guest, Principal};
use crate::request::RequestId;
use crate::room::{RoomCommand, RoomKey};
use crate::session::SecretHash;
use crate::store::{Rename, UserKey};

pub(super) struct PreviousSession {
    username: Username,
    /// `None`: a registered user.
    guest: Option<Guest>,
    /// Whether the new session has the same username.
    has_same_name: bool,
    location: Location,
}

enum Location {
    Here(Arc<SessionHandle>),
    /// On another node.
    Elsewhere(SessionRow),
}

impl PreviousSession {
    /// The session that a start of `user` continues, if its secret is right.
    pub(super) fn find(
        accounts: &Accounts,
        start: &Start,
        user: &UserKey,
        prepared: &Prepared,
    ) -> Option<Self> {
        let previous = start.previous.as_ref()?;
        if let Some(session) = accounts.sessions.find(previous.session) {
            let secret = SecretHash::of(previous.secret.as_str());
            let is_proved = session.user().app == user.app
                && session.inspect(|session| session.is_proved_by(secret));
            return is_proved.then(|| Self {
                username: session.user().username.clone(),
                guest: session.meta().as_guest(),
                has_same_name: session.user() == user,
                location: Location::Here(session),
            });
        }
        let proved = prepared.proved.as_deref()?;
        let instance = proved.row.instance.clone();
        Some(Self {
            username: user.username.clone(),
            guest: Some(Guest::new(instance, proved.proof)),
            has_same_name: true,
            location: Location::Elsewhere(proved.row.clone()),
        })
    }

    /// The proof that the new session shares with this one: a guest's session under the same name that has not ended.
    pub(super) fn proof(&self) -> Option<FamilyId> {
        let goes_on = match &self.location {
            Location::Here(session) => !session.has_ended(),
            Location::Elsewhere(_) => true,
        };
        let guest = self.guest.as_ref().filter(|_| goes_on && self.has_same_name);
        guest.map(|guest| guest.proof)
    }

    /// The change of the principal when `by` continues this session.
    pub(super) fn rename(&self, by: &SessionHandle) -> Rename {
        Rename {
            app: Arc::clone(&by.user().app),
            from: self.username.clone(),
            from_guest: self.guest.clone(),
            to: by.user().username.clone(),
            to_guest: by.meta().as_guest(),
        }
    }

    /// Migrates the penalties in the rooms that hold some to `by`, and ends the session unless `keep`. The rooms in
    /// `carried` are opened first: a room that is being opened may have loaded the former state.
    pub(super) async fn continue_by(
        &self,
        accounts: &Accounts,
        by: &SessionHandle,
        keep: bool,
        carried: Vec<RoomKey>,
        request: &RequestId,
    ) {
        if !keep {
            self.end(accounts, request).await;
        }
        let rename = self.rename(by);
        if rename.is_empty() {
            return;
        }
        let former = Principal { username: &self.username, guest: self.guest.as_ref() };
        let holding = accounts.rooms.holding(by.app().id(), former);
        let mut rooms: HashSet<_> = holding.into_iter().collect();
        // Held until the commands are in the logs: an empty room is released.
        let mut opened = Vec::new();
        for room in carried {
            match accounts.rooms.open(&room, Opener::Gateway).await {
                Ok(pin) => {
                    opened.push(pin);
                    rooms.insert(room);
                }
                Err(error) => {
                    tracing::warn!(%error, "a room learns what it holds of a user when it opens");
                }
            }
        }
        for room in rooms {
            let Rename { app: _, from, from_guest, to, to_guest } = rename.clone();
            let cause = Some(request.clone());
            let migrate = RoomCommand::MigrateUser { from, to, from_guest, to_guest, cause };
            accounts.rooms.append(&room, migrate);
        }
    }

    async fn end(&self, accounts: &Accounts, request: &RequestId) {
        let replaced = Disconnect::new(CloseCode::Replaced);
        match &self.location {
            Location::Here(session) => accounts.sessions.end(session, replaced, Some(request)),
            Location::Elsewhere(row) => {
                let rows = std::slice::from_ref(row);
                let ended =
                    accounts.peers.end_sessions(rows, true, &replaced, Some(request), PEER_TIMEOUT);
                if let Err(error) = ended.await {
                    tracing::warn!(%error, "cannot end a session on another node");
                }
            }
        }
    }
}
