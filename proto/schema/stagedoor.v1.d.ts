// Generated from the Rust types; do not edit. To generate it again:
//   cargo run -p stagedoor-proto --features schema --example generate

/** Exactly one of the fields of `T`. */
type ExactlyOne<T> = {
  [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: never };
}[keyof T];

/** None of the fields of `T`. */
type NoneOf<T> = { [K in keyof T]?: never };

/** A moderation command was accepted. */
export interface Accepted {
  /** Room tokens issued from this time on are accepted, for `end_room`. */
  accepted_from_ms?: Timestamp | null;
  /** What still blocks the user, for `unblock`. */
  block?: ActiveBlock | null;
  /** The participant with the new role, for `set_role`. */
  participant?: ParticipantId | null;
  /** The new role, for `set_role`. */
  role?: Role | null;
  /** Number of targets of the command. */
  target_count: number;
  /** The version of the room with the command. */
  version: number;
}

/** What a client does after a close, given by the hundreds digit of the code. */
export type Action =
  /** Stay disconnected (40xx, 45xx). */
  | "stop"
  /** Get a new auth token first (41xx). */
  | "reauth"
  /** Resume after `retry_after_ms` (42xx). */
  | "retry"
  /** Resume now (43xx). */
  | "resume"
  /** Start again (44xx). */
  | "start";

/** A block that is in force. */
export interface ActiveBlock {
  /** Who set it. */
  set_by: BlockSource;
  /** Its end; absent if it is permanent. */
  until_ms?: Timestamp | null;
}

/** The actor: a participant, or the server. */
export type Actor =
  /** A moderator of the room. */
  | { participant: ParticipantId }
  /** The server API or the gateway. */
  | { server: Record<string, never> };

/** How long a removed user is blocked. */
export interface Block {
  /** Milliseconds. 0: the participant is removed and the user may return. Absent: the app's default. */
  for_ms?: number | null;
  /** Whether the block is of the room or of the app. */
  scope?: BlockScope;
}

/** Whether a removal is from the room or from the app. */
export type BlockScope =
  /** From the room. */
  | "room"
  /** From the app: every session of the user ends. */
  | "app";

/** Who set a block. */
export type BlockSource =
  /** A moderator; `unblock` lifts it. */
  | "moderator"
  /** The app's backend or an operator, through the server API. */
  | "operator";

/** What a participant may do, from its role and its grant. */
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

/** The client software. */
export interface ClientInfo {
  /** The name of the software, at most 64 bytes. */
  name: string;
  /** The version of the software, at most 64 bytes. */
  version: string;
}

/** What a client sends. */
export type ClientMessage = 
  /** A request; exactly one reply follows. */
  | {
    /** The request's number, picked by the client. */
    id: number;
  } & Command & { pong?: never }
  /** The answer to a ping. */
  | { pong: Pong } & { id?: never } & NoneOf<Command>;

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

/** A command. On the wire its name is the key next to `id`. */
export type Command = ExactlyOne<{
  /** Start a session. Only as the first frame. */
  start: Start;
  /** Resume a session after a lost connection. Only as the first frame. */
  resume: Resume;
  /** Check the connection. Answered at once, without a `seq`. */
  ping: Ping;
  /** Renew the access token. */
  renew: Renew;
  /** Postpone the renewal, because no auth token is available now. */
  postpone_renewal: PostponeRenewal;
  /** End the session. */
  end: End;
  /** Join a room, or renew its membership. */
  join: Join;
  /** Leave a room. */
  leave: InRoom;
  /** List the participants of a room by page. */
  roster: Roster;
  /** Publish a stream. */
  publish: Publish;
  /** Update a stream of this session. */
  update_stream: UpdateStream;
  /** Unpublish a stream. */
  unpublish: OnStream;
  /** Subscribe to a stream. */
  subscribe: OnStream;
  /** Unsubscribe from a stream. */
  unsubscribe: OnStream;
  /** Negotiate media with the other end of a subscription. */
  relay: Relay;
  /** Send an application message. */
  signal: SendSignal;
  /** Remove a participant or a user from a room, or a user from the app. */
  force_disconnect: ForceDisconnect;
  /** Unblock a removed user. */
  unblock: Unblock;
  /** End another participant's stream. */
  force_unpublish: ForceUnpublish;
  /** Mute a stream, a participant or a user. */
  force_mute: ForceMute;
  /** Lift a mute; never turns audio on. */
  lift_mute: ForceMute;
  /** Mute a whole room. */
  force_mute_all: ForceMuteAll;
  /** End the room's mute; muted streams stay muted. */
  disable_force_mute: ModerateRoom;
  /** Request the owner of a stream to unmute it. */
  request_unmute: OnStream;
  /** Change a participant's role. */
  set_role: SetRole;
  /** Reject new participants. */
  lock_room: ModerateRoom;
  /** Accept new participants again. */
  unlock_room: ModerateRoom;
  /** End a room for all participants. */
  end_room: ModerateRoom;
  /** Turn the session feed of a room on or off. */
  set_session_feed: SetSessionFeed;
}>;

