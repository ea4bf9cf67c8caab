//! Another configuration while the gateway runs.
//!
//! Invariant: all or nothing. Whatever can fail is done first: reading and checking (`config`), building the apps that
//! changed, endpoints and all; then each snapshot is exchanged, which cannot fail. An app whose section is as it was keeps
//! its key sets and the state of its circuit breakers; an endpoint that is as it was keeps how it fares.

use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use stagedoor_proto::Timestamp;

use super::apps::Builder;
use super::error::ServerError;
use crate::config::{Change, Config, ConfigError};
use crate::http::HttpState;
use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use crate::sync::{Mutex, Rank};

/// Takes up another configuration while the gateway runs. Cheap to clone.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    /// What is in force. Held while another one takes its place, so that two do not mix.
    config: Mutex<Config>,
    builder: Builder,
    hub: Arc<Hub>,
    ports: Arc<HttpState>,
}

impl Reloader {
    pub(super) fn new(
        config: Config,
        builder: Builder,
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

    /// Goes by `next` from now on, as far as that goes without a restart; what differs from before.
    ///
    /// # Errors
    /// [`ServerError::App`] when an app's keys, hooks or endpoints cannot be used; nothing was changed then.
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
        configs: impl Stream<Item = Result<Config, ConfigError>>,
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
                Ok(next) => self.take_up(next),
                Err(error) => {
                    tracing::error!(%error, "configuration not reloaded: nothing changed");
                }
            }
        }
    }

    fn take_up(&self, next: Config) {
        warn(&next, self.0.hub.clock().now());
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

/// Says what should be mended.
pub(super) fn warn(config: &Config, now: Timestamp) {
    for warning in config.warnings(now) {
        tracing::warn!("{warning}");
    }
}
