//! Whether a request is a valid WebSocket upgrade. Source: RFC 6455, 4.2.1; RFC 9110, 7.8.

use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use hyper::{HeaderMap, Request, Version};
use stagedoor_proto::SUBPROTOCOL;

use super::header_list::{contains, elements, is_token};
use super::request_head::has_body;

/// The version of the WebSocket protocol.
pub(super) const VERSION: &str = "13";
/// Length of a key: 16 bytes in base64.
const KEY_CHARS: usize = 24;

/// A valid upgrade request.
#[derive(Debug)]
pub(super) struct UpgradeRequest<'a> {
    pub(super) key: &'a [u8],
    pub(super) subprotocol: SubprotocolOffer,
}

/// The subprotocols that a client offers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubprotocolOffer {
    None,
    Ours,
    /// The first of those that are not ours.
    Others(HeaderValue),
}

/// Why a request is not a valid upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpgradeError {
    /// It asks for no WebSocket of this version.
    NotAWebSocket(&'static str),
    /// It asks for one in a way that is not valid.
    Malformed(&'static str),
}

impl<'a> UpgradeRequest<'a> {
    pub(super) fn parse<B>(request: &'a Request<B>) -> Result<Self, UpgradeError> {
        use UpgradeError::{Malformed, NotAWebSocket};
        let headers = request.headers();
        // A server ignores `Upgrade` in a request of HTTP/1.0.
        if request.version() != Version::HTTP_11
            || !contains(headers, &UPGRADE, "websocket")
            || !contains(headers, &CONNECTION, "upgrade")
        {
            return Err(NotAWebSocket("expected `Connection: Upgrade` and `Upgrade: websocket`"));
        }
        if has_body(headers) {
            return Err(Malformed("an upgrade request has no body"));
        }
        if one(headers, &SEC_WEBSOCKET_VERSION)? != Some(VERSION.as_bytes()) {
            return Err(NotAWebSocket("expected `Sec-WebSocket-Version: 13`"));
        }
        let key = one(headers, &SEC_WEBSOCKET_KEY)?
            .ok_or(NotAWebSocket("expected a `Sec-WebSocket-Key`"))?;
        if !is_key(key) {
            return Err(Malformed("expected 16 bytes in base64 in `Sec-WebSocket-Key`"));
        }
        Ok(Self { key, subprotocol: SubprotocolOffer::parse(headers)? })
    }
}

impl SubprotocolOffer {
    fn parse(headers: &HeaderMap) -> Result<Self, UpgradeError> {
        let mut offer = Self::None;
        for name in elements(headers, &SEC_WEBSOCKET_PROTOCOL) {
            let name = is_token(name).then(|| HeaderValue::from_bytes(name).ok()).flatten();
            let name = name.ok_or(UpgradeError::Malformed(
                "expected a list of tokens in `Sec-WebSocket-Protocol`",
            ))?;
            if name == SUBPROTOCOL {
                offer = Self::Ours;
            } else if offer == Self::None {
                offer = Self::Others(name);
            }
        }
        Ok(offer)
    }
}

/// The value of a header that may appear once.
fn one<'a>(
    headers: &'a HeaderMap,
    name: &hyper::header::HeaderName,
) -> Result<Option<&'a [u8]>, UpgradeError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(|value| value.as_bytes().trim_ascii())),
        (_, Some(_)) => Err(UpgradeError::Malformed(
            "expected one `Sec-WebSocket-Version` and one `Sec-WebSocket-Key`",
        )),
    }
}

/// Whether `text` is the base64 of 16 bytes. The last bits, which mean nothing, may be set.
fn is_key(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    text.len() == KEY_CHARS
        && text.strip_suffix(b"==").is_some_and(|digits| digits.iter().all(is_digit))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn request(lines: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in lines {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request
    }

    fn with(changed: &[(&str, &[&str])]) -> Request<()> {
        let usual = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        let mut lines: Vec<_> = usual
            .into_iter()
            .filter(|(name, _)| changed.iter().all(|(other, _)| other != name))
            .collect();
        lines.extend(
            changed.iter().flat_map(|(name, values)| values.iter().map(|value| (*name, *value))),
        );
        request(&lines)
    }

    #[test]
    fn upgrade_is_accepted_in_every_legal_form() {
        for changed in [
            &[][..],
            &[("connection", &["keep-alive", "Upgrade"][..])],
            &[("connection", &["upgrade", "keep-alive"])],
            &[("connection", &["keep-alive,UPGRADE , "])],
            &[("connection", &["", ",,", "Upgrade"])],
            &[("upgrade", &["h2c, WebSocket"])],
            &[("upgrade", &["h2c", "websocket"])],
            &[("content-length", &["0"])],
        ] {
            assert!(UpgradeRequest::parse(&with(changed)).is_ok(), "{changed:?}");
        }
    }

    #[test]
    fn ambiguous_upgrade_is_malformed() {
        for changed in [
            ("content-length", &["5"][..]),
            ("transfer-encoding", &["chunked"]),
            ("sec-websocket-key", &[KEY, KEY]),
            ("sec-websocket-key", &[""]),
            ("sec-websocket-key", &["dGhlIHNhbXBsZQ=="]),
            ("sec-websocket-key", &["dGhlIHNhbXBsZSBub25j?Q=="]),
            ("sec-websocket-version", &["13", "13"]),
            ("sec-websocket-protocol", &["a b"]),
            ("sec-websocket-protocol", &["é"]),
        ] {
            let error = UpgradeRequest::parse(&with(&[changed])).unwrap_err();
            assert!(matches!(error, UpgradeError::Malformed(_)), "{changed:?}: {error:?}");
        }
    }

    #[test]
    fn other_requests_are_not_websockets() {
        for changed in [
            ("connection", &["keep-alive"][..]),
            ("connection", &["upgraded"]),
            ("upgrade", &["h2c"]),
            ("upgrade", &[]),
            ("sec-websocket-version", &["8"]),
            ("sec-websocket-version", &[]),
            ("sec-websocket-key", &[]),
        ] {
            let error = UpgradeRequest::parse(&with(&[changed])).unwrap_err();
            assert!(matches!(error, UpgradeError::NotAWebSocket(_)), "{changed:?}: {error:?}");
        }
        let mut old = with(&[]);
        *old.version_mut() = Version::HTTP_10;
        assert!(UpgradeRequest::parse(&old).is_err());
    }

    #[test]
    fn subprotocols_of_all_lines_are_offered() {
        let others = |name: &'static str| SubprotocolOffer::Others(HeaderValue::from_static(name));
        for (lines, expected) in [
            (&[][..], SubprotocolOffer::None),
            (&[""], SubprotocolOffer::None),
            (&[" , "], SubprotocolOffer::None),
            (&[SUBPROTOCOL], SubprotocolOffer::Ours),
            (&["soap", SUBPROTOCOL], SubprotocolOffer::Ours),
            (&["", "soap,wamp"], others("soap")),
        ] {
            let request = with(&[("sec-websocket-protocol", lines)]);
            let found = UpgradeRequest::parse(&request).unwrap().subprotocol;
            assert_eq!(found, expected, "{lines:?}");
        }
    }
}
