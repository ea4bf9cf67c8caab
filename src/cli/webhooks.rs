//! `webhooks list|dead|replay`: how the app's endpoints fare, and what could not be delivered to them.

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
/// Said in place of a list where the app has nobody to tell anything.
const NO_ENDPOINT: &str = "the app has no endpoint that is told of events";
const LETTERS: &[Column] = &[
    Column::plain("number", "/number"),
    Column::time("time", "/at_ms"),
    Column::plain("endpoint", "/endpoint"),
    Column::plain("type", "/type"),
    Column::plain("attempts", "/attempts"),
    Column::plain("error", "/error"),
];

/// Looks at webhooks, and tries again what could not be delivered.
#[derive(Debug, Args)]
pub(super) struct Webhooks {
    #[command(subcommand)]
    command: WebhooksCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum WebhooksCommand {
    /// Show how the endpoints of the app fare.
    List,
    /// List what could not be delivered, oldest first; with --json, what was to be delivered too.
    Dead {
        #[command(flatten)]
        limit: Limit,
    },
    /// Try what could not be delivered again, as if it were new.
    Replay(Replay),
}

#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    target: ReplayTarget,
    #[command(flatten)]
    once: IdempotencyOption,
}

/// What is tried again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ReplayTarget {
    /// One message, by its number.
    number: Option<u64>,
    /// All of an endpoint.
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
}

impl Webhooks {
    pub(super) fn run(self) -> Exit {
        let Self { command, connection } = self;
        connection.run(|api, printer| match command {
            WebhooksCommand::List => {
                let mut answer = api.ask(Call::get(&["webhooks"]))?;
                let endpoints = match answer["endpoints"].take() {
                    Value::Array(endpoints) => endpoints,
                    _ => Vec::new(),
                };
                if endpoints.is_empty() {
                    return printer.nothing(NO_ENDPOINT);
                }
                printer.list(ENDPOINTS, (endpoints, false))
            }
            WebhooksCommand::Dead { limit } => {
                let letters = api.list(limit.rows, || Call::get(&["webhooks", "dead-letters"]))?;
                printer.list(LETTERS, letters)
            }
            WebhooksCommand::Replay(Replay { target, once }) => {
                target.replay(once.ref_.as_ref(), api, printer)
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
        let answer = api.ask(call.once(ref_))?;
        let count = answer["replayed"].as_u64().unwrap_or(0);
        let messages = if count == 1 { "message is" } else { "messages are" };
        printer.sentence(&answer, &format!("{count} {messages} tried again"))
    }
}
