//! `check-config`: tells whether a configuration file can be run, and what it comes to.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain};
use crate::config::{App, Config, Store};

/// Checks a configuration file.
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// The file.
    file: PathBuf,
}

impl CheckConfig {
    pub(super) fn run(self) -> Exit {
        match Config::load(&self.file) {
            Ok(config) => {
                print!("{}", summary(&config));
                Exit::Success
            }
            Err(error) => {
                complain(&error);
                Exit::Misused
            }
        }
    }
}

/// What a configuration comes to, without its secrets.
fn summary(config: &Config) -> String {
    let mut text = format!("clients     {}\n", config.listen.listen);
    if let Some(admin) = config.listen.admin_listen {
        writeln!(text, "server API  {admin}").expect("a text takes every line");
    }
    let store = match &config.store {
        Store::Sqlite { path } => path.display().to_string(),
        Store::Memory => "memory".to_owned(),
    };
    writeln!(text, "store       {store}").expect("a text takes every line");
    for app in &config.apps {
        writeln!(text, "app         {}: {}", app.id, ways_in(app).join(", "))
            .expect("a text takes every line");
    }
    text
}

/// By what an app can be entered.
fn ways_in(app: &App) -> Vec<&'static str> {
    let ways = [
        (!app.hs256_secrets.is_empty(), "tokens signed with a secret"),
        (!app.public_keys.is_empty(), "tokens signed with a private key"),
        (app.jwks.is_some(), "tokens of another issuer"),
        (app.webhook.is_some(), "webhook"),
        (app.api_token.is_some(), "api token"),
        (app.guests, "guests"),
    ];
    ways.into_iter().filter_map(|(is_open, way)| is_open.then_some(way)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_summary_names_addresses_store_and_ways_in_and_no_secret() {
        let text = "[store.sqlite]\npath = \"/data/facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n\
                    hs256_secrets = [\"0123456789abcdef0123456789abcdef\"]\n";
        let config = Config::parse(Path::new("/etc/stagedoor.toml"), text).unwrap();
        let summary = summary(&config);
        for part in [
            "127.0.0.1:7080",
            "127.0.0.1:7081",
            "/data/facts.db",
            "shop: tokens signed with a secret, guests",
        ] {
            assert!(summary.contains(part), "{part} in {summary}");
        }
        assert!(!summary.contains("0123456789abcdef"), "{summary}");
    }
}
