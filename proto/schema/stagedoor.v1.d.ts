// Generated from the Rust types; do not edit. To make it anew:
//   cargo run -p stagedoor-proto --features schema --example generate

/** A moderation command was taken. */
export interface Accepted {
  /** The participant whose role was set, by `set_role`. */
  participant?: ParticipantId | null;
  /** Its new role. */
  role?: Role | null;
  /** Number of targets of the command. */
  target_count: number;
  /** Its place in the room's log. */
  version: number;
}

/** What a client does after a close; told by the hundreds digit of the code alone. */
export type Action =
  /** Do not come back by yourself (40xx, 45xx). */
  | "stop"
  /** Get a new auth token first (41xx). */
  | "reauth"
  /** Resume after `retry_after_ms` (42xx). */
  | "retry"
  /** Resume now (43xx). */
  | "resume"
  /** Start anew (44xx). */
  | "start";

/** Who acted: a participant, or the server. */
export type Actor =
  /** A moderator of the room. */
  | { participant: ParticipantId }
  /** The server API, or the gateway itself. */
  | { server: Record<string, never> };

/** For how long a removed user may not return. */
export interface Block {
  /** 0: this participant leaves and the user may return. Absent: the app's default. */
  for_ms?: number | null;
  /** From where. */
  scope?: BlockScope;
}

/** Whether a removal is from the room or from the app. */
export type BlockScope =
  /** From the room. */
  | "room"
  /** From the app: every session of the user ends. */
  | "app";

/** What a participant may do, worked out from its role and its grant. */
export interface Capabilities {
  /** Use the moderation commands. */
  moderate: boolean;
  /** Publish streams. */
  publish: boolean;
  /** Send signals. */
  signal: boolean;
  /** Subscribe to streams. */
  subscribe: boolean;
}

/** What software a client is. */
export interface ClientInfo {
  /** Its name, at most 64 bytes. */
  name: string;
  /** Its version, at most 64 bytes. */
  version: string;
}

/** What a client sends. */
export type ClientMessage =
  /** A request; exactly one reply follows. */
  | {
    /** The request's number, picked by the client. */
    id: number;
  } & Command
  /** The answer to a ping. */
  | { pong: Pong };

/** The number that ends a connection. */
export type CloseCode =
  /** normal */
  | 1000
  /** unsupported_version */
  | 4001
  /** auth_denied */
  | 4003
  /** origin_denied */
  | 4004
  /** kicked */
  | 4010
  /** banned */
  | 4011
  /** user_deleted */
  | 4012
  /** replaced */
  | 4013
  /** session_active */
  | 4014
  /** terminated */
  | 4015
  /** superseded */
  | 4016
  /** token_expired */
  | 4100
  /** token_revoked */
  | 4101
  /** draining */
  | 4200
  /** overloaded */
  | 4201
  /** rate_limited */
  | 4202
  /** slow_consumer */
  | 4203
  /** engine_unavailable */
  | 4204
  /** start_timeout */
  | 4205
  /** auth_unavailable */
  | 4206
  /** moved */
  | 4300
  /** heartbeat_lost */
  | 4301
  /** resume_expired */
  | 4400
  /** resume_denied */
  | 4401
  /** malformed */
  | 4500
  /** too_large */
  | 4501
  /** not_allowed_now */
  | 4502
  /** too_many_requests_in_flight */
  | 4503
  /** A code of a later version: its hundreds digit says what to do. */
  | number;

/** A command, named on the wire by its one key beside `id`. */
export type Command =
  /** Begin a session. Only as the first frame. */
  | { start: Start }
  /** Take up a session after a lost connection. Only as the first frame. */
  | { resume: Resume }
  /** Prolong the session. */
  | { renew: Renew }
  /** There is no auth token to be had now; ask again later. */
  | { postpone_renewal: PostponeRenewal }
  /** End the session. */
  | { end: End }
  /** Enter a room, or renew one's membership of it. */
  | { join: Join }
  /** Leave a room. */
  | { leave: InRoom }
  /** Page through everybody in a room. */
  | { roster: Roster }
  /** Publish a stream. */
  | { publish: Publish }
  /** Change one's own stream. */
  | { update_stream: UpdateStream }
  /** End one's own stream. */
  | { unpublish: OnStream }
  /** Watch a stream. */
  | { subscribe: OnStream }
  /** Stop watching a stream. */
  | { unsubscribe: OnStream }
  /** Negotiate media with the other end of a subscription. */
  | { relay: Relay }
  /** Send an application message. */
  | { signal: SendSignal }
  /** Remove a participant or a user from a room, or a user from the app. */
  | { force_disconnect: ForceDisconnect }
  /** Let a removed user return. */
  | { unblock: Unblock }
  /** End somebody's stream. */
  | { force_unpublish: ForceUnpublish }
  /** Mute a stream, a participant or a user. */
  | { force_mute: ForceMute }
  /** Lift a mute; never turns audio on. */
  | { lift_mute: ForceMute }
  /** Mute everybody at once. */
  | { force_mute_all: ForceMuteAll }
  /** End the room's standing mute; muted streams stay muted. */
  | { disable_force_mute: ModerateRoom }
  /** Ask a stream's owner to turn its audio on. */
  | { request_unmute: OnStream }
  /** Change a participant's role. */
  | { set_role: SetRole }
  /** Let nobody new in. */
  | { lock_room: ModerateRoom }
  /** Let people in again. */
  | { unlock_room: ModerateRoom }
  /** End a room for everybody. */
  | { end_room: ModerateRoom }
  /** Turn the session feed of a room on or off. */
  | { set_session_feed: SetSessionFeed };

