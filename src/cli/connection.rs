//! The gateway that a command calls, and the credentials it uses.
//!
//! Invariant: a key is read from a file or the environment, never from the arguments, which every user of the machine
//! can read. Not here: formatting answers (`printer`).

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

/// Server API of a gateway with the default configuration.
const DEFAULT_URL: &str = "http://127.0.0.1:7081";
const URL: &str = "STAGEDOOR_URL";
pub(super) const APP: &str = "STAGEDOOR_APP";
const KEY_FILE: &str = "STAGEDOOR_KEY_FILE";

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
struct Gateway {
    /// Server API of the gateway.
    #[arg(long, global = true, env = URL, default_value = DEFAULT_URL, value_parser = base_url)]
    url: Url,
    /// Print JSON: one object per line for lists, otherwise the gateway's answer.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Connection {
    #[command(flatten)]
    gateway: Gateway,
    /// File with the key. Default: the key in the environment.
    #[arg(long, global = true, value_name = "FILE", env = KEY_FILE)]
    key_file: Option<PathBuf>,
    /// App id.
    #[arg(long, global = true, env = APP, default_value = DEV_APP)]
    app: String,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Operator {
    #[command(flatten)]
    gateway: Gateway,
    /// File with the operator key. Default: the key in the environment.
    #[arg(long, value_name = "FILE", env = "STAGEDOOR_OPERATOR_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl Connection {
    /// Runs `command` with the app's server API. The key is in the key file or in `STAGEDOOR_SERVER_KEY`.
    pub(super) fn run(
        &self,
        command: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>,
    ) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let api = app_api(url, &self.app, self.key_file.as_deref());
        finish(api.and_then(|api| command(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }
}

impl Operator {
    /// Runs `command` with the node's server API. The key is in the key file or in `STAGEDOOR_OPERATOR_KEY`.
    pub(super) fn run(
        &self,
        command: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>,
    ) -> Exit {
        let Gateway { url, json } = &self.gateway;
        let base = join_path(url, &["api", "v1"]);
        let api = self.key().and_then(|key| Api::new(base, key, ApiScope::Node));
        finish(api.and_then(|api| command(&api, &mut Printer::new(*json))).map(|()| Exit::Success))
    }

    /// The operator key from file or environment. The app's server key is the fallback, because it is the operator key
    /// in development mode.
    fn key(&self) -> Result<SecretString, Failure> {
        let own = key(self.key_file.as_deref(), ApiScope::Node);
        let Err(missing @ Failure::NoKey(_)) = own else { return own };
        match key(key_file().as_deref(), ApiScope::App) {
            Err(Failure::NoKey(_)) => Err(missing),
            apps => apps,
        }
    }
}

/// The server API of an app, with the key in `key_file` or the environment.
pub(super) fn app_api(url: &Url, app: &str, key_file: Option<&Path>) -> Result<Api, Failure> {
    if matches!(app, "." | "..") {
        return Err(Failure::InvalidPath(app.to_owned()));
    }
    let base = join_path(url, &["api", "v1", "apps", app]);
    Api::new(base, key(key_file, ApiScope::App)?, ApiScope::App)
}

/// The server API's URL from the environment.
pub(super) fn url() -> Result<Url, Failure> {
    let url = variable(URL).unwrap_or_else(|| DEFAULT_URL.to_owned());
    base_url(&url).map_err(|reason| Failure::Variable { name: URL, reason })
}

/// The path of the app's key file from the environment.
pub(super) fn key_file() -> Option<PathBuf> {
    variable(KEY_FILE).map(PathBuf::from)
}

/// Parses a gateway's URL.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| format!("expected an http or https URL such as {DEFAULT_URL}"))
}

fn join_path(url: &Url, parts: &[&str]) -> Url {
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.path_segments_mut().expect("it is an http URL").pop_if_empty().extend(parts);
    base
}

/// The key in `file`, or without a file the one in the environment.
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
    reason = "a key must not be an argument, not even one with a default from the environment"
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
            assert_eq!(join_path(&url, &["api", "v1", "apps", "a b"]).as_str(), expected);
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
