//! Header fields that are comma-separated lists. Source: RFC 9110, 5.3 and 5.6.1.
//!
//! All lines of a field are one list. Empty elements are skipped, as a recipient must.

use hyper::HeaderMap;
use hyper::header::HeaderName;

/// The elements of the list `name`, in order, without surrounding white space.
pub(super) fn elements<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter();
    let elements = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether the list `name` has this element. Letter case is ignored.
pub(super) fn contains(headers: &HeaderMap, name: &HeaderName, element: &str) -> bool {
    elements(headers, name).any(|found| found.eq_ignore_ascii_case(element.as_bytes()))
}

/// Whether `text` is a token. Source: RFC 9110, 5.6.2.
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use hyper::header::CONNECTION;

    use super::*;

    #[test]
    fn all_lines_of_a_field_are_one_list() {
        for (lines, expected) in [
            (&[][..], &[][..]),
            (&[""], &[]),
            (&[" , ,"], &[]),
            (&["Upgrade"], &["Upgrade"]),
            (&["keep-alive, Upgrade"], &["keep-alive", "Upgrade"]),
            (&["keep-alive", "Upgrade"], &["keep-alive", "Upgrade"]),
            (&[",a ,\t b,, ", "", "c"], &["a", "b", "c"]),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONNECTION, line.parse().unwrap());
            }
            let found: Vec<_> = elements(&headers, &CONNECTION).collect();
            let expected: Vec<_> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    #[test]
    fn token_has_no_separators() {
        for (text, expected) in
            [("stagedoor.v1.json", true), ("", false), ("a b", false), ("a/b", false), ("é", false)]
        {
            assert_eq!(is_token(text.as_bytes()), expected, "{text}");
        }
    }
}
