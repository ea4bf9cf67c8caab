//! The `Host` names that development mode accepts: those of this machine. Source: RFC 9110, 7.4.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hyper::header::HOST;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, StatusCode};

use super::problem::{Problem, ProblemKind};

/// The request is for another site.
pub(super) const FOREIGN_HOST: ProblemKind =
    ProblemKind::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host");

/// Rejects requests for another site. Browsers always send `Host`, so a request without it is accepted.
pub(super) async fn require_local_host(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    let detail = "development mode only accepts `localhost` and loopback addresses as `Host`";
    Problem::new(FOREIGN_HOST, detail).into_response()
}

fn is_local(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => host.to_str().is_ok_and(names_this_machine),
        (Some(_), Some(_)) => false,
    }
}

fn names_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("two", &["localhost", "evil.test"], false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().unwrap());
            }
            assert_eq!(is_local(&headers), is_allowed, "{case}");
        }
    }
}
