//! Mints session tokens (under `sessions`), room tokens and server tokens. The gateway does not store them.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagedoor_proto::{
    InstanceId, LayoutClasses, MAX_DURATION_MS, Ref, Role, RoomId, Secret, Timestamp, Username,
};

use super::body::{Body, plain_body};
use super::caller::{ApiCaller, FORBIDDEN};
use super::description::Description;
use super::extract::JsonBody;
use super::routes::{Method, Routes};
use super::tags;
use crate::auth::token::{
    DEFAULT_ROOM_TOKEN_LIFETIME, MAX_ROOM_TOKEN_LIFETIME, MAX_SERVER_TOKEN_LIFETIME, MintError,
    RoomClaims, ServerClaims, SessionClaims,
};
use crate::clock::Clock;
use crate::grant::{Grant, RoomPattern, Scopes};
use crate::http::problem::{Problem, ProblemKind};
use crate::hub::App;

/// Default lifetime of a session token.
const DEFAULT_SESSION_TOKEN_LIFE: Duration = Duration::from_hours(1);
/// Default and maximum lifetime of a token for a page of development mode.
const MAX_PAGE_TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// Maximum lifetimes in milliseconds. The one of session tokens applies to this API only, and equals that of room
/// tokens; a token signed by the app itself has no maximum here.
const MAX_TTL_S: u64 = MAX_DURATION_MS / 1_000;
const MAX_SESSION_TOKEN_MS: u64 = MAX_ROOM_TOKEN_MS;
const MAX_ROOM_TOKEN_MS: u64 = MAX_ROOM_TOKEN_LIFETIME.as_secs() * 1_000;
const MAX_PAGE_TOKEN_MS: u64 = MAX_PAGE_TOKEN_LIFETIME.as_secs() * 1_000;
const MAX_SERVER_TOKEN_MS: u64 = MAX_SERVER_TOKEN_LIFETIME.as_secs() * 1_000;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .about(tags::TOKENS)
        .on(Method::Post, "/apps/{app}/tokens/room", mint_room, |operation| {
            operation.named("mint_room_token", "Mint a room token").describe("With the token a session can join one room. The gateway does not store it; a repeated call mints another one.")
                .mints::<MintRoom>(
                    &json!({ "room": "lobby", "role": "moderator", "username": "ada" }),
                )
        })
        .on(Method::Post, "/apps/{app}/tokens/server", mint_server, |operation| {
            operation.named("mint_server_token", "Mint a server token").describe("The token authorizes calls of this API for at most an hour. Requires a server key.")
            .mints::<MintServer>(&json!({ "name": "billing", "for_ms": 60_000 }))
            .rejects(&[FORBIDDEN])
        })
}

/// The app has no signing key.
const NO_SIGNING_KEY: ProblemKind = ProblemKind::new(StatusCode::CONFLICT, "no_signing_key");

impl Description<'_> {
    /// Declares that the operation mints a token, which the gateway does not store.
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

/// The claims of a session token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MintSession {
    /// The user.
    username: Username,
    /// Binds the token to this client instance.
    instance: Option<InstanceId>,
    /// Display name, 1 to 256 characters.
    #[schemars(length(min = 1, max = 256))]
    name: Option<String>,
    /// Rooms that the session can join without a room token, with the role there; `*` may end a name.
    #[serde(default)]
    rooms: BTreeMap<String, Role>,
    /// The session's scopes; default: all that the role allows.
    scopes: Option<Vec<String>>,
    /// Whether the user may remove users from the whole app.
    #[serde(default)]
    app_moderator: bool,
    /// How long the token can start a session; default one hour, at most 30 days.
    #[schemars(range(min = 1, max = MAX_SESSION_TOKEN_MS))]
    for_ms: Option<u64>,
    /// How long the session lasts, at most the app's `access_ttl`, which is the default.
    #[schemars(range(max = MAX_TTL_S))]
    ttl_s: Option<NonZeroU64>,
    /// Idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// The claims of a room token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MintRoom {
    /// The room.
    room: RoomId,
    /// The role in the room; default: the app's default role.
    role: Option<Role>,
    /// Binds the token to this user.
    username: Option<Username>,
    /// Connection data, visible to all participants and immutable.
    #[schemars(length(max = 1_000))]
    data: Option<String>,
    /// Token id: with one, only one session can redeem the token.
    #[schemars(length(min = 1, max = 256))]
    jti: Option<String>,
    /// Layout classes of the participant's streams.
    #[serde(default)]
    layout_classes: LayoutClasses,
    /// Whether the user may remove users from the whole app.
    #[serde(default)]
    app_moderator: bool,
    /// Lifetime; default 24 hours, at most 30 days.
    #[schemars(range(min = 1, max = MAX_ROOM_TOKEN_MS))]
    for_ms: Option<u64>,
    /// Idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}

