//! Headers into the upgrade: one header per line of the input.

use hyper::header::{
    CONTENT_LENGTH, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING,
};
use hyper::{HeaderMap, Request};
use stagedoor_fuzz::{Target, run};

use super::origin::Origins;
use super::upgrade_request::{SubprotocolOffer, UpgradeError, UpgradeRequest};
use super::{forwarded, request_head};
use crate::config::{ForwardedHeader, Listen, Mode};

const USUAL: &[u8] = b"host: localhost\nconnection: keep-alive, Upgrade\nupgrade: websocket\n\
    sec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n\
    sec-websocket-protocol: stagedoor.v1.json\norigin: http://localhost:5173\n\
    x-forwarded-for: 203.0.113.1, 127.0.0.1\nforwarded: for=\"[2001:db8::1]:1\";by=a";

fn request(bytes: &[u8]) -> Request<()> {
    let mut request = Request::new(());
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            request.headers_mut().append(name, value);
        }
    }
    request
}

fn count(headers: &HeaderMap, name: &HeaderName) -> usize {
    headers.get_all(name).iter().count()
}

#[test]
fn fuzz_http_headers() {
    let target = Target {
        name: "http_headers",
        seeds: &[USUAL],
        dictionary: &[
            "\n",
            ": ",
            ",",
            ", ,",
            "connection: upgrade\n",
            "upgrade: h2c, websocket\n",
            "content-length: 0\n",
            "transfer-encoding: chunked\n",
            "host: evil.test\n",
            "sec-websocket-protocol: soap\n",
            "\"",
            "\\",
            ";",
            "for=",
            "unknown",
            "[::1]",
            "null",
            "https://*.",
            "é",
        ],
        max_len: 1_024,
    };
    let trusted = ["127.0.0.0/8"].map(|text| text.to_owned().try_into().unwrap());
    let listens =
        [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded].map(|header| Listen {
            trusted_proxies: trusted.into(),
            forwarded_header: header,
            allowed_origins: vec!["https://*.preview.example.com".to_owned()],
            ..Listen::default()
        });
    let peer = "127.0.0.1".parse().unwrap();
    run(target, |bytes| {
        let mut request = request(bytes);
        let is_valid = request_head::check(&mut request).is_ok();
        let headers = request.headers();
        assert!(!is_valid || count(headers, &HOST) == 1, "one host");
        let addresses = listens.each_ref().map(|listen| forwarded::client(headers, peer, listen));
        assert!(addresses.iter().all(|address| !address.to_string().starts_with("::ffff:")));
        let origin = Origins::new(&listens[0], Mode::Dev).check(headers);
        if let Err(rejected) = &origin {
            assert!(rejected.describe().len() < 1_024, "bounded");
        }
        let upgrade = match UpgradeRequest::parse(&request) {
            Ok(valid) => {
                assert_eq!(count(headers, &SEC_WEBSOCKET_KEY), 1);
                assert_eq!(valid.key.len(), 24);
                assert!(!headers.contains_key(TRANSFER_ENCODING), "no body");
                assert!(headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0"), "no body");
                match valid.subprotocol {
                    SubprotocolOffer::None => "none",
                    SubprotocolOffer::Ours => "ours",
                    SubprotocolOffer::Others(_) => "others",
                }
            }
            Err(UpgradeError::NotAWebSocket(why) | UpgradeError::Malformed(why)) => why,
        };
        let addresses = addresses.map(|address| address != peer);
        (is_valid, upgrade, origin.is_ok(), addresses)
    });
}
