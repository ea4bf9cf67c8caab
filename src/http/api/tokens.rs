//! Minting: session tokens (under `sessions`), room tokens and server tokens. What is minted is kept nowhere.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{InstanceId, LayoutClasses, Ref, Role, RoomId, Secret, Timestamp, Username};

use super::body::{Body, plain_body};
use super::caller::{ApiCaller, FORBIDDEN};
use super::description::Description;
use super::extract::JsonBody;
use super::routes::{Method, Routes};
use crate::auth::token::{
    DEFAULT_ROOM_TOKEN_LIFETIME, MAX_ROOM_TOKEN_LIFETIME, MAX_SERVER_TOKEN_LIFETIME, MintError,
    RoomClaims, ServerClaims, SessionClaims,
};
use crate::grant::{Grant, RoomPattern, Scopes};
use crate::http::problem::{Problem, ProblemKind};

/// How long a minted session token may be shown, unless asked otherwise.
const DEFAULT_SESSION_TOKEN_LIFE: Duration = Duration::from_hours(1);

/// How long tokens of each kind live at most, in milliseconds. Of a session token that is this API's own bound, the same
/// as that of a room token; whoever signs with the app's key sets their own.
const MAX_SESSION_TOKEN_MS: u64 = MAX_ROOM_TOKEN_MS;
const MAX_ROOM_TOKEN_MS: u64 = MAX_ROOM_TOKEN_LIFETIME.as_secs() * 1_000;
const MAX_SERVER_TOKEN_MS: u64 = MAX_SERVER_TOKEN_LIFETIME.as_secs() * 1_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about("tokens")
        .on(Method::Post, "/apps/{app}/tokens/room", mint_room, |operation| {
            operation.named("mint_room_token", "Mint a room token, which lets a session enter one room")
                .mints::<MintRoom>(
                    &json!({ "room": "lobby", "role": "moderator", "username": "ada" }),
                )
        })
        .on(Method::Post, "/apps/{app}/tokens/server", mint_server, |operation| {
            operation.named(
                "mint_server_token",
                "Mint a server token, which opens this API for an hour at most; with a server key alone",
            )
            .mints::<MintServer>(&json!({ "name": "billing", "for_ms": 60_000 }))
            .rejects(&[FORBIDDEN])
        })
}

/// The app cannot sign.
const NO_SIGNING_KEY: ProblemKind = ProblemKind::new(StatusCode::CONFLICT, "no_signing_key");

impl Description<'_> {
    /// It mints a token, and keeps nothing of it.
    pub(super) fn mints<B: Body>(self, body: &Value) -> Self {
        let minted = json!({
            "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "expires_at_ms": 1_900_000_300_000_u64,
        });
        self.body::<B>(body)
            .without_store()
            .rejects(&[NO_SIGNING_KEY])
            .returns::<Minted>(201, &minted)
    }
}

