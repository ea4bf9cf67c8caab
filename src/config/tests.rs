//! Every kind of mistake, and what is said of it.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use stagedoor_proto::Role;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const STORE: &str = "[store.sqlite]\npath = \"facts.db\"\n";
const APP: &str = "[[apps]]\nid = \"shop\"\nguests = true\n";

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("/etc/stagedoor/gateway.toml"), text)
}

/// What is said of the one mistake of `text`, without the file's name.
fn said(text: &str) -> String {
    let error = parse(text).expect_err(text).to_string();
    assert!(!error.contains('\n'), "{error}");
    error.strip_prefix("/etc/stagedoor/gateway.toml:").expect("the file is named first").to_owned()
}

/// Adds to `wrong` what was said, when it does not begin as it should.
fn check(wrong: &mut String, said: &str, expected: &str) {
    if !said.starts_with(expected) {
        writeln!(wrong, "\nsaid     {said}\nexpected {expected}").unwrap();
    }
}

#[test]
fn a_file_with_store_and_app_gets_every_default() {
    let config = parse(&format!("{STORE}{APP}")).unwrap();
    assert_eq!(config.mode, Mode::Production);
    assert_eq!(config.listen, Listen::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.keepalive, Keepalive::default());
    assert_eq!(config.store, Store::Sqlite { path: "/etc/stagedoor/facts.db".into() });
    let app = config.app("shop").unwrap();
    assert_eq!((app.duplicate_policy, app.sessions_per_user), (DuplicatePolicy::NewestWins, 20));
    assert!(config.app("other").is_none());
}

#[test]
fn values_read_as_they_are_written() {
    let text = format!(
        "{STORE}{APP}[resume]\nwindow = \"90s\"\nring_bytes = \"2MiB\"\n[limits]\nmessage_in_bytes = 131072\n\
         handshake_timeout = \"500ms\"\nrequests_in_flight = 7\n[listen]\nlisten = \"[::]:80\"\n\
         allowed_origins = [\"https://*.example.com:8443\", \"http://localhost:3000\"]\n"
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.resume.window, Duration::from_secs(90));
    assert_eq!(config.resume.ring_bytes, 2 * 1024 * 1024);
    assert_eq!(config.limits.message_in_bytes, 131_072);
    assert_eq!(config.limits.handshake_timeout, Duration::from_millis(500));
    assert_eq!(config.limits.announced().in_flight, 7);
    assert_eq!(config.listen.allowed_origins.len(), 2);
}

#[test]
fn origins_and_hosts_outside_their_forms_are_rejected() {
    for origin in [
        "https://*.com",
        "https://*",
        "*",
        "*.example.com",
        "https://a.*.example.com",
        "https://*.*.example.com",
        "https://*.0.0.1",
        "https://*.example.com/",
        "https://*.example.com.",
        "https://*.example..com",
    ] {
        let said = said(&format!("{STORE}{APP}[listen]\nallowed_origins = [\"{origin}\"]\n"));
        assert!(said.contains("listen.allowed_origins: found"), "{origin}: {said}");
        assert!(said.contains(origin) && said.contains("expected origins"), "{origin}: {said}");
    }
    for host in ["gateway:7081", "http://gateway", "*", "", "a..b"] {
        let said = said(&format!("{STORE}{APP}[listen]\nadmin_hosts = [\"{host}\"]\n"));
        assert!(said.contains("listen.admin_hosts: found"), "{host}: {said}");
    }
}

