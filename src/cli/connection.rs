//! The gateway that a command calls, and the credentials it uses.
//!
//! Invariant: a key is read from a file, standard input or the environment, never from the arguments, which every user
//! of the machine can read. Not here: formatting answers (`printer`).

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::{Certificate, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::api::Api;
use super::exit::Exit;
use super::failure::{ApiScope, Failure};
use super::output::finish;
use super::printer::Printer;
use super::secret_file;
use super::variables::{self, variable};
use crate::config::DEV_APP;

/// Server API of a gateway with the default configuration.
const DEFAULT_URL: &str = "http://127.0.0.1:7081";

// Help in the form in which clap names variables and defaults, which it does not read here (see `variables`).
const URL_HELP: &str =
    "Server API of the gateway [env: STAGEDOOR_URL] [default: http://127.0.0.1:7081]";
const CA_FILE_HELP: &str =
    "PEM file with a private CA to trust, besides those of the system [env: STAGEDOOR_CA_FILE]";
const KEY_FILE_HELP: &str = "File with the server key, `-` for standard input [env: STAGEDOOR_KEY_FILE, or the key in \
                             STAGEDOOR_SERVER_KEY]";
const APP_HELP: &str = "App id [env: STAGEDOOR_APP] [default: demo]";
const OPERATOR_KEY_FILE_HELP: &str = "File with the operator key, `-` for standard input [env: \
                                      STAGEDOOR_OPERATOR_KEY_FILE, or the key in STAGEDOOR_OPERATOR_KEY]";

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
struct Gateway {
    #[arg(long, global = true, value_parser = base_url, help = URL_HELP)]
    url: Option<Url>,
    #[arg(long, global = true, value_name = "FILE", help = CA_FILE_HELP)]
    ca_file: Option<PathBuf>,
    /// Print JSON: one object per line for lists, otherwise the gateway's answer.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Connection {
    #[command(flatten)]
    gateway: Gateway,
    #[arg(long, global = true, value_name = "FILE", help = KEY_FILE_HELP)]
    key_file: Option<PathBuf>,
    #[arg(long, global = true, help = APP_HELP)]
    app: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gateway")]
pub(super) struct Operator {
    #[command(flatten)]
    gateway: Gateway,
    #[arg(long, value_name = "FILE", help = OPERATOR_KEY_FILE_HELP)]
    key_file: Option<PathBuf>,
}

/// A command at the top level, with the connection that its noun has otherwise.
#[derive(Debug, Args)]
pub(super) struct Alias<T: Args> {
    #[command(flatten)]
    pub(super) command: T,
    #[command(flatten)]
    pub(super) connection: Connection,
}

impl Gateway {
    fn url(&self) -> Result<Url, Failure> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let url = variable(variables::URL).unwrap_or_else(|| DEFAULT_URL.to_owned());
        base_url(&url).map_err(|reason| Failure::Variable { name: variables::URL, reason })
    }

    /// The certificates to trust besides those of the system, and their PEM text.
    fn authorities(&self) -> Result<(Vec<Certificate>, Option<Vec<u8>>), Failure> {
        let file = self.ca_file.clone();
        let Some(file) = file.or_else(|| variable(variables::CA_FILE).map(PathBuf::from)) else {
            return Ok((Vec::new(), None));
        };
        let failed = |reason: String| Failure::File(format!("{}: {reason}", file.display()));
        let pem = std::fs::read(&file).map_err(|error| failed(error.to_string()))?;
        let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if found.is_empty() {
            return Err(failed("found no certificate; expected a PEM file".to_owned()));
        }
        Ok((found, Some(pem)))
    }

    fn api(&self, path: &[&str], key: SecretString, scope: ApiScope) -> Result<Api, Failure> {
        Api::new(join_path(&self.url()?, path), key, scope, self.authorities()?.0)
    }
}

impl Connection {
    /// Runs `command` with the app's server API.
    pub(super) fn run(
        &self,
        command: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>,
    ) -> Exit {
        let mut printer = Printer::new(self.is_json());
        let done = self.api().and_then(|api| command(&api, &mut printer));
        finish(done.map(|()| Exit::Success))
    }

    /// The app's server API. The key is in the key file or in the environment.
    pub(super) fn api(&self) -> Result<Api, Failure> {
        let app = self.app();
        if matches!(&*app, "." | "..") {
            return Err(Failure::InvalidPath(app));
        }
        let key = key(self.key_file().as_deref(), ApiScope::App)?;
        self.gateway.api(&["api", "v1", "apps", &app], key, ApiScope::App)
    }

    pub(super) const fn is_json(&self) -> bool {
        self.gateway.json
    }

    /// The gateway's server API.
    pub(super) fn url(&self) -> Result<Url, Failure> {
        self.gateway.url()
    }

    /// The certificates to trust besides those of the system.
    pub(super) fn authorities_pem(&self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.gateway.authorities()?.1)
    }

    /// The app's id.
    pub(super) fn app(&self) -> String {
        self.named_app().unwrap_or_else(|| DEV_APP.to_owned())
    }

    /// The app's id, if one is named.
    pub(super) fn named_app(&self) -> Option<String> {
        self.app.clone().or_else(|| variable(variables::APP))
    }

    /// Whether an argument is about a gateway.
    pub(super) const fn is_explicit(&self) -> bool {
        let Gateway { url, ca_file, json: _ } = &self.gateway;
        url.is_some() || ca_file.is_some() || self.key_file.is_some()
    }

    /// Whether there is a key for the server API.
    pub(super) fn has_key(&self) -> bool {
        self.key_file().is_some() || variable(ApiScope::App.variable()).is_some()
    }

    fn key_file(&self) -> Option<PathBuf> {
        self.key_file.clone().or_else(app_key_file)
    }
}

