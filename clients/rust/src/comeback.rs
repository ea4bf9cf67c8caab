//! The way back after a lost connection: wait, dial, resume or start again; again, until it succeeds or is refused.
//!
//! Invariants: [`Event::Suspended`] goes before the first attempt and has its counterpart after the last; a place for
//! that is kept before dialling, so a program that reads no events keeps its client from coming back, and loses none.
//! While this goes on, requests are taken in and letting go is noticed.

use std::time::Duration;

use stagedoor_proto::{Command, Credentials, ErrorCode, Reply, Resume, Resumed, Start, Started};
use tokio::sync::mpsc::OwnedPermit;
use tokio::time::sleep;

use crate::handshake::Opened;
use crate::link::Link;
use crate::random::random;
use crate::reconnect::{Next, Wait};
use crate::silence::patience;
use crate::ticket::Ticket;
use crate::{ConnectError, Disconnected, Ending, Event};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// Take the session up.
    Resume,
    /// A new session, by the access token of the former.
    StartByToken,
    /// A new session, by the program's own credentials.
    Start,
}

/// Why the last connection or attempt came to nothing.
enum Why {
    End(Disconnected),
    Error(ConnectError),
}

impl Link {
    /// Comes back after `end` of a connection that lasted for `lived`, or says why not.
    pub(crate) async fn come_back(
        &mut self,
        end: Disconnected,
        lived: Duration,
    ) -> Result<Opened, Ending> {
        let mut next = Next::after_end(&end);
        let Some(backoff) = self.backoff.as_mut().filter(|_| next != Next::End) else {
            return Err(Ending::Disconnected(end));
        };
        backoff.note_lived(lived);
        let mut attempt = Attempt::Resume;
        let mut wait = self.wait(next);
        let place = self.emit_suspended(&end, wait).await?;
        let mut why = Why::End(end);
        loop {
            match next {
                Next::Again(_) => {}
                Next::Start(_) if self.start.is_none() => return Err(why.into()),
                Next::Start(_) => attempt = Attempt::StartByToken,
                Next::Reauth(_) => {
                    self.ask_for_credentials(why).await?;
                    attempt = Attempt::Start;
                }
                Next::End => return Err(why.into()),
            }
            self.until_detached(sleep(wait)).await?;
            let error = match self.try_out(&mut attempt).await? {
                Ok(opened) => match self.accept(&opened, place) {
                    Ok(()) => return Ok(opened),
                    Err(error) => return Err(error.into()),
                },
                Err(error) => error,
            };
            next = self.next_after(&error, &mut attempt);
            wait = self.wait(next);
            why = Why::Error(error);
        }
    }

    /// How long to wait before what is next.
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

    /// Emits the loss, and reserves a place for the event of the return.
    async fn emit_suspended(
        &mut self,
        end: &Disconnected,
        retry_after: Duration,
    ) -> Result<Option<OwnedPermit<Event>>, Ending> {
        let events = self.events.clone();
        let Ok(place) = self.until_detached(events.clone().reserve_owned()).await? else {
            // A program that dropped its events wants none.
            return Ok(None);
        };
        place.send(Event::Suspended { end: end.clone(), retry_after });
        Ok(self.until_detached(events.reserve_owned()).await?.ok())
    }

    /// Asks the provider for credentials that take the place of those that are void.
    async fn ask_for_credentials(&mut self, why: Why) -> Result<(), Ending> {
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
    async fn try_out(
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
                Command::Resume(Resume { session, secret, last_seq, auth_token: None })
            }
        };
        let opener = self.opener.clone();
        self.until_detached(async move { opener.open(first).await }).await
    }

    /// What to do after a failed attempt, by what else there is to show.
    fn next_after(&mut self, error: &ConnectError, attempt: &mut Attempt) -> Next {
        let code =
            if let ConnectError::Refused { error, .. } = error { Some(error.code) } else { None };
        match (*attempt, code) {
            // The reply that brought the newest secret may have been lost on the gateway's side.
            (Attempt::Resume, Some(ErrorCode::ResumeDenied))
                if self.shared.lock().try_former_secret() =>
            {
                Next::Again(Wait::AtOnce)
            }
            // A gateway that has lost its store knows neither the session nor the token; the user it may admit again.
            (Attempt::StartByToken, Some(ErrorCode::AuthDenied)) => {
                *attempt = Attempt::Start;
                Next::Again(Wait::AtOnce)
            }
            _ => Next::after_failure(error),
        }
    }

    /// Applies what the gateway said of the session on a new connection, and emits it.
    fn accept(
        &mut self,
        opened: &Opened,
        place: Option<OwnedPermit<Event>>,
    ) -> Result<(), ConnectError> {
        let event = match &opened.reply {
            Reply::Resumed(resumed) => self.accept_resumed(resumed),
            Reply::Started(started) => self.accept_started(started),
            _ => return Err(ConnectError::Protocol("not an answer to the first message".into())),
        };
        if let Some(place) = place {
            place.send(event);
        }
        Ok(())
    }

    fn accept_resumed(&mut self, resumed: &Resumed) -> Event {
        self.shared.lock().apply_resumed(resumed);
        self.waiting.note_resumed(&resumed.pending);
        self.check_expiry();
        Event::Resumed { replayed_count: resumed.replayed_count }
    }

    fn accept_started(&mut self, started: &Started) -> Event {
        let joins = {
            let mut known = self.shared.lock();
            known.apply_restarted(started);
            known.rooms.joins()
        };
        self.renewal = None;
        self.patience = patience(Some(&started.heartbeat));
        self.waiting.note_restarted(started.limits.in_flight);
        self.rejoining.begin(joins);
        Event::Restarted { session: started.session.id }
    }

    /// Waits for `what`, taking requests in meanwhile. `Err` when the program detached first.
    ///
    /// # Cancel safety
    /// Not to be dropped before it is done: `what` is lost.
    async fn until_detached<T>(&mut self, what: impl Future<Output = T>) -> Result<T, Ending> {
        let mut what = std::pin::pin!(what);
        loop {
            let has_room = !self.are_handles_gone && self.waiting.has_room();
            let order = tokio::select! {
                biased;
                () = self.shared.detached() => return Err(Ending::detached()),
                () = self.events.closed(), if self.are_handles_gone => return Err(Ending::detached()),
                done = &mut what => return Ok(done),
                order = self.orders.recv(), if has_room => order,
            };
            self.take_in(order);
        }
    }
}

impl From<Why> for Ending {
    fn from(why: Why) -> Self {
        match why {
            Why::End(end) => Self::Disconnected(end),
            Why::Error(error) => error.into(),
        }
    }
}
