//! What an operator does to users; each acts at once on their live sessions.
//!
//! The store is written first, then live sessions are looked for: see the engine's directory for why one always
//! meets the other.

use stagedoor_proto::{CloseCode, Disconnect};

use super::Accounts;
use crate::hub::errors::CallError;
use crate::request::RequestId;
use crate::store::{AuditEvent, Block, StoreError, UserKey};

impl Accounts {
    /// Blocks a user from the app and ends their sessions. A block of a guest also ends the sessions of other guests
    /// that match it. Returns the number of ended sessions. `row` is the audit record.
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
        self.access.block(user, block, address, row, request).await
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
        self.context.store.unblock(user, self.context.clock.wall(), row).await
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
        // The store may have pruned a guest who stayed; a start from here on is known to it.
        let (store, now) = (&self.context.store, self.context.clock.wall());
        let is_here = !self.engine.rows(&user).await?.is_empty();
        if !store.delete_user(user.clone(), is_here, now, row).await? {
            return Ok(None);
        }
        let deleted = Disconnect::new(CloseCode::UserDeleted);
        Ok(Some(self.access.end_sessions(&user, &deleted, Some(request)).await?))
    }

    /// Voids a user's tokens and ends the sessions that live by them; how many. `row` is what the audit log keeps of
    /// it.
    ///
    /// # Errors
    /// When the store did not take it; nothing happened then.
    pub async fn revoke_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<usize, CallError> {
        self.context.store.revoke_user(user.clone(), self.context.clock.wall(), row).await?;
        let revoked = Disconnect::new(CloseCode::TokenRevoked);
        self.access.end_sessions(&user, &revoked, Some(request)).await
    }
}