/** How many are in a room. */
export interface Counts {
  /** All participants. */
  participants: number;
  /** Those of them who publish. */
  publishers: number;
  /** Streams. */
  streams: number;
}

/** What lets a user in. */
export type Credentials =
  /** Nothing but the name. */
  | { guest: Record<string, never> }
  /** Whatever the app's hook wants, handed to it untouched. */
  | { params: Data }
  /** A session token or an access token. */
  | { token: Secret };

/** Any JSON of the application, passed through untouched. */
export type Data = unknown;

/** The cluster is out of reach, or back. */
export interface Degraded {
  /** Whether what needs the cluster is refused now. */
  active: boolean;
}

/**
 * Why the gateway is about to close, sent and flushed before the close frame.
 *
 * Shape: `{"disconnect":{"code":4010,"reason":"kicked","action":"stop"}}`.
 */
export interface Disconnect {
  /** What to do next. */
  action: Action;
  /** The code the close frame will carry. */
  code: CloseCode;
  /** The code's word, or the moderator's words. */
  reason: string;
  /** The idempotency key of the command that caused it. */
  ref?: Ref | null;
  /** How long to wait before coming back. */
  retry_after_ms?: number | null;
  /** Until when coming back is refused. */
  until_ms?: Timestamp | null;
}

/** End the session. */
export interface End {
  /** Whether the access token dies too. */
  revoke?: boolean;
}

/**
 * Why one request failed.
 *
 * Shape: `{"code":"forbidden","message":"…","missing":"publish"}`. Only `code` is for programs; the rest explains it.
 */
export interface Error {
  /** What went wrong. */
  code: ErrorCode;
  /** The argument at fault. */
  field?: string | null;
  /** What was expected, and how to mend it. */
  message: string;
  /** The scope that is missing. */
  missing?: Scope | null;
  /** When to try again. */
  retry_after_ms?: number | null;
}

/** What went wrong with one request. */
export type ErrorCode =
  /** The message is not what the protocol says; `field` tells where. */
  | "malformed"
  /** There is no such command. */
  | "unknown_command"
  /** The command is not allowed at this time. */
  | "not_allowed_now"
  /** Something is larger than its bound. */
  | "too_large"
  /** Too many requests wait for their reply. */
  | "too_many_requests_in_flight"
  /** Too fast; `retry_after_ms` tells when again. */
  | "rate_limited"
  /** The gateway is full, or failed inside. */
  | "overloaded"
  /** The gateway is being shut down. */
  | "draining"
  /** What the cluster shares cannot be reached. */
  | "engine_unavailable"
  /** The subprotocol or version is not supported. */
  | "unsupported_version"
  /** There is no such app, or the credentials do not let this user in. */
  | "auth_denied"
  /** The auth hook gave no answer. */
  | "auth_unavailable"
  /** The token is past its expiry. */
  | "token_expired"
  /** The token was revoked. */
  | "token_revoked"
  /** The user is banned. */
  | "banned"
  /** The user was removed and may not return yet. */
  | "kicked"
  /** The user was deleted. */
  | "user_deleted"
  /** An older session of this instance is alive and protected. */
  | "session_active"
  /** A newer session took this one's place. */
  | "replaced"
  /** The session was ended by an operator. */
  | "terminated"
  /** A newer connection of the same session took over. */
  | "superseded"
  /** The resume window has passed. */
  | "resume_expired"
  /** The session or its secret is not known. */
  | "resume_denied"
  /** The session may not do this; `missing` names the scope. */
  | "forbidden"
  /** An argument is well-formed but not acceptable; `field` names it. */
  | "invalid_argument"
  /** A `ref` was used before with other arguments. */
  | "ref_conflict"
  /** The session is not in that room. */
  | "not_in_room"
  /** The room is full. */
  | "room_full"
  /** The room is locked. */
  | "room_locked"
  /** The room has ended. */
  | "room_ended"
  /** The user may not enter this room yet. */
  | "blocked"
  /** The room token cannot be used here. */
  | "token_invalid"
  /** The room token was spent by another session. */
  | "token_used"
  /** The session is in as many rooms as it may be. */
  | "too_many_rooms"
  /** The participant or the room has as many streams as it may have. */
  | "too_many_streams"
  /** There is no such participant in that room. */
  | "participant_not_found"
  /** There is no such stream in the session's rooms. */
  | "stream_not_found"
  /** The stream belongs to somebody else. */
  | "not_owner"
  /** The two are not publisher and subscriber of that stream. */
  | "not_subscribed"
  /** A moderator's lock keeps the audio off. */
  | "muted_by_moderator"
  /** Nobody moderates themselves. */
  | "self_moderation";

