//! `token session|room|server`: mints a token offline with an app's secret.
//!
//! Only the token is printed to stdout, so that it can be piped. The gateway does not know the token: it can only be
//! revoked together with all tokens of its user.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use stagedoor_proto::{
    InstanceId, LayoutClasses, MAX_DURATION_MS, Role, RoomId, Secret, Timestamp, Username,
};

use super::exit::Exit;
use super::output::{print, print_error};
use crate::auth::DEFAULT_ACCESS_TTL;
use crate::auth::keys::{AppKey, InvalidKey};
use crate::auth::token::{AppTokens, MAX_SERVER_TOKEN_LIFETIME, MintError};
use crate::auth::token::{RoomClaims, ServerClaims, SessionClaims};
use crate::clock::{Clock, Rng};
use crate::config::{Config, ConfigErrors, DEV_APP, format_duration, parse_duration};
use crate::grant::{Grant, RoomPattern, Scopes};

/// Default lifetime of a session token.
const SESSION_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// Lifetime of the moderator token that development mode prints.
const MODERATOR_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Mint a token that starts a session.
    Session(SessionToken),
    /// Mint a token that joins a room.
    Room(RoomToken),
    /// Mint a token for the server API.
    Server(ServerToken),
}

/// The app, key and lifetime of a token.
#[derive(Debug, Args)]
struct Signing {
    /// App id. Default: the only app of the configuration.
    #[arg(long)]
    app: Option<String>,
    /// App secret. Development mode prints the secret of `demo` at startup.
    #[arg(
        long,
        env = "STAGEDOOR_APP_SECRET",
        hide_env_values = true,
        // One in 64 generated secrets begins with a hyphen.
        allow_hyphen_values = true,
        required_unless_present = "config"
    )]
    secret: Option<SecretString>,
    /// Configuration file with the secret.
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    config: Option<PathBuf>,
    /// How long the token can be used: `30s`, `5m`, `24h`, `30d`.
    #[arg(long, value_parser = duration)]
    ttl: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct SessionToken {
    #[command(flatten)]
    signing: Signing,
    /// Username.
    #[arg(long)]
    user: Username,
    /// Bind the token to this client instance.
    #[arg(long)]
    instance: Option<InstanceId>,
    /// Display name.
    #[arg(long)]
    name: Option<String>,
    /// How long the session lasts. Default: `access_ttl` of the app, without --config 30d.
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
    #[arg(long)]
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
    user: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error("{file}: no app {app:?}; expected one of: {known}")]
    UnknownApp { file: String, app: String, known: String },
    #[error("{file}: more than one app; name one with --app: {known}")]
    WhichApp { file: String, known: String },
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl Token {
    pub(super) fn run(self) -> Exit {
        match self.mint(Clock::system()) {
            Ok(token) => print(&format!("{}\n", token.as_str())),
            Err(error) => {
                print_error(&error);
                Exit::UsageError
            }
        }
    }

    fn mint(self, clock: Clock) -> Result<Secret, TokenError> {
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
                let signer = signing.signer(clock)?;
                let ttl_s = session_ttl.or_else(|| seconds(signer.access_ttl));
                let claims = SessionClaims { sub: user, instance, name, grant, ttl_s };
                let ttl = signing.ttl.unwrap_or(SESSION_TOKEN_LIFETIME);
                signer.tokens.mint_session(&claims, ttl)?
            }
            Self::Room(RoomToken { signing, room, role, user, data, once, app_moderator }) => {
                let jti = once.then(|| format!("{:032x}", Rng.bits()));
                let layout_classes = LayoutClasses::default();
                let claims =
                    RoomClaims { room, role, sub: user, data, jti, layout_classes, app_moderator };
                signing.signer(clock)?.tokens.mint_room(&claims, signing.ttl)?
            }
            Self::Server(ServerToken { signing, user }) => {
                let ttl = signing.ttl.unwrap_or(MAX_SERVER_TOKEN_LIFETIME);
                signing.signer(clock)?.tokens.mint_server(&ServerClaims { sub: user }, ttl)?
            }
        };
        Ok(token)
    }
}

