//! What each port serves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio_rustls::TlsAcceptor;

use super::listener::Role;
use super::origin::Origins;
use super::problem::{Kind, Problem};
use super::{api, health, host, metrics, request_id};
use crate::config::{Config, Listen, Mode, Tls};
use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use crate::rate_limit::Rate;
use crate::transport;

/// What every port needs; built once.
pub struct Ports {
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    /// Where clients connect, by the port that was bound.
    address: SocketAddr,
    rules: ArcSwap<Rules>,
    api: api::ApiState,
    mode: Mode,
}

/// What an operator may change while the ports are open: one snapshot, replaced as a whole.
pub(super) struct Rules {
    /// The pages that may connect.
    pub(super) origins: Origins,
    /// The bounds of every connection.
    pub(super) transport: transport::Settings,
    /// From a connection's acceptance to the end of its upgrade request.
    pub(super) handshake_timeout: Duration,
    /// From the head of a call of the server API to the end of its body.
    pub(super) api_body_timeout: Duration,
    /// How fast one key or token may call the server API.
    pub(super) api_rate: Rate,
    /// The largest body of such a call.
    pub(super) api_body_bytes: usize,
    /// Certificates and proxies.
    listen: Listen,
}

impl Ports {
    /// The ports of a gateway.
    #[must_use]
    pub fn new(config: &Config, address: SocketAddr, hub: Arc<Hub>, lifecycle: Lifecycle) -> Self {
        let rules = ArcSwap::from_pointee(Rules::new(config, address));
        Self { hub, lifecycle, address, rules, api: api::ApiState::new(config), mode: config.mode }
    }

    /// Goes by `config` from now on; its addresses stay.
    pub fn adopt(&self, config: &Config) {
        let rules = Arc::new(Rules::new(config, self.address));
        let api_rate = rules.api_rate;
        if self.rules.swap(rules).api_rate != api_rate {
            self.api.forget_calls();
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// What the server API keeps between calls.
    pub(super) const fn api(&self) -> &api::ApiState {
        &self.api
    }

    /// Who waits for the tasks of this gateway.
    pub(super) const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(super) fn is_draining(&self) -> bool {
        self.lifecycle.is_draining()
    }

    /// The routes of a port of this role. The WebSocket's path is not among them: see `listener`.
    pub(super) fn router(self: &Arc<Self>, role: Role) -> Router {
        let health =
            Router::new().route("/livez", get(health::livez)).route("/readyz", get(health::readyz));
        let routes = match role {
            Role::Clients => health,
            Role::Admin | Role::Both => {
                health.route("/metrics", get(metrics::metrics)).merge(api::router())
            }
        };
        let routes = routes.fallback(nothing_here).method_not_allowed_fallback(other_methods);
        let routes = match (self.mode, role) {
            (Mode::Production, Role::Clients | Role::Admin) => routes,
            // A page of another site may have its own name lead here, and then read what it likes.
            (Mode::Dev, _) | (Mode::Production, Role::Both) => {
                routes.layer(from_fn(host::must_be_local))
            }
        };
        let routes = match role {
            Role::Clients => routes,
            Role::Admin | Role::Both => {
                routes.layer(from_fn_with_state(Arc::clone(self), request_id::follow))
            }
        };
        routes.with_state(Arc::clone(self))
    }
}

impl Rules {
    fn new(config: &Config, address: SocketAddr) -> Self {
        let limits = &config.limits;
        let mut allowed = config.listen.allowed_origins.clone();
        if config.mode == Mode::Dev {
            // The port may have been picked by the system: pages it serves itself may connect.
            allowed.extend(
                [address.ip().to_string(), "localhost".to_owned()]
                    .map(|host| format!("http://{host}:{}", address.port())),
            );
        }
        Self {
            origins: Origins::new(allowed),
            transport: transport::Settings {
                start_timeout: limits.start_timeout,
                message_bytes: limits.message_in_bytes,
                fragments: limits.fragments,
                auth_params_bytes: limits.auth_params_bytes,
            },
            handshake_timeout: limits.handshake_timeout,
            api_body_timeout: limits.api_body_timeout,
            api_rate: Rate::per_second(limits.api_calls_per_s, limits.api_calls_burst),
            api_body_bytes: limits.api_body_bytes,
            listen: config.listen.clone(),
        }
    }

    /// With which certificate a port is served; `None`: in plain.
    pub(super) fn tls(&self, role: Role) -> Option<TlsAcceptor> {
        let tls = match role {
            Role::Clients | Role::Both => &self.listen.tls,
            Role::Admin => &self.listen.admin_tls,
        };
        tls.as_ref().map(Tls::server).cloned().map(TlsAcceptor::from)
    }

    /// Where addresses and proxies stand.
    pub(super) fn listen(&self) -> &Listen {
        &self.listen
    }
}

async fn nothing_here() -> Problem {
    let detail = "nothing is here; clients connect to /v1/connect, the server API is under /api/v1";
    Problem::not_found(detail)
}

async fn other_methods() -> Problem {
    let detail = "this is asked for with another method; see the `Allow` header";
    Problem::new(Kind::OTHER_METHOD, detail)
}
