//! What an operator does to users and sessions; each acts at once on those that are live.
//!
//! The store is told first, then live sessions are looked for: see `directory` for why one always meets the other.

use std::sync::Arc;

use futures::future::OptionFuture;
use stagedoor_proto::{CloseCode, Disconnect, SessionId, Timestamp};

use super::Hub;
use super::handle::SessionHandle;
use super::refusal::parting_word;
use crate::request::RequestId;
use crate::store::{AuditEvent, Block, Reach, StoreError, UserKey};

impl Hub {
    /// Blocks a user from the app and ends their sessions and, of a guest, those of other guests whom the block reaches;
    /// how many. `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store did not take it; nothing happened then.
    pub async fn block_user(
        &self,
        user: UserKey,
        block: Block,
        address: bool,
        row: Option<AuditEvent>,
        request: Option<&RequestId>,
    ) -> Result<usize, StoreError> {
        // Both are in the store's queue at once, and so on disk together.
        let kept = self.store.block(user.clone(), block.clone(), address, row);
        let told = self.begin_telling_of_ban(&user, &block, request);
        let reach = kept.await?;
        let parting = parting_word(&block);
        let mut ended = self.end_all(&user, &parting, request);
        if reach != Reach::default() {
            let reached = self.directory.fence_all(&user.app, |session| {
                session.is_guest() && reach.includes(session.instance(), session.arrival().address)
            });
            for session in &reached {
                self.end(session, parting.clone(), request);
            }
            ended += reached.len();
        }
        OptionFuture::from(told).await;
        Ok(ended)
    }

    /// Lifts a user's block; whether there was one. `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store did not take it.
    pub async fn unblock_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
    ) -> Result<bool, StoreError> {
        self.store.unblock(user, self.clock.now(), row).await
    }

    /// Deletes a user and ends their sessions; how many. `None`, and nothing happened, when nothing is known of them.
    /// `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store did not take it; nothing happened then.
    pub async fn delete_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<Option<usize>, StoreError> {
        // The store may have forgotten a guest who stayed; whoever comes in from here on is known to it.
        let is_here = !self.directory.held(&user).is_empty();
        if !self.store.delete_user(user.clone(), is_here, self.clock.now(), row).await? {
            return Ok(None);
        }
        Ok(Some(self.end_all(&user, &Disconnect::new(CloseCode::UserDeleted), Some(request))))
    }

    /// Voids a user's tokens and ends the sessions that live by them; how many. `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store did not take it; nothing happened then.
    pub async fn revoke_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<usize, StoreError> {
        self.store.revoke_user(user.clone(), self.clock.now(), row).await?;
        Ok(self.end_all(&user, &Disconnect::new(CloseCode::TokenRevoked), Some(request)))
    }

    /// Ends one session of an app; `None` when there is none such.
    pub fn terminate(
        &self,
        app: &str,
        id: SessionId,
        request: Option<&RequestId>,
    ) -> Option<Arc<SessionHandle>> {
        let session = self.registry.find(id)?;
        if *session.user().app != *app || session.has_ended() {
            return None;
        }
        self.end(&session, Disconnect::new(CloseCode::Terminated), request);
        Some(session)
    }

    /// The session of an app that is live, or just ended.
    #[must_use]
    pub fn session(&self, app: &str, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.registry.find(id).filter(|session| *session.user().app == *app)
    }

    /// The live sessions of a user.
    #[must_use]
    pub fn sessions_of(&self, user: &UserKey) -> Vec<Arc<SessionHandle>> {
        self.directory.held(user)
    }

    /// The sessions of an app that have not ended, oldest first.
    #[must_use]
    pub fn sessions(&self, app: &str) -> Vec<Arc<SessionHandle>> {
        self.sessions_after(app, None, usize::MAX, |_| true)
    }

    /// At most `limit` sessions of an app that have not ended, oldest first and after `after`.
    ///
    /// `wanted` may take a session's lock.
    #[must_use]
    pub fn sessions_after(
        &self,
        app: &str,
        after: Option<(Timestamp, SessionId)>,
        limit: usize,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        let place = |session: &SessionHandle| (session.started(), session.id());
        let mut sessions = self.registry.select(|session| {
            *session.user().app == *app && after.is_none_or(|after| place(session) > after)
        });
        sessions.retain(|session| !session.has_ended() && wanted(session));
        if limit < sessions.len() {
            // A page of many thousands is found without sorting them all.
            sessions.select_nth_unstable_by_key(limit, |session| place(session));
            sessions.truncate(limit);
        }
        sessions.sort_unstable_by_key(|session| place(session));
        sessions
    }

    pub(super) fn end_all(
        &self,
        user: &UserKey,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> usize {
        let held = self.directory.fence(user);
        for session in &held {
            self.end(session, disconnect.clone(), request);
        }
        held.len()
    }
}
