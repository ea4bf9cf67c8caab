//! Configuration files into the loader.

use std::path::Path;

use stagedoor_fuzz::{Target, run};

use super::{Config, ConfigError};

const SEED: &[u8] =
    b"[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n\
    hs256_secrets = [\"0123456789abcdef0123456789abcdef\"]\n[limits]\nrequests_in_flight = 3\n\
    [listen]\nallowed_origins = [\"https://*.example.com\"]\ntrusted_proxies = [\"10.0.0.0/8\"]\n\
    [resume]\nwindow = \"30s\"\nring_bytes = \"1MiB\"\n";

#[test]
fn fuzz_configuration() {
    let target = Target {
        name: "configuration",
        seeds: &[SEED],
        dictionary: &[
            "\n",
            " = ",
            "\"",
            "[",
            "]",
            "[[apps]]\n",
            "{",
            "}",
            "true",
            "1",
            "-1",
            "1e9",
            "9223372036854775807",
            "\"30s\"",
            "\"99999999999999999999d\"",
            "\"16EiB\"",
            "[drain]\n",
            "[keepalive]\n",
            "[engine]\nkind = ",
            "admin_hosts",
            "default_rooms = { \"a*\" = \"publisher\" }\n",
            "secret",
            "kid",
            ".",
            "\u{202e}",
            "\\u0000",
            "[apps.auth_webhook]\nurl = \"https://a.example\"\n",
            "[[apps.webhook_endpoints]]\nid = \"a\"\n",
        ],
        max_len: 1_024,
    };
    run(target, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        // Of a folder that is not there, so that no file which the text names is read.
        match Config::parse(Path::new("/nowhere/stagedoor.toml"), &text) {
            Ok(config) => {
                let (_, changes) = config.followed_by(config.clone());
                assert_eq!(changes, [], "a configuration equals itself");
                "valid".to_owned()
            }
            Err(errors) => {
                for error in errors.iter() {
                    let said = error.to_string();
                    assert!(said.len() < 3 * text.len() + 2_048, "an error is bounded: {said}");
                    assert!(!said.contains('\n'), "one line: {said}");
                }
                let said = errors.first().to_string();
                let is_syntax = matches!(errors.first(), ConfigError::Syntax { .. });
                // The key and the kind of error, without values and lines.
                let key: String = said.chars().filter(char::is_ascii_alphabetic).take(40).collect();
                if is_syntax { "syntax".to_owned() } else { key }
            }
        }
    });
}