/** Numbers of participants and streams in a room. */
export interface Counts {
  /** Number of participants. */
  participants: number;
  /** Number of participants with streams. */
  publishers: number;
  /** Number of streams. */
  streams: number;
}

/** Credentials of a user. */
export type Credentials = ExactlyOne<{
  /** Only the username. */
  guest: Record<string, never>;
  /** JSON for the app's hook, passed on unchanged. */
  params: Data;
  /** A session token or an access token. */
  token: Secret;
}>;

/** Any JSON of the application, passed through untouched. */
export type Data = unknown;

/** The cluster became unreachable or reachable. */
export interface Degraded {
  /** Whether commands that need the cluster are rejected now. */
  active: boolean;
}

/**
 * Why the gateway closes the connection. It is flushed before the close frame.
 *
 * Shape: `{"disconnect":{"code":4010,"reason":"kicked","action":"stop"}}`.
 */
export interface Disconnect {
  /** What the client does next. */
  action: Action;
  /** The code of the close frame that follows. */
  code: CloseCode;
  /** The name of the code, or the reason that the moderator gave. */
  reason: string;
  /** The idempotency key of the command that caused the close. */
  ref?: Ref | null;
  /** Milliseconds to wait before reconnecting, at most 2^31-1; always there for the action `retry`. */
  retry_after_ms?: number | null;
  /** Until when the user is rejected, in milliseconds since the Unix epoch. */
  until_ms?: Timestamp | null;
}

/** End the session. */
export interface End {
  /** Whether the access token is revoked too. */
  revoke?: boolean;
}

/** What went wrong with one request. */
export type ErrorCode =
  /** The message violates the protocol; `field` says where. */
  | "malformed"
  /** There is no such command. */
  | "unknown_command"
  /** The command is not allowed in this state. */
  | "not_allowed_now"
  /** An argument exceeds its maximum size. */
  | "too_large"
  /** Too many requests are waiting for a reply. */
  | "too_many_requests_in_flight"
  /** The client exceeds its rate; `retry_after_ms` says when to retry. */
  | "rate_limited"
  /** The gateway is full, or had an internal error. */
  | "overloaded"
  /** The gateway is draining. */
  | "draining"
  /** The shared state of the cluster is unreachable. */
  | "engine_unavailable"
  /** The subprotocol or version is not supported. */
  | "unsupported_version"
  /** The app is unknown, or the credentials were rejected. */
  | "auth_denied"
  /** The session can only be renewed with an auth token, or with params where a hook of the app started it. */
  | "auth_token_required"
  /** The auth hook did not answer. */
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
  /** A newer session replaced this one. */
  | "replaced"
  /** An operator ended the session. */
  | "terminated"
  /** A newer connection resumed the session. */
  | "superseded"
  /** The resume window has passed. */
  | "resume_expired"
  /** The session or its resume secret is unknown. */
  | "resume_denied"
  /** The participant lacks the scope in `missing`. */
  | "forbidden"
  /** An argument is well-formed but invalid; `field` names it. */
  | "invalid_argument"
  /** The `ref` was already used with other arguments. */
  | "ref_conflict"
  /** Another guest holds the username; `start` may be sent again with another one. */
  | "name_taken"
  /** The session is not in the room. */
  | "not_in_room"
  /** The room is full. */
  | "room_full"
  /** The room is locked. */
  | "room_locked"
  /** The room has ended. */
  | "room_ended"
  /** The user is blocked in this room. */
  | "blocked"
  /** The room token is invalid for this session or room. */
  | "token_invalid"
  /** Another user or client instance used the room token. */
  | "token_used"
  /** The session, the app or the node reached its limit of rooms. */
  | "too_many_rooms"
  /** The participant or the room reached its limit of streams. */
  | "too_many_streams"
  /** The participant is not in the room. */
  | "participant_not_found"
  /** The stream is in no room of the session. */
  | "stream_not_found"
  /** The stream belongs to another participant. */
  | "not_owner"
  /** The participants are not publisher and subscriber of the stream. */
  | "not_subscribed"
  /** A moderator locked the mute of the audio. */
  | "muted_by_moderator"
  /** A command cannot target its sender. */
  | "self_moderation";