/** One session of a room, as a moderator sees it. */
export interface FeedEntry {
  /** Whether it is connected. */
  link: Link;
  /** Whether a moderator's lock keeps its audio off. */
  mute_locked: boolean;
  /** The participant. */
  participant: ParticipantId;
  /** Its role. */
  role: Role;
  /** The session's state; absent when it is gone. */
  state?: SessionState | null;
  /** Its user. */
  username: Username;
}

/** Remove somebody. */
export interface ForceDisconnect {
  /** For how long they may not return. */
  block?: Block;
  /** Whom, by membership. */
  participant?: ParticipantId | null;
  /** Why. */
  reason?: Reason | null;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
  /** Whom, by name: all their memberships. */
  username?: Username | null;
}

/** Mute, or lift a mute. */
export interface ForceMute {
  /** Whether the muted may not undo it. */
  lock?: boolean;
  /** Whose streams, by membership. */
  participant?: ParticipantId | null;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room, beside `participant` or `username`. */
  room?: RoomId | null;
  /** The stream to mute. */
  stream?: StreamId | null;
  /** Whose streams, by name. */
  username?: Username | null;
}

/** Mute everybody at once. */
export interface ForceMuteAll {
  /** Streams that go on, at most 500. */
  except?: Array<StreamId>;
  /** Whether the muted may not undo it. */
  lock?: boolean;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
}

/** End somebody's stream. */
export interface ForceUnpublish {
  /** Why. */
  reason?: Reason | null;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The stream. */
  stream: StreamId;
}

/** How life is checked on this connection. */
export interface Heartbeat {
  /** A ping comes after so long without anything received. */
  interval_ms: number;
  /** The interval while in a room. */
  room_interval_ms: number;
  /** The timeout while in a room. */
  room_timeout_ms: number;
  /** The connection is lost when nothing comes for so long after that. */
  timeout_ms: number;
}

/** A command about a room and nothing else. */
export interface InRoom {
  /** The room. */
  room: RoomId;
}

/** A instance: 8 to 64 characters of A-Z a-z 0-9 . _ ~ -. */
export type InstanceId = string;

/** Enter a room. */
export interface Join {
  /** Connection data, shown to all; a token's wins over it. At most 1000 characters. */
  data?: string | null;
  /** The room. */
  room: RoomId;
  /** A room token; without it the session's grant decides. */
  token?: Secret | null;
}

/** A room was entered. */
export interface Joined {
  /** What it may do. */
  capabilities: Capabilities;
  /** The new membership. */
  participant: Participant;
  /** The room it entered. */
  room: RoomSnapshot;
}

/** The layout classes of a stream: at most 16, each of 1 to 64 characters. */
export type LayoutClasses = Array<string>;

/** Why a participant is no longer in a room. */
export type LeaveReason =
  /** It left. */
  | "left"
  /** Its session ended. */
  | "ended"
  /** A moderator removed it. */
  | "force_disconnected"
  /** Its user was banned. */
  | "banned"
  /** A newer session took its place. */
  | "replaced"
  /** Its connection did not come back in time. */
  | "network_lost"
  /** Its token ran out. */
  | "token_expired"
  /** The room ended. */
  | "room_ended"
  /** The gateway stopped. */
  | "server_shutdown";

/** Whether a participant's session has a connection. */
export type Link =
  /** Connected. */
  | "live"
  /** Its connection was lost; it may return within its resume window. */
  | "suspended";

/** A moderation command about a whole room. */
export interface ModerateRoom {
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
}

