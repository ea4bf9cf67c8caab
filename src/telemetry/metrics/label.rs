//! The labels of metrics: closed lists, so that the number of series does not depend on users, rooms or sessions.

use std::fmt::Debug;

use stagedoor_proto::{CloseCode, Link, SessionState};

/// The labels of one metric.
pub trait Label: Copy + Debug + PartialEq + Send + Sync + 'static {
    const NAMES: &'static [&'static str];

    /// Every value.
    fn all() -> Vec<Self>;

    /// The values of the labels, in the order of [`Label::NAMES`].
    fn values(self) -> Vec<String>;
}

/// Defines an enum that is a single label.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident as $label:literal { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$word_doc])* $word,)* }

        impl $type {
            /// The label's value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }
        }

        impl Label for $type {
            const NAMES: &'static [&'static str] = &[$label];
            fn all() -> Vec<Self> { vec![$(Self::$word,)*] }
            fn values(self) -> Vec<String> { vec![self.as_str().to_owned()] }
        }
    };
}

words! {
    /// A limit, by its configuration key if it has one.
    Limit as "limit" {
        HandshakeTimeout = "handshake_timeout",
        StartTimeout = "start_timeout",
        MessageInBytes = "message_in_bytes",
        /// Bytes of the messages that the node is receiving, or those of one address.
        MessagesInBytesTotal = "messages_in_bytes_total",
        /// The message was split into pages.
        MessageOutBytes = "message_out_bytes",
        FragmentsPerMessage = "fragments_per_message",
        /// Nesting of a message, or of a body of the server API.
        JsonDepth = "json_depth",
        RequestsInFlight = "requests_in_flight",
        Commands = "commands_per_s",
        /// Pings and pongs of a connection.
        Pings = "pings_per_s",
        Resumes = "resumes_per_s",
        Joins = "joins_per_s",
        RoomsPerSession = "rooms_per_session",
        RoomsOpened = "rooms_opened_per_minute",
        RoomsPerNode = "rooms_per_node",
        RoomsPerApp = "rooms_per_app",
        /// An emptied room is not remembered any more.
        RoomStubs = "room_stubs",
        ModerationRecordsPerApp = "moderation_records_per_app",
        ParticipantsPerNode = "participants_per_node",
        ParticipantsPerRoom = "participants_per_room",
        StreamsPerParticipant = "streams_per_participant",
        StreamsPerRoom = "streams_per_room",
        SignalsPerRoom = "signals_per_s_per_room",
        ModeratorSignalsPerRoom = "moderator_signals_per_s_per_room",
        SignalBytesPerRoom = "signal_bytes_per_s_per_room",
        RosterInterval = "roster_interval",
        RelayBytesPerReceiver = "relay_bytes_per_s_per_receiver",
        SessionsPerUser = "sessions_per_user",
        /// Instances of the user were forgotten.
        InstancesPerUser = "instances_per_user",
        SessionsPerNode = "sessions_per_node",
        SessionsPerAddress = "sessions_per_address",
        GuestNamesPerAddress = "guest_names_per_address",
        /// A guest was rejected because the app has too many that cannot be forgotten.
        GuestsPerApp = "guests_per_app",
        /// Frames or bytes of the replay buffer of a connected session.
        Ring = "ring",
        /// Memory of all replay buffers: a session lost frames that a snapshot replaces, or its connection.
        RingTotal = "ring_bytes_total",
        ResumeWindow = "resume_window",
        StartsPerAddress = "starts_per_s_per_address",
        PendingConnectionsPerAddress = "pending_connections_per_address",
        PendingConnections = "pending_connections",
        AuthParamsBytes = "auth_params_bytes",
        ConnectionDataMaxChars = "connection_data_max_chars",
        AuditDenials = "audit_denials_per_minute",
        ApiCalls = "api_calls_per_s",
        ApiAuthFailures = "api_auth_failures_per_s",
        ApiBodyBytes = "api_body_bytes",
        ApiBodyTimeout = "api_body_timeout",
        AdminConnections = "admin_connections",
        ReservedFileDescriptors = "reserved_file_descriptors",
    }
}

words! {
    /// The outcome of an auth hook.
    HookOutcome as "outcome" {
        Allowed = "allowed",
        Denied = "denied",
        /// The hook could not decide.
        Unavailable = "unavailable",
    }
}

