//! Every way a token can be wrong, and the few in which it is right.

use std::num::NonZeroU64;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use stagedoor_proto::{ErrorCode, LayoutClasses, Role, RoomId, Timestamp, Username};

use super::*;
use crate::auth::fixtures::{
    NOW_SECS, OTHER_SECRET, RSA_PUBLIC, SECRET, claims, clock, private_key, sign, sign_hs256,
    tokens,
};
use crate::auth::keys::{AppKey, InvalidKey, PublicKeyKind};
use crate::grant::{Grant, RoomPattern};

fn lobby() -> RoomId {
    "lobby".parse().unwrap()
}

fn ada() -> Username {
    "ada".parse().unwrap()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

fn bad(claim: &str) -> impl Fn(&TokenError) -> bool {
    move |error| matches!(error, TokenError::BadClaim { claim: named, .. } if **named == *claim)
}

fn missing(claim: &str) -> TokenError {
    TokenError::MissingClaim { claim: claim.into() }
}

#[test]
fn a_token_with_a_wrong_claim_is_refused_for_that_claim() {
    let clock = clock();
    let tokens = tokens(&clock);
    let cases = [
        ("no exp", json!({"exp": null}), missing("exp")),
        ("expired", json!({"exp": NOW_SECS - 1}), TokenError::Expired),
        ("expires now", json!({"exp": NOW_SECS}), TokenError::Expired),
        ("not yet valid", json!({"nbf": NOW_SECS + 31}), TokenError::NotYetValid { claim: "nbf" }),
        ("issued later", json!({"iat": NOW_SECS + 31}), TokenError::NotYetValid { claim: "iat" }),
        ("no iss", json!({"iss": null}), missing("iss")),
        ("wrong iss", json!({"iss": "other"}), TokenError::WrongIssuer { expected: "demo".into() }),
        ("no aud", json!({"aud": null}), missing("aud")),
        (
            "wrong aud",
            json!({"aud": "other"}),
            TokenError::WrongAudience { expected: "stagedoor".into() },
        ),
        (
            "aud of others",
            json!({"aud": ["a", "b"]}),
            TokenError::WrongAudience { expected: "stagedoor".into() },
        ),
        ("no scope", json!({"scope": null}), missing("scope")),
        (
            "access scope",
            json!({"scope": "access"}),
            TokenError::WrongKind { expected: TokenKind::Session },
        ),
        ("no sub", json!({"sub": null}), missing("sub")),
    ];
    for (case, changes, expected) in cases {
        let token = sign_hs256(&claims("session", changes));
        assert_eq!(tokens.read_session(&token), Err(expected), "{case}");
    }
}

#[test]
fn mistyped_claim_is_rejected_not_ignored() {
    let clock = clock();
    let tokens = tokens(&clock);
    let session = [
        ("exp", json!("1800000600")),
        ("exp", json!(-1)),
        ("exp", json!([NOW_SECS + 600])),
        ("nbf", json!("1800000000")),
        ("iat", json!("1800000000")),
        ("iss", json!(["demo"])),
        ("aud", json!({"stagedoor": true})),
        ("aud", json!(["stagedoor", 7])),
        ("aud", json!(1)),
        ("scope", json!(["session"])),
        ("sub", json!(42)),
        ("sub", json!("")),
        ("sub", json!("line\nbreak")),
        ("instance", json!("short")),
        ("name", json!(true)),
        ("rooms", json!(["lobby"])),
        ("rooms", json!({"lobby": "king"})),
        ("rooms", json!({"lobby": {"moderator": null}})),
        ("rooms", json!({"*lobby": "publisher"})),
        ("scopes", json!("join publish")),
        ("scopes", json!([1])),
        ("ttl_s", json!("60")),
        ("ttl_s", json!(0)),
        ("ttl_s", json!(1.5)),
        ("app_moderator", json!("true")),
        ("app_moderator", json!(1)),
    ];
    for (claim, value) in session {
        let token = sign_hs256(&claims("session", json!({ claim: value.clone() })));
        let error = tokens.read_session(&token).unwrap_err();
        assert!(bad(claim)(&error), "{claim} = {value}: {error}");
    }
    let room = [
        ("room", json!("with space")),
        ("role", json!("king")),
        ("role", json!("Moderator")),
        ("role", json!({"moderator": null})),
        ("sub", json!(7)),
        ("data", json!("x".repeat(1001))),
        ("data", json!({})),
        ("jti", json!(1)),
        ("jti", json!("")),
        ("layout_classes", json!("focus")),
        ("layout_classes", json!(vec!["c"; 17])),
        ("app_moderator", json!("yes")),
    ];
    for (claim, value) in room {
        let token = sign_hs256(&claims("room", json!({ claim: value.clone() })));
        let error = tokens.read_room(&token, &lobby(), &ada()).unwrap_err();
        assert!(bad(claim)(&error), "{claim} = {value}: {error}");
    }
}

#[test]
fn null_is_a_wrong_type_and_a_repeated_claim_is_no_token() {
    let clock = clock();
    let tokens = tokens(&clock);
    let mut null = claims("session", json!({}));
    null["instance"] = Value::Null;
    assert!(bad("instance")(&tokens.read_session(&sign_hs256(&null)).unwrap_err()));

    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let twice = claims("session", json!({})).to_string().replacen('{', r#"{"sub":"eve","#, 1);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(twice));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_eq!(tokens.read_session(&format!("{signed}.{signature}")), Err(TokenError::NotAToken));
}

#[test]
fn a_token_that_its_key_did_not_sign_is_refused() {
    let clock = clock();
    let tokens = tokens(&clock);
    let good = claims("session", json!({}));
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let hs256 = sign_hs256(&good);
    let (body, signature) = hs256.rsplit_once('.').unwrap();
    let (header, _) = body.split_once('.').unwrap();
    let forged = URL_SAFE_NO_PAD.encode(claims("session", json!({"sub": "eve"})).to_string());
    let from_pem =
        |kid| sign(Algorithm::HS256, kid, &EncodingKey::from_secret(RSA_PUBLIC.as_bytes()), &good);
    let cases = [
        ("empty", String::new(), TokenError::NotAToken),
        ("garbage", "garbage".into(), TokenError::NotAToken),
        ("two parts", "a.b".into(), TokenError::NotAToken),
        ("four parts", format!("{hs256}.x"), TokenError::NotAToken),
        ("not base64", "!!.!!.!!".into(), TokenError::NotAToken),
        ("header is no object", unsigned(&json!("x"), &good), TokenError::NotAToken),
        (
            "huge",
            "x".repeat(MAX_TOKEN_BYTES + 1),
            TokenError::TooLarge { bytes: MAX_TOKEN_BYTES + 1, max: MAX_TOKEN_BYTES },
        ),
        ("alg none", unsigned(&json!({"alg": "none"}), &good), TokenError::WrongAlgorithm),
        ("alg NONE", unsigned(&json!({"alg": "NONE"}), &good), TokenError::WrongAlgorithm),
        ("no signature", unsigned(&json!({"alg": "HS256"}), &good), TokenError::WrongSignature),
        (
            "critical",
            unsigned(&json!({"alg": "HS256", "crit": ["b64"]}), &good),
            TokenError::CriticalExtension,
        ),
        ("public key as secret", from_pem(None), TokenError::WrongSignature),
        ("public key as secret, named", from_pem(Some("rsa")), TokenError::WrongAlgorithm),
        (
            "wrong secret",
            sign(Algorithm::HS256, None, &EncodingKey::from_secret(OTHER_SECRET.as_bytes()), &good),
            TokenError::WrongSignature,
        ),
        (
            "HS512 by an HS256 key",
            sign(Algorithm::HS512, None, &secret, &good),
            TokenError::WrongAlgorithm,
        ),
        (
            "another key's kid",
            sign(Algorithm::HS256, Some("ec"), &secret, &good),
            TokenError::WrongAlgorithm,
        ),
        (
            "unknown kid",
            sign(Algorithm::HS256, Some("gone"), &secret, &good),
            TokenError::UnknownKey,
        ),
        ("changed claims", format!("{header}.{forged}.{signature}"), TokenError::WrongSignature),
        ("cut signature", hs256[..hs256.len() - 2].into(), TokenError::WrongSignature),
    ];
    for (case, token, expected) in cases {
        assert_eq!(tokens.read_session(&token), Err(expected), "{case}");
    }
}

#[test]
fn good_tokens_of_every_algorithm_are_read() {
    let clock = clock();
    let tokens = tokens(&clock);
    let good = claims(
        "session",
        json!({"aud": ["other", "stagedoor"], "nbf": NOW_SECS + 30, "iat": NOW_SECS + 30}),
    );
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let mut cases = vec![(Algorithm::HS256, "main", secret)];
    for (algorithm, kid) in
        [(Algorithm::RS256, "rsa"), (Algorithm::ES256, "ec"), (Algorithm::EdDSA, "ed")]
    {
        cases.push((algorithm, kid, private_key(algorithm)));
    }
    for (algorithm, kid, key) in cases {
        for kid in [None, Some(kid)] {
            let read = tokens.read_session(&sign(algorithm, kid, &key, &good)).unwrap();
            assert_eq!(read.claims.sub, ada(), "{algorithm:?} {kid:?}");
            assert_eq!(read.issued, Some(Timestamp::from_secs(NOW_SECS + 30)));
            assert_eq!(read.expires, Timestamp::from_secs(NOW_SECS + 600));
        }
    }
}

#[test]
fn seconds_may_have_a_fraction() {
    let clock = clock();
    let token = sign_hs256(&claims("session", json!({"exp": 1_800_000_000.25})));
    let read = tokens(&clock).read_session(&token).unwrap();
    assert_eq!(read.expires, Timestamp::from_millis(NOW_SECS * 1_000 + 250));
}

#[test]
fn room_and_server_tokens_live_only_so_long() {
    let clock = clock();
    let tokens = tokens(&clock);
    let room =
        |exp| tokens.read_room(&sign_hs256(&claims("room", json!({"exp": exp}))), &lobby(), &ada());
    let server = |exp| tokens.read_server(&sign_hs256(&claims("server", json!({"exp": exp}))));
    let month = MAX_ROOM_TOKEN_LIFETIME.as_secs();
    assert!(room(NOW_SECS + month).is_ok());
    let error = room(NOW_SECS + month + 1).unwrap_err();
    assert_eq!(
        error,
        TokenError::TooLongLived { kind: TokenKind::Room, max: MAX_ROOM_TOKEN_LIFETIME }
    );
    assert!(server(NOW_SECS + 3600).is_ok());
    let error = server(NOW_SECS + 3601).unwrap_err();
    assert_eq!(
        error,
        TokenError::TooLongLived { kind: TokenKind::Server, max: MAX_SERVER_TOKEN_LIFETIME }
    );
    let undated = sign_hs256(&claims("room", json!({"iat": null})));
    assert_eq!(tokens.read_room(&undated, &lobby(), &ada()), Err(missing("iat")));
}

#[test]
fn a_room_token_opens_its_room_to_its_user() {
    let clock = clock();
    let tokens = tokens(&clock);
    let token = sign_hs256(&claims("room", json!({})));
    assert_eq!(
        tokens.read_room(&token, &"attic".parse().unwrap(), &ada()),
        Err(TokenError::WrongRoom)
    );
    assert_eq!(
        tokens.read_room(&token, &lobby(), &"eve".parse().unwrap()),
        Err(TokenError::WrongUser)
    );
    assert_eq!(tokens.read_room(&token, &lobby(), &ada()).unwrap().claims.role, None);
    let anybodys = sign_hs256(&claims("room", json!({"sub": null, "data": "é".repeat(1000)})));
    assert!(tokens.read_room(&anybodys, &lobby(), &"eve".parse().unwrap()).is_ok());
}

#[test]
fn a_token_of_one_kind_opens_no_other_door() {
    let clock = clock();
    let tokens = tokens(&clock);
    for kind in ["session", "room", "server", "access", "openid profile"] {
        let shown = claims(kind, json!({"room": "lobby"}));
        let token = sign_hs256(&shown);
        assert_eq!(tokens.read_session(&token).is_ok(), kind == "session", "{kind}");
        assert_eq!(tokens.read_room(&token, &lobby(), &ada()).is_ok(), kind == "room", "{kind}");
        assert_eq!(tokens.read_server(&token).is_ok(), kind == "server", "{kind}");
    }
}

#[test]
fn what_is_minted_is_read_back() {
    let clock = clock();
    let tokens = tokens(&clock);
    let rooms = vec![(RoomPattern::try_from("lobby-*".to_owned()).unwrap(), Role::Publisher)];
    let session = SessionClaims {
        sub: ada(),
        instance: Some("instance-1".parse().unwrap()),
        name: Some("Ada".into()),
        grant: Grant {
            rooms,
            scopes: Some(["join", "app:own"].into_iter().collect()),
            app_moderator: true,
        },
        ttl_s: NonZeroU64::new(60),
    };
    let minted = tokens.mint_session(&session, Duration::from_mins(1)).unwrap();
    let read = tokens.read_session(minted.as_str()).unwrap();
    assert_eq!(read.claims, session);
    assert_eq!(read.expires, Timestamp::from_secs(NOW_SECS + 60));

    let mut room = RoomClaims {
        room: lobby(),
        role: Some(Role::Moderator),
        sub: Some(ada()),
        data: Some("x".repeat(1000)),
        jti: Some("once".into()),
        layout_classes: LayoutClasses::try_from(vec!["focus".to_owned()]).unwrap(),
        app_moderator: true,
    };
    let minted = tokens.mint_room(&room, None).unwrap();
    let read = tokens.read_room(minted.as_str(), &lobby(), &ada()).unwrap();
    assert_eq!(read.claims, room);
    assert_eq!(read.expires, Timestamp::from_secs(NOW_SECS) + DEFAULT_ROOM_TOKEN_LIFETIME);

    let long = MAX_ROOM_TOKEN_LIFETIME + Duration::from_secs(1);
    assert!(matches!(tokens.mint_room(&room, Some(long)), Err(MintError::TooLongLived { .. })));
    room.data = Some("x".repeat(1001));
    assert!(matches!(tokens.mint_room(&room, None), Err(MintError::Length { claim: "data", .. })));

    let server = ServerClaims { sub: Some("billing".into()) };
    let minted = tokens.mint_server(&server, Duration::from_mins(1)).unwrap();
    assert_eq!(tokens.read_server(minted.as_str()).unwrap().claims, server);
}

#[test]
fn an_app_without_a_secret_mints_nothing() {
    let clock = clock();
    let key = AppKey::public("rsa", None, PublicKeyKind::Rsa, RSA_PUBLIC).unwrap();
    let tokens = AppTokens::new("demo".into(), [key].into(), clock);
    let minted = tokens.mint_server(&ServerClaims::default(), Duration::from_mins(1));
    assert_eq!(minted, Err(MintError::NoSecret));
}

#[test]
fn app_keys_of_the_wrong_sort_are_refused() {
    let private = include_str!("../../../tests/keys/rs256.key.pem");
    let ec = include_str!("../../../tests/keys/es256.pub.pem");
    let public = |kind, pem| AppKey::public("id", None, kind, pem).unwrap_err();
    assert_eq!(public(PublicKeyKind::Rsa, private), InvalidKey::NotPublic);
    for (kind, pem) in [
        (PublicKeyKind::Rsa, ec),
        (PublicKeyKind::P256, RSA_PUBLIC),
        (PublicKeyKind::Ed25519, ec),
        (PublicKeyKind::Ed25519, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
    ] {
        assert_eq!(public(kind, pem), InvalidKey::WrongKind { expected: kind });
    }
    let short = AppKey::hs256("id", None, &secrecy::SecretString::from("short"));
    assert_eq!(short.unwrap_err(), InvalidKey::ShortSecret { bytes: 5 });
}

#[test]
fn an_expired_token_is_to_be_renewed_and_every_other_stops() {
    assert_eq!(TokenError::Expired.code(), ErrorCode::TokenExpired);
    for error in
        [TokenError::NotAToken, TokenError::WrongSignature, TokenError::WrongUser, missing("exp")]
    {
        assert_eq!(error.code(), ErrorCode::AuthDenied, "{error}");
    }
}

#[test]
fn errors_and_debug_output_hide_secrets() {
    let clock = clock();
    let tokens = tokens(&clock);
    let token = sign_hs256(&claims("session", json!({"sub": "line\nbreak-sesame"})));
    let error = tokens.read_session(&token).unwrap_err();
    let printed = format!("{error} {error:?} {tokens:?}");
    assert!(
        !printed.contains("sesame") && !printed.contains(SECRET) && !printed.contains(&token),
        "{printed}"
    );
}

/// The longest data, by a library that escapes every character outside ASCII as two surrogates.
#[test]
fn escaped_room_token_data_of_1000_characters_is_accepted() {
    let tokens = tokens(&clock());
    let room = "lobby".parse().unwrap();
    let read = |count: usize, escaped: &str| {
        let claims = claims("room", json!({ "room": "lobby", "data": "DATA" })).to_string();
        let payload = claims.replace("DATA", &escaped.repeat(count));
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap();
        tokens.read_room(&format!("{signed}.{signature}"), &room, &"ada".parse().unwrap())
    };
    for escaped in ["\\u00e9", "\\ud83d\\ude00", "\u{1f600}"] {
        let token = read(1_000, escaped).unwrap();
        assert_eq!(token.claims.data.unwrap().chars().count(), 1_000);
        let expected = "a string of at most 1000 characters";
        let refused = TokenError::BadClaim { claim: "data".into(), expected };
        assert_eq!(read(1_001, escaped), Err(refused), "{escaped}");
    }
}
