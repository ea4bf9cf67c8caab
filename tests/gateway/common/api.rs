//! The server API as a backend calls it.

use serde_json::Value;

use super::{Gateway, SERVER_KEY};

/// What the server API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Gateway {
    /// Calls `/api/v1/apps/demo/{path}` with the app's server key.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.api_as(SERVER_KEY, method, path, body).await
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
        let url = format!("http://{}/api/v1/apps/demo/{path}", self.address());
        let request =
            reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(bearer);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }
}
