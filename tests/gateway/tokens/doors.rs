//! No token opens another's door: the server API and the client's renewals.

use serde_json::json;

use super::{NOW, start_with, token};
use crate::common::{Client, Gateway, SECRET, SERVER_KEY};

#[tokio::test]
async fn the_server_api_opens_to_server_keys_and_server_tokens_only() {
    let gateway = Gateway::dev().await;
    let (_client, started) = Client::guest(&gateway, "ada", "instance-1").await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    for (case, bearer, status) in [
        ("a server key", SERVER_KEY.to_owned(), 200),
        ("a server token", token("server", &json!({})), 200),
        ("a server token of an hour", token("server", &json!({ "exp": NOW + 3_600 })), 200),
        ("a server token of a longer life", token("server", &json!({ "exp": NOW + 3_601 })), 401),
        (
            "a server token that does not say since when",
            token("server", &json!({ "iat": null })),
            401,
        ),
        ("an expired server token", token("server", &json!({ "exp": NOW })), 401),
        ("another app's server token", token("server", &json!({ "iss": "other" })), 401),
        ("a session token", token("session", &json!({})), 401),
        ("a room token", token("room", &json!({ "room": "lobby" })), 401),
        ("an access token", text(&started["access_token"]), 401),
        ("a resume secret", text(&started["resume"]["secret"]), 401),
        ("the app's secret", SECRET.to_owned(), 401),
        ("nearly a server key", format!("{SERVER_KEY}x"), 401),
        ("nothing", String::new(), 401),
    ] {
        let answer = gateway.api_as(&bearer, "GET", "sessions", None).await;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        if status == 401 {
            assert_eq!(answer.body["code"], "unauthorized", "{case}");
        }
    }
}

#[tokio::test]
async fn missing_api_credentials_error_says_what_to_send() {
    let gateway = Gateway::dev().await;
    for (case, path, authorization) in [
        ("nothing", "demo", None),
        ("another scheme", "demo", Some(format!("Basic {SERVER_KEY}"))),
        ("another app's path", "other", Some(format!("Bearer {SERVER_KEY}"))),
    ] {
        let url = format!("http://{}/api/v1/apps/{path}/users/ada/ban", gateway.address());
        let mut request = reqwest::Client::new().post(url);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401, "{case}");
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{case}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{case}");
    }
    Client::guest(&gateway, "ada", "instance-1").await;
}

#[tokio::test]
async fn a_renewal_takes_the_same_users_session_token_only() {
    let gateway = Gateway::dev().await;
    let (mut client, started) =
        Client::start(&gateway, start_with(&token("session", &json!({})))).await;
    let access = started["access_token"].as_str().unwrap().to_owned();
    for (case, auth_token, code) in [
        ("a room token", token("room", &json!({ "room": "lobby" })), "auth_denied"),
        ("a server token", token("server", &json!({})), "auth_denied"),
        ("the access token", access, "auth_denied"),
        ("another user's", token("session", &json!({ "sub": "bob" })), "auth_denied"),
        (
            "another instance's",
            token("session", &json!({ "instance": "instance-2" })),
            "auth_denied",
        ),
        ("an expired one", token("session", &json!({ "exp": NOW })), "token_expired"),
        ("no token", "x".to_owned(), "auth_denied"),
    ] {
        let refused = client.request("renew", json!({ "auth_token": auth_token })).await;
        assert_eq!(refused.unwrap_err()["code"], code, "{case}");
    }
    let longer = token("session", &json!({ "exp": NOW + 1_200 }));
    let renewed = client.request("renew", json!({ "auth_token": longer })).await.unwrap();
    assert_eq!(renewed["renewed"]["expires_at_ms"], (NOW + 1_200) * 1_000);
}
