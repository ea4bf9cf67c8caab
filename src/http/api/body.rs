//! Request bodies: bounded, strict, and explained when they are wrong.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use hyper::StatusCode;
use serde::de::DeserializeOwned;

use super::super::problem::Problem;
use super::MAX_BODY_BYTES;

/// A JSON body; an empty one stands for `{}`. Types deny unknown fields, so that a misspelt one is named.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = to_bytes(request.into_body(), MAX_BODY_BYTES).await.map_err(|_| {
            let detail = format!("a body of at most {MAX_BODY_BYTES} bytes is taken");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
        })?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let mut json = serde_json::Deserializer::from_slice(text);
        let body = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            // The body as a whole, or a field whose name is not known, has no path.
            let field = if path.starts_with(['.', '?']) { "body" } else { &path };
            Problem::invalid(field, error.inner().to_string())
        })?;
        json.end().map_err(|error| Problem::invalid("body", error.to_string()))?;
        Ok(Self(body))
    }
}