words! {
    /// The HTTP status with which an auth webhook denied an attempt.
    DenialStatus as "status" {
        BadRequest = "400",
        Unauthorized = "401",
        Forbidden = "403",
        NotFound = "404",
        Conflict = "409",
        Unprocessable = "422",
    }
}

words! {
    /// The final outcome of a moderation command for one target.
    TargetOutcome as "outcome" {
        /// The target is silent, gone or changed.
        Enforced = "enforced",
        /// The target answered otherwise.
        Declined = "declined",
        /// Not answered in time; after a mute, the gateway removed the stream.
        Ignored = "ignored",
    }
}

words! {
    /// Why a store call failed.
    StoreErrorReason as "reason" {
        /// The database cannot be read or written.
        Unavailable = "unavailable",
        /// The queue of calls is full.
        Full = "full",
        Closed = "closed",
    }
}

words! {
    /// The outcome of a webhook delivery attempt.
    AttemptOutcome as "outcome" {
        Delivered = "delivered",
        /// Status 410: the endpoint wants no more messages.
        Gone = "gone",
        /// Another status than 2xx and 410.
        Failed = "failed",
        /// No connection, or no answer in time.
        Unanswered = "unanswered",
        /// The host resolves to no permitted address.
        Forbidden = "forbidden",
    }
}

words! {
    /// The health of a webhook endpoint.
    EndpointState as "state" {
        /// The last attempt succeeded, or there was none.
        Ok = "ok",
        /// The last attempt failed.
        Failing = "failing",
        /// The endpoint answered 410.
        Disabled = "disabled",
    }
}

words! {
    /// The state of a stored webhook message.
    MessageState as "state" {
        /// Retried until it is delivered or expires.
        Pending = "pending",
        /// A dead letter, which an operator can replay.
        Dead = "dead",
    }
}

/// The state and link of a session that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    pub state: SessionState,
    pub link: Link,
}

impl Label for SessionStatus {
    const NAMES: &'static [&'static str] = &["state", "link"];

    fn all() -> Vec<Self> {
        let states = [SessionState::Established, SessionState::TokenExpired];
        let links = [Link::Live, Link::Suspended];
        states.into_iter().flat_map(|state| links.map(|link| Self { state, link })).collect()
    }

    fn values(self) -> Vec<String> {
        let state = match self.state {
            SessionState::NotLoggedIn => "notLoggedIn",
            SessionState::Establishing => "establishing",
            SessionState::Established => "established",
            SessionState::TokenExpired => "tokenExpired",
            SessionState::Terminated => "terminated",
        };
        let link = match self.link {
            Link::Live => "live",
            Link::Suspended => "suspended",
        };
        vec![state.to_owned(), link.to_owned()]
    }
}

/// The outcome of a start or a resume: success, or rejection with a close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionOutcome(pub Result<(), CloseCode>);

impl Label for AdmissionOutcome {
    const NAMES: &'static [&'static str] = &["outcome"];

    fn all() -> Vec<Self> {
        let rejected = CloseCode::ALL.iter().map(|code| Self(Err(*code)));
        std::iter::once(Self(Ok(()))).chain(rejected).collect()
    }

    fn values(self) -> Vec<String> {
        vec![self.0.map_or_else(CloseCode::reason, |()| "ok").to_owned()]
    }
}

/// The reason for closing a connection or ending a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    Code(CloseCode),
    /// The client closed the connection; no close code was sent.
    Client,
    /// The connection was lost.
    Lost,
}

impl Close {
    /// The value of the label `reason`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Code(code) => code.reason(),
            Self::Client => "closed_by_client",
            Self::Lost => "lost",
        }
    }
}

impl Label for Close {
    const NAMES: &'static [&'static str] = &["code", "reason"];

    fn all() -> Vec<Self> {
        let codes = CloseCode::ALL.iter().map(|code| Self::Code(*code));
        codes.chain([Self::Client, Self::Lost]).collect()
    }

    fn values(self) -> Vec<String> {
        let code = match self {
            Self::Code(code) => code.code().to_string(),
            Self::Client | Self::Lost => "none".to_owned(),
        };
        vec![code, self.reason().to_owned()]
    }
}
