//! The configuration of a gateway program, made of the keys that this program accepts.
//!
//! Two programs are compared that need not know the same limits. A key that is not in the schema of a program is left
//! out: the program has no such limit.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

/// The keys that a gateway program accepts.
pub(crate) struct Schema {
    json: Value,
}

/// What a figure configures beside the app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Whether the limits are those of `loadtest/gateway.toml`. They are the program's defaults otherwise.
    pub(crate) are_limits_raised: bool,
    /// Other values of `[limits]`, as TOML.
    pub(crate) limits: Vec<(&'static str, String)>,
    /// The roster limit of the app.
    pub(crate) roster_limit: Option<u32>,
    /// The URL of the app's auth webhook.
    pub(crate) auth_webhook: Option<String>,
}

/// A configuration file, which is removed when this is dropped.
pub(crate) struct ConfigFile {
    path: PathBuf,
}

impl Schema {
    /// Asks a gateway program for the schema of its configuration file.
    pub(crate) async fn of(program: &Path) -> anyhow::Result<Self> {
        let output = Command::new(program).args(["check-config", "--schema"]).output().await;
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(output.status.success(), "{} printed no schema", program.display());
        Ok(Self { json: serde_json::from_slice(&output.stdout).context("the schema is no JSON")? })
    }

    /// The keys of a section; `None` for a section that is no plain object or is unknown.
    fn keys(&self, section: &str) -> Option<BTreeSet<&str>> {
        let property = &self.json["properties"][section];
        let reference = property["$ref"].as_str().or_else(|| property["items"]["$ref"].as_str())?;
        let definition = self.json.pointer(reference.strip_prefix('#')?)?;
        Some(definition["properties"].as_object()?.keys().map(String::as_str).collect())
    }
}

impl ConfigFile {
    /// Writes the configuration for a program: `template` with `settings`, without the keys that are not in `schema`.
    pub(crate) fn write(
        template: &Path,
        schema: &Schema,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(template)
            .with_context(|| format!("cannot read {}", template.display()))?;
        let path = std::env::temp_dir().join(format!("loadtest-{}.toml", std::process::id()));
        std::fs::write(&path, render(&text, schema, settings))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn render(template: &str, schema: &Schema, settings: &Settings) -> String {
    let mut text = String::new();
    let mut section = "";
    for line in template.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        let key = line.split_once('=').map(|(key, _)| key.trim());
        let is_replaced = key.is_some_and(|key| {
            let is_known = schema.keys(section).is_none_or(|keys| keys.contains(key));
            let is_own = settings.limits.iter().any(|(own, _)| *own == key);
            !is_known || section == "limits" && (!settings.are_limits_raised || is_own)
        });
        if is_replaced {
            continue;
        }
        writeln!(text, "{line}").expect("a text takes every line");
        if line == "[limits]" {
            let known = schema.keys("limits").unwrap_or_default();
            for (key, value) in settings.limits.iter().filter(|(key, _)| known.contains(key)) {
                writeln!(text, "{key} = {value}").expect("a text takes every line");
            }
        }
    }
    if let Some(limit) = settings.roster_limit {
        writeln!(text, "roster_limit = {limit}").expect("a text takes every line");
    }
    if let Some(url) = &settings.auth_webhook {
        let hook = format!(
            "\n[apps.auth_webhook]\nurl = \"{url}\"\nsecret = \"{HOOK_SECRET}\"\nallow_private = true\n"
        );
        text.push_str(&hook);
    }
    text
}

/// Signs the requests to the auth webhook, which does not check it.
const HOOK_SECRET: &str = "whsec_bG9hZC10ZXN0ZXItb25seS1sb2FkLXRlc3Rlci1vbmx5";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEMPLATE: &str = "[listen]\nlisten = \"x\"\n\n[limits]\ncommands_per_s = 9\n\
                            sessions_per_address = 8\n\n[[apps]]\nid = \"demo\"\n";

    fn schema() -> Schema {
        let json = json!({
            "properties": {
                "limits": { "$ref": "#/$defs/Limits" },
                "apps": { "items": { "$ref": "#/$defs/App" } },
            },
            "$defs": {
                "Limits": { "properties": { "commands_per_s": {}, "handshake_timeout": {} } },
                "App": { "properties": { "id": {} } },
            },
        });
        Schema { json }
    }

    #[test]
    fn unknown_limits_are_left_out() {
        let settings = Settings { are_limits_raised: true, ..Settings::default() };
        let text = render(TEMPLATE, &schema(), &settings);
        assert_eq!(
            text,
            "[listen]\nlisten = \"x\"\n\n[limits]\ncommands_per_s = 9\n\n[[apps]]\nid = \"demo\"\n"
        );
    }

    #[test]
    fn own_limits_replace_those_of_the_template() {
        let limits =
            vec![("handshake_timeout", "\"1s\"".to_owned()), ("sessions_per_node", "1".to_owned())];
        let settings = Settings { limits, roster_limit: Some(3), ..Settings::default() };
        let text = render(TEMPLATE, &schema(), &settings);
        assert_eq!(
            text,
            "[listen]\nlisten = \"x\"\n\n[limits]\nhandshake_timeout = \"1s\"\n\n[[apps]]\nid = \"demo\"\n\
             roster_limit = 3\n"
        );
    }
}