#[test]
fn value_error_names_line_key_value_and_range() {
    let mut wrong = String::new();
    for (section, expected) in [
        (
            "[limits]\nrequests_in_flight = 0",
            "7: limits.requests_in_flight: found 0; expected a whole number from 1 to 1024",
        ),
        (
            "[limits]\nrequests_in_flight = \"many\"",
            "7: limits.requests_in_flight: found \"many\"; expected a whole number from 1 to 1024",
        ),
        (
            "[limits]\nmessage_in_bytes = \"64KB\"",
            "7: limits.message_in_bytes: found \"64KB\"; expected bytes, or a string such as \"64KiB\", from \"1KiB\" to \"16MiB\"",
        ),
        (
            "[limits]\nstart_timeout = \"0s\"",
            "7: limits.start_timeout: found \"0s\"; expected a duration such as \"30s\", from \"1ms\" to \"1m\"",
        ),
        (
            "[resume]\nwindow = 30",
            "7: resume.window: found 30; expected a duration such as \"30s\", from \"1s\" to \"1h\"",
        ),
        (
            "[resume]\nwindow = \"18446744073709551615d\"",
            "7: resume.window: found \"18446744073709551615d\"; expected a duration such as \"30s\", from \"1s\" to \"1h\"",
        ),
        (
            "[keepalive]\ninterval = \"5s\"",
            "6: keepalive: found timeout = 10s with interval = 5s; expected a timeout shorter than its interval",
        ),
        (
            "[keepalive]\nroom_timeout = \"0s\"",
            "7: keepalive.room_timeout: found \"0s\"; expected a duration such as \"30s\", from \"1s\" to \"1h\"",
        ),
        (
            "[drain]\nspread = \"20s\"",
            "6: drain: found spread = 20s with deadline = 10s; expected a spread shorter than the deadline",
        ),
        (
            "[limits]\nrequests_in_fligth = 3",
            "7: limits.requests_in_fligth: found an unknown key; expected `requests_in_flight`? (one of `handshake_timeout`, ",
        ),
        (
            "[limit]\nrequests_in_flight = 3",
            "6: limit: found an unknown key; expected `limits`? (one of `listen`, ",
        ),
        (
            "[listen]\nlisten = \"localhost\"",
            "7: listen.listen: found \"localhost\"; expected an address and a port, such as \"0.0.0.0:7080\"",
        ),
        (
            "[listen]\nallowed_origins = [\"https://a.example\", \"https://b.example/\"]",
            "7: listen.allowed_origins: found \"https://b.example/\"; expected origins as browsers send them",
        ),
        (
            "[listen]\nallowed_origins = [\"null\"]",
            "7: listen.allowed_origins: found \"null\"; expected origins as browsers send them",
        ),
        (
            "[listen]\ntrusted_proxies = [\"10.0.0.0/33\"]",
            "7: listen.trusted_proxies: found \"10.0.0.0/33\"; expected an address or a network",
        ),
        (
            "[listen]\nforwarded_header = \"via\"",
            "7: listen.forwarded_header: found \"via\"; expected `x-forwarded-for` or `forwarded`",
        ),
        (
            "[listen.tls]\ncert = \"missing.pem\"",
            "6: listen.tls.key: found nothing; expected it to be set",
        ),
        (
            "[listen.tls]\ncert = \"/nowhere/cert.pem\"\nkey = \"key.pem\"",
            "6: listen.tls: found /nowhere/cert.pem (No such file or directory (os error 2)); expected a PEM file of certificates",
        ),
        (
            "[operator]\napi_key = \"hush-hush\"",
            "7: operator.api_key: found 9 bytes; expected at least 27 that begin with \"sk_\"",
        ),
        ("[engine]\nkind = \"locl\"", "7: engine.kind: found \"locl\"; expected `local`"),
        ("[log]\nfilter = \"=,=\"", "7: log.filter: found \"=,=\"; expected a level (error, "),
        (
            "[limits]\nrequests_in_flight = [1,\n2]",
            "7: limits.requests_in_flight: found a value of type array; expected a whole",
        ),
        ("[resume\n", "6: invalid TOML: "),
        ("[resume]\nwindow = \"1s\"\nwindow = \"2s\"", "8: invalid TOML: duplicate key"),
    ] {
        check(&mut wrong, &said(&format!("{STORE}{APP}{section}\n")), expected);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn app_error_names_its_index() {
    let mut wrong = String::new();
    for (app, expected) in [
        ("guests = true", "6: apps[1].id: found nothing; expected an id"),
        (
            "id = \"a b\"\nguests = true",
            "7: apps[1].id: found \"a b\"; expected 1 to 64 characters of ",
        ),
        (
            "id = \"shop\"\nguests = true",
            "7: apps[1].id: found \"shop\" a second time; expected a unique id",
        ),
        (
            "id = \"b\"",
            "6: apps[1]: found an app without an authentication method; expected at least one of hs256_secrets, ",
        ),
        ("id = \"b\"\nguests = 1", "8: apps[1].guests: found 1; expected true or false"),
        (
            "id = \"b\"\nrequire_auth_token = true\napi_token = \"0123456789abcdef01234567\"",
            "9: apps[1].api_token: found a token with require_auth_token = true; expected no api token",
        ),
        (
            "id = \"b\"\nguests = true\ndefault_block_duration = \"25h\"",
            "9: apps[1].default_block_duration: found 25h where that is 1d; expected at most max_block_duration",
        ),
        (
            "id = \"b\"\nguests = true\naccess_ttl = \"31d\"",
            "9: apps[1].access_ttl: found 31d where that is 30d; expected at most max_session_age",
        ),
        (
            "id = \"b\"\nguests = true\nduplicate_policy = \"newest_win\"",
            "9: apps[1].duplicate_policy: found \"newest_win\"; expected `newest_wins`? (`newest_wins` or `reject_new`)",
        ),
        (
            "id = \"b\"\n[apps.auth_webhook]\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"",
            "8: apps[1].auth_webhook.url: found nothing; expected it to be set",
        ),
        (
            "id = \"b\"\nguests = true\n[[apps.webhook_endpoints]]\nid = \"crm\"\nurl = \"https://example.com/\"\nsecrets = [\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"]\nevents = [\"room.open\"]",
            "13: apps[1].webhook_endpoints[0].events: found \"room.open\"; expected `*`, a group such as `room.*`, or one of `session.started`",
        ),
        (
            "id = \"b\"\nguests = true\n[[apps.webhook_endpoints]]\nid = \"crm\"\nurl = \"https://10.0.0.1/\"\nsecrets = [\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"]",
            "11: apps[1].webhook_endpoints[0].url: found 10.0.0.1 with allow_private = false; expected a public host",
        ),
        (
            "id = \"b\"\n[apps.auth_webhook]\nurl = \"https://example.com/\"\nsecret = \"0123456789abcdef0123456789\"",
            "10: apps[1].auth_webhook.secret: found 26 bytes; expected `whsec_` and 24 to 64 bytes in base64",
        ),
        (
            "id = \"b\"\nguests = true\n[[apps.webhook_endpoints]]\nid = \"crm\"\nurl = \"https://example.com/\"\nsecrets = [\"whsec_not-base64-not-base64-not-base64\"]",
            "12: apps[1].webhook_endpoints[0].secrets: found 38 bytes; expected `whsec_` and 24 to 64 bytes in base64",
        ),
        (
            "id = \"b\"\nguests = true\n[[apps.webhook_endpoints]]\nid = \"crm\"\nurl = \"https://example.com/\"\nsecrets = []",
            "12: apps[1].webhook_endpoints[0].secrets: found 0 secrets; expected 1 to 4",
        ),
        (
            "id = \"b\"\n[apps.auth_webhook]\nurl = \"http://localhost/\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"",
            "9: apps[1].auth_webhook.url: found localhost with allow_private = false; expected a public host",
        ),
        (
            "id = \"b\"\n[apps.auth_webhook]\nurl = \"http://example.com/\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"",
            "9: apps[1].auth_webhook.url: found \"http://example.com/\"; expected an https URL, or an http URL on loopback",
        ),
        (
            "id = \"b\"\n[apps.auth_webhook]\nurl = \"https://example.com/\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\ndeadline = \"0ms\"",
            "11: apps[1].auth_webhook.deadline: found \"0ms\"; expected a duration",
        ),
        (
            "id = \"b\"\nhs256_secrets = [\"0123456789abcdef0123456789abcdef\", \"fedcba9876543210fedcba9876543210\"]",
            "8: apps[1].hs256_secrets: found 2 keys without a different kid each; expected ",
        ),
        (
            "id = \"b\"\npublic_keys = [{ file = \"/nowhere/key.pem\" }]",
            "8: apps[1].public_keys: found /nowhere/key.pem (No such file or directory (os error 2)); expected the PEM file",
        ),
    ] {
        check(&mut wrong, &said(&format!("{STORE}{APP}[[apps]]\n{app}\n")), expected);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(said(STORE), "1: apps: found nothing; expected it to be set");
    assert_eq!(
        said(&format!("apps = []\n{STORE}")),
        "1: apps: found no app; expected at least one [[apps]]"
    );
    assert_eq!(said(APP), "1: store: found nothing; expected it to be set");
}

#[test]
fn every_mistake_is_reported_and_no_consequence() {
    for (text, expected) in [
        ("", &["1: apps: found nothing", "1: store: found nothing"][..]),
        ("a = 1\n[b]\nc = [\n[d\n", &["4: invalid TOML: "]),
        (
            "[store.sqlite]\npth = 1\n[[apps]]\nid = \"a\"\nguest = true\n",
            &[
                "1: store.sqlite.path: found nothing",
                "2: store.sqlite.pth: found an unknown key",
                "5: apps[0].guest: found an unknown key",
            ],
        ),
        (
            "store = 5\napps = 7\n[limits]\nrequests_in_flight = 0\n",
            &["1: store: found 5", "2: apps: found 7", "4: limits.requests_in_flight: found 0"],
        ),
        (
            "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"a\"\nmax_session_age = \"1x\"\naccess_ttl = \"300d\"\n\
          hs256_secrets = [\"short\"]\n",
            &[
                "5: apps[0].max_session_age: found \"1x\"",
                "7: apps[0].hs256_secrets[0]: found 5 bytes",
            ],
        ),
        (
            "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = 1\n[[apps]]\nid = \"b\"\nguests = true\n\
          webhook_endpoints = [{ id = 7 }, { url = \"https://a.example\" }, \
          { id = \"c\", url = \"https://10.0.0.1/\", secrets = [\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"] }]\n\
          [[apps]]\nid = \"b\"\nguests = true\naccess_ttl = \"31d\"\n",
            &[
                "3: apps[0]: found an app without an authentication method",
                "4: apps[0].id: found 1",
                "8: apps[1].webhook_endpoints[0].id: found 7",
                "8: apps[1].webhook_endpoints[0].url: found nothing",
                "8: apps[1].webhook_endpoints[0].secrets: found nothing",
                "8: apps[1].webhook_endpoints[1].id: found nothing",
                "8: apps[1].webhook_endpoints[1].secrets: found nothing",
                "8: apps[1].webhook_endpoints[2].url: found 10.0.0.1",
                "10: apps[2].id: found \"b\" a second time",
                "12: apps[2].access_ttl: found 31d",
            ],
        ),
    ] {
        let errors = parse(text).expect_err(text);
        let mut said: Vec<_> = errors.iter().map(ToString::to_string).collect();
        for expected in expected {
            let start = format!("/etc/stagedoor/gateway.toml:{expected}");
            let found = said.iter().position(|said| said.starts_with(&start));
            said.remove(found.unwrap_or_else(|| panic!("{expected} is not in\n{errors}")));
        }
        assert!(said.is_empty(), "{said:#?}");
    }
}

