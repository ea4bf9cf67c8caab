//! What a revocation voids, and who can be deleted.

use stagedoor_proto::Timestamp;

use super::rows::UserRow;
use crate::revocation::{Issued, Revocation};
use crate::store::admission::{Admission, AuthMethod, Block, Refusal};

/// Checks the credentials of a start against the user's last revocation.
pub(super) fn check_issued(admission: &Admission, user: &UserRow) -> Result<(), Refusal> {
    let Some(revoked) = user.revoked else { return Ok(()) };
    let issued = match admission.method {
        AuthMethod::Guest | AuthMethod::Hook { issued: None } => return Ok(()),
        AuthMethod::Hook { issued: Some(issued) } => issued,
        AuthMethod::AccessToken { issued, .. } => Issued::ByGateway(issued),
    };
    let revocation = Revocation::new(revoked, admission.revocation_leeway);
    if revocation.voids(issued, admission.now) {
        let retry_after = revocation.retry_after(admission.now);
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
