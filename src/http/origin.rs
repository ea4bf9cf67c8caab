//! The origins that may connect. Source: RFC 6454, 7; RFC 6455, 10.2.

use hyper::HeaderMap;
use hyper::header::ORIGIN;

/// The exact list of allowed origins.
#[derive(Clone, Debug)]
pub(super) struct Origins(Vec<String>);

impl Origins {
    pub(super) fn new(allowed: Vec<String>) -> Self {
        Self(allowed)
    }

    /// Whether the request's origin is allowed. Requests without `Origin` are not from a browser and are allowed;
    /// `null` is not.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(ORIGIN).iter();
        match (values.next(), values.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                self.0.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
            }
            (Some(_), Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_whole() {
        let origins = Origins::new(vec!["https://app.example".to_owned()]);
        for (case, values, allowed) in [
            ("absent: no browser", &[][..], true),
            ("the same", &["https://app.example"], true),
            ("another scheme", &["http://app.example"], false),
            ("a longer host", &["https://app.example.evil.test"], false),
            ("a port", &["https://app.example:444"], false),
            ("null: a sandboxed page", &["null"], false),
            ("two of them", &["https://app.example", "https://app.example"], false),
        ] {
            let mut headers = HeaderMap::new();
            for origin in values {
                headers.append(ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(origins.allow(&headers), allowed, "{case}");
        }
    }
}
