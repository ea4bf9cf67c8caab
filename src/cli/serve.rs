//! `serve`: which gateway to run, and what to print once it listens.
//!
//! Invariant: secrets are printed only in development mode, where they are made anew for each process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use futures::future::Either;
use futures::stream::{self, Stream};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::output::{print, print_error};
use super::token;
use crate::clock::{Clock, Rng};
use crate::config::{Config, ConfigError, DEV_APP, Dev, SERVER_KEY_PREFIX, Store};

/// Runs a gateway.
#[derive(Clone, Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    rules: ConfigSource,
    /// Where clients connect, in place of the configured address.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where the server API listens, in place of the configured address.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// The directory durable facts are kept in, in place of the configured store.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// What to log: a level, or directives such as `info,stagedoor=debug`.
    #[arg(long, value_name = "FILTER", env = "STAGEDOOR_LOG")]
    log: Option<String>,
    /// Print one line of JSON, once it listens, with the address and keys; development mode only.
    #[arg(long)]
    ready_json: bool,
}

/// What the gateway goes by.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct ConfigSource {
    /// Development mode: loopback, one app, guests, keys that live as long as the process.
    #[arg(long)]
    dev: bool,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A gateway to be run.
#[derive(Debug)]
pub struct ServeCommand {
    /// What it is to do.
    pub config: Config,
    /// The time it goes by.
    pub clock: Clock,
    ready: Ready,
    /// The file, and the arguments beside it; `None` where there is no file to be read again.
    asked: Option<(PathBuf, Serve)>,
}

/// What a command came to.
#[derive(Debug)]
pub enum Outcome {
    /// A gateway is to be run.
    Serve(Box<ServeCommand>),
    /// Everything is done.
    Done(Exit),
}

/// What is printed once the gateway listens.
#[derive(Debug)]
enum Ready {
    /// Nothing: the log says it.
    Silent,
    /// A line for a program that started it.
    Json(DevKeys),
    /// A few lines for a person.
    Banner(DevKeys),
}

/// The keys of development mode.
#[derive(Clone, Debug)]
struct DevKeys {
    app_secret: SecretString,
    server_key: SecretString,
}

/// Why no gateway can be run.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("--ready-json prints keys, so it goes with --dev only")]
    ReadyJsonWithoutDev,
    #[error(
        "{argument} {address}: development mode lets anybody in, so it listens on loopback only; use --config"
    )]
    DevBeyondLoopback { argument: &'static str, address: SocketAddr },
}

impl Serve {
    /// What no arguments at all mean.
    pub(super) fn development() -> Self {
        Self {
            rules: ConfigSource { dev: true, config: None },
            listen: None,
            admin_listen: None,
            data: None,
            log: None,
            ready_json: false,
        }
    }

    pub(super) fn run(self) -> Outcome {
        match self.serving() {
            Ok(serving) => Outcome::Serve(Box::new(serving)),
            Err(error) => {
                print_error(&error);
                Outcome::Done(Exit::UsageError)
            }
        }
    }

    fn serving(self) -> Result<ServeCommand, ServeError> {
        let clock = Clock::system();
        if let Some(file) = self.rules.config.clone() {
            if self.ready_json {
                return Err(ServeError::ReadyJsonWithoutDev);
            }
            let config = self.configured(&file)?;
            return Ok(ServeCommand {
                config,
                clock,
                ready: Ready::Silent,
                asked: Some((file, self)),
            });
        }
        for (argument, address) in
            [("--listen", self.listen), ("--admin-listen", self.admin_listen)]
        {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
                return Err(ServeError::DevBeyondLoopback { argument, address });
            }
        }
        let keys = DevKeys::random(Rng);
        let mut config = Config::dev(Dev {
            listen: self.listen,
            data: self.data,
            app_secret: keys.app_secret.clone(),
            server_key: keys.server_key.clone(),
        });
        config.listen.admin_listen = self.admin_listen;
        config.log.filter = self.log.unwrap_or(config.log.filter);
        let ready = if self.ready_json { Ready::Json(keys) } else { Ready::Banner(keys) };
        Ok(ServeCommand { config, clock, ready, asked: None })
    }

    /// What a file and the environment say, and the arguments that take their place.
    fn configured(&self, file: &Path) -> Result<Config, ConfigError> {
        let mut config = Config::load(file)?;
        config.listen.listen = self.listen.unwrap_or(config.listen.listen);
        config.listen.admin_listen = self.admin_listen.or(config.listen.admin_listen);
        if let Some(directory) = &self.data {
            config.store = Store::in_directory(directory);
        }
        if let Some(filter) = &self.log {
            config.log.filter.clone_from(filter);
        }
        Ok(config)
    }
}

