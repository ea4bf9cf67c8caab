//! The differences between two configurations: which a reload applies, and which need a restart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::source::{collect, values};
use super::{App, Config, Limits};

/// Tables and keys that are only read at start, because live sessions depend on them.
const AT_START: [&str; 10] = [
    "listen.listen",
    "listen.admin_listen",
    "operator",
    "keepalive",
    "resume",
    "session",
    "drain",
    "store",
    "engine",
    "log",
];

/// A key whose value changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The full path of the key. An app is named by its id: `apps[shop].guests`.
    pub key: String,
    pub needs_restart: bool,
}

impl Config {
    /// The configuration that a reload from `self` to `next` puts into effect, and all differences between the two.
    ///
    /// Values that need a restart stay as in `self`, so that every reload reports them until the restart. The same
    /// holds for apps that were added or removed.
    #[must_use]
    pub fn followed_by(&self, next: Self) -> (Self, Vec<Change>) {
        let changes = self.changes(&next);
        let apps = self.apps.iter().map(|app| next.app(&app.id).unwrap_or(app).clone()).collect();
        let mut listen = next.listen;
        (listen.listen, listen.admin_listen) = (self.listen.listen, self.listen.admin_listen);
        listen.allow_null_origin = self.listen.allow_null_origin;
        let limits = Limits { exempt_loopback: self.limits.exempt_loopback, ..next.limits };
        (Self { listen, apps, limits, ..self.clone() }, changes)
    }

    fn changes(&self, next: &Self) -> Vec<Change> {
        let (before, after) = (values_by_key(self), values_by_key(next));
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differing = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
        let mut changes: Vec<Change> = differing
            .filter(|key| !key.starts_with("apps["))
            .map(|key| Change { key: key.clone(), needs_restart: is_read_at_start(key) })
            .collect();
        // Secrets of equal length are printed alike.
        let is_listed = changes.iter().any(|change| change.key == "operator.api_key");
        if !is_listed && !self.operator.has_the_key_of(&next.operator) {
            changes.push(Change { key: "operator.api_key".to_owned(), needs_restart: true });
        }
        let ids: BTreeSet<&str> = self.apps.iter().chain(&next.apps).map(|app| &*app.id).collect();
        for id in ids {
            match (self.app(id), next.app(id)) {
                (Some(before), Some(after)) => changes.extend(before.changes(after)),
                _ => changes.push(Change { key: format!("apps[{id}]"), needs_restart: true }),
            }
        }
        changes
    }
}

impl App {
    fn changes(&self, next: &Self) -> Vec<Change> {
        let values_of = |app: &Self| {
            let mut values = Vec::new();
            let all = serde_json::to_value(app).expect("an app has a JSON form");
            collect(format!("apps[{}]", self.id), all, &mut values);
            values.into_iter().collect::<BTreeMap<String, Value>>()
        };
        let (before, after) = (values_of(self), values_of(next));
        let keys = before.keys().chain(after.keys());
        let mut differing: BTreeSet<String> =
            keys.filter(|key| before.get(*key) != after.get(*key)).cloned().collect();
        // Secrets of equal length are printed alike, and so are URLs with the same host.
        let (before, after) = (self.hidden(), next.hidden());
        let keys = before.keys().chain(after.keys());
        let hidden = keys.filter(|key| before.get(*key) != after.get(*key));
        differing.extend(hidden.map(|key| format!("apps[{}].{key}", self.id)));
        differing.into_iter().map(|key| Change { key, needs_restart: false }).collect()
    }
}

fn values_by_key(config: &Config) -> BTreeMap<String, Value> {
    values(config).into_iter().collect()
}