/// Who may start a session, and what it may do.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MintSession {
    /// Who.
    username: Username,
    /// The only client instance it is good for.
    instance: Option<InstanceId>,
    /// A name for display, of 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    name: Option<String>,
    /// Rooms that may be entered without a room token, with the role there; `*` may end a name.
    #[serde(default)]
    rooms: BTreeMap<String, Role>,
    /// The scopes it holds; absent: whatever the role allows.
    scopes: Option<Vec<String>>,
    /// Whether its holder may remove people from the whole app.
    #[serde(default)]
    app_moderator: bool,
    /// How long the token may be shown: an hour unless it says, 30 days at most.
    #[schemars(range(min = 1, max = MAX_SESSION_TOKEN_MS))]
    for_ms: Option<u64>,
    /// How long the session lives, where that is not as long.
    ttl_s: Option<NonZeroU64>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Who may enter a room, and as what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MintRoom {
    /// Which room.
    room: RoomId,
    /// As what; absent: the app's default.
    role: Option<Role>,
    /// The only user it is good for.
    username: Option<Username>,
    /// Connection data, told to all and never changed.
    #[schemars(length(max = 1_000))]
    data: Option<String>,
    /// Its id: with one, a single session may spend it.
    #[schemars(length(min = 1, max = 256))]
    jti: Option<String>,
    /// The layout classes of the participant's streams.
    #[serde(default)]
    layout_classes: LayoutClasses,
    /// Whether its holder may remove people from the whole app.
    #[serde(default)]
    app_moderator: bool,
    /// How long it lives: 24 hours unless it says, 30 days at most.
    #[schemars(range(min = 1, max = MAX_ROOM_TOKEN_MS))]
    for_ms: Option<u64>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// Who may use this API.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MintServer {
    /// What the audit log calls its holder.
    #[schemars(length(min = 1, max = 256))]
    name: Option<String>,
    /// How long it lives: an hour unless it says, and at most.
    #[schemars(range(min = 1, max = MAX_SERVER_TOKEN_MS))]
    for_ms: Option<u64>,
    /// The caller's idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
plain_body!(MintSession, MintRoom, MintServer);

/// A token.
#[derive(Serialize, JsonSchema)]
pub(super) struct Minted {
    /// The token.
    token: Secret,
    /// When it runs out.
    expires_at_ms: Timestamp,
}

impl Minted {
    fn new(
        caller: &ApiCaller,
        life: Duration,
        token: Result<Secret, MintError>,
    ) -> Result<Self, Problem> {
        let token = token.map_err(|error| match &error {
            MintError::NoSecret => {
                let detail =
                    "the app has public keys only: whoever holds the private one mints its tokens";
                Problem::new(NO_SIGNING_KEY, detail)
            }
            MintError::TooLongLived { .. } => Problem::invalid("for_ms", error.to_string()),
            MintError::Length { claim, .. } => {
                let field = if *claim == "sub" { "name" } else { claim };
                Problem::invalid(field, error.to_string())
            }
        })?;
        let expires = (caller.hub().clock().now() + life).as_secs();
        Ok(Self { token, expires_at_ms: Timestamp::from_secs(expires) })
    }
}

/// How long a token is to live: `usual` unless `for_ms` says, and `most_ms` at most.
fn life(for_ms: Option<u64>, usual: Duration, most_ms: u64) -> Result<Duration, Problem> {
    match for_ms {
        None => Ok(usual),
        Some(ms) if (1..=most_ms).contains(&ms) => Ok(Duration::from_millis(ms)),
        Some(ms) => {
            let detail = format!("found {ms}; expected 1 to {most_ms}");
            Err(Problem::invalid("for_ms", detail))
        }
    }
}

pub(super) async fn mint_session(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintSession>,
) -> Result<Response, Problem> {
    let life = life(body.for_ms, DEFAULT_SESSION_TOKEN_LIFE, MAX_SESSION_TOKEN_MS)?;
    let mut rooms = Vec::with_capacity(body.rooms.len());
    for (pattern, role) in body.rooms {
        let pattern = RoomPattern::try_from(pattern)
            .map_err(|error| Problem::invalid("rooms", error.to_string()))?;
        rooms.push((pattern, role));
    }
    let scopes = body.scopes.map(Scopes::from_iter);
    let claims = SessionClaims {
        sub: body.username,
        instance: body.instance,
        name: body.name,
        grant: Grant { rooms, scopes, app_moderator: body.app_moderator },
        ttl_s: body.ttl_s,
    };
    let mint = || Minted::new(&caller, life, caller.app.tokens().mint_session(&claims, life));
    key.mint(&caller, mint)
}

async fn mint_room(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintRoom>,
) -> Result<Response, Problem> {
    let life = life(body.for_ms, DEFAULT_ROOM_TOKEN_LIFETIME, MAX_ROOM_TOKEN_MS)?;
    let claims = RoomClaims {
        room: body.room,
        role: body.role,
        sub: body.username,
        data: body.data,
        jti: body.jti,
        layout_classes: body.layout_classes,
        app_moderator: body.app_moderator,
    };
    let mint = || Minted::new(&caller, life, caller.app.tokens().mint_room(&claims, Some(life)));
    key.mint(&caller, mint)
}

async fn mint_server(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintServer>,
) -> Result<Response, Problem> {
    caller.must_hold_key()?;
    let life = life(body.for_ms, MAX_SERVER_TOKEN_LIFETIME, MAX_SERVER_TOKEN_MS)?;
    let claims = ServerClaims { sub: body.name };
    let mint = || Minted::new(&caller, life, caller.app.tokens().mint_server(&claims, life));
    key.mint(&caller, mint)
}
