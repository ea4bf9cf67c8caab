//! Environment variables that override keys of the file.
//!
//! `STAGEDOOR__LIMITS__REQUESTS_IN_FLIGHT=8` sets `requests_in_flight` in `[limits]`. A number in a name is an index of
//! a list. A value is a string, except for integers, `true`, `false`, and TOML that begins with a quote, `[` or `{`.
//! Each value is parsed as TOML with a span behind the end of the file, so that the span identifies the variable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::ConfigError;

/// The prefix of the variables.
pub const PREFIX: &str = "STAGEDOOR__";

/// Precedes a value to make it a TOML document.
const NAME: &str = "v = ";

#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    variables: Vec<Variable>,
    /// The variables whose values cannot be read.
    unreadable: Vec<ConfigError>,
}

#[derive(Clone, Debug)]
struct Variable {
    name: String,
    /// [`NAME`] and the value, after as many line breaks as bytes precede them, so that spans do not overlap.
    text: String,
    place: Range<usize>,
}

impl Environment {
    /// Selects the variables with [`PREFIX`]. Their spans begin behind `after`, the length of the file.
    pub(super) fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        after: usize,
    ) -> Self {
        let mut unreadable = Vec::new();
        let mut sorted = BTreeMap::new();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            if !name.starts_with(PREFIX) {
                continue;
            }
            match value.into_string() {
                Ok(value) => {
                    sorted.insert(name, value);
                }
                Err(_) => {
                    unreadable.push(wrong(&name, "", "bytes that are not UTF-8", "a string"));
                }
            }
        }
        let mut start = after + NAME.len();
        let mut all = Vec::with_capacity(sorted.len());
        for (name, value) in sorted {
            let value = match as_toml(&name, value) {
                Ok(value) => value,
                Err(error) => {
                    unreadable.push(error);
                    continue;
                }
            };
            let place = start..start + value.len();
            start = place.end + NAME.len();
            let text = "\n".repeat(place.start - NAME.len()) + NAME + &value;
            all.push(Variable { name, text, place });
        }
        Self { variables: all, unreadable }
    }

    /// The variables whose values cannot be read, each with the key that it sets.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = (String, &ConfigError)> {
        self.unreadable.iter().map(|error| match error {
            ConfigError::Variable { variable, .. } => (key_of(variable), error),
            _ => (String::new(), error),
        })
    }

    /// Applies the variables to `table`. Also returns the keys and errors of those that cannot be applied.
    pub(super) fn overlay<'a>(
        &'a self,
        table: Spanned<DeTable<'a>>,
    ) -> (Spanned<DeTable<'a>>, Vec<(String, ConfigError)>) {
        let mut errors = Vec::new();
        let place = table.span();
        let mut top = Spanned::new(place.clone(), DeValue::Table(table.into_inner()));
        for variable in &self.variables {
            let Variable { name, text, .. } = variable;
            let parsed = DeTable::parse(text).expect("a value was parsed before it was stored");
            let (_, value) =
                parsed.into_inner().into_iter().next().expect("the document has one key");
            let path = name[PREFIX.len()..].to_ascii_lowercase();
            let parts: Vec<&str> = path.split("__").collect();
            if parts.contains(&"") {
                let found = "a name with an empty part";
                let error = wrong(name, "", found, "parts separated by two underscores");
                errors.push((name.clone(), error));
                continue;
            }
            if let Err((key, found, allowed)) = put(&mut top, "", &parts, value) {
                errors.push((key_of(name), wrong(name, &key, &found, &allowed)));
            }
        }
        let DeValue::Table(table) = top.into_inner() else { unreachable!("no name is empty") };
        (Spanned::new(place, table), errors)
    }

    /// The variable with a span that contains `at`; `None` in the file.
    pub(super) fn variable_at(&self, at: usize) -> Option<&str> {
        let variable =
            self.variables.iter().find(|v| v.place.contains(&at) || v.place.end == at)?;
        Some(&variable.name)
    }

    /// The text at this span; `None` in the file.
    pub(super) fn text_at(&self, place: &Range<usize>) -> Option<&str> {
        let variable = self.variables.iter().find(|v| v.place.contains(&place.start))?;
        variable.text.get(place.clone())
    }
}

/// The key that the variable `name` sets: `apps[0].id` of `STAGEDOOR__APPS__0__ID`.
fn key_of(name: &str) -> String {
    let mut key = String::new();
    for part in name[PREFIX.len()..].to_ascii_lowercase().split("__") {
        if part.parse::<usize>().is_ok() {
            key.extend(["[", part, "]"]);
        } else {
            key.extend([if key.is_empty() { "" } else { "." }, part]);
        }
    }
    key
}

