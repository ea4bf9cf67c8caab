//! `tokens mint` and `tokens revoke-all`.
//!
//! A token is signed offline with an app's secret, or minted by a gateway. Only the token is printed to stdout, so that
//! it can be piped. The gateway does not store it: it can only be revoked together with all tokens of its user.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use stagedoor_proto::{InstanceId, LayoutClasses, Role, RoomId, Secret, Timestamp, Username};

use super::api::Call;
use super::arguments::{duration, millis, role};
use super::connection::Connection;
use super::exit::Exit;
use super::output::{print, print_error};
use super::revoke_all::RevokeAll;
use super::secret_file;
use super::variables::{self, variable};
use crate::auth::DEFAULT_ACCESS_TTL;
use crate::auth::keys::{AppKey, InvalidKey};
use crate::auth::token::{AppTokens, MAX_SERVER_TOKEN_LIFETIME, MintError};
use crate::auth::token::{RoomClaims, ServerClaims, SessionClaims};
use crate::clock::{Clock, Rng};
use crate::config::{Config, ConfigErrors, DEV_APP};
use crate::grant::{Grant, RoomPattern, Scopes};

/// Default lifetime of a session token.
const SESSION_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// Lifetime of the moderator token that development mode prints.
const MODERATOR_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

#[derive(Debug, Args)]
pub(super) struct Tokens {
    #[command(subcommand)]
    command: TokensCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Mint a token: offline with an app secret, or through the server API with a server key.
    #[command(subcommand, after_help = MINT_HELP)]
    Mint(Mint),
    /// Revoke all tokens of the app, and end its sessions.
    RevokeAll(RevokeAll),
}

const SECRET_FILE_HELP: &str = "Sign offline with the secret in this file, `-` for standard input [env: \
                                STAGEDOOR_APP_SECRET, the secret]";

const MINT_HELP: &str = "\
A token is signed offline with --secret-file, --config or STAGEDOOR_APP_SECRET. Without them, or with an option about a
gateway, the gateway mints it; that takes a server key.";

#[derive(Debug, Subcommand)]
enum Mint {
    /// Mint a token that starts a session.
    #[command(after_help = MINT_HELP)]
    Session(SessionToken),
    /// Mint a token that joins a room.
    #[command(after_help = MINT_HELP)]
    Room(RoomToken),
    /// Mint a token for the server API.
    #[command(after_help = MINT_HELP)]
    Server(ServerToken),
}

/// The key and lifetime of a token.
#[derive(Debug, Args)]
struct Signing {
    #[arg(long, value_name = "FILE", help = SECRET_FILE_HELP, conflicts_with_all = ["config", "url", "key_file", "ca_file"])]
    secret_file: Option<PathBuf>,
    /// Sign offline with the secret in this configuration file. Default for --app: its only app.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["url", "key_file", "ca_file"])]
    config: Option<PathBuf>,
    /// How long the token can be used: `30s`, `5m`, `24h`, `30d`.
    #[arg(long, value_parser = duration)]
    ttl: Option<Duration>,
}

/// What signs a token.
enum SigningSource {
    Secret(SecretString),
    Config(PathBuf),
    /// The gateway, through its server API.
    Gateway,
}

#[derive(Debug, Args)]
pub(super) struct SessionToken {
    #[command(flatten)]
    signing: Signing,
    /// Username.
    user: Username,
    /// Bind the token to this client instance.
    #[arg(long)]
    instance: Option<InstanceId>,
    /// Display name.
    #[arg(long)]
    name: Option<String>,
    /// How long the session lasts. Default: `access_ttl` of the app, with a secret alone 30d.
    #[arg(long, value_parser = session_ttl)]
    session_ttl: Option<NonZeroU64>,
    /// Room id or prefix with `*`, and the role there: `lobby-*=publisher`.
    #[arg(long = "room", value_name = "PATTERN=ROLE", value_parser = room_grant)]
    rooms: Vec<(RoomPattern, Role)>,
    /// Scope. Default: all scopes of the role.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// Allow the user to remove users from the whole app.
    #[arg(long)]
    app_moderator: bool,
}