/** One session of a room, as a moderator sees it. */
export interface FeedEntry {
  /** Whether the session is connected. */
  link: Link;
  /** Whether a moderator locked the mute of its audio. */
  mute_locked: boolean;
  /** Whether a mute, with or without lock, applies to one of its streams. */
  muted: boolean;
  /** The id of the participant. */
  participant: ParticipantId;
  /** The role of the participant. */
  role: Role;
  /** The state of the session; absent after it ended. */
  state?: SessionState | null;
  /** The name of its user. */
  username: Username;
}

/** Remove a user. */
export type ForceDisconnect = {
  /** How long the user is blocked. */
  block?: Block;
  /** The reason, shown to the user. */
  reason?: Reason | null;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the room. */
  room: RoomId;
} & (
  | {
    /** The target, one participant. */
    participant: ParticipantId;
    username?: never;
  }
  | {
    /** The target, all participants of a user. */
    username: Username;
    participant?: never;
  }
);

/** Mute, or lift a mute. */
export type ForceMute = {
  /** Whether the owner is kept from undoing the mute. */
  lock?: boolean;
  /** The caller's idempotency key. */
  ref?: Ref | null;
} & (
  | {
    /** The stream to mute. */
    stream: StreamId;
    participant?: never;
    room?: never;
    username?: never;
  }
  | {
    /** The room, with `participant` or `username`. */
    room: RoomId;
    /** The owner of the streams, as one participant. */
    participant: ParticipantId;
    stream?: never;
    username?: never;
  }
  | {
    /** The room, with `participant` or `username`. */
    room: RoomId;
    /** The owner of the streams, as a user. */
    username: Username;
    participant?: never;
    stream?: never;
  }
);

/** Mute a whole room. The acting moderator is exempt, unless `include_self` is true. */
export interface ForceMuteAll {
  /** Exempt participants, by their ids or by those of their streams, at most 500. */
  except?: Array<MuteException>;
  /** Whether the acting moderator is muted too. */
  include_self?: boolean;
  /** Whether the owner is kept from undoing the mute. */
  lock?: boolean;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the room. */
  room: RoomId;
}

/** End another participant's stream. */
export interface ForceUnpublish {
  /** The reason, shown to the user. */
  reason?: Reason | null;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the stream. */
  stream: StreamId;
}

/** The intervals of liveness checks on this connection. */
export interface Heartbeat {
  /** Milliseconds without a received message before the gateway sends a ping. */
  interval_ms: number;
  /** The interval while the session is in a room, in milliseconds. */
  room_interval_ms: number;
  /** The timeout while the session is in a room, in milliseconds. */
  room_timeout_ms: number;
  /** Milliseconds without a received message after the ping before the connection is lost. */
  timeout_ms: number;
}

/** A command with a room as its only argument. */
export interface InRoom {
  /** The id of the room. */
  room: RoomId;
}

/** A instance: 8 to 64 characters of A-Z a-z 0-9 . _ ~ -. */
export type InstanceId = string;

/** Join a room. */
export interface Join {
  /** Connection data, visible to all participants, at most 1000 characters. The data of a room token overrides it. */
  data?: string | null;
  /** The id of the room. */
  room: RoomId;
  /** A room token; without it the grant of the session applies. */
  token?: Secret | null;
}

/** A room was joined. */
export interface Joined {
  /** The capabilities of the participant. */
  capabilities: Capabilities;
  /** The new participant. */
  participant: Participant;
  /** The state of the room. */
  room: RoomSnapshot;
}

/** The layout classes of a stream: at most 16, each of 1 to 64 characters. */
export type LayoutClasses = Array<string>;

/** Why a participant is no longer in a room. */
export type LeaveReason =
  /** The participant left. */
  | "left"
  /** The session ended. */
  | "ended"
  /** A moderator removed the participant. */
  | "force_disconnected"
  /** The user was banned. */
  | "banned"
  /** A newer session replaced the session. */
  | "replaced"
  /** The session was not resumed in time. */
  | "network_lost"
  /** The token expired. */
  | "token_expired"
  /** Its session was renewed with a grant that does not allow the room. */
  | "not_granted"
  /** The room ended. */
  | "room_ended"
  /** The gateway shut down. */
  | "server_shutdown";

/** Whether a participant's session has a connection. */
export type Link =
  /** Connected. */
  | "live"
  /** Disconnected; the session can be resumed within its resume window. */
  | "suspended";

/** A moderation command about a whole room. */
export interface ModerateRoom {
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the room. */
  room: RoomId;
}

/** The moderation commands. */
export type ModerationCommand = "force_disconnect" | "unblock" | "force_unpublish" | "force_mute" | "lift_mute" | "force_mute_all" | "disable_force_mute" | "request_unmute" | "set_role" | "lock_room" | "unlock_room" | "end_room";

