//! Reconnection after a lost connection: wait, dial, resume or start again, until it succeeds or is rejected for good.
//!
//! Invariants: [`Event::Suspended`] precedes the first attempt, and a counterpart follows the last. A slot for the
//! counterpart is reserved before dialling, so a program that reads no events delays reconnection and loses no event.
//! Meanwhile the task accepts requests and `detach`.

use std::time::Duration;

use stagedoor_proto::{Command, Credentials, ErrorCode, Reply, Resume, Resumed, Start, Started};
use tokio::sync::mpsc::OwnedPermit;
use tokio::time::{Instant, sleep_until};

use crate::connection_state::ConnectionSnapshot;
use crate::handshake::Opened;
use crate::link::Link;
use crate::liveness::liveness_timeout;
use crate::random::random;
use crate::reconnect::{Next, Wait};
use crate::ticket::Ticket;
use crate::{ConnectError, Disconnected, Ending, Event};

/// The kind of attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// Resume the session.
    Resume,
    /// Start a session with the access token of the previous one.
    StartByToken,
    /// Start a session with the credentials of the program.
    Start,
}

/// Why the last connection or attempt failed.
enum ReconnectReason {
    End(Disconnected),
    Error(ConnectError),
}

impl Link {
    /// Reconnects after `end` of a connection that lasted for `lived`, or returns why that is impossible.
    pub(crate) async fn reconnect(
        &mut self,
        end: Disconnected,
        lived: Duration,
    ) -> Result<Opened, Ending> {
        let mut next = Next::after_end(&end);
        // A connection that is lost after the reply to `end` is not needed any more.
        let is_wanted = next != Next::End && !self.shared.lock().is_ended();
        let Some(backoff) = self.backoff.as_mut().filter(|_| is_wanted) else {
            return Err(Ending::Disconnected(end));
        };
        backoff.record_uptime(lived);
        let mut attempt = Attempt::Resume;
        let mut wait = self.wait(next);
        let last_end = Some(end.clone());
        self.shared.update_connection(|connection| connection.last_end = last_end);
        self.shared
            .update_connection(|connection| connection.wait((Instant::now() + wait).into_std()));
        let slot = self.emit_suspended(&end, wait).await?;
        let mut why = ReconnectReason::End(end);
        loop {
            match next {
                Next::End => return Err(why.into()),
                Next::Start(_) if self.start.is_none() => return Err(why.into()),
                Next::Reauth(_) if self.provider.is_none() => {
                    return Err(Ending::unauthenticated(why.into()));
                }
                Next::Again(_) | Next::Start(_) | Next::Reauth(_) => {}
            }
            let due = Instant::now() + wait;
            self.shared.update_connection(|connection| connection.wait(due.into_std()));
            self.until_detached(sleep_until(due)).await?;
            match next {
                Next::Start(_) => attempt = Attempt::StartByToken,
                // After the wait: the gateway would reject credentials that are issued earlier, too.
                Next::Reauth(_) => {
                    self.ask_for_credentials(why).await?;
                    attempt = Attempt::Start;
                }
                Next::Again(_) | Next::End => {}
            }
            self.shared.update_connection(ConnectionSnapshot::begin_attempt);
            let error = match self.attempt_once(&mut attempt).await? {
                Ok(opened) => match self.accept(&opened, slot) {
                    Ok(()) => return Ok(opened),
                    Err(error) => return Err(error.into()),
                },
                Err(error) => error,
            };
            next = self.next_after(&error, &mut attempt);
            wait = self.wait(next);
            why = ReconnectReason::Error(error);
        }
    }

    /// How long to wait before the next attempt.
    fn wait(&mut self, next: Next) -> Duration {
        let random = u64::from_le_bytes(random());
        let (Next::Again(wait) | Next::Start(wait) | Next::Reauth(wait)) = next else {
            return Duration::ZERO;
        };
        match (&mut self.backoff, wait) {
            (Some(backoff), Wait::AtOnce) => backoff.at_once(random),
            (Some(backoff), Wait::Backoff(hint)) => backoff.after(hint, random),
            (None, _) => Duration::ZERO,
        }
    }

    /// Emits the loss, and reserves a slot for the event of the return.
    async fn emit_suspended(
        &mut self,
        end: &Disconnected,
        retry_after: Duration,
    ) -> Result<Option<OwnedPermit<Event>>, Ending> {
        let events = self.events.clone();
        let Ok(slot) = self.until_detached(events.clone().reserve_owned()).await? else {
            // The program dropped its events.
            return Ok(None);
        };
        slot.send(Event::Suspended { end: end.clone(), retry_after });
        Ok(self.until_detached(events.reserve_owned()).await?.ok())
    }

