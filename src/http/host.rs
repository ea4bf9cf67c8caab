//! The `Host` names that a port answers to, against DNS rebinding: a page of another site could have its own name
//! resolve to a port of this machine, and read what it answers without authentication. Source: RFC 9110, 7.4.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::header::HOST;
use hyper::{HeaderMap, StatusCode};

use super::problem::{Problem, ProblemKind};
use super::request_head::host_name;
use super::state::HttpState;

/// The request is for another site.
pub(super) const FOREIGN_HOST: ProblemKind =
    ProblemKind::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host");

/// Rejects requests for another site than this machine. A request without `Host` is from no browser and is accepted.
pub(super) async fn require_local_host(request: Request, next: Next) -> Response {
    if has_host(request.headers(), is_this_machine) {
        return next.run(request).await;
    }
    let detail = "development mode only accepts `localhost` and loopback addresses as `Host`";
    Problem::new(FOREIGN_HOST, detail).into_response()
}

/// Rejects requests for names that are not configured. An address cannot be rebound, so every address is accepted.
pub(super) async fn require_known_host(
    State(state): State<Arc<HttpState>>,
    request: Request,
    next: Next,
) -> Response {
    let settings = state.settings();
    let names = settings.admin_hosts();
    if has_host(request.headers(), |host| is_known(host, names)) {
        return next.run(request).await;
    }
    let detail = "expected an address, `localhost` or a name of `listen.admin_hosts` as `Host`";
    Problem::new(FOREIGN_HOST, detail).into_response()
}

fn has_host(headers: &HeaderMap, is_accepted: impl Fn(&str) -> bool) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => {
            host.to_str().ok().and_then(host_name).is_some_and(|name| is_accepted(&name))
        }
        (Some(_), Some(_)) => false,
    }
}

fn is_this_machine(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_known(name: &str, configured: &[String]) -> bool {
    name == "localhost"
        || name.parse::<IpAddr>().is_ok()
        || configured.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(hosts: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_host_is_of_this_machine_or_foreign() {
        for (case, hosts, is_allowed) in [
            ("absent", &[][..], true),
            ("a name", &["localhost"], true),
            ("a port", &["LOCALHOST:7080"], true),
            ("an address", &["127.0.0.1:7080"], true),
            ("another of them", &["127.8.9.1"], true),
            ("version 6", &["[::1]:7080"], true),
            ("another site", &["evil.test"], false),
            ("one that looks alike", &["localhost.evil.test:7080"], false),
            ("another address", &["192.0.2.1"], false),
            ("user information", &["localhost@evil.test"], false),
            ("nothing", &[""], false),
            ("the final dot of a full name", &["localhost.:7080"], true),
            ("a name in brackets", &["[localhost]"], false),
            ("an invalid port", &["localhost:http"], false),
            ("two", &["localhost", "evil.test"], false),
        ] {
            assert_eq!(has_host(&headers(hosts), is_this_machine), is_allowed, "{case}");
        }
    }

    #[test]
    fn known_hosts_are_addresses_and_configured_names() {
        let configured = ["gateway".to_owned(), "Ops.Example.com".to_owned()];
        for (case, hosts, is_allowed) in [
            ("absent", &[][..], true),
            ("localhost", &["localhost:7081"], true),
            ("an address", &["192.0.2.1:7081"], true),
            ("version 6", &["[2001:db8::1]:7081"], true),
            ("configured", &["gateway:7081"], true),
            ("in another letter case", &["ops.example.COM"], true),
            ("another name", &["evil.test"], false),
            ("one that looks alike", &["gateway.evil.test"], false),
            ("user information", &["gateway@evil.test"], false),
            ("two", &["gateway", "gateway"], false),
        ] {
            let is_known = has_host(&headers(hosts), |name| is_known(name, &configured));
            assert_eq!(is_known, is_allowed, "{case}");
        }
    }
}