/// The claims of a server token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MintServer {
    /// Name of the caller in the audit log.
    #[schemars(length(min = 1, max = 256))]
    name: Option<String>,
    /// Lifetime; default and maximum one hour.
    #[schemars(range(min = 1, max = MAX_SERVER_TOKEN_MS))]
    for_ms: Option<u64>,
    /// Idempotency key.
    #[serde(rename = "ref")]
    ref_: Option<Ref>,
}
plain_body!(MintSession, MintRoom, MintServer);

/// A minted token.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Minted {
    /// The token.
    token: Secret,
    /// Expiry.
    expires_at_ms: Timestamp,
}

impl Minted {
    fn new(
        clock: &Clock,
        life: Duration,
        token: Result<Secret, MintError>,
    ) -> Result<Self, Problem> {
        let token = token.map_err(|error| match &error {
            MintError::NoSecret => {
                let detail =
                    "the app has public keys only; mint the token where the private key is";
                Problem::new(NO_SIGNING_KEY, detail)
            }
            MintError::TooLongLived { .. } => Problem::invalid("for_ms", error.to_string()),
            MintError::Length { claim, .. } => {
                let field = if *claim == "sub" { "name" } else { claim };
                Problem::invalid(field, error.to_string())
            }
        })?;
        let expires = (clock.wall() + life).as_secs();
        Ok(Self { token, expires_at_ms: Timestamp::from_secs(expires) })
    }
}

/// The lifetime of a token: `for_ms` or `default_lifetime`, at most `max_ms`.
fn life(for_ms: Option<u64>, default_lifetime: Duration, max_ms: u64) -> Result<Duration, Problem> {
    match for_ms {
        None => Ok(default_lifetime),
        Some(ms) if (1..=max_ms).contains(&ms) => Ok(Duration::from_millis(ms)),
        Some(ms) => {
            let detail = format!("found {ms}; expected 1 to {max_ms}");
            Err(Problem::invalid("for_ms", detail))
        }
    }
}

pub(super) async fn mint_session(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintSession>,
) -> Result<Response, Problem> {
    let life = life(body.for_ms, DEFAULT_SESSION_TOKEN_LIFE, MAX_SESSION_TOKEN_MS)?;
    if let Some(ttl_s) = body.ttl_s.filter(|ttl_s| ttl_s.get() > MAX_TTL_S) {
        let detail = format!("found {ttl_s}; expected at most {MAX_TTL_S}");
        return Err(Problem::invalid("ttl_s", detail));
    }
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
        ttl_s: body.ttl_s.or_else(|| NonZeroU64::new(caller.app.rules().access_ttl.as_secs())),
    };
    let mint =
        || Minted::new(caller.hub().clock(), life, caller.app.tokens().mint_session(&claims, life));
    key.mint(&caller, mint)
}

async fn mint_room(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintRoom>,
) -> Result<Response, Problem> {
    let life = life(body.for_ms, DEFAULT_ROOM_TOKEN_LIFETIME, MAX_ROOM_TOKEN_MS)?;
    let mint = || body.mint(caller.hub().clock(), &caller.app, life);
    key.mint(&caller, mint)
}

/// Mints a room token of `app` for a page of development mode; it is valid for an hour at most.
pub(in crate::http) fn mint_for_page(
    clock: &Clock,
    app: &App,
    JsonBody { body, .. }: JsonBody<MintRoom>,
) -> Result<Minted, Problem> {
    let life = life(body.for_ms, MAX_PAGE_TOKEN_LIFETIME, MAX_PAGE_TOKEN_MS)?;
    body.mint(clock, app, life)
}

impl MintRoom {
    fn mint(self, clock: &Clock, app: &App, life: Duration) -> Result<Minted, Problem> {
        let claims = RoomClaims {
            room: self.room,
            role: self.role,
            sub: self.username,
            data: self.data,
            jti: self.jti,
            layout_classes: self.layout_classes,
            app_moderator: self.app_moderator,
        };
        Minted::new(clock, life, app.tokens().mint_room(&claims, Some(life)))
    }
}

async fn mint_server(
    caller: ApiCaller,
    JsonBody { body, key }: JsonBody<MintServer>,
) -> Result<Response, Problem> {
    caller.require_server_key()?;
    let life = life(body.for_ms, MAX_SERVER_TOKEN_LIFETIME, MAX_SERVER_TOKEN_MS)?;
    let claims = ServerClaims { sub: body.name };
    let mint =
        || Minted::new(caller.hub().clock(), life, caller.app.tokens().mint_server(&claims, life));
    key.mint(&caller, mint)
}
