//! The server API as a backend calls it.

use serde_json::Value;

use super::{Gateway, SERVER_KEY, assert_documented};

/// What the server API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The header of this name; nothing where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Gateway {
    /// Calls `/api/v1/apps/demo/{path}` with the app's server key.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.api_as(SERVER_KEY, method, path, body).await
    }

    /// Calls it so that it must succeed; the body.
    pub async fn api_does(&self, method: &str, path: &str, body: Value) -> Value {
        let body = (method != "GET").then_some(body);
        let answer = self.api(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        answer.body
    }

    /// Calls it with POST so that it must be refused; status and code.
    pub async fn api_fails(&self, path: &str, body: Value) -> (u16, String) {
        let answer = self.api("POST", path, Some(body)).await;
        assert!(answer.status >= 400, "{path}: {answer:?}");
        (answer.status, answer.body["code"].as_str().unwrap().to_owned())
    }

    /// A session token, minted as `body` says.
    pub async fn session_token(&self, body: Value) -> String {
        let minted = self.api("POST", "sessions", Some(body)).await;
        assert_eq!(minted.status, 201, "{minted:?}");
        minted.body["token"].as_str().unwrap().to_owned()
    }

    /// Calls it with another bearer.
    pub async fn api_as(
        &self,
        bearer: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        self.api_with(&[("authorization", &format!("Bearer {bearer}"))], method, path, body).await
    }

    /// Calls it with these headers and no others.
    pub async fn api_with(
        &self,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let url = format!("http://{}/api/v1/apps/demo/{path}", self.address());
        let mut request = reqwest::Client::new().request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let path = response.url().path().to_owned();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        assert_documented(method, &path, status, &headers, &body);
        Answer { status, headers, body }
    }
}