#[test]
fn mistakes_beyond_a_number_are_left_for_the_next_time() {
    let many: String =
        (0..500).fold(format!("{STORE}{APP}"), |text, n| text + &format!("k{n} = 1\n"));
    assert_eq!(parse(&many).unwrap_err().iter().count(), 50);
}

#[test]
fn no_error_shows_a_secret() {
    let mut wrong = String::new();
    for (app, expected) in [
        (
            "hs256_secrets = [\"hush-hush\"]",
            "hs256_secrets[0]: found 9 bytes; expected a secret of at least 32 bytes",
        ),
        (
            "hs256_secrets = \"hush-hush\"",
            "hs256_secrets: found a value of type string; expected an array",
        ),
        (
            "server_keys = [\"hush-hush\"]",
            "server_keys: found 9 bytes; expected at least 35 that begin with \"sk_\"",
        ),
        ("server_keys = [\"sk_hush-hush\"]", "server_keys: found 12 bytes; expected at least 35"),
        ("api_token = \"hush-hush\"", "api_token: found 9 bytes; expected at least 24"),
        ("api_token = 5", "api_token: found a value of type integer; expected a string or "),
        (
            "[apps.auth_webhook]\nurl = \"http://hush:hush@example.com/hush?hush\"\nsecret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"",
            "auth_webhook.url: found \"http://example.com (the rest is not shown)\"; expected an https URL",
        ),
        (
            "[[apps.webhook_endpoints]]\nurl = \"hush\"\nid = \"crm\"\nsecrets = [\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"]",
            "webhook_endpoints[0].url: found a value of type string; expected an https URL",
        ),
        (
            "hs256_secrets = [{ kid = \"a\" }]",
            "hs256_secrets[0].secret: found nothing; expected it to be set",
        ),
        (
            "hs256_secrets = [{ secret = \"hush-hush\", file = \"x\" }]",
            "hs256_secrets[0]: found both; expected either secret or file",
        ),
    ] {
        let said = said(&format!("{STORE}{APP}{app}\n"));
        assert!(!said.contains("hush"), "{said}");
        let line = if app.starts_with('[') { 7 } else { 6 };
        check(&mut wrong, &said, &format!("{line}: apps[0].{expected}"));
    }
    assert!(wrong.is_empty(), "{wrong}");
    let config = parse(&format!("{STORE}{APP}hs256_secrets = [\"{SECRET}\"]\n")).unwrap();
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn secret_files_are_relative_to_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("secret", &format!("{SECRET}\n"));
    write("ec.pem", EC_PEM);
    write("ed.pem", ED_PEM);
    write("rsa.pem", RSA_PEM);
    let text = format!(
        "{STORE}[[apps]]\nid = \"shop\"\nhs256_secrets = [{{ file = \"secret\", kid = \"a\" }}]\npublic_keys = [\
         {{ file = \"ec.pem\", kid = \"b\" }}, {{ file = \"ed.pem\", kid = \"c\" }}, {{ file = \"rsa.pem\", kid = \"d\" }}]\n"
    );
    let file = directory.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    let app = config.app("shop").unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&app.hs256_secrets[0].secret), SECRET);
    let algorithms: Vec<KeyAlgorithm> = app.public_keys.iter().map(|key| key.algorithm).collect();
    assert_eq!(algorithms, [KeyAlgorithm::Es256, KeyAlgorithm::EdDsa, KeyAlgorithm::Rs256]);

    for bad in ["no key at all", P384_PEM, &ED_PEM.replace("PUBLIC", "PRIVATE")] {
        write("ec.pem", bad);
        let error = Config::load(&file).unwrap_err().to_string();
        let expected = "ec.pem, which contains none; expected the PEM file of an RSA (2048 bits or more), P-256 or";
        assert!(error.contains(":6: apps[0].public_keys") && error.contains(expected), "{error}");
    }
}