#[derive(Debug, Args)]
pub(super) struct RoomToken {
    #[command(flatten)]
    signing: Signing,
    /// Room id.
    room: RoomId,
    /// Role in the room. Default: the app's default role.
    #[arg(long, value_parser = role)]
    role: Option<Role>,
    /// Bind the token to this user.
    #[arg(long)]
    user: Option<Username>,
    /// Connection data, visible to all participants.
    #[arg(long)]
    data: Option<String>,
    /// Single use: only one session can redeem the token.
    #[arg(long)]
    once: bool,
    /// Allow the user to remove users from the whole app.
    #[arg(long)]
    app_moderator: bool,
}

#[derive(Debug, Args)]
pub(super) struct ServerToken {
    #[command(flatten)]
    signing: Signing,
    /// Name of the caller in the audit log.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("{file}: no app {app:?}; expected one of: {known}")]
    UnknownApp { file: String, app: String, known: String },
    #[error("{file}: more than one app; name one with --app: {known}")]
    WhichApp { file: String, known: String },
    #[error(
        "no secret and no key given: set --secret-file, --config or STAGEDOOR_APP_SECRET to sign offline, or a server \
         key with --key-file or STAGEDOOR_SERVER_KEY to mint through the server API"
    )]
    NoSecret,
    #[error("{0}")]
    SecretFile(String),
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl Tokens {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        match command {
            TokensCommand::Mint(mint) => mint.run(&connection),
            TokensCommand::RevokeAll(revoke) => revoke.run(&connection),
        }
    }
}

impl Mint {
    fn run(self, connection: &Connection) -> Exit {
        let minted = match self.signing().source(connection) {
            Ok(SigningSource::Gateway) => return self.request(connection),
            Ok(source) => self.mint(&source, connection.named_app().as_deref(), Clock::system()),
            Err(error) => Err(error),
        };
        match minted {
            Ok(token) if connection.is_json() => {
                print(&format!("{}\n", json!({ "token": token.as_str() })))
            }
            Ok(token) => print(&format!("{}\n", token.as_str())),
            Err(error) => {
                print_error(&error);
                Exit::UsageError
            }
        }
    }

    const fn signing(&self) -> &Signing {
        match self {
            Self::Session(SessionToken { signing, .. })
            | Self::Room(RoomToken { signing, .. })
            | Self::Server(ServerToken { signing, .. }) => signing,
        }
    }

    /// Signs the token.
    fn mint(
        self,
        source: &SigningSource,
        app: Option<&str>,
        clock: Clock,
    ) -> Result<Secret, TokenError> {
        let signer = Signer::new(source, app, clock)?;
        let token = match self {
            Self::Session(SessionToken {
                signing,
                user,
                instance,
                name,
                session_ttl,
                rooms,
                scopes,
                app_moderator,
            }) => {
                let scopes = (!scopes.is_empty()).then(|| scopes.into_iter().collect::<Scopes>());
                let grant = Grant { rooms, scopes, app_moderator };
                let ttl_s = session_ttl.or_else(|| seconds(signer.access_ttl));
                let claims = SessionClaims { sub: user, instance, name, grant, ttl_s };
                let ttl = signing.ttl.unwrap_or(SESSION_TOKEN_LIFETIME);
                signer.tokens.mint_session(&claims, ttl)?
            }
            Self::Room(RoomToken { signing, room, role, user, data, once, app_moderator }) => {
                let jti = once.then(token_id);
                let layout_classes = LayoutClasses::default();
                let claims =
                    RoomClaims { room, role, sub: user, data, jti, layout_classes, app_moderator };
                signer.tokens.mint_room(&claims, signing.ttl)?
            }
            Self::Server(ServerToken { signing, name }) => {
                let ttl = signing.ttl.unwrap_or(MAX_SERVER_TOKEN_LIFETIME);
                signer.tokens.mint_server(&ServerClaims { sub: name }, ttl)?
            }
        };
        Ok(token)
    }