/// The tokens of an app, and how long its sessions last by default.
struct Signer {
    tokens: AppTokens,
    access_ttl: Duration,
}

impl Signing {
    fn signer(&self, clock: Clock) -> Result<Signer, TokenError> {
        let Some(path) = &self.config else {
            let secret = self.secret.as_ref().expect("clap requires one of --secret and --config");
            let tokens = tokens(self.app.as_deref().unwrap_or(DEV_APP), secret, None, clock)?;
            return Ok(Signer { tokens, access_ttl: DEFAULT_ACCESS_TTL });
        };
        let config = Config::load(path)?;
        let file = path.display().to_string();
        let known = || config.apps.iter().map(|app| &*app.id).collect::<Vec<_>>().join(", ");
        let app = match (&self.app, config.apps.as_slice()) {
            (None, [app]) => app,
            (None, _) => return Err(TokenError::WhichApp { file, known: known() }),
            (Some(id), _) => config.app(id).ok_or_else(|| TokenError::UnknownApp {
                file,
                app: id.clone(),
                known: known(),
            })?,
        };
        let first = app.hs256_secrets.first().ok_or(MintError::NoSecret)?;
        let tokens = tokens(&app.id, &first.secret, first.kid.as_deref(), clock)?;
        Ok(Signer { tokens, access_ttl: app.access_ttl })
    }
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

/// Milliseconds as the server API takes them.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Parses a duration argument.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).ok_or("expected a duration such as 30s, 5m, 24h or 30d")?;
    let most = Duration::from_millis(MAX_DURATION_MS);
    if duration > most {
        return Err(format!("expected at most {}", format_duration(most)));
    }
    Ok(duration)
}

fn role(text: &str) -> Result<Role, String> {
    let role = Role::deserialize(text.into_deserializer());
    role.map_err(|error: serde::de::value::Error| error.to_string())
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
        let cli = Cli::try_parse_from([&["stagedoor", "token"], arguments].concat()).unwrap();
        match cli.command {
            Some(Command::Token(token)) => token.mint(clock()),
            other => panic!("{other:?} is not token"),
        }
    }

    fn reader(app: &str) -> AppTokens {
        tokens(app, &SECRET.into(), None, clock()).unwrap()
    }

    #[test]
    fn a_session_token_says_what_was_asked() {
        let token = mint(&[
            "session",
            "--secret",
            SECRET,
            "--user",
            "ada",
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
            let session = ["session", "--config", path, "--user", "ada", "--ttl", "1m"];
            let token = mint(&[&session[..], more].concat()).unwrap();
            let read = reader(DEV_APP).read_session(token.as_str()).unwrap();
            assert_eq!(read.claims.ttl_s.map(NonZeroU64::get), Some(expected));
            assert_eq!(read.expires, clock().wall() + Duration::from_mins(1));
        }
    }

    #[test]
    fn a_room_token_says_what_was_asked() {
        let token = mint(&[
            "room",
            "--app",
            "shop",
            "--secret",
            SECRET,
            "--room",
            "lobby",
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
    fn the_moderator_of_development_mode_moderates_everywhere() {
        let token = moderator(&SECRET.into(), clock().wall()).unwrap();
        let grant = reader(DEV_APP).read_session(&token).unwrap().claims.grant;
        assert_eq!(grant.role_in(&"any".parse().unwrap()), Some(Role::Moderator));
        assert!(grant.app_moderator);
    }

    #[test]
    fn invalid_arguments_are_rejected() {
        let session = ["stagedoor", "token", "session", "--secret", SECRET, "--user"];
        for more in [
            &[""][..],
            &["ada", "--room", "lobby"],
            &["ada", "--room", "a=king"],
            &["ada", "--ttl", "5"],
            &["ada", "--session-ttl", "10ms"],
        ] {
            assert!(Cli::try_parse_from([&session[..], more].concat()).is_err(), "{more:?}");
        }
    }
}
