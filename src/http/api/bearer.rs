//! Who calls the server API. Source: RFC 6750, 2.1.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use hyper::StatusCode;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use stagedoor_proto::{Target, Username};

use super::super::problem::Problem;
use super::super::router::Ports;
use crate::auth::ServerActor;
use crate::hub::App;
use crate::store::{AuditActor, AuditEvent, AuditOutcome};

/// The app of the path, whose server key or server token came with the request.
pub(super) struct Backend {
    /// The app.
    pub(super) app: Arc<App>,
    /// Who calls, as the audit log names them.
    actor: AuditActor,
}

impl Backend {
    /// Keeps in the audit log what was done to a user.
    pub(super) async fn record(
        &self,
        ports: &Ports,
        verb: &'static str,
        username: &Username,
        reason: Option<String>,
    ) -> Result<(), Problem> {
        let event = AuditEvent {
            at_ms: ports.hub().clock().now(),
            actor: self.actor.clone(),
            verb: verb.into(),
            room: None,
            version: None,
            target: Target { username: Some(username.clone()), ..Target::default() },
            reason: reason.map(Into::into),
            ref_: None,
            outcome: AuditOutcome::Done,
        };
        Ok(ports.hub().store().audit(Arc::clone(self.app.id()), vec![event]).await?)
    }
}

impl FromRequestParts<Arc<Ports>> for Backend {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut Parts, ports: &Arc<Ports>) -> Result<Self, Problem> {
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(request, ports)
            .await
            .map_err(|error| Problem::invalid("path", error.body_text()))?;
        let told = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = told
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| {
                refused(
                    "send `Authorization: Bearer` with a server key or a server token of the app",
                )
            })?;
        // An app that is not there is refused as one whose key was wrong: it tells nobody which apps there are.
        let app =
            path.get("app").and_then(|id| ports.hub().app(id)).ok_or_else(|| refused(WRONG))?;
        let actor = match app.server().verify_server(bearer).map_err(|_| refused(WRONG))? {
            ServerActor::Key(id) => AuditActor::Server(id),
            ServerActor::Token(sub) => AuditActor::Server(sub.unwrap_or_else(|| "token".into())),
        };
        Ok(Self { app: Arc::clone(app), actor })
    }
}

const WRONG: &str = "this is not a valid server key or server token of the app";

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}