/** The receipt of one moderation command. The gateway sends it again when outcomes change. */
export interface ModerationReport {
  /** The actor. */
  by: Actor;
  /** The name of the command. */
  command: ModerationCommand;
  /** Number of targets by outcome. */
  counts: OutcomeCounts;
  /** Whether the store has what the command changed, so that a restart keeps it. Once `true`, it stays so. */
  durable: boolean;
  /** Milliseconds from the command until this receipt. */
  elapsed_ms: number;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the room. */
  room: RoomId;
  /** The target of a command with one target; otherwise up to 100 targets that are not `enforced`. */
  targets: Array<Receipt>;
  /** The version of the room with the command. */
  version: number;
}

/** An id the gateway made: 22 characters of base64url. */
export type MuteException = string;

/** A mute was set or lifted. It never turns audio on. */
export interface MuteForced {
  /** Whether the mute is active: the target streams are muted and their audio is off. */
  active: boolean;
  /** The actor. */
  by: Actor;
  /** The exempt participants of a mute of the room: of all their streams, also later ones, none is muted. */
  except?: Array<ParticipantId>;
  /** Whether the owner is kept from undoing the mute. */
  lock: boolean;
  /** The participant, for a mute of all its audio. Without it and a stream, the push is about the room's mute. */
  participant?: ParticipantId | null;
  /** The id of the room. */
  room: RoomId;
  /** The stream, for a mute of one stream. */
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
  /** The source of the media. */
  kind: StreamKind;
  /** The layout classes of the stream. */
  layout_classes?: LayoutClasses;
  /** A name for display. */
  name?: StreamName | null;
}

/** A command with a stream as its only argument. */
export interface OnStream {
  /** The caller's idempotency key, for moderation commands. */
  ref?: Ref | null;
  /** The id of the stream. */
  stream: StreamId;
}

/** The outcome of a moderation command at one target, derived from the state of the target. */
export type Outcome =
  /** The target is silent, gone or changed now; after `request_unmute`, its audio is on. */
  | "enforced"
  /** The target was notified and has not answered yet. */
  | "pending"
  /** The target is suspended and will be notified on resume. */
  | "offline"
  /** The target answered otherwise: with audio on to a mute without a lock, with audio off to `request_unmute`. */
  | "declined"
  /** The target did not answer in time. The gateway unpublished the stream of an unanswered mute. */
  | "ignored";

/** How many targets had each outcome. */
export interface OutcomeCounts {
  /** Targets that answered otherwise. */
  declined: number;
  /** Targets that are silent, gone or changed now. */
  enforced: number;
  /** Targets that did not answer in time. */
  ignored: number;
  /** Suspended targets that are not notified yet. */
  offline: number;
  /** Notified targets without an answer. */
  pending: number;
}

/** The session's own participant in a room. */
export interface OwnParticipant {
  /** The capabilities of the participant. */
  capabilities: Capabilities;
  /** The id of the participant. */
  participant: ParticipantId;
  /** The role of the participant. */
  role: Role;
  /** The id of the room. */
  room: RoomId;
}

/** A participant as other participants see it. */
export interface Participant {
  /** The connection data, from the room token or from `join`. */
  data?: string | null;
  /** The id. */
  id: ParticipantId;
  /** Whether the session is connected. */
  link: Link;
  /** Whether a moderator locked the mute of its audio. */
  mute_locked: boolean;
  /** The role in the room. */
  role: Role;
  /** The name of the user. */
  username: Username;
}

/** An id the gateway made: 22 characters of base64url. */
export type ParticipantId = string;

