//! The moderation commands of a [`Room`].
//!
//! A command that is accepted has its place in the room's log; what became of it at its targets comes as
//! [`Push::Moderation`](stagedoor_proto::Push::Moderation). Each has a `ref_`, a random one if not the
//! caller's, under which it may be sent again without a second effect.

use stagedoor_proto::{
    Accepted, Block, Command, ForceDisconnect, ForceMute, ForceMuteAll, ForceUnpublish,
    ModerateRoom, MuteTarget, OnStream, ParticipantId, Reason, Ref, Reply, Role, SetRole,
    SetSessionFeed, StreamId, Unblock, Username, Who,
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

    /// Lets a removed user return.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unblock(
        &self,
        username: Username,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        self.moderate(Command::Unblock(Unblock { room, username, ref_ })).await
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

    /// Mutes a stream, a participant or a user; with `lock` the muted may not undo it.
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

    /// Mutes everybody but the streams in `except`, now and as long as the room's mute stands.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn force_mute_all(
        &self,
        except: Vec<StreamId>,
        lock: bool,
        ref_: Option<Ref>,
    ) -> Result<Accepted, RequestError> {
        let room = self.id().clone();
        self.moderate(Command::ForceMuteAll(ForceMuteAll { room, except, lock, ref_ })).await
    }

    /// Ends the room's standing mute; muted streams stay muted.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn disable_force_mute(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::DisableForceMute(self.whole(ref_))).await
    }

    /// Asks a stream's owner to turn its audio on.
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
        self.moderate(Command::LockRoom(self.whole(ref_))).await
    }

    /// Lets people in again.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unlock_room(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::UnlockRoom(self.whole(ref_))).await
    }

    /// Ends the room for everybody.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn end_room(&self, ref_: Option<Ref>) -> Result<Accepted, RequestError> {
        self.moderate(Command::EndRoom(self.whole(ref_))).await
    }

    /// Turns the session feed on or off; whether it is on now.
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

    fn whole(&self, ref_: Option<Ref>) -> ModerateRoom {
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
