//! `docs/operations.md` and the configuration say the same.

use std::path::Path;

use stagedoor::config::{Config, ConfigError};

/// What no configuration can leave out.
const LEAST: &str = "[store.sqlite]\npath = \"stagedoor.db\"\n[[apps]]\nid = \"shop\"\n\
    hs256_secrets = [{ kid = \"2026\", secret = \"change-me-change-me-change-me-ab\" }]\n";

/// A place for an unknown key in each table that is not required.
const TABLES: &[&str] = &[
    "[[apps]]\nid = \"other\"\n",
    "[apps.jwks]\n",
    "[apps.jwks]\nurl = \"https://a.example\"\nissuer = \"a\"\naudience = \"b\"\n[apps.jwks.claims]\n",
    "[apps.webhook]\n",
    "[listen]\n",
    "[limits]\n",
    "[keepalive]\n",
    "[resume]\n",
    "[session]\n",
    "[drain]\n",
    "[engine]\n",
    "[log]\n",
];

#[test]
fn the_documented_configuration_is_every_key_at_its_default() {
    let documented = parse(documented()).expect("the documented configuration can be run");
    let least = parse(LEAST).expect("a least configuration can be run");
    assert_eq!(format!("{documented:#?}"), format!("{least:#?}"));
}

#[test]
fn every_key_is_documented() {
    for table in TABLES {
        let keys = keys_of(table);
        assert!(!keys.is_empty(), "{table} has keys");
        for key in keys {
            let is_documented = documented().lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.starts_with(&format!("{key} = ")) || line.contains(&format!(".{key}]"))
            });
            assert!(is_documented, "`{key}` of {table} is missing from docs/operations.md");
        }
    }
}

/// The keys of a table, from what is said of one that it does not have.
fn keys_of(table: &str) -> Vec<String> {
    let ConfigError::Value { allowed, .. } =
        parse(&format!("{LEAST}{table}no_such_key = 1\n")).expect_err(table)
    else {
        panic!("{table}: an unknown key is an error of a value");
    };
    allowed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("stagedoor.toml"), text)
}

fn documented() -> &'static str {
    let page = include_str!("../docs/operations.md");
    let block = page.split("```toml\n").nth(1).expect("there is a configuration");
    block.split("```").next().expect("it ends")
}