/** The moderation commands. */
export type ModerationCommand = "force_disconnect" | "unblock" | "force_unpublish" | "force_mute" | "lift_mute" | "force_mute_all" | "disable_force_mute" | "request_unmute" | "set_role" | "lock_room" | "unlock_room" | "end_room";

/** What became of one moderation command; may come several times as outcomes change. */
export interface ModerationReport {
  /** Who acted. */
  by: Actor;
  /** Which command. */
  command: ModerationCommand;
  /** All targets, counted by outcome. */
  counts: OutcomeCounts;
  /** From the command until this report. */
  elapsed_ms: number;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
  /** Each target of a command on one; of more, up to 100 that are not enforced. */
  targets: Array<Receipt>;
  /** The command's place in the room's log. */
  version: number;
}

/** A mute was laid on, or lifted. It never turns audio on. */
export interface MuteForced {
  /** Whether the mute stands: the streams concerned are muted and their audio is off. */
  active: boolean;
  /** Who did it. */
  by: Actor;
  /** The streams that a mute of the room leaves alone. */
  except?: Array<StreamId>;
  /** Whether it may not be undone by the muted. */
  lock: boolean;
  /** Whose audio, when it is about all of one participant's. Without it and a stream it is the room's standing mute. */
  participant?: ParticipantId | null;
  /** The room. */
  room: RoomId;
  /** The stream, when it is about one. */
  stream?: StreamId | null;
  /** The room's version with this change. */
  version: number;
}

/** A stream as its owner describes it. */
export interface NewStream {
  /** Whether its audio is on. */
  has_audio: boolean;
  /** Whether its video is on. */
  has_video: boolean;
  /** What it carries. */
  kind: StreamKind;
  /** Where it belongs in a layout. */
  layout_classes?: LayoutClasses;
  /** A name for display. */
  name?: StreamName | null;
}

/** A command about a stream and nothing else. */
export interface OnStream {
  /** The caller's idempotency key, for moderation commands. */
  ref?: Ref | null;
  /** The stream. */
  stream: StreamId;
}

/** What became of a moderation command at one target. */
export type Outcome =
  /** Done by the gateway, or acknowledged by the target. */
  | "enforced"
  /** The target was told. */
  | "pending"
  /** The target is suspended and will be told when it is back. */
  | "offline"
  /** The target was told and did nothing; its stream was unpublished. */
  | "ignored";

/** How many targets had each outcome. */
export interface OutcomeCounts {
  /** Done or acknowledged. */
  enforced: number;
  /** Told and silent. */
  ignored: number;
  /** To be told. */
  offline: number;
  /** Told. */
  pending: number;
}

/** A participant as the others see it. */
export interface Participant {
  /** Its connection data: fixed by its room token, or given on joining. */
  data?: string | null;
  /** Its id. */
  id: ParticipantId;
  /** Whether it is connected. */
  link: Link;
  /** Whether a moderator's lock keeps its audio off. */
  mute_locked: boolean;
  /** What it is in the room. */
  role: Role;
  /** Whose it is. */
  username: Username;
}

/** An id the gateway made: 22 characters of base64url. */
export type ParticipantId = string;