    /// Lets the gateway mint the token.
    fn request(&self, connection: &Connection) -> Exit {
        let (path, body) = self.call();
        connection.run(|api, printer| {
            let answer = api.call(Call::post(path, &body))?;
            let token = answer["token"].as_str().unwrap_or_default().to_owned();
            printer.sentence(&answer, &token)
        })
    }

    /// The path and body of the call that mints the token. Absent options are left to the gateway.
    fn call(&self) -> (&'static [&'static str], Map<String, Value>) {
        let (path, mut body): (&'static [&'static str], Value) = match self {
            Self::Session(SessionToken {
                signing: _,
                user,
                instance,
                name,
                session_ttl,
                rooms,
                scopes,
                app_moderator,
            }) => {
                let rooms: Map<String, Value> = rooms
                    .iter()
                    .map(|(room, role)| (String::from(room.clone()), json!(role)))
                    .collect();
                let body = json!({
                    "username": user, "instance": instance, "name": name, "rooms": rooms, "ttl_s": session_ttl,
                    "scopes": (!scopes.is_empty()).then_some(scopes), "app_moderator": app_moderator,
                });
                (&["sessions"], body)
            }
            Self::Room(RoomToken { signing: _, room, role, user, data, once, app_moderator }) => {
                let body = json!({
                    "room": room, "role": role, "username": user, "data": data, "jti": once.then(token_id),
                    "app_moderator": app_moderator,
                });
                (&["tokens", "room"], body)
            }
            Self::Server(ServerToken { signing: _, name }) => {
                (&["tokens", "server"], json!({ "name": name }))
            }
        };
        body["for_ms"] = json!(self.signing().ttl.map(millis));
        let Value::Object(mut fields) = body else { unreachable!("each is an object") };
        fields.retain(|_, value| !value.is_null());
        (path, fields)
    }
}

/// The tokens of an app, and how long its sessions last by default.
struct Signer {
    tokens: AppTokens,
    access_ttl: Duration,
}

impl Signing {
    /// What signs the token. Arguments go before variables.
    fn source(&self, connection: &Connection) -> Result<SigningSource, TokenError> {
        if let Some(file) = &self.secret_file {
            let secret = secret_file::read(file).map_err(TokenError::SecretFile)?;
            return Ok(SigningSource::Secret(secret));
        }
        if let Some(file) = &self.config {
            return Ok(SigningSource::Config(file.clone()));
        }
        match variable(variables::APP_SECRET) {
            _ if connection.is_explicit() => Ok(SigningSource::Gateway),
            Some(secret) => Ok(SigningSource::Secret(secret.into())),
            None if connection.has_key() => Ok(SigningSource::Gateway),
            None => Err(TokenError::NoSecret),
        }
    }
}

impl Signer {
    fn new(source: &SigningSource, app: Option<&str>, clock: Clock) -> Result<Self, TokenError> {
        let path = match source {
            SigningSource::Secret(secret) => {
                let tokens = tokens(app.unwrap_or(DEV_APP), secret, None, clock)?;
                return Ok(Self { tokens, access_ttl: DEFAULT_ACCESS_TTL });
            }
            SigningSource::Config(path) => path,
            SigningSource::Gateway => unreachable!("a gateway signs by itself"),
        };
        let config = Config::load(path)?;
        let file = path.display().to_string();
        let known = || config.apps.iter().map(|app| &*app.id).collect::<Vec<_>>().join(", ");
        let app = match (app, config.apps.as_slice()) {
            (None, [app]) => app,
            (None, _) => return Err(TokenError::WhichApp { file, known: known() }),
            (Some(id), _) => config.app(id).ok_or_else(|| TokenError::UnknownApp {
                file,
                app: id.to_owned(),
                known: known(),
            })?,
        };
        let first = app.hs256_secrets.first().ok_or(MintError::NoSecret)?;
        let tokens = tokens(&app.id, &first.secret, first.kid.as_deref(), clock)?;
        Ok(Self { tokens, access_ttl: app.access_ttl })
    }
}

/// A new id of a token that can be used once.
fn token_id() -> String {
    format!("{:032x}", Rng.bits())
}