impl ServeCommand {
    /// The configuration, read anew at each SIGHUP; never, where there is no file.
    ///
    /// # Errors
    /// When the operating system lets no signal be waited for.
    pub fn reloads(
        &self,
    ) -> std::io::Result<impl Stream<Item = Result<Config, ConfigError>> + Send + use<>> {
        // Without a file the signal keeps its meaning: the terminal is gone.
        let Some(asked) = self.asked.clone() else { return Ok(Either::Left(stream::empty())) };
        let hangup = signal(SignalKind::hangup())?;
        Ok(Either::Right(stream::unfold((hangup, asked), |(mut hangup, asked)| async move {
            hangup.recv().await?;
            let (file, serve) = &asked;
            let config = serve.configured(file);
            Some((config, (hangup, asked)))
        })))
    }

    /// Prints how to reach the gateway, which listens on `listen` by now and serves whether anybody reads that or not.
    pub fn announce(&self, listen: SocketAddr) {
        let text = match &self.ready {
            Ready::Silent => return,
            Ready::Json(keys) => ready_line(listen, keys),
            Ready::Banner(keys) => self.banner(listen, keys),
        };
        print(&(text + "\n"));
    }

    fn banner(&self, listen: SocketAddr, keys: &DevKeys) -> String {
        let moderator = token::moderator(&keys.app_secret, self.clock.now());
        let moderator = moderator.unwrap_or_else(|error| format!("none: {error}"));
        let (secret, server_key) =
            (keys.app_secret.expose_secret(), keys.server_key.expose_secret());
        let api = self.config.listen.admin_listen.unwrap_or(listen);
        format!(
            r#"
Stagedoor, development mode: anybody on this machine may come in as a guest.

  WebSocket        ws://{listen}/v1/connect
  app              {DEV_APP}
  app secret       {secret}
  server key       {server_key}
  moderator token  {moderator}

For `stagedoor sessions list` and the like in another terminal:

  export STAGEDOOR_URL=http://{api} STAGEDOOR_SERVER_KEY={server_key}

Open http://{listen}/livez in a browser and paste this into its console:

  ws = new WebSocket("ws://{listen}/v1/connect", "stagedoor.v1.json");
  ws.onmessage = (m) => {{
    console.log(m.data);
    if (JSON.parse(m.data).ping) ws.send('{{"pong":{{"seq":0}}}}');
  }};
  ws.onopen = () => ws.send(JSON.stringify({{ id: 1, start: {{
    app: "{DEV_APP}", username: "ada", instance: crypto.randomUUID(),
    credentials: {{ guest: {{}} }}, client: {{ name: "console", version: "1" }},
  }} }}));
"#
        )
    }
}

impl DevKeys {
    fn random(rng: Rng) -> Self {
        let text = || URL_SAFE_NO_PAD.encode(rng.bytes::<32>());
        Self {
            app_secret: text().into(),
            server_key: format!("{SERVER_KEY_PREFIX}{}", text()).into(),
        }
    }
}

fn ready_line(listen: SocketAddr, keys: &DevKeys) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        listen: SocketAddr,
        app: &'a str,
        app_secret: &'a str,
        server_key: &'a str,
    }
    let line = Line {
        listen,
        app: DEV_APP,
        app_secret: keys.app_secret.expose_secret(),
        server_key: keys.server_key.expose_secret(),
    };
    serde_json::to_string(&line).expect("texts are JSON")
}

