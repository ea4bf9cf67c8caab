//! The parts of a room's state. Each owns its tables and indexes.
//!
//! Parts do not depend on each other. The modules of the commands change several of them.

pub(in crate::room) mod feed;
pub(in crate::room) mod lost_nodes;
pub(in crate::room) mod participants;
pub(in crate::room) mod receipts;
pub(in crate::room) mod recent_leavers;
pub(in crate::room) mod refs;
pub(in crate::room) mod size;
pub(in crate::room) mod streams;
pub(in crate::room) mod timers;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, Ref, Reply, RoomId, SessionId, StreamId};

use crate::idempotency::Fingerprint;
use crate::room::durable::records::DurableRecords;
use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::settings::RoomSettings;
use crate::room::state::feed::FeedState;
use crate::room::state::lost_nodes::LostNodes;
use crate::room::state::participants::{Membership, Participants};
use crate::room::state::receipts::Receipts;
use crate::room::state::recent_leavers::RecentLeavers;
use crate::room::state::refs::{RefOwner, Refs, Requester};
use crate::room::state::size::SizeClass;
use crate::room::state::streams::Streams;
use crate::room::state::timers::{Leases, Timers};
use crate::time::Now;

/// The replicated state: equal on every node that applied the same entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct RoomState {
    pub(in crate::room) id: RoomId,
    pub(in crate::room) settings: RoomSettings,
    pub(in crate::room) version: u64,
    pub(in crate::room) now: Now,
    pub(in crate::room) is_open: bool,
    /// Whether the room was ended, and neither joined nor created since.
    #[serde(default)]
    pub(in crate::room) has_ended: bool,
    pub(in crate::room) participants: Participants,
    #[serde(default, skip_serializing_if = "LostNodes::is_empty")]
    pub(in crate::room) lost_nodes: LostNodes,
    #[serde(default, skip_serializing_if = "Streams::is_empty")]
    pub(in crate::room) streams: Streams,
    pub(in crate::room) records: DurableRecords,
    pub(in crate::room) recent_leavers: RecentLeavers,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    pub(in crate::room) refs: Refs<Reply>,
    pub(in crate::room) receipts: Receipts,
    pub(in crate::room) feed: FeedState,
    pub(in crate::room) size: SizeClass,
    pub(in crate::room) timers: Timers,
    pub(in crate::room) leases: Leases,
}

impl RoomState {
    pub(in crate::room) fn new(id: RoomId) -> Self {
        Self {
            id,
            settings: RoomSettings::default(),
            version: 0,
            now: Now::default(),
            is_open: false,
            has_ended: false,
            participants: Participants::default(),
            lost_nodes: LostNodes::default(),
            streams: Streams::default(),
            records: DurableRecords::default(),
            recent_leavers: RecentLeavers::default(),
            refs: Refs::default(),
            receipts: Receipts::default(),
            feed: FeedState::default(),
            size: SizeClass::default(),
            timers: Timers::default(),
            leases: Leases::default(),
        }
    }

    /// The membership that made a request.
    pub(in crate::room) fn requester(&self, origin: Origin) -> Result<&Membership, Error> {
        match origin {
            Origin::Session { session, .. } => {
                self.participants.of_session(session).ok_or_else(errors::not_in_room)
            }
            Origin::Call(_) => Err(errors::for_participants_only()),
        }
    }

    /// Marks a stream as muted or not, and its owner as changed in the session feed.
    pub(in crate::room) fn set_muted(&mut self, id: StreamId, muted: bool) {
        let Some(stream) = self.streams.find_mut(id) else { return };
        if std::mem::replace(&mut stream.wire.muted, muted) != muted {
            self.feed.mark_changed(stream.wire.participant);
        }
    }

    pub(in crate::room) fn is_at_stream_limit(&self) -> bool {
        self.streams.len() >= self.settings.streams as usize
    }

    /// The answer stored under this key for the requester.
    ///
    /// Look it up before any check: the command may have cost the requester its membership or role.
    pub(in crate::room) fn lookup_reply(
        &self,
        origin: Origin,
        key: Option<(&Ref, Fingerprint)>,
    ) -> Result<Option<Reply>, Error> {
        let Some((ref_, body)) = key else { return Ok(None) };
        let requester = match origin {
            Origin::Session { session, .. } => self.ref_requester(session),
            Origin::Call(_) => Requester::Server,
        };
        self.refs.lookup(requester, ref_, body, self.now.monotonic)
    }

    /// Stores an answer under its key.
    pub(in crate::room) fn insert_reply(
        &mut self,
        owner: Option<RefOwner>,
        key: Option<(&Ref, Fingerprint)>,
        reply: &Reply,
    ) {
        if let Some((ref_, body)) = key {
            self.refs.insert(owner, ref_.clone(), body, self.now.monotonic, reply.clone());
        }
    }

    /// A session as the owner of idempotency keys.
    pub(in crate::room) fn ref_requester(&self, session: SessionId) -> Requester<'_> {
        let user = self.participants.of_session(session).map(Membership::principal);
        Requester::Session { session, user }
    }
}
