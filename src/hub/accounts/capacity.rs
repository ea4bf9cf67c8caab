//! The limits that a start may exceed: sessions, guest names and instances.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{CloseCode, Username};

use super::Accounts;
use super::previous::PreviousSession;
use crate::config::{GuestNames, Limits};
use crate::engine::{DirectoryKey, Prepared};
use crate::hub::app::App;
use crate::hub::errors::StartError;
use crate::hub::session_meta::PeerInfo;
use crate::hub::sessions::{Capacity, LimitExceeded, spare_names};
use crate::store::{InstanceLimit, NameClaim, UserKey};
use crate::telemetry::Limit;

/// The `retry_after` of a client whose start exceeds `sessions_per_node`.
pub(super) const FULL_RETRY_AFTER: Duration = Duration::from_secs(3);

/// Checks a limit of sessions or names of an address.
pub(super) fn check_capacity(
    accounts: &Accounts,
    address: IpAddr,
    capacity_of: fn(IpAddr, &Limits) -> Capacity,
) -> Result<(), StartError> {
    let capacity = capacity_of(address, &accounts.context.limits());
    let checked = accounts.sessions.check_capacity(address, capacity);
    checked.map_err(|exceeded| overloaded(accounts, exceeded))
}

/// Checks the limit of names for a guest who takes an exclusive one, as far as suspended sessions hold them. The
/// store counts the reserved ones. The instance may hold the name already.
pub(super) fn check_names(
    accounts: &Accounts,
    names: Option<&mut NameClaim>,
    prepared: &Prepared,
    peer: &PeerInfo,
    counts_reserved: bool,
) -> Result<(), StartError> {
    let Some(names) = names.filter(|_| prepared.held == 0) else { return Ok(()) };
    check_capacity(accounts, peer.address, Capacity::of_names)?;
    if counts_reserved {
        names.max_reserved = spare_names_of(accounts, peer.address);
    }
    Ok(())
}

/// How many names guests of an address may reserve, besides those of suspended sessions.
fn spare_names_of(accounts: &Accounts, address: IpAddr) -> usize {
    let capacity = Capacity::of_names(address, &accounts.context.limits());
    spare_names(&accounts.sessions, address, capacity)
}

/// Checks the limit of names that guests of an address hold without a session.
pub(super) async fn check_reserved(
    accounts: &Accounts,
    app: &App,
    names: Vec<Username>,
    peer: &PeerInfo,
) -> Result<(), StartError> {
    let mut reserved = 0;
    for username in names {
        let user = UserKey { app: Arc::clone(app.id()), username };
        let rows = accounts.engine.rows(DirectoryKey::of(&user)).await?;
        reserved += usize::from(rows.is_empty());
    }
    if reserved >= spare_names_of(accounts, peer.address) {
        return Err(overloaded(accounts, LimitExceeded::Names));
    }
    Ok(())
}

/// The error of a start that exceeds a limit, which is counted.
pub(super) fn overloaded(accounts: &Accounts, exceeded: LimitExceeded) -> StartError {
    let (limit, message) = match exceeded {
        LimitExceeded::Total => {
            (Limit::SessionsPerNode, "the session limit of this node is reached; retry later")
        }
        LimitExceeded::Address => (
            Limit::SessionsPerAddress,
            "the session limit of this address is reached; end a session first",
        ),
        LimitExceeded::Names => (
            Limit::GuestNamesPerAddress,
            "guests of this address hold too many names without a connection; resume or wait",
        ),
    };
    accounts.context.hit(limit);
    StartError::new(CloseCode::Overloaded, message).retry_after(FULL_RETRY_AFTER)
}

/// The claim of a guest to an exclusive name, or the bound of a registered user's instances.
pub(super) fn bounds_of(
    app: &App,
    is_guest: bool,
    prepared: &Prepared,
    previous: Option<&PreviousSession>,
) -> (Option<NameClaim>, Option<InstanceLimit>) {
    let rules = app.rules();
    if is_guest {
        let is_exclusive = rules.guest_names == GuestNames::Exclusive;
        let names = is_exclusive.then(|| NameClaim {
            // The session that the guest continues under the same name proves the same person.
            proved: previous.and_then(PreviousSession::proof),
            holders: prepared.holders.iter().map(|holder| holder.proof).collect(),
            retention: rules.guest_retention,
            max_reserved: usize::MAX,
        });
        return (names, None);
    }
    let limit = InstanceLimit {
        count: rules.instances_per_user,
        access_ttl: rules.access_ttl,
        live: prepared.live.clone(),
    };
    (None, Some(limit))
}