/// Completes when the process is asked to stop, by SIGTERM or SIGINT.
///
/// # Errors
/// When the operating system lets no signal be waited for.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;
    use crate::config::Mode;

    fn serving(arguments: &[&str]) -> Result<ServeCommand, ServeError> {
        let cli = Cli::try_parse_from([&["stagedoor", "serve"], arguments].concat()).unwrap();
        match cli.command {
            Some(Command::Serve(serve)) => serve.serving(),
            other => panic!("{other:?} is not serve"),
        }
    }

    fn file() -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(
            b"[store.sqlite]\npath = \"facts.db\"\n[[apps]]\nid = \"shop\"\nguests = true\n",
        )
        .unwrap();
        file
    }

    #[test]
    fn development_mode_is_loopback_guests_and_memory() {
        let Outcome::Serve(serving) = Cli::try_parse_from(["stagedoor"]).unwrap().run() else {
            panic!("no command runs a gateway");
        };
        let config = &serving.config;
        assert_eq!((config.mode, &config.store), (Mode::Dev, &Store::Memory));
        assert_eq!(config.listen.listen.to_string(), "127.0.0.1:7080");
        assert_eq!(config.listen.admin_listen, None);
        assert!(config.app(DEV_APP).unwrap().guests);
        assert!(config.limits.exempt_loopback);
    }

    #[test]
    fn arguments_override_the_file() {
        let file = file();
        let path = file.path().to_str().unwrap();
        let config =
            serving(&["--config", path, "--listen", "[::1]:1", "--data", "/d", "--log", "warn"])
                .unwrap()
                .config;
        assert_eq!(config.mode, Mode::Production);
        assert_eq!(config.listen.listen.to_string(), "[::1]:1");
        assert_eq!(config.listen.admin_listen.unwrap().to_string(), "127.0.0.1:7081");
        assert_eq!(config.store, Store::in_directory("/d".as_ref()));
        assert_eq!(config.log.filter, "warn");
    }

    #[test]
    fn what_would_give_keys_or_entry_away_is_refused() {
        let file = file();
        let path = file.path().to_str().unwrap();
        for (arguments, start) in [
            (&["--config", path, "--ready-json"][..], "--ready-json"),
            (&["--dev", "--listen", "0.0.0.0:7080"], "--listen 0.0.0.0:7080"),
            (&["--dev", "--admin-listen", "192.0.2.1:7081"], "--admin-listen 192.0.2.1:7081"),
        ] {
            let error = serving(arguments).unwrap_err().to_string();
            assert!(error.starts_with(start), "{arguments:?}: {error}");
        }
        for arguments in
            [&["stagedoor", "serve"][..], &["stagedoor", "serve", "--dev", "--config", path]]
        {
            assert!(Cli::try_parse_from(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn serve_without_arguments_names_both_modes() {
        let refused = Cli::try_parse_from(["stagedoor", "serve"]).unwrap_err().to_string();
        assert!(refused.contains("--dev") && refused.contains("--config <FILE>"), "{refused}");
    }

    #[test]
    fn the_ready_line_is_one_line_of_json_with_address_and_keys() {
        let keys = DevKeys { app_secret: "a\"b".into(), server_key: "sk_c".into() };
        let line = ready_line("127.0.0.1:41234".parse().unwrap(), &keys);
        let expected =
            r#"{"listen":"127.0.0.1:41234","app":"demo","app_secret":"a\"b","server_key":"sk_c"}"#;
        assert_eq!(line, expected);
    }

    #[test]
    fn development_keys_are_random_and_valid() {
        let (one, other) = (DevKeys::random(Rng), DevKeys::random(Rng));
        assert_ne!(one.app_secret.expose_secret(), other.app_secret.expose_secret());
        let text = format!(
            "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"a\"\nhs256_secrets = [\"{}\"]\nserver_keys = [\"{}\"]\n",
            one.app_secret.expose_secret(),
            one.server_key.expose_secret()
        );
        Config::parse(std::path::Path::new("f.toml"), &text).unwrap();
    }
}
