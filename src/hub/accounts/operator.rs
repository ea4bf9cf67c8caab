//! Operators' actions on users: block, delete, revoke. Each takes effect at once in live sessions.
//!
//! The store is written before live sessions are looked up: of two concurrent operations, at least one then sees the
//! other (see the engine's directory).

use std::sync::Arc;

use stagedoor_proto::{BlockSource, CloseCode, Disconnect, Ref, Timestamp};

use super::Accounts;
use crate::engine::DirectoryKey;
use crate::hub::access_control::NewBlock;
use crate::hub::app::App;
use crate::hub::context::check_records;
use crate::hub::errors::{CallError, StartError};
use crate::hub::peers::AppRevocation;
use crate::request::RequestId;
use crate::revocation::{DEFAULT_REVOCATION_LEEWAY, Revocation};
use crate::store::{AuditEvent, Block, StoreError, Unblocked, UserKey};

impl Accounts {
    /// Blocks a user from the app and ends their sessions. A block of a guest also ends the sessions of other guests
    /// that match it. Returns the number of ended sessions, and the block that holds. `row` is the audit
    /// record.
    ///
    /// # Errors
    /// If the store fails; nothing was changed then.
    pub async fn block_user(
        &self,
        user: UserKey,
        block: Block,
        address: bool,
        row: Option<AuditEvent>,
        request: Option<&RequestId>,
    ) -> Result<(usize, Block), CallError> {
        check_records(&self.context, &user.app, true)?;
        let ref_ = ref_of(row.as_ref());
        let new = NewBlock { user, block, guests: None, by_address: address, ref_ };
        self.access.block(new, row, request).await
    }

    /// Lifts what the server API set for a user. `row` is the audit record.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn unban_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
    ) -> Result<Unblocked, StoreError> {
        let now = self.context.clock.wall();
        self.context.store.unblock(user, BlockSource::Operator, now, row).await
    }

    /// Deletes a user and ends their sessions. Returns how many; `None`, and nothing changed, for an unknown user.
    /// `row` is the audit record.
    ///
    /// # Errors
    /// If the store fails; nothing was changed then.
    pub async fn delete_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<Option<usize>, CallError> {
        // The store may have pruned a guest whose session is live; starts from here on are in the store.
        let (store, now) = (&self.context.store, self.context.clock.wall());
        let ref_ = ref_of(row.as_ref());
        let is_here = !self.engine.rows(DirectoryKey::of(&user)).await?.is_empty();
        if !store.delete_user(user.clone(), is_here, now, row).await? {
            return Ok(None);
        }
        let deleted = Disconnect::new(CloseCode::UserDeleted).caused_by(ref_.as_ref());
        Ok(Some(self.access.end_sessions(&user, &deleted, Some(request)).await?))
    }

    /// Voids the tokens of an app that were issued before a time, and ends the sessions that were authenticated before
    /// it. Without a time, everything is void that was issued until now. Returns how many sessions ended, and the time
    /// from which tokens of the app are accepted. `row` is the audit record.
    ///
    /// # Errors
    /// If the store fails; nothing was changed then. If a node does not answer, the tokens are void.
    pub async fn revoke_app(
        &self,
        app: &App,
        before: Option<Timestamp>,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<(usize, Timestamp), CallError> {
        let (leeway, now) = (app.rules().revocation_leeway, self.context.clock.wall());
        let (at, ends_all) = (before.unwrap_or(now), before.is_none());
        let ref_ = ref_of(row.as_ref());
        let revoked =
            self.context.store.revoke_app(Arc::clone(app.id()), at, ends_all, row).await?;
        let revocation = Revocation::new(revoked, leeway);
        let void = StartError::token_revoked(revocation.retry_after(self.context.clock.wall()));
        let meant = AppRevocation { revoked, ends_all };
        let (access, disconnect) = (&self.access, void.disconnect.caused_by(ref_.as_ref()));
        let ended = access.end_revoked_everywhere(app.id(), meant, &disconnect, request).await?;
        Ok((ended, revocation.accepted_from()))
    }

    /// Voids a user's tokens and ends their sessions. Returns how many, and the time from which tokens of the app are
    /// accepted. `row` is the audit record.
    ///
    /// # Errors
    /// If the store fails; nothing was changed then.
    pub async fn revoke_user(
        &self,
        user: UserKey,
        row: Option<AuditEvent>,
        request: &RequestId,
    ) -> Result<(usize, Timestamp), CallError> {
        let app = self.context.app(&user.app);
        let leeway = app.map_or(DEFAULT_REVOCATION_LEEWAY, |app| app.rules().revocation_leeway);
        let ref_ = ref_of(row.as_ref());
        let at =
            self.context.store.revoke_user(user.clone(), self.context.clock.wall(), row).await?;
        let revocation = Revocation::new(at, leeway);
        let revoked = StartError::token_revoked(revocation.retry_after(self.context.clock.wall()));
        let disconnect = revoked.disconnect.caused_by(ref_.as_ref());
        let ended = self.access.end_sessions(&user, &disconnect, Some(request)).await?;
        Ok((ended, revocation.accepted_from()))
    }
}

/// The idempotency key of a call.
fn ref_of(row: Option<&AuditEvent>) -> Option<Ref> {
    row?.ref_.clone()
}
