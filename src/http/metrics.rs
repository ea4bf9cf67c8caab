//! `/metrics` for Prometheus, in the text format that the request's `Accept` prefers.

use std::sync::Arc;

use axum::extract::State;
use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName, VARY};

use super::header_list::elements;
use super::state::HttpState;
use crate::telemetry::TextFormat;

/// All metrics. Served without authentication, and only on the port of the server API.
pub(super) async fn metrics(
    State(state): State<Arc<HttpState>>,
    headers: HeaderMap,
) -> ([(HeaderName, &'static str); 2], String) {
    let format = negotiate(&headers);
    let fields = [(CONTENT_TYPE, format.content_type()), (VARY, "Accept")];
    (fields, format.convert(state.hub().scrape()))
}

/// The classic format for a request that prefers it, else `OpenMetrics`. Source: RFC 9110, 12.5.1.
fn negotiate(headers: &HeaderMap) -> TextFormat {
    let classic = quality(headers, TextFormat::Classic);
    if classic > quality(headers, TextFormat::OpenMetrics) {
        TextFormat::Classic
    } else {
        TextFormat::OpenMetrics
    }
}

/// The quality of `format` in thousandths: that of the most specific range with it, the highest of several.
fn quality(headers: &HeaderMap, format: TextFormat) -> u16 {
    let ranges = elements(headers, &ACCEPT).filter_map(MediaRange::parse);
    let matching = ranges.filter_map(|range| Some((range.specificity(format)?, range.quality)));
    matching.max().map_or(0, |(_, quality)| quality)
}

/// An element of `Accept`.
struct MediaRange<'a> {
    /// Type and subtype.
    media_type: &'a str,
    /// The parameter `version`, that of a text format.
    version: Option<&'a str>,
    /// In thousandths.
    quality: u16,
}

impl<'a> MediaRange<'a> {
    fn parse(range: &'a [u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(range).ok()?.split(';').map(str::trim_ascii);
        let media_type = parts.next()?;
        let (mut version, mut quality) = (None, 1_000);
        for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
            match name {
                _ if name.eq_ignore_ascii_case("q") => quality = thousandths(value)?,
                _ if name.eq_ignore_ascii_case("version") => {
                    version = Some(value.trim_matches('"'));
                }
                _ => {}
            }
        }
        Some(Self { media_type, version, quality })
    }

    /// How specific this range is about `format`; `None` if the format is not in it.
    fn specificity(&self, format: TextFormat) -> Option<u8> {
        let (media_type, any_subtype, versions) = match format {
            // Version 0.0.1 is a draft of 1.0.0 with the same text.
            TextFormat::OpenMetrics => {
                ("application/openmetrics-text", "application/*", ["1.0.0", "0.0.1"])
            }
            // Version 1.0.0 is 0.0.4 with names in UTF-8, of which the gateway has none.
            TextFormat::Classic => ("text/plain", "text/*", ["0.0.4", "1.0.0"]),
        };
        match self.version {
            _ if self.media_type == "*/*" => Some(0),
            _ if self.media_type.eq_ignore_ascii_case(any_subtype) => Some(1),
            _ if !self.media_type.eq_ignore_ascii_case(media_type) => None,
            None => Some(2),
            Some(version) => versions.contains(&version).then_some(3),
        }
    }
}

/// A quality value. Source: RFC 9110, 12.4.2.
fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text.parse().ok()?;
    let is_valid = (0.0..=1.0).contains(&quality);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 000")]
    is_valid.then(|| (quality * 1_000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_selects_the_text_format() {
        use TextFormat::{Classic, OpenMetrics};
        let prometheus_2 = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let classic_first = "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;q=0.5";
        for (accept, expected) in [
            (&[][..], OpenMetrics),
            (&["*/*"], OpenMetrics),
            (&["application/openmetrics-text"], OpenMetrics),
            (&["image/png"], OpenMetrics),
            (&["text/html, */*;q=0.8"], OpenMetrics),
            (&["text/plain, application/openmetrics-text"], OpenMetrics),
            (&[prometheus_2], OpenMetrics),
            (&[prometheus_3], OpenMetrics),
            (&["text/plain"], Classic),
            (&["TEXT/Plain; Version=\"0.0.4\"; charset=utf-8"], Classic),
            (&["text/*"], Classic),
            (&["text/plain, */*;q=0.1"], Classic),
            (&["*/*, application/openmetrics-text;q=0"], Classic),
            (&["application/openmetrics-text; version=2.0.0, text/plain;q=0.1"], Classic),
            (&[classic_first], Classic),
            (&["application/json", "text/plain ;q=0.5"], Classic),
            (&["text/plain;q=0"], OpenMetrics),
            (&["text/plain;q=much, application/openmetrics-text;q=0.1"], OpenMetrics),
            (&["text/plain;version=9"], OpenMetrics),
            (&[";;=,", ","], OpenMetrics),
        ] {
            let mut headers = HeaderMap::new();
            for line in accept {
                headers.append(ACCEPT, line.parse().unwrap());
            }
            assert_eq!(negotiate(&headers), expected, "{accept:?}");
        }
    }
}