    /// Asks the provider for new credentials.
    async fn ask_for_credentials(&mut self, why: ReconnectReason) -> Result<(), Ending> {
        let asked = self.provider.as_ref().map(|provider| provider.credentials());
        let found = match asked {
            Some(asked) if self.start.is_some() => self.until_detached(asked).await?,
            _ => None,
        };
        match (found, &mut self.start) {
            (Some(credentials), Some(start)) => {
                start.credentials = credentials;
                Ok(())
            }
            _ => Err(Ending::unauthenticated(why.into())),
        }
    }

    /// Makes one attempt. `Err` when the program detached meanwhile.
    async fn attempt_once(
        &mut self,
        attempt: &mut Attempt,
    ) -> Result<Result<Opened, ConnectError>, Ending> {
        let first = match (*attempt, &self.start) {
            (Attempt::StartByToken | Attempt::Start, Some(start)) => {
                let token = self.shared.lock().access_token.clone();
                let credentials = match token {
                    Some(token) if *attempt == Attempt::StartByToken => Credentials::Token(token),
                    _ => {
                        *attempt = Attempt::Start;
                        start.credentials.clone()
                    }
                };
                Command::Start(Box::new(Start { credentials, ..start.clone() }))
            }
            (_, None) | (Attempt::Resume, _) => {
                let Ticket { session, secret, last_seq } = self.shared.lock().ticket();
                Command::Resume(Resume {
                    session,
                    secret,
                    last_seq,
                    auth_token: None,
                    params: None,
                })
            }
        };
        let connector = self.connector.clone();
        self.until_detached(async move { connector.open(first).await }).await
    }

    /// What to do after a failed attempt, by the remaining credentials.
    fn next_after(&mut self, error: &ConnectError, attempt: &mut Attempt) -> Next {
        let code =
            if let ConnectError::Refused { error, .. } = error { Some(error.code) } else { None };
        match (*attempt, code) {
            // The gateway may not know that the client received the newest secret.
            (Attempt::Resume, Some(ErrorCode::ResumeDenied))
                if self.shared.lock().use_previous_secret() =>
            {
                Next::Again(Wait::AtOnce)
            }
            // A gateway that lost its store knows neither session nor token, but may accept the original credentials.
            (Attempt::StartByToken, Some(ErrorCode::AuthDenied)) => {
                *attempt = Attempt::Start;
                Next::Again(Wait::AtOnce)
            }
            _ => Next::after_failure(error),
        }
    }

    /// Applies the reply to `start` or `resume`, and returns its event.
    fn accept(
        &mut self,
        opened: &Opened,
        slot: Option<OwnedPermit<Event>>,
    ) -> Result<(), ConnectError> {
        let event = match &opened.reply {
            Reply::Resumed(resumed) => self.accept_resumed(resumed),
            Reply::Started(started) => self.accept_started(started),
            _ => return Err(ConnectError::Protocol("not an answer to the first message".into())),
        };
        self.shared.update_connection(ConnectionSnapshot::connected);
        if let Some(slot) = slot {
            slot.send(event);
        }
        Ok(())
    }

    fn accept_resumed(&mut self, resumed: &Resumed) -> Event {
        self.shared.update(|record| record.apply_resumed(resumed));
        self.pending.note_resumed(&resumed.pending);
        self.check_expiry();
        Event::Resumed { replayed_count: resumed.replayed_count }
    }

    fn accept_started(&mut self, started: &Started) -> Event {
        let joins = self.shared.update(|record| {
            record.apply_restarted(started);
            record.rooms.joins()
        });
        self.shared.update_connection(|connection| connection.is_degraded = false);
        self.renewal = None;
        self.liveness_timeout = liveness_timeout(Some(&started.heartbeat));
        self.pending.note_restarted(started.limits.in_flight);
        self.pending_rejoins.begin(joins);
        Event::Restarted { session: started.session.id }
    }

    /// Waits for `what` and accepts requests meanwhile. `Err` if the program detached first.
    ///
    /// # Cancel safety
    /// Not cancel-safe: `what` is lost.
    async fn until_detached<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Ending> {
        let mut what = std::pin::pin!(what);
        loop {
            let has_capacity = !self.are_handles_gone && self.pending.has_capacity();
            let order = tokio::select! {
                biased;
                () = self.shared.detached() => return Err(Ending::detached()),
                () = self.events.closed(), if self.are_handles_gone => return Err(Ending::detached()),
                done = &mut what => return Ok(done),
                order = self.orders.recv(), if has_capacity => order,
            };
            self.queue_request(order);
        }
    }
}

impl From<ReconnectReason> for Ending {
    fn from(why: ReconnectReason) -> Self {
        match why {
            ReconnectReason::End(end) => Self::Disconnected(end),
            ReconnectReason::Error(error) => error.into(),
        }
    }
}
