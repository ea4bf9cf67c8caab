//! URLs of others' servers: which are taken, and what is told of them.
//!
//! Invariant: of a URL that was read, reports and errors tell scheme, host and port; its path, its query and whoever is
//! named in front of its host may be a secret.

use reqwest::Url;
use serde::Serializer;
use serde::de::Deserializer;

use super::flaw::Flaw;
use super::value::parsed;
use crate::outbound::Network;

/// Reads the URL of a server whose word is trusted: https, or http on loopback.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    parsed(deserializer, "an https URL, or an http one of this machine", |text| {
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
        is_safe.then(|| text.to_owned())
    })
}

/// As it is told to operators: without what may be a secret.
pub(super) fn serialize<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(url).unwrap_or_else(|| "not shown".to_owned()))
}

/// What is shown of a URL: all of it where that is a scheme and a host; `None` when it has no host.
pub(super) fn shown(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let scheme = url.scheme();
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let place = format!("{scheme}://{host}{port}");
    let is_all = [place.as_str(), &format!("{place}/")].contains(&text);
    Some(if is_all { text.to_owned() } else { place + " (the rest is not shown)" })
}

/// What is wrong with the `url` of a section that names an address of a private network itself, where that is not
/// allowed. A name is looked at when it is resolved.
pub(super) fn private_flaw(url: &str, allow_private: bool) -> Option<Flaw> {
    if allow_private {
        return None;
    }
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_private = host == "localhost" || !Network::Public.includes_literal(&url);
    is_private.then(|| {
        let found = format!("{host} with allow_private = false");
        Flaw::new("url", found, "a host of the Internet, or allow_private = true")
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
