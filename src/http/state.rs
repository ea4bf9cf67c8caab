//! The shared state of HTTP handlers: the hub, the server API's caches and limiters, and the settings of the ports.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;

use super::auth_failures::AuthFailures;
use super::call_rate::CallRates;
use super::descriptors::FileDescriptors;
use super::idempotency_cache::IdempotencyCache;
use super::origin::{Origins, RejectedOrigins};
use super::readiness::Readiness;
use super::role::PortRole;
use crate::auth::OperatorKey;
use crate::config::{self, Config, Listen, Mode, Tls};
use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use crate::rate_limit::Rate;
use crate::transport;

/// The shared state of all ports.
pub struct HttpState {
    hub: Arc<Hub>,
    lifecycle: Lifecycle,
    settings: ArcSwap<HttpSettings>,
    api: ApiState,
    descriptors: Arc<FileDescriptors>,
    rejected_origins: RejectedOrigins,
    readiness: Readiness,
    mode: Mode,
}

/// The server API's state between calls.
pub(super) struct ApiState {
    pub(super) call_rates: CallRates,
    pub(super) auth_failures: AuthFailures,
    pub(super) idempotency: IdempotencyCache,
    /// Authorizes node operations.
    pub(super) operator_key: Option<OperatorKey>,
    pub(super) drain: config::Drain,
}

impl ApiState {
    fn new(config: &Config) -> Self {
        Self {
            call_rates: CallRates::default(),
            auth_failures: AuthFailures::default(),
            idempotency: IdempotencyCache::default(),
            operator_key: config.operator.api_key.as_ref().map(OperatorKey::new),
            drain: config.drain,
        }
    }

    fn reset_rates(&self) {
        self.call_rates.reset();
    }
}

/// Settings that a reload may change; replaced as a whole.
pub(super) struct HttpSettings {
    pub(super) origins: Origins,
    pub(super) transport: transport::Settings,
    /// From accepting a connection to the end of its upgrade request.
    pub(super) handshake_timeout: Duration,
    /// From the head of a server API call to the end of its body.
    pub(super) api_body_timeout: Duration,
    /// Per server key or token.
    pub(super) api_rate: Rate,
    /// Failed authentications of one address.
    pub(super) api_auth_failure_rate: Rate,
    exempt_loopback: bool,
    pub(super) api_body_bytes: usize,
    /// Descriptors that connections of clients leave free.
    pub(super) reserved_descriptors: usize,
    /// Certificates and trusted proxies.
    listen: Listen,
    /// The app of the page `/demo`.
    demo: Option<String>,
}

impl HttpState {
    /// The state of a gateway that runs with `config`.
    #[must_use]
    pub fn new(
        config: &Config,
        hub: Arc<Hub>,
        lifecycle: Lifecycle,
        descriptors: FileDescriptors,
    ) -> Self {
        Self {
            hub,
            lifecycle,
            settings: ArcSwap::from_pointee(HttpSettings::new(config)),
            api: ApiState::new(config),
            descriptors: Arc::new(descriptors),
            rejected_origins: RejectedOrigins::default(),
            readiness: Readiness::default(),
            mode: config.mode,
        }
    }

    /// Applies a new configuration, except for its addresses.
    pub fn reload(&self, config: &Config) {
        let settings = Arc::new(HttpSettings::new(config));
        let api_rate = settings.api_rate;
        if self.settings.swap(settings).api_rate != api_rate {
            self.api.reset_rates();
        }
        self.rejected_origins.reset();
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn settings(&self) -> Arc<HttpSettings> {
        self.settings.load_full()
    }

    pub(super) const fn api(&self) -> &ApiState {
        &self.api
    }

    pub(super) const fn descriptors(&self) -> &Arc<FileDescriptors> {
        &self.descriptors
    }

    pub(super) const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    pub(super) const fn rejected_origins(&self) -> &RejectedOrigins {
        &self.rejected_origins
    }

    pub(super) const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn is_draining(&self) -> bool {
        self.lifecycle.is_draining()
    }
}

impl HttpSettings {
    fn new(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            origins: Origins::new(&config.listen, config.mode),
            transport: transport::Settings {
                start_timeout: limits.start_timeout,
                message_bytes: limits.message_in_bytes,
                fragments_per_message: limits.fragments_per_message,
                pings: Rate::per_second(limits.pings_per_s, limits.pings_burst),
                auth_params_bytes: limits.auth_params_bytes,
            },
            handshake_timeout: limits.handshake_timeout,
            api_body_timeout: limits.api_body_timeout,
            api_rate: Rate::per_second(limits.api_calls_per_s, limits.api_calls_burst),
            api_auth_failure_rate: Rate::per_second(
                limits.api_auth_failures_per_s,
                limits.api_auth_failures_burst,
            ),
            exempt_loopback: limits.exempt_loopback,
            api_body_bytes: limits.api_body_bytes,
            reserved_descriptors: limits.reserved_file_descriptors,
            listen: config.listen.clone(),
            demo: config.pages.demo.clone(),
        }
    }

    /// The TLS settings of a port; `None` for plain TCP.
    pub(super) fn tls(&self, role: PortRole) -> Option<TlsAcceptor> {
        let tls = match role {
            PortRole::Clients | PortRole::Both => &self.listen.tls,
            PortRole::Admin => &self.listen.admin_tls,
        };
        tls.as_ref().map(Tls::server).cloned().map(TlsAcceptor::from)
    }

    /// Whether the rates per address do not apply to `address`.
    pub(super) fn is_exempt(&self, address: IpAddr) -> bool {
        self.exempt_loopback && address.is_loopback()
    }

    /// Names under which the admin port answers without authentication.
    pub(super) fn admin_hosts(&self) -> &[String] {
        &self.listen.admin_hosts
    }

    /// The app of the page `/demo`; `None`: the page is not served.
    pub(super) fn demo(&self) -> Option<&str> {
        self.demo.as_deref()
    }

    pub(super) fn listen(&self) -> &Listen {
        &self.listen
    }
}
