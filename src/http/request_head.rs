//! What every request head must satisfy, on every port. Source: RFC 9112, 3.2 and 6.
//!
//! Proxies and servers that disagree about the host or the end of a request can be used to smuggle requests, so an
//! ambiguous head ends the connection. hyper rejects conflicting lengths and unknown transfer codings itself, and
//! closes the connection after a request with both `Transfer-Encoding` and `Content-Length`.

use std::net::Ipv6Addr;

use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::uri::{Authority, Scheme};
use hyper::{HeaderMap, Request, StatusCode, Uri, Version};

use super::problem::{Problem, ProblemKind};

/// The head of the request is ambiguous or invalid.
pub(super) const MALFORMED_REQUEST: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "malformed_request");

/// Checks the head of a request. The host of an absolute target replaces `Host`, which such a request only repeats.
///
/// # Errors
/// The answer, after which the connection is to be closed.
pub(super) fn check<B>(request: &mut Request<B>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => {
            return Err(malformed("expected a `Host` header"));
        }
        (None, _) => {}
        // Empty where the target has no authority.
        (Some(host), None) if host.is_empty() => {}
        (Some(host), None) => {
            if host.to_str().ok().and_then(host_name).is_none() {
                return Err(malformed("expected a host and an optional port in `Host`"));
            }
        }
        (Some(_), Some(_)) => return Err(malformed("expected one `Host` header, found several")),
    }
    if let Some(host) = target_host(request.uri())? {
        request.headers_mut().insert(HOST, host);
    }
    Ok(())
}

/// The host of an absolute target.
fn target_host(target: &Uri) -> Result<Option<HeaderValue>, Problem> {
    let Some(authority) = target.authority() else { return Ok(None) };
    let has_scheme =
        target.scheme().is_none_or(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
    let host = host_name(authority.as_str()).and_then(|_| authority.as_str().parse().ok());
    if !has_scheme || host.is_none() {
        return Err(malformed("expected a path, or an http URL without a username, as the target"));
    }
    Ok(host)
}

/// The name or address in a host with an optional port, in lower case and without brackets and the final dot; `None` if
/// it is not valid.
pub(super) fn host_name(text: &str) -> Option<String> {
    let authority = text.parse::<Authority>().ok()?;
    let host = authority.host();
    // User information precedes the host.
    let port = authority.as_str().strip_prefix(host)?;
    let is_valid_port = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits.is_empty() || digits.parse::<u16>().is_ok())
        });
    if host.is_empty() || !is_valid_port {
        return None;
    }
    match host.strip_prefix('[') {
        Some(literal) => {
            literal.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(|address| address.to_string())
        }
        None => Some(host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()),
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
            (new, &["a."], true),
            (new, &["a:"], true),
            (new, &["a:65535"], true),
            (new, &["a:65536"], false),
            (new, &["a:+80"], false),
            (new, &["a:b"], false),
            (new, &[":80"], false),
            (new, &["[127.0.0.1]"], false),
            (new, &["[localhost]"], false),
            (new, &["[::1"], false),
            (new, &["[::1%25lo]"], false),
        ] {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                request.headers_mut().append(HOST, host.parse().unwrap());
            }
            assert_eq!(check(&mut request).is_ok(), is_valid, "{version:?} {hosts:?}");
        }
    }

    #[test]
    fn host_of_an_absolute_target_replaces_the_header() {
        for (target, host) in [
            ("/livez", Some("named")),
            ("http://other:81/livez", Some("other:81")),
            ("HTTPS://other", Some("other")),
            ("other:80", Some("other:80")),
            ("*", Some("named")),
            ("http://user@other/livez", None),
            ("http://other:b/livez", None),
            ("ftp://other/livez", None),
        ] {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().unwrap();
            request.headers_mut().insert(HOST, "named".parse().unwrap());
            let found = check(&mut request).ok().map(|()| request.headers()[HOST].clone());
            assert_eq!(found.as_ref().map(|host| host.to_str().unwrap()), host, "{target}");
        }
    }
}
