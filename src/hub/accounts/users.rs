//! What an operator does to users and sessions; each acts at once on those that are live.
//!
//! The store is told first, then live sessions are looked for: see the engine's `directory` for why one always meets the
//! other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::OptionFuture;
use stagedoor_proto::{CloseCode, Disconnect, SessionId, Timestamp};

use crate::engine::Answer;
use crate::hub::errors::parting_word;
use crate::hub::sessions::SessionHandle;
use crate::hub::{CallError, Hub};
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
    ) -> Result<usize, CallError> {
        // Both are in the store's queue at once, and so on disk together.
        let kept = self.store.block(user.clone(), block.clone(), address, row);
        let told = self.begin_telling_of_ban(&user, &block, request);
        let reach = kept.await?;
        let parting = parting_word(&block);
        let mut ended = self.end_all(&user, &parting, request).await?;
        if reach != Reach::default() {
            ended += self.end_reached(&user.app, &reach, &parting, request);
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
    ) -> Result<Option<usize>, CallError> {
        // The store may have forgotten a guest who stayed; whoever comes in from here on is known to it.
        let is_here = !self.engine.rows(&user).await?.is_empty();
        if !self.store.delete_user(user.clone(), is_here, self.clock.now(), row).await? {
            return Ok(None);
        }
        let deleted = Disconnect::new(CloseCode::UserDeleted);
        Ok(Some(self.end_all(&user, &deleted, Some(request)).await?))
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
    ) -> Result<usize, CallError> {
        self.store.revoke_user(user.clone(), self.clock.now(), row).await?;
        self.end_all(&user, &Disconnect::new(CloseCode::TokenRevoked), Some(request)).await
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
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn sessions_of(&self, user: &UserKey) -> Result<Vec<Arc<SessionHandle>>, CallError> {
        let rows = self.engine.rows(user).await?;
        Ok(rows.iter().filter_map(|row| self.registry.find(row.session)).collect())
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

    /// Ends all sessions of a user, and has starts that are on their way ask the store again; how many it ended.
    pub(in crate::hub) async fn end_all(
        &self,
        user: &UserKey,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let held = self.engine.fence(user).await?;
        for session in held.iter().filter_map(|row| self.registry.find(row.session)) {
            self.end(&session, disconnect.clone(), request);
        }
        Ok(held.len())
    }

    /// Ends the sessions of guests whom a block reaches, and has starts that are on their way ask the store again; how
    /// many it ended.
    fn end_reached(
        &self,
        app: &str,
        reach: &Reach,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> usize {
        // A start enters the registry before it looks at the fence: it is found here, or it sees the fence moved.
        self.guest_fence.fetch_add(1, Ordering::SeqCst);
        let mut reached = self.registry.select(|session| {
            let is_reached = || reach.includes(session.instance(), session.arrival().address);
            session.is_guest() && *session.user().app == *app && is_reached()
        });
        reached.retain(|session| !session.has_ended());
        for session in &reached {
            self.end(session, disconnect.clone(), request);
        }
        reached.len()
    }

    /// The session holds its client instance no more.
    pub(in crate::hub) fn release(&self, session: &SessionHandle) {
        session.set_held_by(None);
        self.in_background(self.engine.release(session.user(), session.id()));
    }

    /// Has the engine finish something whose result changes nothing.
    pub(in crate::hub) fn in_background<T: Send + 'static>(&self, answer: Answer<T>) {
        if let Err(later) = answer.now_or_later() {
            self.lifecycle.spawn(async move { drop(later.await) });
        }
    }
}
