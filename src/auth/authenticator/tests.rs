//! The chain of hooks, and the access token before it.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde_json::json;
use stagedoor_proto::{FamilyId, Role};

use super::*;
use crate::auth::fixtures::{
    NOW_SECS, OTHER_SECRET, claims, clock, params, request, sign_hs256, token, tokens,
};
use crate::auth::hooks::{ApiTokenHook, GuestHook, JwtHook};
use crate::grant::{Grant, RoomPattern};
use crate::store::SigningKey;

/// Claims every token and always decides the same.
struct Fixed {
    decision: Decision,
    asked: AtomicUsize,
}

impl AuthHook for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }
    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Token(_))
    }
    fn decide<'a>(&'a self, _: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        ready(self.decision.clone()).boxed()
    }
}

fn fixed(decision: Decision) -> Arc<Fixed> {
    Arc::new(Fixed { decision, asked: AtomicUsize::new(0) })
}

fn admit(username: &str, guest: bool, expires: Option<Timestamp>) -> Decision {
    let method = if guest { AuthMethod::Guest } else { AuthMethod::Hook { issued: None } };
    let authenticated = Authenticated::new(username.parse().unwrap(), method);
    let expires = expires.unwrap_or(authenticated.expires);
    Decision::Allow(Box::new(Authenticated { expires, ..authenticated }))
}

fn access(clock: &Clock) -> Arc<AccessTokens> {
    let key =
        SigningKey { kid: "gateway".into(), secret: [9; 32], created: clock.wall(), until: None };
    Arc::new(AccessTokens::new(&[key], clock.clone()).unwrap())
}

fn with(hooks: Vec<Arc<dyn AuthHook>>, require_auth_token: bool, clock: &Clock) -> Authenticator {
    let app = AppAuth { require_auth_token, ..AppAuth::new("demo".into(), hooks) };
    Authenticator::new(app, access(clock), Arc::default(), clock.clone())
}

fn denied(result: Result<Authenticated, AuthError>) -> Denied {
    match result {
        Err(AuthError::Denied(denied)) => denied,
        other => panic!("not denied: {other:?}"),
    }
}

fn access_claims(guest: bool) -> AccessClaims {
    AccessClaims {
        sub: "ada".parse().unwrap(),
        instance: "instance-1".parse().unwrap(),
        family: FamilyId::from_bits(7),
        guest,
        source: if guest { CredentialSource::Guest } else { CredentialSource::BoundedHook },
        auth_ms: Timestamp::from_millis(NOW_SECS * 1_000 - 5),
        token_ms: Some(Timestamp::from_secs(NOW_SECS - 1)),
        issued_ms: Timestamp::from_millis(NOW_SECS * 1_000 - 3),
        serial: 4,
        previous: 3,
        grant: Grant {
            rooms: vec![(RoomPattern::try_from("*".to_owned()).unwrap(), Role::Subscriber)],
            scopes: Some(["join"].into_iter().collect()),
            app_moderator: false,
        },
    }
}

