//! Joins: a token or grant gives the role, the store says whether the user is blocked, and the room decides.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    Error, ErrorCode, Join as JoinCommand, Link, ParticipantId, Role, Scope, SessionState,
};

use super::Rooms;
use super::open::Opener;
use crate::auth::Authenticator;
use crate::auth::token::TokenError;
use crate::hub::context::check_records;
use crate::hub::errors::CallError;
use crate::hub::session_meta::AuthContext;
use crate::hub::sessions::{RoomTags, SessionHandle, participant_count};
use crate::revocation::Issued;
use crate::room::{Join, Origin, RoomCommand, RoomKey, RoomToken, ScopeSet};
use crate::telemetry::Limit;
use crate::time::Monotonic;

/// Retry delay of a join while the node is full.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);
/// Retry delay of a join while the store fails.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The role and expiry of a session in a room, and the grant they come from.
struct JoinGrant {
    auth: AuthContext,
    /// The settings of the app by which a room token was verified.
    settings: Arc<Authenticator>,
    role: Role,
    data: Option<String>,
    token: Option<RoomToken>,
    /// When the room token was issued, and whether it names the user: then a revocation of the user voids it.
    revocable: Option<(Issued, bool)>,
}

impl JoinGrant {
    /// Whether neither the session was renewed nor the app reloaded since.
    fn is_current(&self, session: &SessionHandle) -> bool {
        self.auth.version == session.auth().version
            && Arc::ptr_eq(&self.settings, &session.app().auth())
    }
}

impl Rooms {
    /// Appends a session's join to the room's log; the room replies.
    ///
    /// # Errors
    /// The error, if the join is rejected before that.
    pub(in crate::hub) async fn join(
        &self,
        session: &Arc<SessionHandle>,
        request: u32,
        join: JoinCommand,
    ) -> Result<(), Error> {
        let (rate, now) = (self.context.join_rate(), self.context.clock.monotonic());
        let counted = session.update_memberships(|rooms, _| {
            let taken = rooms.take_join(rate, now);
            taken.map(|()| (rooms.tags_of(Some(&join.room)), rooms.may_have_left()))
        });
        let (joined, may_have_left) = match counted {
            Ok(rooms) => rooms,
            Err(wait) => {
                self.context.hit(Limit::Joins);
                let message = "too many joins; retry later";
                return Err(Error::new(ErrorCode::RateLimited, message).retry_after(wait));
            }
        };
        let most = self.context.limits().rooms_per_session;
        if joined.is_empty() && session.activity().room_count() >= usize::from(most) {
            self.context.hit(Limit::RoomsPerSession);
            let message =
                format!("room limit of this session reached (limit {most}); leave a room first");
            return Err(Error::new(ErrorCode::TooManyRooms, message));
        }
        if joined.is_empty()
            && participant_count(&self.executor.deferred.sessions) >= self.max_participants()
        {
            self.context.hit(Limit::ParticipantsPerNode);
            let message = "participant limit reached on this node; retry later";
            return Err(Error::new(ErrorCode::Overloaded, message).retry_after(FULL_RETRY_AFTER));
        }
        let key = RoomKey { app: Arc::clone(&session.user().app), room: join.room.clone() };
        let mut entitlement = self.authorize_join(session, &join)?;
        if may_have_left || !joined.is_empty() {
            self.take_repeated_join(session, &key, &joined, now)?;
        }
        if entitlement.token.as_ref().is_some_and(|token| token.jti.is_some()) {
            check_records(&self.context, &key.app, false)?;
        }
        if let Some(token) = &entitlement.token {
            session.activity().record_room_token(token.issued);
        }
        self.check_user(session, &entitlement).await?;
        let _room = self.open(&key, Opener::Session(session)).await.map_err(cannot_open)?;
        if !entitlement.is_current(session) {
            entitlement = self.authorize_join(session, &join)?;
        }
        let grant = &entitlement.auth.grant;
        let join = Join {
            origin: Origin::Session { session: session.id(), request },
            session: session.id(),
            generation: session.activity().held_by().unwrap_or_default(),
            participant: ParticipantId::from_bits(self.context.rng.bits()),
            username: session.user().username.clone(),
            instance: session.meta().instance.clone(),
            guest: session.meta().guest,
            proof: session.meta().proof(),
            registered: session.meta().registered.clone(),
            role: entitlement.role,
            scopes: ScopeSet::from(grant.scopes.as_ref()),
            app_moderator: grant.app_moderator,
            grant_version: entitlement.auth.version,
            data: entitlement.data,
            token: entitlement.token,
            link: Link::Live,
            state: SessionState::Established,
        };
        self.append(&key, RoomCommand::Join(Box::new(join)));
        Ok(())
    }

