//! Reloads the configuration of a running gateway.
//!
//! Invariant: a reload is atomic. All that can fail happens first: parsing and validating (`config`), then building the
//! changed apps with their endpoints. Swapping the snapshots cannot fail. Unchanged apps keep their key sets and
//! circuit breakers; unchanged endpoints keep their state.

use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use stagedoor_proto::Timestamp;

use super::apps::AppsBuilder;
use super::error::ServerError;
use crate::config::{Change, Config, ConfigErrors};
use crate::http::HttpState;
use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use crate::sync::{Mutex, Rank};

/// Applies configurations to a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    /// The configuration in force. Locked during a reload, so that reloads do not interleave.
    config: Mutex<Config>,
    builder: AppsBuilder,
    hub: Arc<Hub>,
    ports: Arc<HttpState>,
}

impl Reloader {
    pub(super) fn new(
        config: Config,
        builder: AppsBuilder,
        hub: Arc<Hub>,
        ports: Arc<HttpState>,
    ) -> Self {
        Self(Arc::new(Inner {
            config: Mutex::new(Rank::Configuration, config),
            builder,
            hub,
            ports,
        }))
    }

    /// Applies `next`, except for values that need a restart, and returns the changes.
    ///
    /// # Errors
    /// [`ServerError::App`] when an app's keys, hooks or endpoints cannot be used; nothing is changed then.
    pub fn reload(&self, next: Config) -> Result<Vec<Change>, ServerError> {
        let Inner { config, builder, hub, ports } = &*self.0;
        let mut config = config.lock();
        let (next, changes) = config.followed_by(next);
        let has_changed = |id: &str| {
            let start = format!("apps[{id}].");
            changes.iter().any(|change| change.key.starts_with(&start))
        };
        let stale = next.apps.iter().filter(|app| has_changed(&app.id));
        let fresh = stale
            .map(|rules| builder.build(rules, hub.app(&rules.id).map(|app| &**app)))
            .collect::<Result<Vec<_>, _>>()?;
        for app in &fresh {
            hub.reload_app(app);
        }
        hub.reload_limits(next.limits.clone());
        ports.reload(&next);
        *config = next;
        Ok(changes)
    }

    pub(super) async fn run(
        self,
        configs: impl Stream<Item = Result<Config, ConfigErrors>>,
        lifecycle: Lifecycle,
    ) {
        let mut configs = pin!(configs);
        loop {
            let read = tokio::select! {
                biased;
                () = lifecycle.stopping() => return,
                read = configs.next() => match read {
                    Some(read) => read,
                    None => return,
                },
            };
            match read {
                Ok(next) => self.apply(next),
                Err(errors) => {
                    for error in errors.iter() {
                        tracing::error!(%error, "configuration not reloaded: nothing changed");
                    }
                }
            }
        }
    }

    fn apply(&self, next: Config) {
        warn(&next, self.0.hub.clock().wall());
        match self.reload(next) {
            Ok(changes) => {
                for Change { key, needs_restart } in &changes {
                    if *needs_restart {
                        tracing::warn!("{key} changed: restart to apply");
                    } else {
                        tracing::info!("{key} changed");
                    }
                }
                tracing::info!("configuration reloaded");
            }
            Err(error) => tracing::error!(%error, "configuration not reloaded: nothing changed"),
        }
    }
}

/// Logs the warnings about a configuration.
pub(super) fn warn(config: &Config, now: Timestamp) {
    for warning in config.warnings(now) {
        tracing::warn!("{warning}");
    }
}