/** Somebody entered a room. */
export interface ParticipantJoined {
  /** Who. */
  participant: Participant;
  /** The room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** Somebody left a room for good. */
export interface ParticipantLeft {
  /** Who. */
  participant: ParticipantId;
  /** Why. */
  reason: LeaveReason;
  /** The room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** A participant's connection was lost, or is back. */
export interface ParticipantLink {
  /** Whether it is connected. */
  link: Link;
  /** Who. */
  participant: ParticipantId;
  /** The room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** The answer to a ping. */
export interface Pong {
  /** The highest `seq` received; the gateway forgets the frames up to it. */
  seq?: number;
}

/** There is no auth token to be had now. */
export type PostponeRenewal = Record<string, never>;

/** Nothing will be asked for a while. */
export interface Postponed {
  /** When `token_expiring` comes again. */
  next_prompt_ms: Timestamp;
}

/** A session that a new one continues. */
export interface Previous {
  /** Its resume secret. */
  secret: Secret;
  /** Its id. */
  session: SessionId;
}

/** Publish a stream. */
export interface Publish {
  /** The room. */
  room: RoomId;
  /** What is published. */
  stream: NewStream;
}

/** A stream was published. */
export interface Published {
  /** The stream, muted already where a mute stands. */
  stream: Stream;
}

/** A push, named after what happened. */
export type Push =
  /** The session's state changed. */
  | { session_state: SessionStateChange }
  /** A token is about to run out. */
  | { token_expiring: TokenExpiring }
  /** Somebody entered a room. */
  | { participant_joined: ParticipantJoined }
  /** Somebody left a room for good. */
  | { participant_left: ParticipantLeft }
  /** A participant's connection was lost, or is back. */
  | { participant_link: ParticipantLink }
  /** A participant's role changed. */
  | { role_changed: RoleChanged }
  /** How many are in a large room. */
  | { counts: RoomCounts }
  /** A stream began. */
  | { stream_published: StreamChange }
  /** A stream changed. */
  | { stream_updated: StreamChange }
  /** A stream ended. */
  | { stream_unpublished: StreamUnpublished }
  /** Somebody subscribed to one's own stream. */
  | { stream_subscribed: StreamSubscription }
  /** Somebody stopped subscribing to one's own stream. */
  | { stream_unsubscribed: StreamSubscription }
  /** Media negotiation. */
  | { relay: Relayed }
  /** An application message. */
  | { signal: Signal }
  /** A mute was laid on, or lifted. */
  | { mute_forced: MuteForced }
  /** One was removed from a room. */
  | { removed: Removed }
  /** A moderator asks one to unmute. */
  | { unmute_requested: UnmuteRequested }
  /** A room's own settings changed. */
  | { room_state: RoomStateChange }
  /** What was known of a room is void; here it is anew. */
  | { room_reset: RoomReset }
  /** A room has ended. */
  | { room_ended: RoomEnded }
  /** What became of moderation commands. */
  | { moderation: ModerationReport }
  /** The sessions of a room, for moderators who watch. */
  | { session_feed: SessionFeed }
  /** The cluster is out of reach, or back. */
  | { degraded: Degraded };

/** A reason: at most 256 bytes. */
export type Reason = string;

/** The receipt of one command at one target. */
export interface Receipt {
  /** From the command's place in the log until this outcome. */
  elapsed_ms: number;
  /** What became of it. */
  outcome: Outcome;
  /** Whom it concerned. */
  target: Target;
}

/** A ref: 1 to 64 bytes without control characters. */
export type Ref = string;

/** Negotiate media with the other end of a subscription. */
export interface Relay {
  /** The application's data, at most 48 KiB. */
  data: Data;
  /** The stream it is about. */
  stream: StreamId;
  /** The other end. */
  to: ParticipantId;
}

/** Media negotiation from the other end of a subscription. */
export interface Relayed {
  /** The application's data. */
  data: Data;
  /** Who sent it. */
  from: ParticipantId;
  /** The room. */
  room: RoomId;
  /** The stream it is about. */
  stream: StreamId;
}

/** One was removed from a room. */
export interface Removed {
  /** Who did it. */
  by: Actor;
  /** Why, in their words. */
  reason?: Reason | null;
  /** The room. */
  room: RoomId;
  /** Until when returning is refused; null when one may return. */
  until_ms?: Timestamp | null;
}

/** Prolong the session. */
export interface Renew {
  /** A new auth token; without it the gateway renews on its own word, where the app allows that. */
  auth_token?: Secret | null;
}

/** A session lives longer. */
export interface Renewed {
  /** Takes the place of the former one. */
  access_token: Secret;
  /** When it runs out. */
  expires_at_ms: Timestamp;
}

/** The `ok` of a reply, named after what happened. */
export type Reply =
  /** To `start`. */
  | { started: Started }
  /** To `resume`. */
  | { resumed: Resumed }
  /** To `renew`. */
  | { renewed: Renewed }
  /** To `postpone_renewal`. */
  | { postponed: Postponed }
  /** To `end`. */
  | { ended: Record<string, never> }
  /** To `join`. */
  | { joined: Joined }
  /** To `leave`. */
  | { left: Record<string, never> }
  /** To `roster`. */
  | { roster: RosterPage }
  /** To `publish`. */
  | { published: Published }
  /** To `update_stream`. */
  | { updated: Updated }
  /** To `unpublish`. */
  | { unpublished: Record<string, never> }
  /** To `subscribe`. */
  | { subscribed: Record<string, never> }
  /** To `unsubscribe`. */
  | { unsubscribed: Record<string, never> }
  /** To `relay`. */
  | { relayed: Record<string, never> }
  /** To `signal`. */
  | { sent: Sent }
  /** To every moderation command: taken into the room's log. What became of it at each target comes as `moderation`. */
  | { accepted: Accepted }
  /** To `set_session_feed`. */
  | { session_feed_set: SessionFeedSet };

/** Take up a session after a lost connection. */
export interface Resume {
  /** Renews in the same step. */
  auth_token?: Secret | null;
  /** The highest `seq` one has seen; 0 for none. */
  last_seq: number;
  /** The newest resume secret one has. */
  secret: Secret;
  /** The session's id. */
  session: SessionId;
}

/** What a client keeps to resume its session. */
export interface ResumeTicket {
  /** Proves that the session is one's own; a new one comes with each connection. */
  secret: Secret;
  /** How long a lost connection is waited for. */
  window_ms?: number | null;
}

/** A session was taken up again; the missed frames follow. */
export interface Resumed {
  /** The new access token, when `auth_token` renewed in the same step. */
  access_token?: Secret | null;
  /** When its access token runs out. */
  expires_at_ms: Timestamp;
  /** Requests that are still being worked on; their replies will come. */
  pending: Array<number>;
  /** How many missed frames follow. */
  replayed_count: number;
  /** The new secret. */
  resume: ResumeTicket;
  /** Where the session stands. */
  state: SessionState;
}

/** What a participant is in a room. */
export type Role =
  /** Subscribes to streams. */
  | "subscriber"
  /** Publishes, and subscribes to streams. */
  | "publisher"
  /** Publishes only: receives no streams of others and sends no signals. */
  | "publisher_only"
  /** Publishes, subscribes and moderates. */
  | "moderator";

/** A participant's role changed. */
export interface RoleChanged {
  /** What it may do now; told to itself alone. */
  capabilities?: Capabilities | null;
  /** Who. */
  participant: ParticipantId;
  /** What it is now. */
  role: Role;
  /** The room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** How many are in a large room. */
export interface RoomCounts {
  /** How many. */
  counts: Counts;
  /** The room. */
  room: RoomId;
  /** The room's version. */
  version: number;
}

/** A room has ended. */
export interface RoomEnded {
  /** Who ended it. */
  by: Actor;
  /** The room. */
  room: RoomId;
}

/** A room: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ -. */
export type RoomId = string;

/** A room's standing mute, from `force_mute_all`. */
export interface RoomMute {
  /** Whether later streams start muted. */
  active: boolean;
  /** Whether the muted may not undo it. */
  lock: boolean;
}

/** What was known of a room is void; here it is anew. */
export interface RoomReset {
  /** The room. */
  room: RoomId;
  /** The room as it is now. */
  snapshot: RoomSnapshot;
}

/** A room at one version: deltas with a higher version follow it, with no gap and no duplicate. */
export interface RoomSnapshot {
  /** How many there are, listed or not. */
  counts: Counts;
  /** Whether only moderators and the owners of streams are listed. */
  is_large?: boolean;
  /** Whether the room is locked. */
  locked: boolean;
  /** The room's standing mute. */
  mute: RoomMute;
  /** Where `roster` goes on, when the list was cut. */
  next?: string | null;
  /** Who is listed (everyone, up to the roster limit). */
  participants: Array<Participant>;
  /** Every stream the receiver may know of. */
  streams: Array<Stream>;
  /** The place in the room's log up to which this tells. */
  version: number;
}

/** A room's own settings changed. */
export interface RoomStateChange {
  /** Whether it is locked. */
  locked: boolean;
  /** Its standing mute. */
  mute: RoomMute;
  /** The room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** Page through everybody in a room. */
export interface Roster {
  /** The `next` of the page before. */
  after?: string | null;
  /** The room. */
  room: RoomId;
}

/** A page of everybody in a room. */
export interface RosterPage {
  /** What `after` takes for the next page; absent on the last. */
  next?: string | null;
  /** The page. */
  participants: Array<Participant>;
  /** Their streams, as far as the receiver may know of them. */
  streams?: Array<Stream>;
  /** The room's version when the page was made. */
  version: number;
}

/** What a command needs besides its arguments; a grant may narrow what a role allows. */
export type Scope =
  /** Enter rooms. */
  | "join"
  /** Publish streams. */
  | "publish"
  /** Subscribe to streams. */
  | "subscribe"
  /** Send signals. */
  | "signal"
  /** Negotiate media. */
  | "relay"
  /** Use the moderation commands. */
  | "moderate";

/** A secret: a text. */
export type Secret = string;

/** Send an application message. */
export interface SendSignal {
  /** The application's data, at most 8192 bytes. */
  data: Data;
  /** The sender's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
  /** One participant; absent for everybody else. */
  to?: ParticipantId | null;
  /** The application's name for its kind. */
  type: SignalType;
}

/** A signal was handed on. */
export interface Sent {
  /** Its place among the room's signals. */
  order: number;
  /** To how many sessions. */
  recipients: number;
}

/** The gateway that answered. */
export interface ServerInfo {
  /** The node's name. */
  node: string;
  /** Its clock when it answered. */
  time_ms: Timestamp;
  /** The gateway's version. */
  version: string;
}

/** What the gateway sends. */
export type ServerMessage =
  /** The reply to a request. */
  | {
    /** The request's number, picked by the client. */
    id: number;
    ok: Reply;
    /** The frame's number in its session. */
    seq?: number;
  }
  /** The refusal of a request. */
  | {
    error: Error;
    /** The request's number, picked by the client. */
    id: number;
    /** The frame's number in its session. */
    seq?: number;
  }
  /** Something happened. */
  | {
    /** The frame's number in its session. */
    seq: number;
  } & Push
  /** Say that you are there. */
  | { ping: Record<string, never> }
  /** A close follows. */
  | { disconnect: Disconnect };

/** The sessions of a room, for moderators who watch. */
export interface SessionFeed {
  /** The entries. */
  changes: Array<FeedEntry>;
  /** The room. */
  room: RoomId;
  /** Whether `changes` is everybody; otherwise it is what changed. */
  snapshot: boolean;
  /** The room's version up to which this tells. */
  version: number;
}

/** The session feed was turned on or off. */
export interface SessionFeedSet {
  /** Whether the feed is on. */
  enabled: boolean;
}

/** An id the gateway made: 22 characters of base64url. */
export type SessionId = string;

/** A session as its own client sees it. */
export interface SessionInfo {
  /** When its access token runs out. */
  expires_at_ms: Timestamp;
  /** The session's id, kept to resume it. */
  id: SessionId;
  /** The client instance it belongs to. */
  instance: InstanceId;
  /** Where it stands. */
  state: SessionState;
  /** Whose session it is. */
  user: User;
}

/** The bounds this session is held to. */
export interface SessionLimits {
  /** Commands at once, after a pause. */
  commands_burst: number;
  /** Commands a second, sustained. */
  commands_per_s: number;
  /** Requests that may wait for their reply at a time. */
  in_flight: number;
  /** Largest message the gateway takes. */
  message_in_bytes: number;
  /** Largest message the gateway sends. */
  message_out_bytes: number;
  /** Rooms a session may be in. */
  rooms: number;
  /** Streams a participant may publish. */
  streams_per_participant: number;
}

/**
 * The state of a session, as the gateway drives it.
 *
 * Source: `docs/protocol.md`, "Session states". These five names are the only ones in camel case on the wire.
 */
export type SessionState =
  /** Nobody: before a start, after an end, or refused. */
  | "notLoggedIn"
  /** Credentials are being checked. */
  | "establishing"
  /** Let in. */
  | "established"
  /** The access token ran out; only renewing and leaving are possible. */
  | "tokenExpired"
  /** Ended by somebody else. */
  | "terminated";

/** The session's state changed. */
export interface SessionStateChange {
  /** Why it ended. */
  code?: CloseCode | null;
  /** Why, in words. */
  reason?: string | null;
  /** The state it is in now. */
  state: SessionState;
  /** Grows by one with each change. */
  version: number;
}

/** Change a participant's role. */
export interface SetRole {
  /** Whose. */
  participant: ParticipantId;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** To what. */
  role: Role;
  /** The room. */
  room: RoomId;
}

/** Turn the session feed of a room on or off. */
export interface SetSessionFeed {
  /** Whether the feed is on. */
  enabled: boolean;
  /** The room. */
  room: RoomId;
}

/** An application message. */
export interface Signal {
  /** The application's data. */
  data: Data;
  /** Who sent it; null when the server did. */
  from?: SignalSender | null;
  /** Its place among the room's signals. */
  order: number;
  /** The room. */
  room: RoomId;
  /** The application's name for its kind. */
  type: SignalType;
}

/** Who sent a signal. */
export interface SignalSender {
  /** The participant. */
  participant: ParticipantId;
  /** Its user. */
  username: Username;
}

/** A type: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -. */
export type SignalType = string;

/** Begin a session. */
export interface Start {
  /** The app's id. */
  app: string;
  /** What software is coming. */
  client?: ClientInfo | null;
  /** What lets them in. */
  credentials: Credentials;
  /** Which running copy of the client. */
  instance: InstanceId;
  /** A session this one continues: proved, it ends, and its mutes, roles and blocks are carried over. */
  previous?: Previous | null;
  /** Who is coming; may be absent where a token names them. */
  username?: Username | null;
}

/** A session began. */
export interface Started {
  /** Starts the same session again, later, without asking the auth hook. */
  access_token: Secret;
  /** How life is checked. */
  heartbeat: Heartbeat;
  /** The bounds the session is held to. */
  limits: SessionLimits;
  /** What `resume` needs. */
  resume: ResumeTicket;
  /** Who answered. */
  server: ServerInfo;
  /** The session. */
  session: SessionInfo;
}

/** A stream as everybody in the room sees it. */
export interface Stream {
  /** Whether its audio is on. */
  has_audio: boolean;
  /** Whether its video is on. */
  has_video: boolean;
  /** Its id. */
  id: StreamId;
  /** What it carries. */
  kind: StreamKind;
  /** Where it belongs in a layout. */
  layout_classes?: LayoutClasses;
  /** Whether a moderator muted it: receivers silence it, whatever its owner does. */
  muted: boolean;
  /** A name for display. */
  name?: StreamName | null;
  /** Who publishes it. */
  participant: ParticipantId;
}

/** A stream began or changed. */
export interface StreamChange {
  /** The room. */
  room: RoomId;
  /** The stream as it is now. */
  stream: Stream;
  /** The room's version with this change. */
  version: number;
}

/** Why a stream ended. */
export type StreamEndReason =
  /** Its owner ended it. */
  | "unpublished"
  /** A moderator ended it, or its owner ignored a mute. */
  | "force_unpublished"
  /** Its owner left. */
  | "left"
  /** Its owner's session ended. */
  | "ended"
  /** A moderator removed its owner. */
  | "force_disconnected"
  /** Its owner's user was banned. */
  | "banned"
  /** A newer session took its owner's place. */
  | "replaced"
  /** Its owner's connection did not come back in time. */
  | "network_lost"
  /** Its owner's token ran out. */
  | "token_expired"
  /** The room ended. */
  | "room_ended"
  /** The gateway stopped. */
  | "server_shutdown";

/** An id the gateway made: 22 characters of base64url. */
export type StreamId = string;

/** What a stream carries. */
export type StreamKind =
  /** A camera, with or without its microphone. */
  | "camera"
  /** A screen. */
  | "screen"
  /** A microphone alone. */
  | "audio"
  /** Something of the application's own. */
  | "custom";

/** A name for display, of a stream. */
export type StreamName = string;

/** Who watches one's own stream. */
export interface StreamSubscription {
  /** Who subscribed, or stopped. */
  participant: ParticipantId;
  /** The room. */
  room: RoomId;
  /** The stream. */
  stream: StreamId;
}

/** A stream ended. */
export interface StreamUnpublished {
  /** Why. */
  reason: StreamEndReason;
  /** The room. */
  room: RoomId;
  /** The stream. */
  stream: StreamId;
  /** The room's version with this change. */
  version: number;
}

/** Whom a command concerned; nobody in particular when it is about the room. */
export interface Target {
  /** The participant, where it is about one. */
  participant?: ParticipantId | null;
  /** The stream, where it is about one. */
  stream?: StreamId | null;
  /** The user, where it is about one. */
  username?: Username | null;
}

/**
 * An instant, in milliseconds since the Unix epoch.
 *
 * Field names that carry one end in `_ms`. Arithmetic saturates: a peer's absurd number is late or early, never a panic.
 */
export type Timestamp = number;

/** A token is about to run out. */
export interface TokenExpiring {
  /** When it does. */
  expires_at_ms: Timestamp;
  /** The room whose token it is; absent for the session's. */
  room?: RoomId | null;
}

/** Let a removed user return. */
export interface Unblock {
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The room. */
  room: RoomId;
  /** The user. */
  username: Username;
}

/** A moderator asks one to unmute; one decides. */
export interface UnmuteRequested {
  /** Who asks. */
  by: Actor;
  /** The room. */
  room: RoomId;
  /** The stream. */
  stream: StreamId;
}

/** Change one's own stream; what is absent stays. */
export interface UpdateStream {
  /** Turn its audio on or off. Off acknowledges a mute. */
  has_audio?: boolean | null;
  /** Turn its video on or off. */
  has_video?: boolean | null;
  /** Move it in the layout. */
  layout_classes?: LayoutClasses | null;
  /** Rename it. */
  name?: StreamName | null;
  /** The stream. */
  stream: StreamId;
}

/** A stream was changed. */
export interface Updated {
  /** The stream as it is now. */
  stream: Stream;
}

/** A user as everybody may see them. */
export interface User {
  /** Whether the name is only borrowed. */
  guest: boolean;
  /** A name for display. */
  name?: string | null;
  /** What the application says of the user. */
  properties?: Data | null;
  /** The unique name. */
  username: Username;
}

/** A username: 1 to 256 bytes of UTF-8 in normal form C without control characters. */
export type Username = string;
