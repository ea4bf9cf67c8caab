//! What a revocation voids, and who can be deleted.

use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::rows::UserRow;
use crate::revocation::{Issued, Revocation};
use crate::store::admission::{Admission, AuthMethod, Block, Check, Refusal};

/// Checks the credentials of a start against the last revocations of the user and of the app.
///
/// A revocation of the app also voids an access token that is newer, if it continues an older authentication, or one by
/// an older session token.
pub(super) fn check_issued(
    admission: &Admission,
    user: &UserRow,
    app_revoked: Option<Timestamp>,
) -> Result<(), Refusal> {
    let (issued, origin) = match admission.method {
        AuthMethod::Guest | AuthMethod::Hook { issued: None } => return Ok(()),
        AuthMethod::Hook { issued: Some(issued) } => (issued, issued),
        AuthMethod::AccessToken { issued, authenticated, .. } => {
            (Issued::ByGateway(issued), Issued::ByGateway(issued.min(authenticated)))
        }
    };
    check(user.revoked, issued, admission.revocation_leeway, admission.now)?;
    check(app_revoked, origin, admission.revocation_leeway, admission.now)?;
    let token = admission.granted.token_issued;
    check_token(app_revoked, token, admission.revocation_leeway, admission.now)
}

/// Checks that a session was authenticated since the app's last revocation, and by a token that was issued since.
pub(super) fn check_authenticated(
    request: &Check,
    app_revoked: Option<Timestamp>,
) -> Result<(), Refusal> {
    let (leeway, now) = (request.revocation_leeway, request.now);
    check(app_revoked, Issued::ByGateway(request.authenticated), leeway, now)?;
    check_token(app_revoked, request.token_issued, leeway, now)
}

/// Checks the session token that the user presented last, if any.
fn check_token(
    revoked: Option<Timestamp>,
    token_issued: Option<Timestamp>,
    leeway: Duration,
    now: Timestamp,
) -> Result<(), Refusal> {
    let issued = token_issued.map(|issued| Issued::ByApp(Some(issued)));
    issued.map_or(Ok(()), |issued| check(revoked, issued, leeway, now))
}

fn check(
    revoked: Option<Timestamp>,
    issued: Issued,
    leeway: Duration,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(revoked) = revoked else { return Ok(()) };
    let revocation = Revocation::new(revoked, leeway);
    if revocation.voids(issued, now) {
        let retry_after = revocation.retry_after(now);
        return Err(Refusal::IssuedBeforeRevocation { retry_after });
    }
    Ok(())
}

/// The revocation time to store. It never moves back.
pub(in crate::store) fn revoked_until(user: &UserRow, now: Timestamp) -> Timestamp {
    user.revoked.map_or(now, |revoked| revoked.max(now))
}

/// Whether a user can be deleted: connected, seen, revoked or blocked, and not deleted before. A deletion is permanent,
/// so an unknown name, which may be mistyped, is rejected.
pub(in crate::store) fn may_be_deleted(
    user: Option<&UserRow>,
    block: Option<&Block>,
    is_here: bool,
    now: Timestamp,
) -> bool {
    is_here
        || match user {
            Some(user) => !user.is_deleted,
            None => block.is_some_and(|block| block.is_in_force(now)),
        }
}
