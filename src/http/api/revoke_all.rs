//! Revocation of all tokens of an app.

use axum::response::Response;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use stagedoor_proto::{Target, Timestamp};

use super::caller::{ApiCaller, AuditedCall};
use super::extract::JsonBody;
use super::routes::{Method, Routes};
use super::tags;
use crate::api_body::RevokeAllBody;
use crate::http::problem::Problem;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.about(tags::USERS).on(Method::Post, "/apps/{app}/revoke-all", revoke_all, |operation| {
        operation
            .named("revoke_all", "Revoke all tokens of the app").describe("Voids tokens issued before a time, and ends the sessions authenticated before it with code 4101.")
            .body::<RevokeAllBody>(&json!({ "before_ms": 1_900_000_000_000_u64 }))
            .returns::<RevokedAll>(
                200,
                &json!({ "sessions_ended": 12, "accepted_from_ms": 1_900_000_001_000_u64 }),
            )
    })
}

/// The result of a revocation of all tokens.
#[derive(Serialize, JsonSchema)]
struct RevokedAll {
    /// Live sessions that were ended.
    sessions_ended: usize,
    /// Tokens that the app issues from this time on are accepted.
    accepted_from_ms: Timestamp,
}

async fn revoke_all(
    caller: ApiCaller,
    JsonBody { body: RevokeAllBody { before_ms, reason, ref_ }, key }: JsonBody<RevokeAllBody>,
) -> Result<Response, Problem> {
    let now = caller.hub().clock().wall();
    if before_ms.is_some_and(|before| before > now) {
        let detail =
            format!("expected a time that is not in the future, at most {}", now.as_millis());
        return Err(Problem::invalid("before_ms", detail));
    }
    let reason = reason.map(|reason| reason.as_str().to_owned());
    let target = Target::default();
    let call = AuditedCall { command: "revoke_all", target, room: None, reason, ref_ };
    let work = move |caller: ApiCaller| async move {
        let (row, request) = (caller.audit_row(call), &caller.identity.request);
        let accounts = &caller.hub().accounts;
        let (sessions_ended, accepted_from_ms) =
            accounts.revoke_app(&caller.app, before_ms, Some(row), request).await?;
        Ok(RevokedAll { sessions_ended, accepted_from_ms })
    };
    key.perform(caller, StatusCode::OK, work).await
}