/// A session token, issued at `now`, for user `moderator` with that role in every room of development mode's app.
pub(super) fn moderator(secret: &SecretString, now: Timestamp) -> Result<String, TokenError> {
    let everywhere = RoomPattern::try_from("*".to_owned()).expect("`*` is a pattern");
    let grant =
        Grant { rooms: vec![(everywhere, Role::Moderator)], scopes: None, app_moderator: true };
    let sub = "moderator".parse().expect("it is a username");
    let ttl_s = seconds(MODERATOR_TOKEN_LIFETIME);
    let claims = SessionClaims { sub, instance: None, name: None, grant, ttl_s };
    let tokens = tokens(DEV_APP, secret, None, Clock::manual(now))?;
    Ok(tokens.mint_session(&claims, MODERATOR_TOKEN_LIFETIME)?.as_str().to_owned())
}

fn tokens(
    app: &str,
    secret: &SecretString,
    kid: Option<&str>,
    clock: Clock,
) -> Result<AppTokens, InvalidKey> {
    // An app's only key without a `kid` has the app's id as its key id.
    let key = AppKey::hs256(app, kid, secret)?;
    Ok(AppTokens::new(app.into(), [key].into(), clock))
}

/// Whole seconds, as `ttl_s` takes them.
const fn seconds(duration: Duration) -> Option<NonZeroU64> {
    NonZeroU64::new(duration.as_secs())
}

fn session_ttl(text: &str) -> Result<NonZeroU64, String> {
    seconds(duration(text)?).ok_or_else(|| "expected at least 1s".to_owned())
}