pub(super) fn is_read_at_start(key: &str) -> bool {
    AT_START.iter().any(|start| {
        key.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FILE: &str = "[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n\
                        hs256_secrets = [\"0123456789abcdef0123456789abcdef\"]\n";

    fn config(text: &str) -> Config {
        Config::parse(Path::new("/etc/stagedoor.toml"), text).unwrap()
    }

    fn changes(text: &str) -> Vec<(String, bool)> {
        let (_, changes) = config(FILE).followed_by(config(text));
        changes.into_iter().map(|change| (change.key, change.needs_restart)).collect()
    }

    #[test]
    fn diff_reports_changes_and_whether_they_need_a_restart() {
        let other = FILE.replace("0123456789abcdef0", "fedcba98765432100");
        for (case, text, expected) in [
            ("nothing", FILE.to_owned(), &[][..]),
            ("a secret as long", other, &[("apps[shop].hs256_secrets", false)]),
            ("guests", FILE.replace("guests = true\n", ""), &[("apps[shop].guests", false)]),
            (
                "a limit",
                format!("{FILE}[limits]\nrequests_in_flight = 1\n"),
                &[("limits.requests_in_flight", false)],
            ),
            (
                "limits of the server API",
                format!("{FILE}[limits]\napi_body_bytes = 2048\napi_calls_burst = 1\n"),
                &[("limits.api_body_bytes", false), ("limits.api_calls_burst", false)],
            ),
            (
                "a port",
                format!("{FILE}[listen]\nlisten = \"[::1]:1\"\n"),
                &[("listen.listen", true)],
            ),
            (
                "the operator's key",
                format!("{FILE}[operator]\napi_key = \"sk_0123456789abcdef01234567\"\n"),
                &[("operator.api_key", true)],
            ),
            ("the store", FILE.replace("facts", "others"), &[("store.sqlite.path", true)]),
            (
                "an origin",
                format!("{FILE}[listen]\nallowed_origins = [\"https://a.example\"]\n"),
                &[("listen.allowed_origins", false)],
            ),
            (
                "another app",
                FILE.replace("\"shop\"", "\"shop2\""),
                &[("apps[shop]", true), ("apps[shop2]", true)],
            ),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(key, restart)| ((*key).to_owned(), *restart)).collect();
            assert_eq!(changes(&text), expected, "{case}");
        }
    }

    #[test]
    fn endpoint_reload_detects_a_changed_secret() {
        let with = |secret: &str| {
            let secret = format!("whsec_{secret}bG9uZy1lbm91Z2gtYW5kLXJhbmRvbS1lbm91Z2gtMzI=");
            let url = "https://shop.example.com/events";
            format!(
                "{FILE}[[apps.webhook_endpoints]]\nid = \"crm\"\nurl = \"{url}\"\nsecrets = [\"{secret}\"]\n"
            )
        };
        let before = config(&with("aaaa"));
        let (now, changes) = before.followed_by(config(&with("bbbb")));
        let key = "apps[shop].webhook_endpoints[0].secrets".to_owned();
        assert_eq!(changes, [Change { key, needs_restart: false }]);
        assert!(now.apps[0].webhook_endpoints != before.apps[0].webhook_endpoints);
        let (now, changes) = now.followed_by(config(FILE));
        assert!(now.apps[0].webhook_endpoints.is_empty());
        assert!(!changes.is_empty() && changes.iter().all(|change| !change.needs_restart));
    }

    #[test]
    fn another_path_on_the_same_host_is_noticed() {
        let with = |path: &str| {
            let url = format!("url = \"https://shop.example.com/{path}\"");
            let secret = "whsec_bG9uZy1lbm91Z2gtYW5kLXJhbmRvbS1lbm91Z2gtMzI=";
            config(&format!(
                "{FILE}[apps.jwks]\n{url}\nissuer = \"a\"\naudience = \"b\"\n\
                 [apps.auth_webhook]\n{url}\nsecret = \"{secret}\"\n\
                 [[apps.webhook_endpoints]]\nid = \"crm\"\n{url}\nsecrets = [\"{secret}\"]\n"
            ))
        };
        let (_, changes) = with("one").followed_by(with("two"));
        let keys: Vec<&str> = changes.iter().map(|change| &*change.key).collect();
        let expected = ["auth_webhook.url", "jwks.url", "webhook_endpoints[0].url"];
        assert_eq!(keys, expected.map(|key| format!("apps[shop].{key}")));
    }

    #[test]
    fn another_operators_key_of_the_same_length_is_noticed() {
        let with = |key: &str| config(&format!("{FILE}[operator]\napi_key = \"{key}\"\n"));
        let before = with("sk_0123456789abcdef01234567");
        let (now, changes) = before.followed_by(with("sk_fedcba9876543210fedcba98"));
        assert_eq!(changes, [Change { key: "operator.api_key".into(), needs_restart: true }]);
        assert!(now.operator.has_the_key_of(&before.operator), "it takes a restart");
    }

    #[test]
    fn restart_only_keys_stay_and_are_reported_again() {
        let next = format!("{}[limits]\nrequests_in_flight = 1\n", FILE.replace("facts", "others"));
        let (now, _) = config(FILE).followed_by(config(&next));
        assert_eq!((now.limits.requests_in_flight, &now.store), (1, &config(FILE).store));
        let (_, again) = now.followed_by(config(&next));
        assert_eq!(again, [Change { key: "store.sqlite.path".into(), needs_restart: true }]);
    }
}