#[test]
fn unreadable_file_error_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.toml");
    let error = Config::load(&missing).unwrap_err();
    assert!(
        matches!(error.first(), ConfigError::Unreadable { file, .. } if *file == missing),
        "{error:?}"
    );
    // A directory can be opened but not read, even by root, who can read every file.
    let error = Config::load(directory.path()).unwrap_err();
    assert!(error.to_string().contains("cannot be read: "), "{error}");
    let latin1 = directory.path().join("latin1.toml");
    std::fs::write(&latin1, b"# one\n# caf\xe9\n").unwrap();
    let error = Config::load(&latin1).unwrap_err();
    assert_eq!(*error.first(), ConfigError::NotText { file: latin1, line: 2 });
}

#[test]
fn only_development_mode_keeps_facts_in_memory() {
    let said = said(&format!("store = \"memory\"\n{APP}"));
    assert!(said.starts_with("1: store: found \"memory\"; expected `sqlite`"), "{said}");
}

#[test]
fn a_room_may_be_called_like_a_key_that_holds_a_path() {
    let text =
        format!("{STORE}{APP}default_rooms = {{ key = \"publisher\", file = \"moderator\" }}\n");
    let config = parse(&text).unwrap();
    let roles: Vec<Role> = config.apps[0].default_rooms.iter().map(|(_, role)| *role).collect();
    assert_eq!(roles, [Role::Moderator, Role::Publisher]);
}

