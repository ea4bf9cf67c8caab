//! The built files, their types and how long a browser may keep them.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use hyper::{HeaderMap, StatusCode};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::problem::Problem;

/// The folder that the build of `console/` writes. Files worth compressing have a twin with the suffix `.gz`.
#[derive(Embed)]
#[folder = "console/dist/"]
struct Files;

/// The scripts and styles of a build, whose names change with their content.
const HASHED_FOLDER: &str = "/assets/";

/// Only files of the gateway itself, and nothing written into the page as markup. `'self'` includes its WebSocket.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

/// The headers of every file besides its type, its policy and how long it is kept.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(self), microphone=(self), display-capture=(self)"),
    ),
    (VARY, HeaderValue::from_static("accept-encoding")),
];

/// Answers with the file at `path`, such as `demo/index.html`: compressed if the browser accepts that, or 304 if it has
/// the file.
///
/// # Errors
/// `not_found`.
pub(super) fn serve(path: &str, request: &HeaderMap) -> Result<Response, Problem> {
    let not_found = || Problem::not_found("no such page; the demo is at /demo/");
    let content_type = content_type(path).ok_or_else(not_found)?;
    let plain = Files::get(path).ok_or_else(not_found)?;
    let compressed = accepts_gzip(request).then(|| Files::get(&format!("{path}.gz"))).flatten();
    let is_compressed = compressed.is_some();
    let file = compressed.unwrap_or(plain);
    let tag = tag(&file);
    let is_known = request.get_all(IF_NONE_MATCH).iter().any(|known| names(known, &tag));
    let mut response = Response::new(if is_known { Body::empty() } else { file.data.into() });
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, cache_control(path));
    if is_compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    Ok(response)
}

/// The types of files that a build consists of; `None` for others, also for compressed twins.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, suffix) = path.rsplit_once('.')?;
    Some(match suffix {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

fn cache_control(path: &str) -> HeaderValue {
    HeaderValue::from_static(if path.contains(HASHED_FOLDER) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    })
}

fn tag(file: &EmbeddedFile) -> HeaderValue {
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()));
    HeaderValue::try_from(tag).expect("base64 is visible ASCII")
}

/// Whether an `If-None-Match` names this tag. Source: RFC 9110, 13.1.2; the comparison is weak.
fn names(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let mut tags = known.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|known| known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes())
}

/// Whether an `Accept-Encoding` accepts gzip. Source: RFC 9110, 12.5.3.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|offer| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let is_rejected = weight.split_once('=').is_some_and(|(_, weight)| {
            weight.trim().parse::<f32>().is_ok_and(|weight| weight == 0.0)
        });
        coding.trim().eq_ignore_ascii_case("gzip") && !is_rejected
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn gzip_is_accepted_when_offered_with_a_weight() {
        for (offer, is_accepted) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("", false),
            ("x-gzip", false),
        ] {
            assert_eq!(accepts_gzip(&headers(ACCEPT_ENCODING, offer)), is_accepted, "{offer}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn every_built_file_has_a_type_and_its_twin_unpacks_elsewhere() {
        let mut pages = 0;
        for path in Files::iter() {
            let plain = path.strip_suffix(".gz").unwrap_or(&path);
            assert!(content_type(plain).is_some(), "{path} has no type");
            assert!(Files::get(plain).is_some(), "{path} is the twin of nothing");
            pages += usize::from(path.ends_with("index.html"));
        }
        assert!(pages > 0, "no page is embedded");
    }

    #[test]
    fn a_browser_that_has_the_file_gets_its_tag_only() {
        let first = serve("demo/index.html", &HeaderMap::new()).unwrap();
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        for (known, status) in [
            (tag.clone(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"0\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"0\"".to_owned(), 200),
        ] {
            let again = serve("demo/index.html", &headers(IF_NONE_MATCH, &known)).unwrap();
            assert_eq!(again.status(), status, "{known}");
            assert_eq!(again.headers()[ETAG], tag, "{known}");
        }
    }

    #[test]
    fn what_is_not_a_file_is_not_found() {
        for path in ["", "demo", "demo/", "demo/../Cargo.toml", "demo/index.html.gz", "Cargo.toml"]
        {
            assert!(serve(path, &HeaderMap::new()).is_err(), "{path}");
        }
    }
}