impl Operator {
    /// Runs `command` with the node's server API.
    pub(super) fn run(
        &self,
        command: impl FnOnce(&Api, &mut Printer) -> Result<(), Failure>,
    ) -> Exit {
        let api = self.key();
        let api = api.and_then(|key| self.gateway.api(&["api", "v1"], key, ApiScope::Node));
        let mut printer = Printer::new(self.gateway.json);
        finish(api.and_then(|api| command(&api, &mut printer)).map(|()| Exit::Success))
    }

    /// The operator key from file or environment. The app's server key is the fallback, because it is the operator key
    /// in development mode.
    fn key(&self) -> Result<SecretString, Failure> {
        let file = self.key_file.clone();
        let file = file.or_else(|| variable(variables::OPERATOR_KEY_FILE).map(PathBuf::from));
        let own = key(file.as_deref(), ApiScope::Node);
        let Err(missing @ Failure::NoKey(_)) = own else { return own };
        match key(app_key_file().as_deref(), ApiScope::App) {
            Err(Failure::NoKey(_)) => Err(missing),
            apps => apps,
        }
    }
}

/// The path of the app's key file from the environment.
fn app_key_file() -> Option<PathBuf> {
    variable(variables::KEY_FILE).map(PathBuf::from)
}

/// Parses a gateway's URL.
fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| format!("expected an http or https URL such as {DEFAULT_URL}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "expected no user name or password in the URL; a key is in --key-file".to_owned()
        );
    }
    Ok(url)
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
    let (key, source) = if let Some(file) = file {
        (secret_file::read(file).map_err(Failure::File)?, file.display().to_string())
    } else {
        let key = variable(scope.variable()).ok_or(Failure::NoKey(scope))?;
        (SecretString::from(key), scope.variable().to_owned())
    };
    // A header has it.
    if !key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        let expected = "expected one key, without spaces and line breaks in it";
        return Err(Failure::File(format!("{source}: {expected}")));
    }
    Ok(key)
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
        for text in ["127.0.0.1:7081", "ftp://example.com", "", "http://", "http://a:b@localhost"] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn unreadable_key_file_is_a_usage_error() {
        let failure = key(Some(Path::new("/nowhere/key")), ApiScope::App).unwrap_err();
        assert!(
            failure.exit() == Exit::UsageError && failure.to_string().starts_with("/nowhere/key: ")
        );
    }
}
