//! Tokens into verification: any text as a token, and any claims under a valid signature.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stagedoor_fuzz::{Target, run};
use stagedoor_proto::{RoomId, Username};

use super::{MAX_ROOM_TOKEN_LIFETIME, MAX_SERVER_TOKEN_LIFETIME, ServerClaims};
use crate::auth::fixtures::{NOW_SECS, SECRET, clock, tokens};

#[test]
fn fuzz_tokens() {
    let clock = clock();
    let tokens = tokens(&clock);
    let minted =
        tokens.mint_server(&ServerClaims { sub: None }, MAX_SERVER_TOKEN_LIFETIME).unwrap();
    let target = Target {
        name: "tokens",
        seeds: &[minted.as_str().as_bytes(), b"eyJhbGciOiJub25lIn0.e30."],
        dictionary: &[
            ".",
            "=",
            "e30",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJhbGciOiJub25lIn0",
            "-",
            "_",
            "+",
        ],
        max_len: 1_024,
    };
    let (room, ada): (RoomId, Username) = ("lobby".parse().unwrap(), "ada".parse().unwrap());
    run(target, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let session = tokens.read_session(&text).map(|_| ());
        let room_token = tokens.read_room(&text, &room, &ada).map(|_| ());
        let server = tokens.read_server(&text).map(|_| ());
        assert!(session.is_err() && room_token.is_err(), "a token is of one kind");
        assert!(server.is_err() || text == minted.as_str(), "only a minted token is valid");
        [session, room_token, server].map(|read| read.map_err(|error| error.to_string()))
    });
}

/// A token with these claims and a valid signature.
fn signed(claims: &[u8]) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","kid":"main"}"#);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn fuzz_claims() {
    let clock = clock();
    let tokens = tokens(&clock);
    let target = Target {
        name: "claims",
        seeds: &[
            br#"{"iss":"demo","aud":"stagedoor","scope":"session","sub":"ada","iat":1800000000,"exp":1800000060,"rooms":{"a*":"publisher"},"scopes":["join"],"ttl_s":60}"#,
            br#"{"iss":"demo","aud":"stagedoor","scope":"room","room":"lobby","role":"moderator","sub":"ada","iat":1800000000,"exp":1800000060,"jti":"1","data":"x"}"#,
            br#"{"iss":"demo","aud":"stagedoor","scope":"server","sub":"billing","iat":1800000000,"exp":1800000060}"#,
        ],
        dictionary: &[
            "\"exp\":", "\"iat\":", "\"nbf\":", "1800000000", "1800000060", "9007199254740993", "1e300", "-1", "null",
            "\"aud\":[\"stagedoor\"]", "\"scope\":\"room\"", "\"app_moderator\":true", "\"rooms\":", "\\u0000",
        ],
        max_len: 1_024,
    };
    let (room, ada): (RoomId, Username) = ("lobby".parse().unwrap(), "ada".parse().unwrap());
    run(target, |claims| {
        let token = signed(claims);
        let limits = |longest: u64| NOW_SECS + 30 + longest;
        let session = tokens.read_session(&token).map(|read| read.expires.as_secs());
        let room_token = tokens.read_room(&token, &room, &ada).map(|read| read.expires.as_secs());
        let server = tokens.read_server(&token).map(|read| read.expires.as_secs());
        for (read, longest) in [
            (&session, u64::MAX - NOW_SECS - 30),
            (&room_token, MAX_ROOM_TOKEN_LIFETIME.as_secs()),
            (&server, MAX_SERVER_TOKEN_LIFETIME.as_secs()),
        ] {
            if let Ok(expires) = read {
                assert!(*expires >= NOW_SECS, "it has not expired");
                assert!(*expires <= limits(longest), "it lives as long as it may");
            }
        }
        let accepted = [&session, &room_token, &server].iter().filter(|read| read.is_ok()).count();
        assert!(accepted <= 1, "a token is of one kind");
        [session, room_token, server].map(|read| read.map(drop).map_err(|error| error.to_string()))
    });
}
