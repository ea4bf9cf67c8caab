//! The labels of metrics: closed lists, so that no number of users, rooms or sessions makes more series.

use std::fmt::Debug;

use stagedoor_proto::{CloseCode, Link, SessionState};

/// What tells the series of one metric apart.
pub trait Label: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The names of its labels.
    const NAMES: &'static [&'static str];

    /// Every value there is.
    fn all() -> Vec<Self>;

    /// The values of its labels, in the order of the names.
    fn values(self) -> Vec<String>;
}

/// A list of words that is one label.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident as $label:literal { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type { $($(#[$word_doc])* $word,)* }

        impl $type {
            /// The word.
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
    /// A bound, by its key in the configuration where it has one.
    Limit as "limit" {
        /// From a connection's acceptance to the end of its upgrade request.
        HandshakeTimeout = "handshake_timeout",
        /// From the upgrade to a complete first frame.
        StartTimeout = "start_timeout",
        /// Bytes of a message in.
        MessageInBytes = "message_in_bytes",
        /// Bytes of a message out: what was told ends with `next`.
        MessageOutBytes = "message_out_bytes",
        /// Fragments of a message.
        FragmentsPerMessage = "fragments_per_message",
        /// Depth of the JSON of a message, or of a body of the server API.
        JsonDepth = "json_depth",
        /// Requests of a session that wait for their reply.
        RequestsInFlight = "requests_in_flight",
        /// Commands of a session.
        Commands = "commands_per_s",
        /// Joins of a session.
        Joins = "joins_per_s",
        /// Rooms of a session.
        RoomsPerSession = "rooms_per_session",
        /// Participants of a room.
        ParticipantsPerRoom = "participants_per_room",
        /// Streams of a participant.
        StreamsPerParticipant = "streams_per_participant",
        /// Streams of a room.
        StreamsPerRoom = "streams_per_room",
        /// Signals of a room.
        SignalsPerRoom = "signals_per_s_per_room",
        /// Sessions of a user.
        SessionsPerUser = "sessions_per_user",
        /// Sessions of the node.
        SessionsPerNode = "sessions_per_node",
        /// Frames and bytes that wait for a reader.
        Ring = "ring",
        /// Time to come back.
        ResumeWindow = "resume_window",
        /// Starts of an address.
        StartsPerAddress = "starts_per_s_per_address",
        /// Connections of an address without a session.
        PendingConnectionsPerAddress = "pending_connections_per_address",
        /// All connections without a session.
        PendingConnections = "pending_connections",
        /// Bytes of a start's `params`.
        AuthParamsBytes = "auth_params_bytes",
        /// Characters of connection data.
        ConnectionDataMaxChars = "connection_data_max_chars",
        /// Calls of the server API, of one key or token.
        ApiCalls = "api_calls_per_s",
        /// Bytes of the body of a call of the server API.
        ApiBodyBytes = "api_body_bytes",
        /// Time for a body of the server API.
        ApiBodyTimeout = "api_body_timeout",
        /// Connections to the server API's own port.
        AdminConnections = "admin_connections",
    }
}

words! {
    /// What an auth hook decided.
    HookOutcome as "outcome" {
        /// Come in.
        Allowed = "allowed",
        /// Stay out.
        Denied = "denied",
        /// No answer was to be had.
        Unavailable = "unavailable",
    }
}

words! {
    /// What became of a moderation verb at a target, in the end.
    TargetOutcome as "outcome" {
        /// Done, or acknowledged.
        Enforced = "enforced",
        /// Not acknowledged in time; its stream was taken down.
        Ignored = "ignored",
    }
}

words! {
    /// Why the store did not do something.
    StoreErrorReason as "reason" {
        /// It cannot be read or written.
        Unavailable = "unavailable",
        /// As many calls wait as may.
        Full = "full",
        /// It was closed.
        Closed = "closed",
    }
}

words! {
    /// What came of an attempt to tell a webhook endpoint something.
    AttemptOutcome as "outcome" {
        /// It took the message.
        Delivered = "delivered",
        /// It answered that it wants no more, with 410.
        Gone = "gone",
        /// It answered with another status that is no success.
        Failed = "failed",
        /// It could not be reached, or did not answer in time.
        Unanswered = "unanswered",
        /// Its name leads to no address that may be called.
        Forbidden = "forbidden",
    }
}

words! {
    /// How a webhook endpoint fares.
    EndpointState as "state" {
        /// It took the last message, or has had none.
        Ok = "ok",
        /// The last attempt failed.
        Failing = "failing",
        /// It said that it wants no more.
        Disabled = "disabled",
    }
}

words! {
    /// What is to become of a webhook message.
    MessageState as "state" {
        /// It is tried until its endpoint takes it.
        Pending = "pending",
        /// It was given up: an operator may have it tried again.
        Dead = "dead",
    }
}

/// How a session is that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: SessionState,
    /// Whether it has a connection.
    pub link: Link,
}

impl Label for Standing {
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

/// How a start or a resume went: it succeeded, or was refused with a close code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(pub Result<(), CloseCode>);

impl Label for Outcome {
    const NAMES: &'static [&'static str] = &["outcome"];

    fn all() -> Vec<Self> {
        let refused = CloseCode::ALL.iter().map(|code| Self(Err(*code)));
        std::iter::once(Self(Ok(()))).chain(refused).collect()
    }

    fn values(self) -> Vec<String> {
        vec![self.0.map_or_else(CloseCode::reason, |()| "ok").to_owned()]
    }
}

/// How a connection or a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// With this code.
    Code(CloseCode),
    /// The client closed its connection, and was not told anything.
    Client,
    /// The connection was lost.
    Lost,
}

impl Close {
    /// The word for it.
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
