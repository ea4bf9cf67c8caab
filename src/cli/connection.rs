//! Which gateway a command asks, and as whom.
//!
//! Invariant: a key is read from a file or the environment, never from the arguments, which everybody on the machine may
//! read. Not here: how what it answers is told (`printer`).

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Url;
use secrecy::SecretString;

use super::api::Api;
use super::exit::Exit;
use super::failure::{ApiScope, Failure};
use super::output::finish;
use super::printer::Printer;
use crate::config::DEV_APP;

/// Where a configured gateway's server API is, unless it says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:7081";
/// Says where the server API is.
const URL: &str = "STAGEDOOR_URL";
/// Names the app.
pub(super) const APP: &str = "STAGEDOOR_APP";
/// Names the file an app's server key is in.
const KEY_FILE: &str = "STAGEDOOR_KEY_FILE";

/// Which gateway, and how its answers are told.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
struct Gateway {
    /// Where the server API of the running gateway is.
    #[arg(long, global = true, env = URL, default_value = DEFAULT_URL, value_parser = base_url)]
    url: Url,
    /// Print JSON: of a list one object a line, otherwise what the gateway answered.
    #[arg(long, global = true)]
    json: bool,
}

/// Which app of which gateway.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Connection {
    #[command(flatten)]
    gateway: Gateway,
    /// The file the key is in; without it, the key is taken from the environment.
    #[arg(long, global = true, value_name = "FILE", env = KEY_FILE)]
    key_file: Option<PathBuf>,
    /// The app.
    #[arg(long, global = true, env = APP, default_value = DEV_APP)]
    app: String,
}

/// Which gateway, as whoever runs it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Operator {
    #[command(flatten)]
    gateway: Gateway,
    /// The file the operator's key is in; without it, the key is taken from the environment.
    #[arg(long, value_name = "FILE", env = "STAGEDOOR_OPERATOR_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl Connection {
    /// Has `ask` ask the app's server API; `STAGEDOOR_SERVER_KEY` has its key.
    pub(super) fn run(&self, ask: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let api = of_app(url, &self.app, self.key_file.as_deref());
        finish(api.and_then(|api| ask(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }
}

impl Operator {
    /// Has `ask` ask what concerns the node; `STAGEDOOR_OPERATOR_KEY` has its key.
    pub(super) fn run(&self, ask: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let base = below(url, &["api", "v1"]);
        let api = self.key().and_then(|key| Api::new(base, key, ApiScope::Node));
        finish(api.and_then(|api| ask(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }

    /// The operator's own key, wherever it is told; in development mode the app's server key is the operator's too, so
    /// that is looked for last.
    fn key(&self) -> Result<SecretString, Failure> {
        let own = key(self.key_file.as_deref(), ApiScope::Node);
        let Err(missing @ Failure::NoKey(_)) = own else { return own };
        match key(key_file().as_deref(), ApiScope::App) {
            Err(Failure::NoKey(_)) => Err(missing),
            apps => apps,
        }
    }
}

/// The server API of an app, opened by the key in `key_file` or the environment.
pub(super) fn of_app(url: &Url, app: &str, key_file: Option<&Path>) -> Result<Api, Failure> {
    if matches!(app, "." | "..") {
        return Err(Failure::NoSuchPath(app.to_owned()));
    }
    let base = below(url, &["api", "v1", "apps", app]);
    Api::new(base, key(key_file, ApiScope::App)?, ApiScope::App)
}

/// Where the environment says that the server API is.
pub(super) fn url() -> Result<Url, Failure> {
    let url = variable(URL).unwrap_or_else(|| DEFAULT_URL.to_owned());
    base_url(&url).map_err(|reason| Failure::Variable { name: URL, reason })
}

/// The file in which the environment says that an app's key is.
pub(super) fn key_file() -> Option<PathBuf> {
    variable(KEY_FILE).map(PathBuf::from)
}

/// The URL of a gateway, as an argument.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("expected an http or https URL such as {DEFAULT_URL}"))
}

fn below(url: &Url, parts: &[&str]) -> Url {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.path_segments_mut().expect("it is an http URL").pop_if_empty().extend(parts);
    base
}

/// The key in `file`; without one, that in the environment.
fn key(file: Option<&Path>, scope: ApiScope) -> Result<SecretString, Failure> {
    let key = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| Failure::KeyFile {
            file: file.display().to_string(),
            reason: error.to_string(),
        })?,
        None => variable(scope.variable()).ok_or(Failure::NoKey(scope))?,
    };
    Ok(key.trim_end_matches(['\r', '\n']).into())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key is no argument, not even one with a default from the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_api_below_it() {
        for (text, expected) in [
            ("http://127.0.0.1:7081", "http://127.0.0.1:7081/api/v1/apps/a%20b"),
            ("https://example.com/", "https://example.com/api/v1/apps/a%20b"),
            ("https://example.com/gateway?x=1#y", "https://example.com/gateway/api/v1/apps/a%20b"),
        ] {
            let url = base_url(text).unwrap();
            assert_eq!(below(&url, &["api", "v1", "apps", "a b"]).as_str(), expected);
        }
        for text in ["127.0.0.1:7081", "ftp://example.com", "", "http://"] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_what_the_file_has_without_its_line_break() {
        use secrecy::ExposeSecret as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sk_key\n").unwrap();
        assert_eq!(key(Some(file.path()), ApiScope::App).unwrap().expose_secret(), "sk_key");
        let failure = key(Some(Path::new("/nowhere/key")), ApiScope::App).unwrap_err();
        assert!(
            failure.exit() == Exit::UsageError && failure.to_string().starts_with("/nowhere/key: ")
        );
    }
}