/** A participant joined a room. */
export interface ParticipantJoined {
  /** The participant. */
  participant: Participant;
  /** The id of the room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** A participant left a room. */
export interface ParticipantLeft {
  /** The participant. */
  participant: ParticipantId;
  /** The reason. */
  reason: LeaveReason;
  /** The id of the room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** A participant's connection was lost or resumed. */
export interface ParticipantLink {
  /** Whether the session is connected. */
  link: Link;
  /** The participant. */
  participant: ParticipantId;
  /** The id of the room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** Check the connection. */
export type Ping = Record<string, never>;

/** The answer to a ping. */
export interface Pong {
  /** The highest `seq` received. The gateway removes frames up to it from the replay buffer. */
  seq?: number;
}

/** The gateway answered a ping of the client. */
export interface Ponged {
  /** The clock of the gateway. */
  time_ms: Timestamp;
}

/** Postpone the renewal, because no auth token is available now. */
export type PostponeRenewal = Record<string, never>;

/** The renewal was postponed. */
export interface Postponed {
  /** When the gateway sends `token_expiring` again. */
  next_prompt_ms: Timestamp;
}

/** A session that a new one continues. */
export interface Previous {
  /** Whether the session goes on. A guest then holds the name on both instances. */
  keep?: boolean;
  /** The resume secret of the session. */
  secret: Secret;
  /** The id of the session. */
  session: SessionId;
}

/** Publish a stream. */
export interface Publish {
  /** The id of the room. */
  room: RoomId;
  /** The stream as its owner describes it. */
  stream: NewStream;
}

/** A stream was published. */
export interface Published {
  /** The stream, muted if a mute is active. */
  stream: Stream;
}

/** A push, named after what happened. */
export type Push =
  /** The session's state changed. */
  | { session_state: SessionStateChange }
  /** A token is about to expire. */
  | { token_expiring: TokenExpiring }
  /** A participant joined a room. */
  | { participant_joined: ParticipantJoined }
  /** A participant left a room. */
  | { participant_left: ParticipantLeft }
  /** A participant's connection was lost or resumed. */
  | { participant_link: ParticipantLink }
  /** A participant's role changed. */
  | { role_changed: RoleChanged }
  /** The counts of a large room changed. */
  | { counts: RoomCounts }
  /** A stream was published. */
  | { stream_published: StreamChange }
  /** A stream was updated. */
  | { stream_updated: StreamChange }
  /** A stream ended. */
  | { stream_unpublished: StreamUnpublished }
  /** A participant subscribed to a stream of this session. */
  | { stream_subscribed: StreamSubscription }
  /** A participant unsubscribed from a stream of this session. */
  | { stream_unsubscribed: StreamSubscription }
  /** Media negotiation. */
  | { relay: Relayed }
  /** An application message. */
  | { signal: Signal }
  /** A mute was set or lifted. */
  | { mute_forced: MuteForced }
  /** The session was removed from a room. */
  | { removed: Removed }
  /** A moderator requests to unmute a stream. */
  | { unmute_requested: UnmuteRequested }
  /** The mute or the lock of a room changed. */
  | { room_state: RoomStateChange }
  /** The current state of a room, which replaces the state that the client knows. */
  | { room_reset: RoomReset }
  /** A room has ended. */
  | { room_ended: RoomEnded }
  /** The receipt of a moderation command. */
  | { moderation: ModerationReport }
  /** The sessions of a room, for moderators with the session feed. */
  | { session_feed: SessionFeed }
  /** The cluster became unreachable or reachable. */
  | { degraded: Degraded };

/** A reason: at most 256 bytes. */
export type Reason = string;

/** The receipt of one command at one target. */
export interface Receipt {
  /** Milliseconds from the command until this outcome. */
  elapsed_ms: number;
  /** The outcome at this target. */
  outcome: Outcome;
  /** The target. */
  target: Target;
}

/** A ref: 1 to 64 bytes without control characters. */
export type Ref = string;

/** Negotiate media with the other end of a subscription. */
export interface Relay {
  /** The application's data, at most 48 KiB. */
  data: Data;
  /** The stream that is negotiated. */
  stream: StreamId;
  /** The participant at the other end. */
  to: ParticipantId;
}

/** Media negotiation from the other end of a subscription. */
export interface Relayed {
  /** The application's data. */
  data: Data;
  /** The sender. */
  from: ParticipantId;
  /** The id of the room. */
  room: RoomId;
  /** The stream that is negotiated. */
  stream: StreamId;
}

/** The session was removed from a room. */
export interface Removed {
  /** The actor. */
  by: Actor;
  /** The reason that the moderator gave. */
  reason?: Reason | null;
  /** The id of the room. */
  room: RoomId;
  /** Until when the user is blocked; null if the user may return. */
  until_ms?: Timestamp | null;
}

/** Renew the access token. */
export type Renew = (
  | {
    /** A new auth token; without it the gateway renews the token itself, if the app allows it. */
    auth_token?: Secret | null;
    params?: never;
  }
  | {
    /** For the app's own hook, instead of `auth_token`. */
    params?: Data | null;
    auth_token?: never;
  }
);

/** The access token was renewed. */
export interface Renewed {
  /** The new access token, which replaces the previous one. */
  access_token: Secret;
  /** When the access token expires. */
  expires_at_ms: Timestamp;
  /** The granted scopes: those of the gateway, and those that the application defines. */
  scopes: Array<string>;
}

/** The `ok` of a reply, named after the result. */
export type Reply =
  /** To `start`. */
  | { started: Started }
  /** To `resume`. */
  | { resumed: Resumed }
  /** To `ping`; the only reply of a session without a `seq`. */
  | { pong: Ponged }
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
  /** To every moderation command, once it is in the room's log. Receipts follow as `moderation`. */
  | { accepted: Accepted }
  /** To `set_session_feed`. */
  | { session_feed_set: SessionFeedSet };

/** Resume a session after a lost connection. */
export type Resume = {
  /** The highest `seq` that the client received; 0 for none. */
  last_seq: number;
  /** The newest resume secret of the client. */
  secret: Secret;
  /** The session's id. */
  session: SessionId;
} & (
  | {
    /** Renews the access token in the same step. */
    auth_token?: Secret | null;
    params?: never;
  }
  | {
    /** Renews in the same step, by the app's own hook; instead of `auth_token`. */
    params?: Data | null;
    auth_token?: never;
  }
);

/** The resume secret of a session and its window. */
export interface ResumeTicket {
  /** The secret for `resume`; each connection has a new one. */
  secret: Secret;
  /** Milliseconds after a lost connection in which the session can be resumed. */
  window_ms?: number | null;
}

/** A session was resumed; the missed frames follow. */
export interface Resumed {
  /** The new access token, if the session was renewed in the same step. */
  access_token?: Secret | null;
  /** When the access token expires. */
  expires_at_ms: Timestamp;
  /** The ids of unfinished requests; their replies follow. */
  pending: Array<number>;
  /** Number of missed frames that follow. */
  replayed_count: number;
  /** The new resume secret. */
  resume: ResumeTicket;
  /** The rooms of the session. Frames that follow may repeat changes which the list contains. */
  rooms: Array<OwnParticipant>;
  /** The granted scopes: those of the gateway, and those that the application defines. */
  scopes: Array<string>;
  /** The state of the session. */
  state: SessionState;
}

/** The role of a participant in a room. */
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
  /** The new capabilities; only for the participant itself. */
  capabilities?: Capabilities | null;
  /** The participant. */
  participant: ParticipantId;
  /** The new role. */
  role: Role;
  /** The id of the room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** The counts of a large room changed. */
export interface RoomCounts {
  /** The counts. */
  counts: Counts;
  /** The id of the room. */
  room: RoomId;
  /** The version of the room. */
  version: number;
}

/** A room has ended. */
export interface RoomEnded {
  /** The actor. */
  by: Actor;
  /** The id of the room. */
  room: RoomId;
}

/** A room: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ -, not . or ... */
export type RoomId = string;

/** The mute of a room, set by `force_mute_all`. */
export interface RoomMute {
  /** Whether later streams start muted. */
  active: boolean;
  /** Whether the owners are kept from undoing the mute. */
  lock: boolean;
}

/** The current state of a room, which replaces the state that the client knows. */
export interface RoomReset {
  /** The capabilities of the receiver. */
  capabilities: Capabilities;
  /** The id of the receiver's participant. */
  participant: ParticipantId;
  /** The role of the receiver. */
  role: Role;
  /** The id of the room. */
  room: RoomId;
  /** The current state of the room. */
  snapshot: RoomSnapshot;
}

/** The state of a room at one version. Deltas with higher versions follow, without gaps or duplicates. */
export interface RoomSnapshot {
  /** The numbers of all participants and streams, listed or not. */
  counts: Counts;
  /** Whether the room is large: only moderators and the owners of streams are listed. */
  is_large?: boolean;
  /** Whether the room rejects new participants. */
  locked: boolean;
  /** The mute of the room. */
  mute: RoomMute;
  /** The `after` cursor of `roster`, if the list was cut. */
  next?: string | null;
  /** The listed participants: all of them, up to the roster limit. */
  participants: Array<Participant>;
  /** The streams that are visible to the receiver. */
  streams: Array<Stream>;
  /** The version of the room that the snapshot reflects. */
  version: number;
}

/** The mute or the lock of a room changed. */
export interface RoomStateChange {
  /** Whether the room rejects new participants. */
  locked: boolean;
  /** The mute of the room. */
  mute: RoomMute;
  /** The id of the room. */
  room: RoomId;
  /** The room's version with this change. */
  version: number;
}

/** List the participants of a room by page. */
export interface Roster {
  /** The `next` cursor of the previous page. */
  after?: string | null;
  /** The id of the room. */
  room: RoomId;
}

/** A page of the participants of a room. */
export interface RosterPage {
  /** The `after` cursor of the next page; absent on the last page. */
  next?: string | null;
  /** The participants on this page. */
  participants: Array<Participant>;
  /** Their streams that are visible to the receiver. */
  streams?: Array<Stream>;
  /** The version of the room that the page reflects. */
  version: number;
}

/** A permission that commands need. A grant may narrow the scopes of a role. */
export type Scope =
  /** Join rooms. */
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
  /** The id of the room. */
  room: RoomId;
  /** The receiver; absent for all other participants. */
  to?: ParticipantId | null;
  /** The application's name for this kind of signal. */
  type: SignalType;
}

/** A signal was sent. */
export interface Sent {
  /** The position among the signals of the room. */
  order: number;
  /** Number of receiving sessions. */
  recipients: number;
}

/** The gateway that answered. */
export interface ServerInfo {
  /** The name of the node. */
  node: string;
  /** The clock of the gateway when it answered. */
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
    error: WireError;
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

/** The sessions of a room, for moderators with the session feed. */
export interface SessionFeed {
  /** The sessions. */
  changes: Array<FeedEntry>;
  /** The id of the room. */
  room: RoomId;
  /** Whether `changes` has all participants; otherwise it has only changed ones. */
  snapshot: boolean;
  /** The version of the room that the push reflects. */
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
  /** When the access token expires. */
  expires_at_ms: Timestamp;
  /** The id of the session; `resume` needs it. */
  id: SessionId;
  /** The client instance it belongs to. */
  instance: InstanceId;
  /** The state of the session. */
  state: SessionState;
  /** The user of the session. */
  user: User;
}

/** The limits of the session. */
export interface SessionLimits {
  /** Maximum burst of commands. */
  commands_burst: number;
  /** Sustained rate of commands per second. */
  commands_per_s: number;
  /** Maximum number of requests that wait for a reply. */
  in_flight: number;
  /** Maximum size of a received message. */
  message_in_bytes: number;
  /** Maximum size of a sent message. */
  message_out_bytes: number;
  /** Maximum number of rooms of the session. */
  rooms: number;
  /** Maximum number of streams of a participant. */
  streams_per_participant: number;
}

/**
 * The state of a session, as the gateway drives it.
 *
 * Source: `docs/protocol.md`, "Session states". Only these five names are in camel case on the wire.
 */
export type SessionState =
  /** No user: before a start, after an end, or rejected. */
  | "notLoggedIn"
  /** The gateway authenticates the user. */
  | "establishing"
  /** Authenticated. */
  | "established"
  /** The access token expired; the client may only renew it or leave rooms. */
  | "tokenExpired"
  /** Ended by the gateway, a moderator or an operator. */
  | "terminated";

/** The session's state changed. */
export interface SessionStateChange {
  /** The name of the close code, if the session ended. */
  code?: CloseCode | null;
  /** The reason for people. */
  reason?: string | null;
  /** The current state. */
  state: SessionState;
  /** Increases by one with each change. */
  version: number;
}

/** Change a participant's role. */
export interface SetRole {
  /** The participant. */
  participant: ParticipantId;
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The new role. */
  role: Role;
  /** The id of the room. */
  room: RoomId;
}

/** Turn the session feed of a room on or off. */
export interface SetSessionFeed {
  /** Whether the feed is on. */
  enabled: boolean;
  /** The id of the room. */
  room: RoomId;
}

/** An application message. */
export interface Signal {
  /** The application's data. */
  data: Data;
  /** The sender; null for the server. */
  from?: SignalSender | null;
  /** The position among the signals of the room. */
  order: number;
  /** The id of the room. */
  room: RoomId;
  /** The application's name for this kind of signal. */
  type: SignalType;
}

/** The sender of a signal. */
export interface SignalSender {
  /** The id of the participant. */
  participant: ParticipantId;
  /** The name of its user. */
  username: Username;
}

/** A type: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -. */
export type SignalType = string;

/** Start a session. */
export interface Start {
  /** The app's id. */
  app: string;
  /** The client software. */
  client?: ClientInfo | null;
  /** The credentials. */
  credentials: Credentials;
  /** The client instance. */
  instance: InstanceId;
  /** A session that this one continues. If its secret is valid, it ends, and its mutes, roles and blocks migrate. */
  previous?: Previous | null;
  /** The name of the user; may be absent if a token names the user. */
  username?: Username | null;
}

/** A session was started. */
export interface Started {
  /** Starts a session of the same user later without the auth hook. */
  access_token: Secret;
  /** The intervals of liveness checks. */
  heartbeat: Heartbeat;
  /** The limits of the session. */
  limits: SessionLimits;
  /** The arguments of a later `resume`. */
  resume: ResumeTicket;
  /** The granted scopes: those of the gateway, and those that the application defines. */
  scopes: Array<string>;
  /** The gateway. */
  server: ServerInfo;
  /** The session. */
  session: SessionInfo;
}

/** A stream as the participants of the room see it. */
export interface Stream {
  /** Whether its audio is on. */
  has_audio: boolean;
  /** Whether its video is on. */
  has_video: boolean;
  /** The id. */
  id: StreamId;
  /** The source of the media. */
  kind: StreamKind;
  /** The layout classes of the stream. */
  layout_classes?: LayoutClasses;
  /** Whether a moderator muted the stream: receivers silence it, regardless of its owner. */
  muted: boolean;
  /** The display name. */
  name?: StreamName | null;
  /** The owner of the stream. */
  participant: ParticipantId;
}

/** A stream was published or updated. */
export interface StreamChange {
  /** The id of the room. */
  room: RoomId;
  /** The current state of the stream. */
  stream: Stream;
  /** The room's version with this change. */
  version: number;
}

/** Why a stream ended. */
export type StreamEndReason =
  /** The owner ended the stream. */
  | "unpublished"
  /** A moderator ended the stream, or the owner ignored a mute. */
  | "force_unpublished"
  /** The owner left. */
  | "left"
  /** The session of the owner ended. */
  | "ended"
  /** A moderator removed the owner. */
  | "force_disconnected"
  /** The user of the owner was banned. */
  | "banned"
  /** A newer session replaced the session of the owner. */
  | "replaced"
  /** The session of the owner was not resumed in time. */
  | "network_lost"
  /** The token of the owner expired. */
  | "token_expired"
  /** Its owner's session was renewed with a grant that does not allow the room. */
  | "not_granted"
  /** The room ended. */
  | "room_ended"
  /** The gateway shut down. */
  | "server_shutdown";

/** An id the gateway made: 22 characters of base64url. */
export type StreamId = string;

/** The source of the media of a stream. */
export type StreamKind =
  /** A camera, with or without its microphone. */
  | "camera"
  /** A screen. */
  | "screen"
  /** A microphone only. */
  | "audio"
  /** A kind that the application defines. */
  | "custom";

/** The display name of a stream, at most 256 characters. */
export type StreamName = string;

/** A participant subscribed to a stream of this session, or unsubscribed. */
export interface StreamSubscription {
  /** The subscriber. */
  participant: ParticipantId;
  /** The id of the room. */
  room: RoomId;
  /** The id of the stream. */
  stream: StreamId;
}

/** A stream ended. */
export interface StreamUnpublished {
  /** The reason. */
  reason: StreamEndReason;
  /** The id of the room. */
  room: RoomId;
  /** The id of the stream. */
  stream: StreamId;
  /** The room's version with this change. */
  version: number;
}

/** The target of a command; empty for a command about the room. */
export interface Target {
  /** The target participant. */
  participant?: ParticipantId | null;
  /** The target stream. */
  stream?: StreamId | null;
  /** The target user. */
  username?: Username | null;
}

/**
 * A timestamp, in milliseconds since the Unix epoch.
 *
 * The names of such fields end in `_ms`. Arithmetic saturates, so no number of a peer causes a panic.
 */
export type Timestamp = number;

/** A token is about to expire. */
export interface TokenExpiring {
  /** When the token expires. */
  expires_at_ms: Timestamp;
  /** The room of a room token; absent for the token of the session. */
  room?: RoomId | null;
}

/** Unblock a removed user. */
export interface Unblock {
  /** The caller's idempotency key. */
  ref?: Ref | null;
  /** The id of the room. */
  room: RoomId;
  /** Whether the block of the room or of the app is lifted. */
  scope?: BlockScope;
  /** The blocked user. */
  username: Username;
}

/** A moderator requests to unmute a stream; its owner decides. */
export interface UnmuteRequested {
  /** The moderator. */
  by: Actor;
  /** The id of the room. */
  room: RoomId;
  /** The id of the stream. */
  stream: StreamId;
}

/** Update a stream of this session; absent fields do not change. */
export interface UpdateStream {
  /** Turns the audio on or off. Off acknowledges a mute. */
  has_audio?: boolean | null;
  /** Turns the video on or off. */
  has_video?: boolean | null;
  /** The new layout classes. */
  layout_classes?: LayoutClasses | null;
  /** The new display name. */
  name?: StreamName | null;
  /** The id of the stream. */
  stream: StreamId;
}

/** A stream was updated. */
export interface Updated {
  /** The current state of the stream. */
  stream: Stream;
}

/** A user as other users see them. */
export interface User {
  /** Whether the user is a guest. */
  guest: boolean;
  /** The display name. */
  name?: string | null;
  /** Properties that the application set. */
  properties?: Data | null;
  /** The unique name. */
  username: Username;
}

/** A username: 1 to 256 bytes of UTF-8 in normal form C without control characters, not . or ... */
export type Username = string;

/**
 * Why one request failed.
 *
 * Shape: `{"code":"forbidden","message":"…","missing":"publish"}`. Programs depend on `code`; `message` is for people.
 */
export interface WireError {
  /** The kind of error. */
  code: ErrorCode;
  /** The path of the invalid argument. */
  field?: string | null;
  /** What was expected, and how to fix the request. */
  message: string;
  /** The missing scope, of `forbidden`. */
  missing?: Scope | null;
  /** Milliseconds to wait before a retry, at most 2^31-1. */
  retry_after_ms?: number | null;
  /** The end of the block, of `blocked`, `banned` and `kicked`; absent if it is permanent. */
  until_ms?: Timestamp | null;
}
