//! The room itself: its parts, how an entry is applied, whom an audience is.
//!
//! Each part of [`Room`] is changed by the module of its name; this one puts an entry through all of them in order: what
//! time alone brings about, then the command, then what follows from the new state (size, reports, feed, emptiness).

pub(in crate::room) mod lost_nodes;
pub(in crate::room) mod participants;
pub(in crate::room) mod receipts;
pub(in crate::room) mod recent_leavers;
pub(in crate::room) mod refs;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, Link, ParticipantId, Ref, Reply, RoomId, SessionId, SessionState, StreamId,
    Timestamp, Username,
};

use crate::idempotency::Fingerprint;
use crate::room::durable::records::DurableRecords;
use crate::room::effect::{Audience, Audit, Effect, Effects, Everywhere, Fact};
use crate::room::errors;
use crate::room::events::Happening;
use crate::room::log::commands::{Opening, RoomCommand};
use crate::room::log::entry::Entry;
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::settings::{LEAVER_RETENTION, RETENTION, RoomSettings};
use crate::room::signal::Signals;
use crate::room::state::lost_nodes::LostNodes;
use crate::room::state::participants::{Membership, Participants};
use crate::room::state::receipts::Receipts;
use crate::room::state::recent_leavers::RecentLeavers;
use crate::room::state::refs::{RefOwner, Refs, Requester};
use crate::room::streams::publish::Published;
use crate::room::visibility::session_feed::Feed;
use crate::room::visibility::size::Size;

/// A room: what a log of commands made of it so far.
///
/// Its serialized form is a checkpoint: whoever restores one goes on with the entries after its version. One that was
/// kept elsewhere meanwhile is to pass [`Room::check_invariants`] before it is gone on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Room {
    pub(super) id: RoomId,
    pub(super) settings: RoomSettings,
    pub(super) version: u64,
    pub(super) now: Timestamp,
    pub(super) is_open: bool,
    pub(super) people: Participants,
    #[serde(default, skip_serializing_if = "LostNodes::is_empty")]
    pub(super) lost_nodes: LostNodes,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) streams: BTreeMap<StreamId, Published>,
    pub(super) held: DurableRecords,
    pub(super) recent: RecentLeavers,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    pub(super) refs: Refs<Reply>,
    pub(super) receipts: Receipts,
    /// Rows for the audit log of verbs whose last receipt came in with this entry; empty between entries.
    #[serde(skip)]
    pub(super) settled: Vec<Audit>,
    pub(super) feed: Feed,
    pub(super) size: Size,
    /// When memberships are to be warned or ended.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) leases: BTreeSet<(Timestamp, ParticipantId)>,
    /// When streams whose owners ignore a mute are to be ended.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) deadlines: BTreeSet<(Timestamp, StreamId)>,
    /// When an empty room closes; `None` while somebody is in it.
    pub(super) closes: Option<Timestamp>,
    pub(super) signals: Signals,
    /// Whether anybody on this node asks for what happens; of the node, not of the log.
    #[serde(skip)]
    pub(super) tells_happenings: bool,
}

impl Room {
    /// A room whose log is empty; the first entry opens it.
    #[must_use]
    pub fn new(id: RoomId) -> Self {
        Self {
            id,
            settings: RoomSettings::default(),
            version: 0,
            now: Timestamp::default(),
            is_open: false,
            people: Participants::default(),
            lost_nodes: LostNodes::default(),
            streams: BTreeMap::new(),
            held: DurableRecords::default(),
            recent: RecentLeavers::default(),
            refs: Refs::default(),
            receipts: Receipts::default(),
            settled: Vec::new(),
            feed: Feed::default(),
            size: Size::default(),
            leases: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            closes: None,
            signals: Signals::default(),
            tells_happenings: false,
        }
    }

    /// Applies the next entry of the log.
    ///
    /// An entry that is not newer than the last was applied before and does nothing. Time never goes back: an entry from
    /// before the last one happens at the last one's time.
    pub fn apply(&mut self, entry: Entry) -> Vec<Effect> {
        let mut out = Effects::new(entry.origin);
        if entry.version <= self.version {
            return out.into_list();
        }
        self.version = entry.version;
        self.now = self.now.max(entry.now);
        if self.is_open {
            self.expire(&mut out);
        }
        let was_empty = self.people.is_empty();
        out.follow(entry.command.request());
        self.run(entry.origin, entry.command, &mut out);
        if self.people.is_empty() == was_empty {
            // What is settled of the room's emptiness came of time alone.
            out.follow(None);
        }
        if self.is_open {
            self.update_size_class(None, &mut out);
            self.send_reports(&mut out);
            self.send_feed(&mut out);
            self.schedule_close(&mut out);
        }
        out.into_list()
    }

