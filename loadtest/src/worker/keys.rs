//! What a client keeps to come back: the session's id, its newest resume secret, its access token.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::frame::{TEXT, client_frame};

/// A session's keys.
pub(crate) struct Keys {
    session: String,
    secret: String,
    pub(crate) access_token: String,
}

impl Keys {
    /// Reads them from the answer to a start.
    pub(crate) fn of_start(answer: &[u8]) -> anyhow::Result<Self> {
        let answer: Value = serde_json::from_slice(answer)?;
        let started = &answer["ok"]["started"];
        Ok(Self {
            session: text(&started["session"]["id"])?,
            secret: text(&started["resume"]["secret"])?,
            access_token: text(&started["access_token"])?,
        })
    }

    /// Takes the new ones from the answer to a resume.
    ///
    /// A server that resumes nothing, as the floor, answers as to a start; then they are as they were.
    pub(crate) fn renew(&mut self, answer: &[u8]) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_slice(answer)?;
        if let Some(resumed) = answer["ok"].get("resumed") {
            self.secret = text(&resumed["resume"]["secret"])?;
        }
        Ok(())
    }

    /// The frame that takes the session up again.
    pub(crate) fn resume(&self, last_seq: u64) -> Vec<u8> {
        let resume =
            json!({ "session": self.session, "secret": self.secret, "last_seq": last_seq });
        client_frame(TEXT, json!({ "id": 1, "resume": resume }).to_string().as_bytes())
    }
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("the answer to a start or resume lacks a key")
}