/// Converts `value` to TOML: unchanged if it looks like TOML, else as a string.
fn as_toml(name: &str, value: String) -> Result<String, ConfigError> {
    let is_plain = matches!(value.as_str(), "true" | "false")
        || value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if is_plain {
        return Ok(value);
    }
    if value.starts_with(['"', '\'', '[', '{']) {
        return match DeValue::parse(&value) {
            Ok(_) => Ok(value),
            Err(error) => {
                let found = format!("invalid TOML ({})", error.message().trim_end());
                Err(wrong(name, "", &found, "a TOML value, or a string in quotes"))
            }
        };
    }
    Ok(toml::Value::String(value).to_string())
}

/// A key, what was found, and what is allowed.
type ValueError = (String, String, String);

/// Sets the value at `path` below `node`, whose key is `key`. Replaces values on the path that are no table or list.
fn put<'a>(
    node: &mut Spanned<DeValue<'a>>,
    key: &str,
    path: &[&str],
    value: Spanned<DeValue<'a>>,
) -> Result<(), ValueError> {
    let Some((part, rest)) = path.split_first() else {
        *node = value;
        return Ok(());
    };
    let nothing = || Spanned::new(value.span(), DeValue::Boolean(false));
    let index = part.parse::<usize>().ok().filter(|_| !node.get_ref().is_table());
    if let Some(index) = index {
        if !node.get_ref().is_array() {
            *node = Spanned::new(value.span(), DeValue::Array(DeArray::default()));
        }
        let DeValue::Array(list) = node.get_mut() else { unreachable!("replaced by a list above") };
        if index > list.len() {
            let allowed = format!("a number up to {}, which is the next", list.len());
            return Err((key.to_owned(), format!("entry {index}"), allowed));
        }
        if index == list.len() {
            list.push(nothing());
        }
        let next = list.get_mut(index).expect("appended above");
        return put(next, &format!("{key}[{index}]"), rest, value);
    }
    if !node.get_ref().is_table() {
        *node = Spanned::new(value.span(), DeValue::Table(DeTable::new()));
    }
    let DeValue::Table(table) = node.get_mut() else { unreachable!("replaced by a table above") };
    let dot = if key.is_empty() { "" } else { "." };
    let name = Spanned::new(value.span(), (*part).to_owned().into());
    put(table.entry(name).or_insert_with(nothing), &format!("{key}{dot}{part}"), rest, value)
}