#[test]
fn any_text_is_a_configuration_or_an_error() {
    let config = proptest::test_runner::Config::with_cases(512);
    let pieces = "(\\[|\\]|=|\"|\n| |apps|store|sqlite|path|id|limits|requests_in_flight|secret|file|\\.|,|\\{|\\}|1|é){0,24}";
    proptest::proptest!(config, |(text in pieces)| {
        if let Err(errors) = parse(&text) {
            for error in errors.iter() {
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    });
}

const EC_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEU8KPrmOyFzN/zR3x5rQTvENgud3x
Qq7S7IwHSnyvgCj+tsaL75Mgk53Cz6HczdO1Hd3VYIrwma3CvghmaX3Nig==
-----END PUBLIC KEY-----
";
const P384_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAExhnuhe79rTj6ckvgXNiTDss4ZNx5+div
wvGz6xpmHOfarbHH+bslKlrj7sP3T89Uz35WlBCIQ4tR6cfnK5BXPTTGgVqCVIF2
ILBZQccW9T+y6PhpY5N07X+oCsXr1FUc
-----END PUBLIC KEY-----
";
const ED_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA05X7zl94U9Sau2XxHUi9vl5FQOjTgg1jLZy1iD9m3ZQ=
-----END PUBLIC KEY-----
";
const RSA_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAz1Fjke0JH47MhHqT+haf
e/R3TqaO4odrqfgMBZhYb9Kvfu+PPb49RMTo8w4KaMD/u22mvFjmr2ZyyVCHaSct
ZosiOE2vQeysQWxLdwajp+mkF/UN/Yz74EZfXrO7gJPJpUMNF9MeGnXcVBIYMW36
FGY4pSuxrSYaqq7as0k2CW8so9hug3SeXE05I41qg6HaiaL/iD29rz8WxCTYCZux
BV/unCS0y0048tfqachqtDTrAVMmB5XlpWQA6Qfzrq089N1O+a1GNFnZJ6JoMCzI
VMmVISQVBp/TmnhHZHl4bPKSqbeQc6egkpIv4n85ZC43kcwCOyFQclryT/UAO55W
vQIDAQAB
-----END PUBLIC KEY-----
";
