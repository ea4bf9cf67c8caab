//! What every request head must satisfy, on every port. Source: RFC 9112, 3.2 and 6.
//!
//! Proxies and servers that disagree about the host or the end of a request can be used to smuggle requests, so an
//! ambiguous head ends the connection. hyper rejects conflicting lengths and unknown transfer codings itself, and
//! closes the connection after a request with both `Transfer-Encoding` and `Content-Length`.

use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Request, StatusCode, Version};

use super::problem::{Problem, ProblemKind};

/// The head of the request is ambiguous or invalid.
pub(super) const MALFORMED_REQUEST: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "malformed_request");

/// Checks the head of a request.
///
/// # Errors
/// The answer, after which the connection is to be closed.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => {
            Err(malformed("expected a `Host` header"))
        }
        (None, _) => Ok(()),
        // Empty where the target has no authority.
        (Some(host), None) if host.is_empty() => Ok(()),
        (Some(host), None) => match host.to_str().map(str::parse::<Authority>) {
            Ok(Ok(authority)) if !authority.as_str().contains('@') => Ok(()),
            Ok(_) | Err(_) => Err(malformed("expected a host and an optional port in `Host`")),
        },
        (Some(_), Some(_)) => Err(malformed("expected one `Host` header, found several")),
    }
}

/// Whether the request has a body.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

pub(super) fn malformed(detail: &str) -> Problem {
    Problem::new(MALFORMED_REQUEST, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_names_exactly_one_host() {
        let (old, new) = (Version::HTTP_10, Version::HTTP_11);
        for (version, hosts, is_valid) in [
            (new, &["localhost"][..], true),
            (new, &["[::1]:7080"], true),
            (new, &[""], true),
            (new, &[], false),
            (old, &[], true),
            (new, &["a", "a"], false),
            (old, &["a", "b"], false),
            (new, &["user@a"], false),
            (new, &["a/b"], false),
            (new, &["a b"], false),
        ] {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                request.headers_mut().append(HOST, host.parse().unwrap());
            }
            assert_eq!(check(&request).is_ok(), is_valid, "{version:?} {hosts:?}");
        }
    }
}