    /// Counts a join of a room that the session is in, or was: the reply is the whole room again.
    fn take_repeated_join(
        &self,
        session: &SessionHandle,
        key: &RoomKey,
        joined: &RoomTags,
        now: Monotonic,
    ) -> Result<(), Error> {
        let (id, metrics) = (session.id(), &self.context.metrics);
        if joined.is_empty()
            && let Some(room) = self.registry.find(key)
        {
            return room.ask_local(metrics, |room, local| local.check_join(room, id, now));
        }
        for room in joined.iter().filter_map(|tag| self.registry.find_by_tag(*tag)) {
            room.ask_local(metrics, |room, local| local.take_snapshot(room, id, now))?;
        }
        Ok(())
    }

    /// Checks that neither the user is blocked nor the room token void by a revocation.
    async fn check_user(
        &self,
        session: &Arc<SessionHandle>,
        entitlement: &JoinGrant,
    ) -> Result<(), Error> {
        let address = session.activity().address(session.meta());
        let checked = match entitlement.revocable {
            Some((issued, names_user)) => {
                self.access.check_token(session, address, issued, names_user).await
            }
            None => self.access.check(session, address).await.map(drop),
        };
        checked.map_err(|rejected| match rejected.error.code {
            ErrorCode::TokenRevoked => rejected.error.at("join.token"),
            _ => rejected.error,
        })
    }

    fn max_participants(&self) -> usize {
        self.context.limits().participants_per_node
    }

    fn authorize_join(
        &self,
        session: &SessionHandle,
        join: &JoinCommand,
    ) -> Result<JoinGrant, Error> {
        let most = self.context.limits().connection_data_max_chars;
        entitle(session, join.clone(), most).inspect_err(|error| {
            if error.code == ErrorCode::TooLarge {
                self.context.hit(Limit::ConnectionDataMaxChars);
            }
        })
    }
}

/// The error for a join into a room that cannot be opened.
fn cannot_open(error: CallError) -> Error {
    match error {
        CallError::Refused(error) => error,
        error @ (CallError::NoRoom | CallError::RoomExists | CallError::Store(_)) => {
            tracing::error!(%error, "cannot load room");
            Error::new(ErrorCode::Overloaded, "room cannot be opened now; retry")
                .retry_after(STORE_RETRY_AFTER)
        }
    }
}

/// The grant of a join: from its room token, otherwise from the session's own grant.
fn entitle(
    session: &SessionHandle,
    join: JoinCommand,
    max_data_chars: usize,
) -> Result<JoinGrant, Error> {
    let JoinCommand { room, token, data } = join;
    let (auth, settings) = (session.auth(), session.app().auth());
    if let Err(missing) = auth.grant.permit(Scope::Join) {
        return Err(Error::missing(Scope::Join, missing.to_string()));
    }
    if data.as_ref().is_some_and(|data| data.chars().count() > max_data_chars) {
        let message = format!("connection data is too long (limit {max_data_chars} characters)");
        return Err(Error::new(ErrorCode::TooLarge, message).at("join.data"));
    }
    let Some(token) = token else {
        let role = auth.grant.role_in(&room).ok_or_else(|| {
            Error::missing(
                Scope::Join,
                "the session's grant does not include this room; use a room token",
            )
        })?;
        return Ok(JoinGrant { auth, settings, role, data, token: None, revocable: None });
    };
    let tokens = session.app().tokens();
    let checked = tokens
        .read_room(token.as_str(), &room, &session.user().username)
        .map_err(|error| token_error(&error))?;
    let issued = checked.issued.ok_or_else(|| token_error(&TokenError::NotAToken))?;
    let claims = checked.claims;
    Ok(JoinGrant {
        auth,
        settings,
        role: claims.role.unwrap_or(session.app().rules().default_role),
        data: claims.data.or(data),
        revocable: Some((Issued::ByApp(Some(issued)), claims.sub.is_some())),
        token: Some(RoomToken {
            issued,
            expires: checked.expires,
            jti: claims.jti.map(Into::into),
            layout_classes: claims.layout_classes,
            app_moderator: claims.app_moderator,
        }),
    })
}

fn token_error(error: &TokenError) -> Error {
    let is_expired = error.code() == ErrorCode::TokenExpired;
    let code = if is_expired { ErrorCode::TokenExpired } else { ErrorCode::TokenInvalid };
    Error::new(code, error.to_string()).at("join.token")
}