#[tokio::test]
async fn access_token_bypasses_hooks_and_keeps_expiry_and_grant() {
    let clock = clock();
    let hook = fixed(admit("ada", false, None));
    let auth = with(vec![Arc::clone(&hook) as Arc<dyn AuthHook>], false, &clock);
    let expires = Timestamp::from_secs(NOW_SECS + 60);
    let minted = auth.access.mint("demo", &access_claims(false), expires);
    clock.advance(Duration::from_secs(30));
    let verified = auth.authenticate(&request(None, Credentials::Token(minted))).await.unwrap();
    let AccessClaims { sub, guest, auth_ms, issued_ms, grant, family, .. } = access_claims(false);
    let (authenticated, issued) = (auth_ms, issued_ms);
    let position = TokenPosition { serial: 4, previous: 3 };
    let method = AuthMethod::AccessToken { family, guest, authenticated, issued, position };
    let source = CredentialSource::BoundedHook;
    let token_issued = Some(Timestamp::from_secs(NOW_SECS - 1));
    let expected =
        Authenticated { grant, expires, token_issued, source, ..Authenticated::new(sub, method) };
    assert_eq!(verified, expected);
    assert_eq!(verified.authenticated_at(clock.wall()), authenticated);
    assert_eq!(hook.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn access_token_is_bound_to_user_instance_and_app() {
    let clock = clock();
    let auth = with(vec![fixed(admit("ada", false, None))], false, &clock);
    let expires = Timestamp::from_secs(NOW_SECS + 60);
    let minted = |app| Credentials::Token(auth.access.mint(app, &access_claims(false), expires));
    let good = request(Some("ada"), minted("demo"));
    assert!(auth.authenticate(&good).await.is_ok());
    let mut forged = good.clone();
    let Credentials::Token(secret) = &good.credentials else { unreachable!("a token was minted") };
    forged.credentials = token(&secret.as_str()[..secret.as_str().len() - 4]);
    let cases = [
        ("another user", AuthRequest { username: Some("eve".parse().unwrap()), ..good.clone() }),
        (
            "another instance",
            AuthRequest { instance: "instance-2".parse().unwrap(), ..good.clone() },
        ),
        ("another app", request(Some("ada"), minted("other"))),
        ("renewal", AuthRequest { purpose: Purpose::Renew, ..good.clone() }),
        ("forged", forged),
    ];
    for (case, request) in cases {
        assert_eq!(denied(auth.authenticate(&request).await).code, ErrorCode::AuthDenied, "{case}");
    }
    clock.advance(Duration::from_mins(1));
    assert_eq!(denied(auth.authenticate(&good).await).code, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn the_first_hook_that_claims_decides() {
    let clock = clock();
    let refusal = Denied::new(ErrorCode::AuthDenied, "no");
    let (first, second) =
        (fixed(Decision::Deny(refusal.clone())), fixed(admit("ada", false, None)));
    let hooks: Vec<Arc<dyn AuthHook>> =
        vec![Arc::new(GuestHook::default()), Arc::clone(&first) as _, Arc::clone(&second) as _];
    let auth = with(hooks, false, &clock);
    assert_eq!(denied(auth.authenticate(&request(None, token("x"))).await), refusal);
    assert_eq!(second.asked.load(Ordering::SeqCst), 0);
    let guest = auth.authenticate(&request(Some("ada"), Credentials::Guest {})).await.unwrap();
    assert_eq!((guest.method, guest.is_guest()), (AuthMethod::Guest, true));
}

#[tokio::test]
async fn hook_without_an_answer_admits_no_user() {
    let clock = clock();
    let retry_after = Duration::from_secs(7);
    let auth = with(vec![fixed(Decision::Unavailable { retry_after })], false, &clock);
    let error = auth.authenticate(&request(None, token("x"))).await.unwrap_err();
    assert_eq!(error, AuthError::Unavailable { retry_after });
}

#[tokio::test]
async fn hook_answering_for_another_user_admits_no_user() {
    let clock = clock();
    let auth = with(vec![fixed(admit("eve", false, None))], false, &clock);
    let refused = denied(auth.authenticate(&request(Some("ada"), token("x"))).await);
    assert_eq!(refused.message, "the credentials belong to another user");
}

#[tokio::test]
async fn a_session_ends_with_the_hooks_word_or_the_apps_lifetime() {
    let clock = clock();
    clock.advance(Duration::from_millis(400));
    let at = |secs, ms| Timestamp::from_secs(NOW_SECS + secs) + Duration::from_millis(ms);
    let month = DEFAULT_ACCESS_TTL.as_secs();
    let cases = [
        (None, at(month, 0)),
        (Some(at(60, 900)), at(60, 0)),
        (Some(at(month + 9, 0)), at(month, 0)),
    ];
    for (says, expires) in cases {
        let auth = with(vec![fixed(admit("ada", false, says))], false, &clock);
        let verified = auth.authenticate(&request(None, token("x"))).await.unwrap();
        let authenticated = verified.authenticated_at(clock.wall());
        assert_eq!((verified.expires, authenticated), (expires, clock.wall()), "{says:?}");
    }
    let auth = with(vec![fixed(admit("ada", false, Some(at(0, 900))))], false, &clock);
    let refused = denied(auth.authenticate(&request(None, token("x"))).await);
    assert_eq!(refused.code, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn what_no_hook_takes_is_refused() {
    let clock = clock();
    let auth = with(Vec::new(), false, &clock);
    assert_eq!(
        denied(auth.authenticate(&request(Some("ada"), Credentials::Guest {})).await),
        Denied::guest()
    );
    for credentials in [token("x"), params(&json!({})), params(&json!("x".repeat(9_000)))] {
        let refused = denied(auth.authenticate(&request(Some("ada"), credentials)).await);
        assert_eq!(refused.code, ErrorCode::AuthDenied);
    }
}

#[tokio::test]
async fn app_that_requires_auth_tokens_accepts_no_api_tokens() {
    let clock = clock();
    let api_token = ApiTokenHook::new(&OTHER_SECRET.into(), Grant::default()).unwrap();
    let jwt = JwtHook::new(tokens(&clock), Vec::new(), clock.clone());
    let hooks: Vec<Arc<dyn AuthHook>> =
        vec![Arc::new(GuestHook::default()), Arc::new(api_token), Arc::new(jwt)];
    let (open, strict) = (with(hooks.clone(), false, &clock), with(hooks, true, &clock));
    let shown = json!({"api_token": OTHER_SECRET});
    let guests_token =
        open.access.mint("demo", &access_claims(true), Timestamp::from_secs(NOW_SECS + 60));
    let cases = [
        ("guest", Credentials::Guest {}, true),
        ("api token", params(&shown), false),
        ("a guest's access token", Credentials::Token(guests_token), true),
        ("session token", token(&sign_hs256(&claims("session", json!({})))), true),
    ];
    for (case, credentials, is_secure) in cases {
        let request = request(Some("ada"), credentials);
        assert!(open.authenticate(&request).await.is_ok(), "{case}");
        assert_eq!(strict.authenticate(&request).await.is_ok(), is_secure, "{case}");
    }
}

#[tokio::test]
async fn guests_access_token_is_rejected_once_guests_are_off() {
    let clock = clock();
    let app = AppAuth { guests: false, ..AppAuth::new("demo".into(), Vec::new()) };
    let auth = Authenticator::new(app, access(&clock), Arc::default(), clock.clone());
    for (guest, is_accepted) in [(true, false), (false, true)] {
        let minted =
            auth.access.mint("demo", &access_claims(guest), Timestamp::from_secs(NOW_SECS + 60));
        let decided = auth.authenticate(&request(None, Credentials::Token(minted))).await;
        assert_eq!(decided.is_ok(), is_accepted, "{decided:?}");
    }
}

#[tokio::test]
async fn changed_settings_decide_again_except_for_a_server_of_the_app() {
    let clock = clock();
    let guest = request(Some("ada"), Credentials::Guest {});
    let open = with(vec![Arc::new(GuestHook::default())], false, &clock);
    let accepted = open.authenticate(&guest).await.unwrap();
    assert!(open.reauthenticate(&guest, &accepted).await.is_ok());
    let closed = with(Vec::new(), false, &clock);
    assert_eq!(denied(closed.reauthenticate(&guest, &accepted).await), Denied::guest());

    let (asked, other) = (request(Some("ada"), token("x")), fixed(admit("eve", false, None)));
    let accepted = Authenticated::new("ada".parse().unwrap(), AuthMethod::Hook { issued: None });
    let hooked = with(vec![Arc::clone(&other) as Arc<dyn AuthHook>], false, &clock);
    assert_eq!(hooked.reauthenticate(&asked, &accepted).await.as_ref(), Ok(&accepted));
    assert_eq!(other.asked.load(Ordering::SeqCst), 0, "it is asked once");
    assert!(closed.reauthenticate(&asked, &accepted).await.is_err(), "its hook is gone");
}

/// The table of `docs/protocol.md`, "Life of a session".
#[test]
fn each_cell_of_the_renewal_table_is_enforced() {
    use CredentialSource::{ApiToken, BoundedHook, Guest, Hook, SessionToken};
    let clock = clock();
    let auth = |renewal, require_auth_token| {
        let defaults = AppAuth::new("demo".into(), Vec::new());
        let app = AppAuth { require_auth_token, renewal, ..defaults };
        Authenticator::new(app, access(&clock), Arc::default(), clock.clone())
    };
    let (backend, client) = (auth(Renewal::Backend, false), auth(Renewal::Client, false));
    let strict = auth(Renewal::Client, true);
    // Without credentials by default, with `renewal = "client"`, with `require_auth_token`; by token, by params.
    let table = [
        (Guest, [true, true, true], false, false),
        (SessionToken, [false, true, false], true, false),
        (Hook, [true, true, false], true, true),
        (BoundedHook, [false, true, false], true, true),
        (ApiToken, [true, true, false], true, true),
    ];
    let now = clock.wall();
    for (source, without, by_token, by_params) in table {
        for (auth, is_allowed) in [&backend, &client, &strict].into_iter().zip(without) {
            match auth.self_renew(source, now, now) {
                Ok(expires) => {
                    assert!(is_allowed, "{source:?}");
                    assert_eq!(expires, now + DEFAULT_ACCESS_TTL);
                }
                Err(denied) => {
                    assert!(!is_allowed, "{source:?}: {denied:?}");
                    assert_eq!(denied.code, ErrorCode::AuthTokenRequired);
                }
            }
        }
        let cases =
            [(token("x"), SessionToken, by_token), (params(&json!({})), BoundedHook, by_params)];
        for (credentials, verified, is_allowed) in cases {
            let decided = backend
                .may_renew_with(source, &credentials)
                .and_then(|()| backend.check_renewal(source, verified));
            assert_eq!(decided.is_ok(), is_allowed, "{source:?} {credentials:?}");
        }
    }
}

#[test]
fn api_token_renews_only_what_it_started() {
    use CredentialSource::{ApiToken, BoundedHook, Hook};
    let auth = with(Vec::new(), false, &clock());
    for (source, is_allowed) in [(ApiToken, true), (Hook, false), (BoundedHook, false)] {
        assert_eq!(auth.check_renewal(source, ApiToken).is_ok(), is_allowed, "{source:?}");
    }
}

#[test]
fn renewal_without_credentials_ends_with_the_maximum_age() {
    let clock = clock();
    let auth = with(Vec::new(), false, &clock);
    let (now, age) = (clock.wall(), DEFAULT_MAX_SESSION_AGE);
    let renewed = |at| auth.self_renew(CredentialSource::Guest, now, at);
    assert_eq!(renewed(now + Duration::from_secs(9)), Ok(now + age));
    assert_eq!(renewed(now + age).unwrap_err().code, ErrorCode::TokenExpired);
}

#[test]
fn guest_session_is_not_renewed_once_guests_are_off() {
    let clock = clock();
    let app = AppAuth { guests: false, ..AppAuth::new("demo".into(), Vec::new()) };
    let auth = Authenticator::new(app, access(&clock), Arc::default(), clock.clone());
    let now = clock.wall();
    assert_eq!(auth.self_renew(CredentialSource::Guest, now, now), Err(Denied::guest()));
}