fn wrong(variable: &str, key: &str, found: &str, allowed: &str) -> ConfigError {
    ConfigError::Variable {
        variable: variable.to_owned(),
        key: key.to_owned(),
        found: found.trim_end().to_owned(),
        allowed: allowed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, ConfigErrors, Origin, Source};
    use super::*;

    const FILE: &str = "[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n\
                        api_token = \"0123456789abcdef01234567\"\n\
                        server_keys = [\"sk_0123456789abcdef0123456789abcdef\"]\n[limits]\nrequests_in_flight = 5\n";

    fn source(variables: &[(&str, &str)]) -> Source {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Source::new(Path::new("/etc/stagedoor.toml"), FILE.to_owned(), variables)
    }

    fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        source(variables).config()
    }

    #[test]
    fn a_variable_takes_the_place_of_its_key() {
        let config = config(&[
            ("STAGEDOOR__LIMITS__REQUESTS_IN_FLIGHT", "7"),
            ("STAGEDOOR__RESUME__WINDOW", "90s"),
            ("STAGEDOOR__LISTEN__ALLOWED_ORIGINS__0", "https://a.example"),
            ("STAGEDOOR__LISTEN__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]"),
            ("STAGEDOOR__STORE__SQLITE__PATH", "other.db"),
            ("STAGEDOOR__APPS__0__GUESTS", "false"),
            ("STAGEDOOR__APPS__0__DEFAULT_ROOMS", "{ \"lobby-*\" = \"publisher\" }"),
            ("STAGEDOOR__APPS__1__ID", "\"2026\""),
            ("STAGEDOOR__APPS__1__GUESTS", "true"),
            ("STAGEDOOR_LOG", "not one of them"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!((config.limits.requests_in_flight, config.resume.window.as_secs()), (7, 90));
        assert_eq!(config.listen.allowed_origins, ["https://a.example"]);
        assert!(config.listen.trusts([10, 1, 2, 3].into()));
        assert_eq!(config.store, super::super::Store::Sqlite { path: "/etc/other.db".into() });
        assert_eq!(config.apps[0].default_rooms.len(), 1);
        assert!(!config.apps[0].guests && config.app("2026").is_some_and(|app| app.guests));
    }

    #[test]
    fn a_secret_may_be_in_a_variable_or_in_a_file_it_names() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, "76543210fedcba9876543210\n").unwrap();
        let shown = |variables: &[(&str, &str)]| {
            let token = config(variables).unwrap().apps[0].api_token.clone().unwrap();
            secrecy::ExposeSecret::expose_secret(&token).to_owned()
        };
        let digits = "012345678901234567890123";
        assert_eq!(shown(&[("STAGEDOOR__APPS__0__API_TOKEN", digits)]), digits);
        let named = file.to_str().unwrap();
        let from_file = shown(&[("STAGEDOOR__APPS__0__API_TOKEN__FILE", named)]);
        assert_eq!(from_file, "76543210fedcba9876543210");
    }

    #[test]
    fn environment_error_names_variable_and_key_not_value() {
        for (name, value, expected) in [
            (
                "LIMITS__REQUESTS_IN_FLIGHT",
                "0",
                "limits.requests_in_flight: found 0; expected a whole number from 1",
            ),
            (
                "LIMITS__REQUESTS_IN_FLIGHT",
                "many",
                "limits.requests_in_flight: found \"many\"; expected a whole",
            ),
            (
                "LIMITS__REQUESTS_IN_FLIGTH",
                "1",
                "limits.requests_in_fligth: found an unknown key; expected `requests_in_flight`?",
            ),
            ("LIMITS", "1", "limits: found 1; expected "),
            ("NOPE__X", "1", "nope.x: found an unknown key; expected one of `listen`"),
            (
                "APPS__5__ID",
                "x",
                "apps: found entry 5; expected a number up to 1, which is the next",
            ),
            ("APPS__1__ID", "x", "apps[1]: found an app without an authentication method"),
            (
                "APPS__0__API_TOKEN",
                "hush",
                "apps[0].api_token: found 4 bytes; expected at least 24",
            ),
            ("LISTEN__ALLOWED_ORIGINS", "[1", "found invalid TOML ("),
            ("APPS__0__API_TOKEN", "\"hush", "found invalid TOML ("),
            ("LIMITS____IN_FLIGHT", "1", "found a name with an empty part"),
            ("", "1", "found a name with an empty part"),
        ] {
            let name = format!("{PREFIX}{name}");
            let error = config(&[(&name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: {expected}")), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn all_invalid_variables_are_reported_at_once() {
        let error = config(&[
            ("STAGEDOOR__LIMITS__REQUESTS_IN_FLIGHT", "0"),
            ("STAGEDOOR__LISTEN__ALLOWED_ORIGINS", "[1"),
            ("STAGEDOOR__STORE__SQLITE__PATH", "{"),
            ("STAGEDOOR__APPS__5__ID", "x"),
            ("STAGEDOOR__NOPE", "x"),
        ]);
        let error = error.unwrap_err();
        let variables = error.iter().map(|error| match error {
            ConfigError::Variable { variable, .. } => variable[PREFIX.len()..].to_owned(),
            other => panic!("{other}"),
        });
        let mut variables: Vec<_> = variables.collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                "APPS__5__ID",
                "LIMITS__REQUESTS_IN_FLIGHT",
                "LISTEN__ALLOWED_ORIGINS",
                "NOPE",
                "STORE__SQLITE__PATH"
            ],
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn non_text_variable_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        let variable = ("STAGEDOOR__LOG__FILTER".into(), OsString::from_vec(vec![0xff]));
        let source = Source::new(Path::new("f.toml"), FILE.to_owned(), [variable]);
        let error = source.config().unwrap_err();
        assert!(error.to_string().starts_with("STAGEDOOR__LOG__FILTER: found bytes"), "{error}");
    }

    #[test]
    fn effective_values_are_listed_with_their_source() {
        let entry = "STAGEDOOR__APPS__0__SERVER_KEYS__0";
        let variables =
            [("STAGEDOOR__RESUME__WINDOW", "90s"), (entry, "sk_76543210fedcba9876543210fedcba98")];
        let source = source(&variables);
        let settings = source.settings(&source.config().unwrap());
        let of = |key: &str| {
            let setting = settings.iter().find(|setting| setting.key == key).expect(key);
            (setting.value.to_string(), setting.from.clone())
        };
        for (key, value, from) in [
            ("limits.requests_in_flight", "5", Origin::Line(9)),
            ("limits.fragments_per_message", "64", Origin::Default),
            ("limits.message_in_bytes", "\"64KiB\"", Origin::Default),
            ("resume.window", "\"90s\"", Origin::Variable("STAGEDOOR__RESUME__WINDOW".into())),
            ("resume.ring_frames", "1024", Origin::Default),
            (
                "apps[0].server_keys",
                "[\"35 bytes, not shown\"]",
                Origin::Variable(entry.to_owned()),
            ),
            ("apps[0].guests", "true", Origin::Line(5)),
            ("apps[0].api_token", "\"24 bytes, not shown\"", Origin::Line(6)),
            ("store.sqlite.path", "\"/etc/facts.db\"", Origin::Line(2)),
            ("keepalive.interval", "\"25s\"", Origin::Default),
        ] {
            assert_eq!(of(key), (value.to_owned(), from), "{key}");
        }
    }
}