    /// When a [`RoomCommand::Tick`] is to be appended, if nothing else comes before.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let dues = [
            self.leases.first().map(|(at, _)| *at),
            self.deadlines.first().map(|(at, _)| *at),
            self.receipts.next_due(),
            self.feed.next_due(),
            self.size.next_due(),
            self.closes,
        ];
        dues.into_iter().flatten().min()
    }

    /// The room's id.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// The place in the log up to which this is.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether the room was opened; otherwise the next entry is to be [`RoomCommand::Open`].
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The sessions that are in the room, each as the room knows it.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, Link, SessionState)> {
        self.people.iter().map(|person| (person.session, person.link, person.state))
    }

    /// The nodes that serve the sessions in the room, as the log says. A process that takes the place of another appends
    /// [`RoomCommand::NodeLost`] for each of them that is not itself.
    #[must_use]
    pub fn homes(&self) -> BTreeSet<NodeEpoch> {
        self.people.iter().map(|person| person.home).collect()
    }

    /// The membership of a session.
    #[must_use]
    pub fn participant_of(&self, session: SessionId) -> Option<ParticipantId> {
        self.people.of_session(session).map(|membership| membership.id)
    }

    /// Whether a stream is in this room.
    #[must_use]
    pub fn has_stream(&self, stream: StreamId) -> bool {
        self.streams.contains_key(&stream)
    }

    /// Whether a session did something here under this `ref`, be it in the room or not, or another of its user did.
    #[must_use]
    pub fn knows_ref(&self, session: SessionId, ref_: &Ref) -> bool {
        self.refs.knows(self.asker(session), ref_)
    }

    /// Whether moderators laid something on a user here: a mute, a role, a block.
    #[must_use]
    pub fn holds_any_of(&self, username: &Username) -> bool {
        self.held.is_locked(username)
            || self.held.role(username).is_some()
            || self.held.block_of(username).is_some()
    }

    /// Calls `tell` with every session of an audience, in an order that is the same on every node.
    pub fn each_in(&self, audience: &Audience, mut tell: impl FnMut(SessionId)) {
        match audience {
            Audience::One(session) => tell(*session),
            Audience::Sessions(sessions) => sessions.iter().copied().for_each(tell),
            Audience::All { .. } | Audience::Viewers { .. } | Audience::Blind { .. } => {
                let is_meant = |person: &&Membership| is_among(audience, person);
                self.people.iter().filter(is_meant).for_each(|person| tell(person.session));
            }
            Audience::Watchers => {
                let watching = self.feed.watchers().filter_map(|id| self.people.find(id));
                watching.for_each(|person| tell(person.session));
            }
        }
    }

    /// Whether a session is in an audience. Of [`Audience::Sessions`] this is a search: go through them instead.
    #[must_use]
    pub fn is_in(&self, audience: &Audience, session: SessionId) -> bool {
        match audience {
            Audience::One(one) => *one == session,
            Audience::Sessions(sessions) => sessions.contains(&session),
            Audience::All { .. } | Audience::Viewers { .. } | Audience::Blind { .. } => {
                self.people.of_session(session).is_some_and(|person| is_among(audience, person))
            }
            Audience::Watchers => self
                .people
                .of_session(session)
                .is_some_and(|person| self.feed.is_watching(person.id)),
        }
    }

    fn run(&mut self, node: NodeEpoch, command: RoomCommand, out: &mut Effects) {
        let origin = command.origin();
        if !self.is_open && !matches!(command, RoomCommand::Open(_)) {
            if let Some(origin) = origin {
                let message = "the room's durable facts are not loaded yet; try again";
                out.reply(origin, Err(Error::new(ErrorCode::EngineUnavailable, message)));
            }
            return;
        }
        if let Err(fenced) = self.check_home(node, &command) {
            if let Some(origin) = origin {
                out.reply(origin, Err(fenced));
            }
            return;
        }
        let result = match command {
            RoomCommand::Open(opening) => return self.open(*opening),
            RoomCommand::Tick => return,
            RoomCommand::Link { session, link, home, generation } => {
                if let Some(id) = self.participant_of(session) {
                    self.move_home(id, home, generation);
                    self.change_link(session, link, out);
                }
                return;
            }
            RoomCommand::NodeLost { epoch } => return self.lose_node(epoch, out),
            RoomCommand::SessionState { session, state } => {
                return self.change_session_state(session, state);
            }
            RoomCommand::Carry { from, to, .. } => return self.carry(&from, &to, out),
            RoomCommand::Moderate { origin, verb, server } => {
                return self.moderate(origin, &verb, server.map(|caller| caller.name), out);
            }
            RoomCommand::Join(join) => {
                self.join(*join, node, out).map(|joined| Reply::Joined(Box::new(joined)))
            }
            RoomCommand::Leave { session, reason, .. } => self.leave(session, reason, out),
            RoomCommand::Publish { origin, stream, new } => self.publish(origin, stream, new, out),
            RoomCommand::UpdateStream { origin, update } => self.update_stream(origin, update, out),
            RoomCommand::Unpublish { origin, stream, ref_ } => {
                self.unpublish(origin, stream, ref_.as_ref(), out)
            }
            RoomCommand::Subscribe { origin, stream } => self.subscribe(origin, stream, out),
            RoomCommand::Unsubscribe { origin, stream } => self.unsubscribe(origin, stream, out),
            RoomCommand::Watch { origin, on } => self.watch(origin, on, out),
        };
        if let Some(origin) = origin {
            out.reply(origin, result);
        }
    }

    /// The first one opens; another node's, appended at the same moment, has nothing to add.
    fn open(&mut self, opening: Opening) {
        if self.is_open {
            return;
        }
        self.is_open = true;
        self.settings = opening.settings;
        self.held = DurableRecords::from(opening.record);
        self.closes = Some(self.now + LEAVER_RETENTION);
    }

    fn schedule_close(&mut self, out: &mut Effects) {
        let is_empty = self.people.is_empty();
        match self.closes {
            None if is_empty => {
                self.closes = Some(self.now + LEAVER_RETENTION);
                out.keep(Fact::Emptied { keep_until: self.now + RETENTION });
                if !out.ends_room() {
                    self.happened(out, || Happening::Ended { by: None });
                }
            }
            Some(_) if !is_empty => {
                self.closes = None;
                self.happened(out, || Happening::Opened);
                out.keep(Fact::Occupied);
            }
            Some(at) if at <= self.now => {
                out.add(Everywhere::Closed);
                let (version, now) = (self.version, self.now);
                // A node that keeps the room must decide as one that dropped it.
                *self = Self { version, now, ..Self::new(self.id.clone()) };
            }
            Some(_) if out.keeps_any() => {
                out.keep(Fact::Emptied { keep_until: self.now + RETENTION });
            }
            None | Some(_) => {}
        }
    }

    /// What the requester was answered before under this key.
    ///
    /// Asked before anything else is: what was done may have cost them their place here, or their role.
    pub(super) fn lookup(
        &self,
        origin: Origin,
        key: Option<(&Ref, Fingerprint)>,
    ) -> Result<Option<Reply>, Error> {
        let Some((ref_, body)) = key else { return Ok(None) };
        let asker = match origin {
            Origin::Session { session, .. } => self.asker(session),
            Origin::Call(_) => Requester::Server,
        };
        self.refs.lookup(asker, ref_, body, self.now)
    }

    /// Remembers the requester's answer under a key, while they are still here.
    pub(super) fn remember(
        &mut self,
        owner: Option<RefOwner>,
        key: Option<(&Ref, Fingerprint)>,
        answer: &Reply,
    ) {
        if let Some((ref_, body)) = key {
            self.refs.remember(owner, ref_.clone(), body, self.now, answer.clone());
        }
    }

    fn asker(&self, session: SessionId) -> Requester<'_> {
        let username = self.people.of_session(session).map(|person| &person.username);
        Requester::Session { session, username }
    }

    /// The membership on whose behalf a request was made.
    pub(super) fn requester(&self, origin: Origin) -> Result<&Membership, Error> {
        match origin {
            Origin::Session { session, .. } => {
                self.people.of_session(session).ok_or_else(errors::not_in_room)
            }
            Origin::Call(_) => Err(errors::for_participants_only()),
        }
    }
}

fn is_among(audience: &Audience, person: &Membership) -> bool {
    let (is_meant, except) = match audience {
        Audience::All { except } => (true, except),
        Audience::Viewers { except } => (person.capabilities.subscribe, except),
        Audience::Blind { except } => (!person.capabilities.subscribe, except),
        Audience::One(_) | Audience::Sessions(_) | Audience::Watchers => return false,
    };
    is_meant && *except != Some(person.session)
}
