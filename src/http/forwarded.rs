//! The client address behind trusted proxies. Source: RFC 7239; the conventions of `X-Forwarded-For`.
//!
//! Each proxy appends its peer's address, so the list is read from its end: the first address that is not a trusted
//! proxy is the client. What a client itself wrote precedes that address and is ignored. At an entry that is not an
//! address the search stops, and the proxy that reported it counts as the client.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::HeaderMap;

use crate::config::{ForwardedHeader, Listen};

/// The client behind `peer`, or `peer` itself if it is not a trusted proxy.
pub(super) fn client(headers: &HeaderMap, peer: IpAddr, listen: &Listen) -> IpAddr {
    if !listen.trusts(peer) {
        warn_untrusted(headers, peer, listen);
        return peer;
    }
    let (name, has_quotes, address): (_, _, fn(&str) -> Option<IpAddr>) =
        match listen.forwarded_header {
            ForwardedHeader::XForwardedFor => ("x-forwarded-for", false, node),
            ForwardedHeader::Forwarded => ("forwarded", true, forwarded_for),
        };
    let mut client = peer;
    // Several header lines form one list, in their order.
    for line in headers.get_all(name).iter().rev() {
        let mut rest = Some(line.as_bytes());
        while let Some(text) = rest {
            let Some((before, hop)) = split_last(text, has_quotes) else { return client };
            let Some(address) = std::str::from_utf8(hop).ok().and_then(address) else {
                return client;
            };
            client = address;
            if !listen.trusts(client) {
                return client;
            }
            rest = before;
        }
    }
    client
}

/// Splits a list into what precedes its last element, and that element; `None` if a quote is not closed.
///
/// From the end, so that nothing that the client wrote hides what a proxy appends.
fn split_last(list: &[u8], has_quotes: bool) -> Option<(Option<&[u8]>, &[u8])> {
    let mut is_quoted = false;
    for (at, byte) in list.iter().enumerate().rev() {
        match byte {
            b'"' if has_quotes => {
                let slashes = list[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                // Only inside of quotes a backslash escapes one.
                is_quoted = !is_quoted || !slashes.is_multiple_of(2);
            }
            b',' if !is_quoted => return Some((Some(&list[..at]), &list[at + 1..])),
            _ => {}
        }
    }
    (!is_quoted).then_some((None, list))
}

/// Warns once about a proxy that is not trusted: all its clients share the limits of one address.
fn warn_untrusted(headers: &HeaderMap, peer: IpAddr, listen: &Listen) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let name = match listen.forwarded_header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => "forwarded",
    };
    if headers.contains_key(name) && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            address = %peer,
            header = name,
            "forwarding header ignored; add the proxy to `listen.trusted_proxies`"
        );
    }
}

/// The `for` parameter of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut address = None;
    for pair in split_pairs(element)? {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") {
            if address.is_some() {
                return None;
            }
            address = Some(value.trim());
        }
    }
    let address = address?;
    node(address.strip_prefix('"').map_or(Some(address), |quoted| quoted.strip_suffix('"'))?)
}

/// Parses an address with or without a port; an IPv6 address may be in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bracketed.unwrap_or(text).parse::<IpAddr>().ok();
    let address =
        address.or_else(|| text.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    address.map(|address| address.to_canonical())
}

/// Splits at semicolons outside of quotes; `None` if a quote is not closed.
fn split_pairs(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (!is_quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn listen(forwarded_header: ForwardedHeader) -> Listen {
        let trusted = ["10.0.0.0/8", "::1"].map(|text| text.to_owned().try_into().unwrap());
        Listen { trusted_proxies: trusted.into(), forwarded_header, ..Listen::default() }
    }

    fn client_behind(header: ForwardedHeader, peer: &str, lines: &[&str]) -> String {
        let name = match header {
            ForwardedHeader::XForwardedFor => "x-forwarded-for",
            ForwardedHeader::Forwarded => "forwarded",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        client(&headers, peer.parse().unwrap(), &listen(header)).to_string()
    }

    #[test]
    fn last_untrusted_hop_is_the_client() {
        for (case, peer, lines, expected) in [
            ("an untrusted peer is ignored", "192.0.2.9", &["203.0.113.1"][..], "192.0.2.9"),
            ("no header", "10.0.0.1", &[], "10.0.0.1"),
            ("one hop", "10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("the client forged the first", "10.0.0.1", &["1.1.1.1, 203.0.113.1"], "203.0.113.1"),
            ("another proxy", "10.0.0.1", &["203.0.113.1, 10.0.0.2"], "203.0.113.1"),
            ("several lines", "10.0.0.1", &["1.1.1.1", "203.0.113.1,10.0.0.2"], "203.0.113.1"),
            ("proxies alone", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("with a port", "::1", &["203.0.113.1:4711"], "203.0.113.1"),
            ("IPv6 with a port", "::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("IPv6 bare", "::ffff:10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("no address", "10.0.0.1", &["203.0.113.1, unknown"], "10.0.0.1"),
            ("no address behind a proxy", "10.0.0.1", &["junk, 10.0.0.2"], "10.0.0.2"),
            ("empty", "10.0.0.1", &[""], "10.0.0.1"),
            ("an open quote", "10.0.0.1", &["\"203.0.113.1"], "10.0.0.1"),
            ("a quote of the client", "10.0.0.1", &["\", 203.0.113.1"], "203.0.113.1"),
            ("no text of the client", "10.0.0.1", &["é, 203.0.113.1"], "203.0.113.1"),
        ] {
            assert_eq!(
                client_behind(ForwardedHeader::XForwardedFor, peer, lines),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn forwarded_header_follows_its_grammar() {
        for (case, lines, expected) in [
            ("plain", &["for=203.0.113.1"][..], "203.0.113.1"),
            (
                "in capitals, among others",
                &["proto=https;For=203.0.113.1;by=10.0.0.1"],
                "203.0.113.1",
            ),
            ("quoted IPv6", &["for=\"[2001:db8::1]:4711\""], "2001:db8::1"),
            ("a list", &["for=1.1.1.1, for=203.0.113.1;host=\"a,b;c\""], "203.0.113.1"),
            ("hidden", &["for=_secret"], "10.0.0.1"),
            ("unknown", &["for=unknown"], "10.0.0.1"),
            ("twice", &["for=203.0.113.1;for=1.1.1.1"], "10.0.0.1"),
            ("without for", &["proto=https"], "10.0.0.1"),
            ("an open quote", &["for=\"203.0.113.1"], "10.0.0.1"),
            ("no text of the client", &["for=é, for=203.0.113.1"], "203.0.113.1"),
            ("a quote of the client", &["for=\", for=203.0.113.1"], "203.0.113.1"),
            (
                "quotes on both sides",
                &["for=\", for=\"[2001:db8::1]\";host=\"a\\\", for=1.1.1.1\""],
                "2001:db8::1",
            ),
        ] {
            assert_eq!(
                client_behind(ForwardedHeader::Forwarded, "10.0.0.1", lines),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn only_the_configured_header_is_used() {
        let mut headers = HeaderMap::new();
        headers.append("forwarded", "for=1.1.1.1".parse().unwrap());
        headers.append("x-forwarded-for", "203.0.113.1".parse().unwrap());
        let peer = "10.0.0.1".parse().unwrap();
        let client = client(&headers, peer, &listen(ForwardedHeader::XForwardedFor));
        assert_eq!(client.to_string(), "203.0.113.1");
    }

    proptest! {
        #[test]
        fn any_header_gives_an_address(line in "[ -~]{0,64}") {
            for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
                client_behind(header, "10.0.0.1", &[&line]);
            }
        }
    }
}
