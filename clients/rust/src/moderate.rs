//! The moderation commands of a [`Room`].
//!
//! The reply to a command has the version of the room with it. Receipts of its targets come as
//! [`Push::Moderation`](stagedoor_proto::Push::Moderation). Each command has a `ref_`, random by default:
//! a repetition with the same `ref_` has no second effect.

use stagedoor_proto::{
    Accepted, Block, BlockScope, Command, ForceDisconnect, ForceMute, ForceMuteAll, ForceUnpublish,
    ModerateRoom, MuteException, MuteTarget, OnStream, ParticipantId, Reason, Ref, Reply, Role,
    SetRole, SetSessionFeed, StreamId, Unblock, Username, Who,
};

use crate::{RequestError, Room};

impl Room {
    /// All audio of a user in this room, as the target of a mute.
    #[must_use]
    pub fn audio_of(&self, who: Who) -> MuteTarget {
        MuteTarget::Person { room: self.id().clone(), who }
    }

    /// Removes a participant and blocks the user for as long as `block` says.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn force_disconnect(
        &self,
        who: Who,
        block: Block,
        reason: Option<Reason>,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        let command = ForceDisconnect { room, who, block, reason, ref_ };
        self.moderate(Command::ForceDisconnect(command)).await
    }

    /// Lifts what moderators set for a removed user, in the room or in the app; [`Accepted::block`] still holds.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unblock(
        &self,
        username: Username,
        scope: BlockScope,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        self.moderate(Command::Unblock(Unblock { room, username, scope, ref_ })).await
    }

    /// Ends another participant's stream.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn force_unpublish(
        &self,
        stream: StreamId,
        reason: Option<Reason>,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        self.moderate(Command::ForceUnpublish(ForceUnpublish { stream, reason, ref_ })).await
    }

    /// Mutes a stream, a participant or a user. `lock` keeps the owner from undoing the mute.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn force_mute(
        &self,
        target: MuteTarget,
        lock: bool,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        self.moderate(Command::ForceMute(ForceMute { target, lock, ref_ })).await
    }

    /// Lifts a mute; it never turns audio on.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn lift_mute(
        &self,
        target: MuteTarget,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        self.moderate(Command::LiftMute(ForceMute { target, lock: false, ref_ })).await
    }

    /// Mutes all participants, now and until the mute of the room ends, but those in `except`, each named by its id or
    /// by that of a stream, and this one, unless `include_self` is true.
    ///
    /// # Errors
    /// [`RequestError`]; `stream_not_found` names an unknown id.
    pub async fn force_mute_all(
        &self,
        except: Vec<MuteException>,
        include_self: bool,
        lock: bool,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        let command = ForceMuteAll { room, except, include_self, lock, ref_ };
        self.moderate(Command::ForceMuteAll(command)).await
    }

    /// Ends the mute of the room; muted streams stay muted.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn disable_force_mute(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::DisableForceMute(self.room_command(ref_))).await
    }

    /// Requests the owner of a stream to unmute it.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request_unmute(
        &self,
        stream: StreamId,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        self.moderate(Command::RequestUnmute(OnStream { stream, ref_ })).await
    }

    /// Changes a participant's role.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_role(
        &self,
        participant: ParticipantId,
        role: Role,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        self.moderate(Command::SetRole(SetRole { room, participant, role, ref_ })).await
    }

    /// Rejects new participants.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn lock_room(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::LockRoom(self.room_command(ref_))).await
    }

    /// Accepts new participants again.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unlock_room(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::UnlockRoom(self.room_command(ref_))).await
    }

    /// Ends the room for all participants.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn end_room(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::EndRoom(self.room_command(ref_))).await
    }

    /// Turns the session feed on or off; returns whether it is on.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_session_feed(&self, enabled: bool) -> Result<bool, RequestError> {
        let command = Command::SetSessionFeed(SetSessionFeed { room: self.id().clone(), enabled });
        self.ask(command, |reply| match reply {
            Reply::SessionFeedSet(set) => Some(set.enabled),
            _ => None,
        })
        .await
    }

    fn room_command(&self, ref_: Option<Ref>) -> ModerateRoom {
        ModerateRoom { room: self.id().clone(), ref_ }
    }

    async fn moderate(&self, command: Command) -> Result<Accepted, RequestError> {
        self.ask(command, |reply| match reply {
            Reply::Accepted(accepted) => Some(accepted),
            _ => None,
        })
        .await
    }
}
