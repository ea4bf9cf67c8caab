//! The `start` that a load tester sends.

use stagedoor_proto::{ClientInfo, ClientMessage, Command, Credentials, Request, Start};

use crate::token::Minter;

/// Makes starts in one app, as guests or with session tokens.
pub(crate) struct Starts {
    app: String,
    minter: Option<Minter>,
}

impl Starts {
    /// With `token_secret`, each start carries a token; without, it is a guest's.
    pub(crate) fn new(app: &str, token_secret: Option<&str>) -> Self {
        let minter = token_secret.map(|secret| Minter::new(app, secret));
        Self { app: app.to_owned(), minter }
    }

    /// The start of the user `name` on the instance of the same name.
    pub(crate) fn message(&self, name: &str) -> anyhow::Result<ClientMessage> {
        let credentials = match &self.minter {
            Some(minter) => Credentials::Token(minter.session(name).parse()?),
            None => Credentials::Guest {},
        };
        self.with(name, credentials)
    }

    /// The same with other credentials.
    pub(crate) fn with(
        &self,
        name: &str,
        credentials: Credentials,
    ) -> anyhow::Result<ClientMessage> {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let start = Start {
            app: self.app.clone(),
            username: Some(name.parse()?),
            instance: name.parse()?,
            credentials,
            client: Some(ClientInfo { name: "loadtest".to_owned(), version }),
            previous: None,
        };
        Ok(ClientMessage::Request(Request { id: 1, command: Command::Start(Box::new(start)) }))
    }
}