fn room_grant(text: &str) -> Result<(RoomPattern, Role), String> {
    let (pattern, name) = text.rsplit_once('=').ok_or("expected PATTERN=ROLE")?;
    let pattern = RoomPattern::try_from(pattern.to_owned()).map_err(|error| error.to_string())?;
    Ok((pattern, role(name)?))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn clock() -> Clock {
        Clock::manual(Timestamp::from_secs(1_000_000))
    }

    fn mint(arguments: &[&str]) -> Result<Secret, TokenError> {
        let cli = Cli::try_parse_from([&["stagedoor", "tokens", "mint"], arguments].concat());
        let Some(Command::Tokens(tokens)) = cli.unwrap().command else { panic!("not tokens") };
        let Tokens { command: TokensCommand::Mint(mint), connection } = tokens else {
            panic!("not mint");
        };
        let source = match mint.signing().source(&connection)? {
            SigningSource::Gateway => panic!("it is signed offline"),
            source => source,
        };
        mint.mint(&source, connection.named_app().as_deref(), clock())
    }

    /// A file with the secret.
    fn secret() -> (tempfile::NamedTempFile, String) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{SECRET}").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        (file, path)
    }

    fn reader(app: &str) -> AppTokens {
        tokens(app, &SECRET.into(), None, clock()).unwrap()
    }

    #[test]
    fn a_session_token_says_what_was_asked() {
        let (_file, secret) = secret();
        let token = mint(&[
            "session",
            "ada",
            "--secret-file",
            &secret,
            "--room",
            "lobby-*=publisher",
            "--scope",
            "join",
            "--ttl",
            "5m",
        ]);
        let read = reader(DEV_APP).read_session(token.unwrap().as_str()).unwrap();
        assert_eq!(read.claims.sub.as_str(), "ada");
        assert_eq!(read.claims.grant.role_in(&"lobby-7".parse().unwrap()), Some(Role::Publisher));
        assert_eq!(read.claims.grant.scopes, Some(["join"].into_iter().collect()));
        assert_eq!(read.expires, clock().wall() + Duration::from_mins(5));
        assert_eq!(read.claims.ttl_s, seconds(DEFAULT_ACCESS_TTL));
    }

    #[test]
    fn session_token_says_how_long_the_session_lasts() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(
            file,
            "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"demo\"\naccess_ttl = \"2h\"\nhs256_secrets = [\"{SECRET}\"]\n"
        )
        .unwrap();
        let path = file.path().to_str().unwrap();
        for (more, expected) in [(&[][..], 7_200), (&["--session-ttl", "90s"], 90)] {
            let session = ["session", "ada", "--config", path, "--ttl", "1m"];
            let token = mint(&[&session[..], more].concat()).unwrap();
            let read = reader(DEV_APP).read_session(token.as_str()).unwrap();
            assert_eq!(read.claims.ttl_s.map(NonZeroU64::get), Some(expected));
            assert_eq!(read.expires, clock().wall() + Duration::from_mins(1));
        }
    }

    #[test]
    fn a_room_token_says_what_was_asked() {
        let (_file, secret) = secret();
        let token = mint(&[
            "room",
            "lobby",
            "--app",
            "shop",
            "--secret-file",
            &secret,
            "--role",
            "moderator",
            "--user",
            "ada",
            "--data",
            "hi",
            "--once",
        ]);
        let ada = "ada".parse().unwrap();
        let read = reader("shop")
            .read_room(token.unwrap().as_str(), &"lobby".parse().unwrap(), &ada)
            .unwrap();
        assert_eq!(
            (read.claims.role, read.claims.data.as_deref()),
            (Some(Role::Moderator), Some("hi"))
        );
        assert!(read.claims.jti.is_some());
    }

    #[test]
    fn server_token_uses_the_secret_and_lives_one_hour_at_most() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "[store.sqlite]\npath = \"f\"\n[[apps]]\nid = \"shop\"\nhs256_secrets = [\"{SECRET}\"]\n").unwrap();
        let path = file.path().to_str().unwrap();
        let token = mint(&["server", "--config", path]).unwrap();
        reader("shop").read_server(token.as_str()).unwrap();
        let error = mint(&["server", "--config", path, "--ttl", "2h"]).unwrap_err();
        assert!(matches!(error, TokenError::Mint(MintError::TooLongLived { .. })), "{error}");
        let error = mint(&["server", "--config", path, "--app", "demo"]).unwrap_err().to_string();
        assert!(error.ends_with("no app \"demo\"; expected one of: shop"), "{error}");
    }

    #[test]
    fn call_has_only_the_options_that_are_given() {
        let call = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["stagedoor", "tokens", "mint"], arguments].concat());
            let Some(Command::Tokens(tokens)) = cli.unwrap().command else { panic!("not tokens") };
            let TokensCommand::Mint(mint) = tokens.command else { panic!("not mint") };
            let (path, body) = mint.call();
            (path.join("/"), Value::Object(body))
        };
        let (path, body) = call(&["session", "ada", "--room", "lobby-*=publisher", "--ttl", "5m"]);
        let rooms = json!({ "lobby-*": "publisher" });
        let expected =
            json!({ "username": "ada", "rooms": rooms, "app_moderator": false, "for_ms": 300_000 });
        assert_eq!((&*path, body), ("sessions", expected));
        let (path, body) = call(&["room", "lobby", "--role", "moderator", "--once"]);
        assert!(path == "tokens/room" && body["jti"].as_str().is_some_and(|id| id.len() == 32));
        let (path, body) = call(&["server", "--name", "billing"]);
        assert_eq!((&*path, body), ("tokens/server", json!({ "name": "billing" })));
    }

    #[test]
    fn the_moderator_of_development_mode_moderates_everywhere() {
        let token = moderator(&SECRET.into(), clock().wall()).unwrap();
        let grant = reader(DEV_APP).read_session(&token).unwrap().claims.grant;
        assert_eq!(grant.role_in(&"any".parse().unwrap()), Some(Role::Moderator));
        assert!(grant.app_moderator);
    }

    #[test]
    fn invalid_arguments_are_rejected() {
        let session = ["stagedoor", "tokens", "mint", "session"];
        for more in [
            &[][..],
            &[""],
            &["ada", "--secret", SECRET],
            &["ada", "--secret-file", "a", "--config", "b"],
            &["ada", "--secret-file", "a", "--url", "http://127.0.0.1:7081"],
            &["ada", "--room", "lobby"],
            &["ada", "--room", "a=king"],
            &["ada", "--ttl", "5"],
            &["ada", "--session-ttl", "10ms"],
        ] {
            assert!(Cli::try_parse_from([&session[..], more].concat()).is_err(), "{more:?}");
        }
    }
}
