//! `check-config`: validates a configuration and prints the effective values with their source.
//!
//! Invariant: of a secret only its length is printed; of a URL only scheme, host and port.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::output::{print, print_error};
use super::table::{printable, printable_json};
use crate::clock::Clock;
use crate::config::{Config, ConfigErrors, Origin, Setting, Source};

#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// Configuration file.
    #[arg(required_unless_present_any = ["schema", "config"])]
    file: Option<PathBuf>,
    /// Configuration file, named as for `serve`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "schema"])]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of the file and validate nothing.
    #[arg(long, conflicts_with_all = ["file", "json"])]
    schema: bool,
}

/// The report on a valid configuration.
#[derive(Serialize)]
struct Report {
    settings: Vec<Setting>,
    warnings: Vec<String>,
}

impl CheckConfig {
    pub(super) fn run(self) -> Exit {
        let Some(file) = self.file.as_ref().or(self.config.as_ref()) else {
            return print(&format!("{:#}\n", Config::schema().as_value()));
        };
        match Source::open(file).and_then(|source| self.describe(&source)) {
            Ok(text) => print(&text),
            Err(error) => {
                print_error(&error);
                Exit::UsageError
            }
        }
    }

    fn describe(&self, source: &Source) -> Result<String, ConfigErrors> {
        let config = source.config()?;
        let mut warnings = config.warnings(Clock::system().wall());
        warnings
            .extend(config.store.problem().map(|problem| format!("store.sqlite.path: {problem}")));
        let report = Report { settings: source.settings(&config), warnings };
        if self.json {
            let json = serde_json::to_string_pretty(&report).expect("a report has a JSON form");
            return Ok(printable_json(&json) + "\n");
        }
        let mut text = summary(&config) + "\n";
        for Setting { key, value, from } in &report.settings {
            let from = match from {
                Origin::Default => "default".to_owned(),
                Origin::Line(line) => format!("line {line}"),
                Origin::Variable(name) => name.clone(),
            };
            let line = printable(&format!("{key} = {value}  # {from}"));
            writeln!(text, "{line}").expect("a text takes every line");
        }
        for warning in &report.warnings {
            let warning = printable(warning);
            writeln!(text, "\nwarning: {warning}").expect("a text takes every line");
        }
        Ok(text)
    }
}

/// The configuration in short form, without secrets.
fn summary(config: &Config) -> String {
    let mut text = format!("clients     {}\n", config.listen.listen);
    if let Some(admin) = config.listen.admin_listen {
        writeln!(text, "server API  {admin}").expect("a text takes every line");
    }
    writeln!(text, "store       {}", config.store).expect("a text takes every line");
    for app in &config.apps {
        let enabled = app.auth_methods().into_iter().filter(|method| method.is_enabled);
        let names: Vec<&str> = enabled.map(|method| method.name).collect();
        writeln!(text, "app         {}: {}", app.id, names.join(", "))
            .expect("a text takes every line");
    }
    text
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
