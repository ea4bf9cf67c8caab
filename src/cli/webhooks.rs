//! `webhooks list|list-dead|replay`.

use clap::{Args, Subcommand};
use serde_json::Value;
use stagedoor_proto::Ref;

use super::api::{Api, Call};
use super::connection::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::limit::Limit;
use super::moderation::IdempotencyOption;
use super::printer::Printer;
use super::table::Column;
use crate::api_body::{EmptyBody, ReplayAll};

const ENDPOINTS: &[Column] = &[
    Column::plain("endpoint", "/id"),
    Column::plain("host", "/host"),
    Column::plain("state", "/state"),
    Column::plain("pending", "/pending"),
    Column::plain("dead", "/dead"),
    Column::plain("delivered", "/delivered"),
    Column::plain("failed", "/failed"),
    Column::time("last delivered", "/last_delivered_ms"),
    Column::plain("last error", "/last_error"),
];
const LETTERS: &[Column] = &[
    Column::plain("number", "/number"),
    Column::time("time", "/at_ms"),
    Column::plain("endpoint", "/endpoint"),
    Column::plain("type", "/type"),
    Column::plain("attempts", "/attempts"),
    Column::plain("error", "/error"),
];

#[derive(Debug, Args)]
pub(super) struct Webhooks {
    #[command(subcommand)]
    command: WebhooksCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// List webhook endpoints and their health.
    List,
    /// List dead letters, oldest first; --json includes the message bodies.
    ListDead {
        #[command(flatten)]
        limit: Limit,
    },
    /// Replay dead letters.
    Replay(Replay),
}

#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    target: ReplayTarget,
    #[command(flatten)]
    idempotency: IdempotencyOption,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ReplayTarget {
    /// Number of one dead letter.
    number: Option<u64>,
    /// Replay all dead letters of this endpoint.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
}

impl Webhooks {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        connection.run(|api, printer| match command {
            WebhooksCommand::List => {
                let mut answer = api.call(Call::get(&["webhooks"]))?;
                let endpoints = match answer["endpoints"].take() {
                    Value::Array(endpoints) => endpoints,
                    _ => Vec::new(),
                };
                printer.list("webhook endpoints", ENDPOINTS, (endpoints, false))
            }
            WebhooksCommand::ListDead { limit } => {
                let letters = api.list(limit.rows, || Call::get(&["webhooks", "dead-letters"]))?;
                printer.list("dead letters", LETTERS, letters)
            }
            WebhooksCommand::Replay(Replay { target, idempotency }) => {
                target.replay(idempotency.ref_.as_ref(), api, printer)
            }
        })
    }
}

impl ReplayTarget {
    fn replay(&self, ref_: Option<&Ref>, api: &Api, printer: &mut Printer) -> Result<(), Failure> {
        let number = self.number.map(|number| number.to_string());
        let call = match (&number, &self.endpoint) {
            (Some(number), _) => {
                let path = ["webhooks", "dead-letters", number, "replay"];
                Call::post(&path, &EmptyBody::default())
            }
            (None, endpoint) => {
                let endpoint = endpoint.clone().expect("one of the two is required");
                let body = ReplayAll { endpoint, ref_: None };
                Call::post(&["webhooks", "dead-letters", "replay"], &body)
            }
        };
        let answer = api.call(call.with_ref(ref_))?;
        let count = answer["replayed"].as_u64().unwrap_or(0);
        let messages = if count == 1 { "message" } else { "messages" };
        printer.sentence(&answer, &format!("{count} {messages} queued for delivery"))
    }
}
