//! Names of users: which usernames are accepted.
//!
//! Pure. The wire accepts any text in normal form C without control characters, so that every stored name can be
//! addressed; an app decides which of them start sessions. Source: RFC 8264, RFC 8265.

use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which usernames are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameRules {
    /// Any text without control, bidirectional and invisible characters.
    #[default]
    Any,
    /// Letters and digits of any script and ASCII symbols, with single spaces between words (RFC 8265).
    Precis,
}

/// A username that the rules do not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("has a control, bidirectional or invisible character")]
    Invisible,
    #[error(
        "must be letters, digits and ASCII symbols of one writing direction, with single spaces between words \
         (RFC 8265, UsernameCasePreserved)"
    )]
    NotPrecis,
}

impl NameRules {
    /// Checks a username. It is never changed: one that the profile would change is rejected.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn check(self, name: &str) -> Result<(), InvalidName> {
        match self {
            Self::Any if name.chars().any(is_unprintable) || is_blank(name) => {
                Err(InvalidName::Invisible)
            }
            Self::Any => Ok(()),
            Self::Precis => {
                // An empty part is invalid: one space separates two words.
                let is_valid = name.split(' ').all(is_user_part);
                if is_valid { Ok(()) } else { Err(InvalidName::NotPrecis) }
            }
        }
    }
}

/// Whether a part of a username is one that the profile would not change.
fn is_user_part(part: &str) -> bool {
    if part.is_ascii() {
        // The profile allows the visible characters of ASCII and changes none (RFC 8264, 8 and 9.11).
        return !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    }
    by_profile(part)
}

/// [`is_user_part`], decided by the profile's tables.
fn by_profile(part: &str) -> bool {
    UsernameCasePreserved::enforce(part).is_ok_and(|same| same == part)
}

fn is_blank(name: &str) -> bool {
    name.chars().all(char::is_whitespace)
}

/// Whether a character is a control, changes the direction of text, or has no visible form of its own.
fn is_unprintable(c: char) -> bool {
    // Unicode 16: White_Space beyond the space, Bidi_Control, Default_Ignorable_Code_Point, the remaining format and
    // separator characters, noncharacters, and two letters whose glyph is empty.
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BIDI: &[char] = &[
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    const INVISIBLE: &[char] = &[
        '\u{0}',
        '\u{7}',
        '\u{7f}',
        '\u{85}',
        '\u{a0}',
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180e}',
        '\u{2003}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{2028}',
        '\u{2029}',
        '\u{2060}',
        '\u{206a}',
        '\u{2800}',
        '\u{3000}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{fffb}',
        '\u{ffff}',
        '\u{1d173}',
        '\u{e0001}',
        '\u{e0041}',
        '\u{e01ef}',
        '\u{10ffff}',
    ];

    #[test]
    fn names_that_deceive_are_rejected_by_all_rules() {
        for c in BIDI.iter().chain(INVISIBLE) {
            for name in [format!("a{c}b"), format!("{c}"), format!("ada{c}"), format!("{c}ada")] {
                let any = NameRules::Any.check(&name);
                assert_eq!(any, Err(InvalidName::Invisible), "{name:?}");
                let precis = NameRules::Precis.check(&name);
                assert_eq!(precis, Err(InvalidName::NotPrecis), "{name:?}");
            }
        }
        for blank in ["", " ", "   "] {
            assert!(NameRules::Any.check(blank).is_err(), "{blank:?}");
            assert!(NameRules::Precis.check(blank).is_err(), "{blank:?}");
        }
    }

    #[test]
    fn ordinary_names_are_accepted_by_all_rules() {
        for name in [
            "ada",
            "Ada Lovelace",
            "user-1",
            "o'brien",
            "a.b_c+d@example.com",
            "user:1",
            "Åsa",
            "漢字",
            "Ольга",
            "שלום",
            "مرحبا",
            "İpek",
            "straße",
            "x",
            "0",
            "देवनागरी",
        ] {
            assert_eq!(NameRules::Any.check(name), Ok(()), "{name}");
            assert_eq!(NameRules::Precis.check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn ascii_pairs_are_decided_as_by_the_profile() {
        let ascii = || (0..=0x7f_u8).map(char::from);
        assert_eq!(is_user_part(""), by_profile(""));
        for first in ascii() {
            let one = first.to_string();
            assert_eq!(is_user_part(&one), by_profile(&one), "{one:?}");
            for second in ascii() {
                let two = format!("{first}{second}");
                assert_eq!(is_user_part(&two), by_profile(&two), "{two:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn ascii_text_is_decided_as_by_the_profile(text in "[\\x00-\\x7f]{0,24}", name in "[!-~]{1,64}") {
            prop_assert_eq!(is_user_part(&text), by_profile(&text));
            prop_assert_eq!(is_user_part(&name), by_profile(&name));
        }
    }

    #[test]
    fn only_the_profile_rejects_symbols_spaces_and_lookalike_forms() {
        for name in ["ada 😀", "a  b", " ada", "ada ", "ａｄａ", "O’Brien", "①", "abcא", "Ⅷ", "ﬁn"]
        {
            assert_eq!(NameRules::Any.check(name), Ok(()), "{name}");
            assert_eq!(NameRules::Precis.check(name), Err(InvalidName::NotPrecis), "{name}");
        }
    }
}
