//! URLs of other servers: which are allowed, and how they are printed.
//!
//! Invariant: reports and errors show scheme, host and port of a URL. Its path, query and user info may be secret.

use reqwest::Url;
use serde::Serializer;
use serde::de::Deserializer;

use super::value::parsed;
use super::violation::RuleViolation;
use crate::outbound::Network;

/// Reads the URL of a trusted server: https, or http on loopback.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    parsed(deserializer, "an https URL, or an http URL on loopback", |text| {
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        is_safe.then(|| text.to_owned())
    })
}

/// Serializes the public part of a URL.
pub(super) fn serialize<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(url).unwrap_or_else(|| "not shown".to_owned()))
}

/// The printed form of a URL: scheme, host and port. `None` if it has no host.
pub(super) fn shown(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let scheme = url.scheme();
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let origin = format!("{scheme}://{host}{port}");
    let is_all = [origin.as_str(), &format!("{origin}/")].contains(&text);
    Some(if is_all { text.to_owned() } else { origin + " (the rest is not shown)" })
}

/// The violation of a `url` with a private address where that is not allowed. Names are checked when they are resolved.
pub(super) fn private_url_violation(url: &str, allow_private: bool) -> Option<RuleViolation> {
    if allow_private {
        return None;
    }
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_private = host == "localhost" || !Network::Public.includes_literal(&url);
    is_private.then(|| {
        let found = format!("{host} with allow_private = false");
        let violation = RuleViolation::new("url", found, "a public host, or allow_private = true");
        violation.with_inputs(["allow_private"])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_scheme_host_and_port_are_shown() {
        for (url, expected) in [
            ("https://a.example", Some("https://a.example")),
            ("https://a.example:8443/", Some("https://a.example:8443/")),
            ("http://[::1]:1/hush", Some("http://[::1]:1 (the rest is not shown)")),
            ("https://a.example/?hush", Some("https://a.example (the rest is not shown)")),
            ("https://a.example#hush", Some("https://a.example (the rest is not shown)")),
            ("https://hush:hush@a.example/", Some("https://a.example (the rest is not shown)")),
            ("ftp://hush@a.example/", Some("ftp://a.example (the rest is not shown)")),
            ("mailto:hush@a.example", None),
            ("hush", None),
        ] {
            assert_eq!(shown(url).as_deref(), expected, "{url}");
        }
    }
}
