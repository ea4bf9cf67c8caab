//! Invariants of a session for arbitrary sequences of inputs.

mod fuzz;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::ring::Bodies;
use super::*;

const RING: RingLimits = RingLimits { frames: 6, bytes: 600 };
const WINDOW: Duration = Duration::from_secs(30);
const EXPIRY: ExpirySettings = ExpirySettings {
    grace: Duration::from_mins(10),
    renewal_postponement: Duration::from_mins(10),
};
const LIMITS: RequestLimits = RequestLimits {
    commands: Rate::per_second(50, 20),
    keepalives: Rate::per_second(10, 5),
    in_flight: 3,
};
const START: Now =
    Now { wall: Timestamp::from_secs(1_000_000), monotonic: Monotonic::from_millis(5_000) };
const FIRST: u64 = 10;
const GOING_AWAY: Duration = Duration::from_secs(10);

fn settings() -> Arc<SessionSettings> {
    let memory = ReplayMemory::default();
    Arc::new(SessionSettings {
        ring: RING,
        memory,
        window: WINDOW,
        going_away_window: GOING_AWAY,
        expiry: EXPIRY,
    })
}

impl Session {
    /// Checks the invariants after an input.
    fn check_invariants(&self) {
        self.ring.check_invariants(RING);
        let is_over = matches!(self.state, SessionState::NotLoggedIn | SessionState::Terminated);
        let has_ended = matches!(self.link, Link::Ended { .. });
        assert_eq!(is_over, has_ended, "state and link agree: {self:?}");
        if let (Some((closing, _)), Link::Live { generation }) = (&self.pending_close, &self.link) {
            assert_ne!(closing, generation, "the serving connection is not closed: {self:?}");
        }
        let is_suspended = matches!(self.link, Link::Suspended);
        for (timer, is_right) in [
            (Timer::Retention, has_ended),
            (Timer::Window, is_suspended),
            (Timer::Expiry, self.state == SessionState::Established),
            (Timer::Grace, !has_ended),
        ] {
            assert_eq!(self.timers.is_set(timer), is_right, "{timer:?}: {self:?}");
        }
        let pending = self.requests.pending();
        assert!(pending.len() <= LIMITS.in_flight);
        assert!(pending.iter().all(|id| pending.iter().filter(|other| *other == id).count() == 1));
    }
}

/// One input.
#[derive(Clone, Debug)]
enum TestInput {
    Push(usize),
    Output { generations_ago: u64, frames: usize },
    Resume { shows: ShownSecret, behind: u64 },
    Loss { generations_ago: u64 },
    Pong { behind: u64 },
    Life,
    Disconnect(CloseCode),
    Time(u64),
    Renew { secs: u64 },
    Postpone,
    Begin(u32),
    Finish(u32),
    Restart,
}

/// The secret of a resume.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ShownSecret {
    Newest,
    Former,
    Wrong,
}

fn happening() -> impl Strategy<Value = TestInput> {
    let codes: Vec<CloseCode> = CloseCode::ALL.to_vec();
    prop_oneof![
        4 => (1..120_usize).prop_map(TestInput::Push),
        6 => (0..3_u64, 1..6_usize)
            .prop_map(|(generations_ago, frames)| TestInput::Output { generations_ago, frames }),
        3 => (
            prop::sample::select(vec![ShownSecret::Newest, ShownSecret::Newest, ShownSecret::Former, ShownSecret::Wrong]),
            0..4_u64
        )
            .prop_map(|(shows, behind)| TestInput::Resume { shows, behind }),
        2 => (0..3_u64).prop_map(|generations_ago| TestInput::Loss { generations_ago }),
        2 => (0..4_u64).prop_map(|behind| TestInput::Pong { behind }),
        1 => Just(TestInput::Life),
        1 => prop::sample::select(codes).prop_map(TestInput::Disconnect),
        3 => prop::sample::select(vec![1, 20, 31, 60, 300, 700]).prop_map(TestInput::Time),
        1 => (60..2_000_u64).prop_map(|secs| TestInput::Renew { secs }),
        1 => Just(TestInput::Postpone),
        2 => (0..5_u32).prop_map(TestInput::Begin),
        2 => (0..5_u32).prop_map(TestInput::Finish),
        1 => Just(TestInput::Restart),
    ]
}

/// A session, and the frames that its clients received.
struct World {
    session: Session,
    now: Now,
    generation: u64,
    /// The highest number that each connection received.
    received: BTreeMap<u64, u64>,
    /// The body of each number.
    said: BTreeMap<u64, Body>,
    newest_secret: u32,
    previous_secret: Option<u32>,
    ending: Option<CloseCode>,
    bodies: u32,
}

fn resume(
    session: &mut Session,
    generation: u64,
    shown: SecretHash,
    next_secret: SecretHash,
    last_seq: u64,
    now: Now,
) -> Result<ResumeOutcome, ResumeError> {
    let rate = Rate::per_second(10_000, 10_000);
    let claim = ResumeClaim { shown, last_seq, rate, resets: rate };
    claim.resume(session, generation, next_secret, now)
}

fn secret(number: u32) -> SecretHash {
    SecretHash::of(&format!("secret {number}"))
}

impl World {
    fn new() -> Self {
        let (establishing, _) = Establishing::begin();
        let expires = START.wall + Duration::from_mins(5);
        let session = establishing.session(FIRST, secret(0), expires, START, settings());
        Self {
            session,
            now: START,
            generation: FIRST,
            received: BTreeMap::from([(FIRST, ESTABLISHING_SEQ)]),
            said: BTreeMap::new(),
            newest_secret: 0,
            previous_secret: None,
            ending: None,
            bodies: 0,
        }
    }

    fn step(&mut self, input: &TestInput) {
        let (state, version) = (self.session.state, self.session.version);
        match *input {
            TestInput::Push(len) => {
                let body = self.body(len);
                let queued = self.session.push(body, self.now);
                assert!(!queued || self.ending.is_none(), "no connection is left");
            }
            TestInput::Output { generations_ago, frames } => self.output(generations_ago, frames),
            TestInput::Resume { shows, behind } => self.resume(shows, behind),
            TestInput::Loss { generations_ago } => {
                let before = format!("{:?}", self.session);
                let lost = self.generation - generations_ago;
                self.session.handle_lost_connection(lost, ConnectionLoss::Other, self.now);
                if generations_ago > 0 {
                    assert_eq!(before, format!("{:?}", self.session), "an older one's loss");
                }
            }
            TestInput::Pong { behind } => {
                let seq = self.received[&self.generation].saturating_sub(behind);
                let _ = self.session.handle_keepalive(Some(seq), self.now, LIMITS);
            }
            TestInput::Life => {
                self.session.confirm_resume();
                self.previous_secret = None;
            }
            TestInput::Disconnect(code) => {
                self.session.disconnect(Disconnect::new(code), self.now);
                assert!(!matches!(self.session.link, Link::Live { .. }), "still connected");
            }
            TestInput::Time(secs) => {
                self.now = self.now + Duration::from_secs(secs);
                self.session.handle_timeout(self.now);
            }
            TestInput::Renew { secs } => {
                self.session.renew(self.now.wall + Duration::from_secs(secs), self.now);
            }
            TestInput::Postpone => {
                let next = self.session.postpone(Timestamp::MAX, self.now);
                assert_eq!(next, self.now.wall + EXPIRY.renewal_postponement);
            }
            TestInput::Begin(id) => {
                let was_pending = self.session.requests.pending().contains(&id);
                let begun = self.session.admit(id, CommandClass::Room, self.now, LIMITS);
                assert!(begun.is_err() || !was_pending, "one request an id at a time");
            }
            TestInput::Finish(id) => {
                let reply = self.body(20);
                self.session.reply(id, reply, self.now);
                assert!(!self.session.requests.pending().contains(&id));
            }
            TestInput::Restart => self.restart(),
        }
        self.session.check_invariants();
        self.check_states(state, version);
        self.check_ending();
    }

    /// Moves the session to another process. The old one only sends a `disconnect` that asks to resume.
    fn restart(&mut self) {
        let asked = self.session.requests.pending().len() as u64;
        let (last, has_ended) = (self.session.ring.last(), self.ending.is_some());
        let mut bodies = Bodies::default();
        let saved = SavedSession::of(&mut self.session, self.now, &mut bodies);
        let late = self.body(1);
        assert!(!self.session.push(late, self.now), "no frame after the handoff");
        for generation in [self.generation, self.generation - 1] {
            assert!(matches!(self.session.poll_output(generation), Output::Close(_)));
        }
        let bodies: Vec<Body> = bodies.into_list().into_iter().map(Body::from).collect();
        let text = serde_json::to_string(&saved).unwrap();
        let saved: SavedSession = serde_json::from_str(&text).unwrap();
        self.session = saved.restore(&bodies, settings(), self.now).unwrap();
        assert!(self.session.requests.pending().is_empty(), "no request is left to answer");
        let answered = self.session.ring.last() - last;
        assert!(has_ended || answered <= asked, "{answered} answers to {asked} requests");
    }

    fn body(&mut self, len: usize) -> Body {
        self.bodies += 1;
        format!("{:0len$}", self.bodies).into_bytes().into()
    }

    /// Takes at most `frames` outputs of a connection.
    fn output(&mut self, generations_ago: u64, frames: usize) {
        let generation = self.generation - generations_ago;
        if generations_ago > 0 {
            assert_ne!(
                self.session.generation(),
                Some(generation),
                "an older connection is served"
            );
        }
        for _ in 0..frames {
            let is_newest = generation == self.generation;
            match self.session.poll_output(generation) {
                Output::Frame(seq, body) => {
                    let received = self.received.get_mut(&generation).expect("it was served once");
                    assert!(is_newest, "a frame went to an older connection");
                    assert!(seq > *received, "{seq} after {received} on one connection");
                    *received = seq;
                    let said = self.said.entry(seq).or_insert_with(|| body.clone());
                    assert_eq!(said, body, "frame {seq} changed");
                }
                Output::Idle => {
                    assert!(
                        matches!(self.session.link, Link::Live { generation: own } if own == generation),
                        "only the connection that serves waits for more"
                    );
                    return;
                }
                Output::Close(_) => {
                    assert!(
                        !matches!(self.session.link, Link::Live { generation: own } if own == generation),
                        "the connection that serves is kept"
                    );
                    return;
                }
            }
        }
    }

    fn resume(&mut self, shows: ShownSecret, behind: u64) {
        let received = *self.received.values().max().expect("there was a connection");
        let last_seq = received.saturating_sub(behind);
        let secret_shown = match (shows, self.previous_secret) {
            (ShownSecret::Newest, _) => self.newest_secret,
            (ShownSecret::Former, Some(previous)) => previous,
            (ShownSecret::Former, None) | (ShownSecret::Wrong, _) => u32::MAX,
        };
        let (generation, next) = (self.generation + 1, self.newest_secret + 1_000);
        let before = format!("{:?}", self.session);
        let taken = resume(
            &mut self.session,
            generation,
            secret(secret_shown),
            secret(next),
            last_seq,
            self.now,
        );
        match taken {
            Ok(taken) => {
                assert_ne!(secret_shown, u32::MAX, "a wrong secret was taken");
                assert!(self.ending.is_none(), "an ended session lives again");
                assert_eq!(taken.state, self.session.state);
                let first_kept = self.session.ring.first().max(last_seq + 1);
                let follow = self.session.ring.last() + 1 - first_kept;
                assert_eq!(taken.replayed as u64, follow);
                self.generation = generation;
                self.received.insert(generation, last_seq);
                (self.previous_secret, self.newest_secret) = (Some(secret_shown), next);
            }
            Err(refused) => {
                assert_eq!(before, format!("{:?}", self.session), "an error changed something");
                if let (ResumeError::Ended(disconnect), Some(ending)) = (refused, self.ending) {
                    assert_eq!(disconnect.code, ending, "the error says how it ended");
                }
            }
        }
    }

    /// Checks that state and version only change together, as `state::next` says.
    fn check_states(&self, before: SessionState, version: u64) {
        const INPUTS: [Input; 4] = [Input::Expired, Input::Renewed, Input::Over, Input::Removed];
        let steps = |from| INPUTS.into_iter().filter_map(move |input| next(from, input));
        let after = self.session.state;
        match self.session.version - version {
            0 => assert_eq!(before, after, "a change without a version"),
            1 => assert!(steps(before).any(|to| to == after), "{before:?} went to {after:?}"),
            2 => assert!(
                steps(before).any(|via| steps(via).any(|to| to == after)),
                "{before:?} went to {after:?}"
            ),
            more => panic!("{more} changes at once"),
        }
    }

    fn check_ending(&mut self) {
        match (&self.session.link, self.ending) {
            (Link::Ended { ending, .. }, None) => self.ending = Some(ending.code),
            (Link::Ended { ending, .. }, Some(code)) => assert_eq!(ending.code, code),
            (Link::Live { .. } | Link::Suspended, ended) => {
                assert_eq!(ended, None, "an ended session lives again");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_inputs_keep_session_invariants(
        input in prop::collection::vec(happening(), 0..120)
    ) {
        let mut world = World::new();
        world.session.check_invariants();
        for one in &input {
            world.step(one);
        }
    }
}

#[test]
fn disconnected_connection_gets_pending_frames_then_reason() {
    let mut world = World::new();
    world.session.disconnect(Disconnect::new(CloseCode::Banned), START);
    let states: Vec<u64> = std::iter::from_fn(|| match world.session.poll_output(FIRST) {
        Output::Frame(seq, _) => Some(seq),
        Output::Idle | Output::Close(_) => None,
    })
    .collect();
    assert_eq!(states, [2, 3], "established, then terminated");
    // The frames are gone, and so is the reason: no other connection receives it.
    assert!(
        matches!(world.session.poll_output(FIRST), Output::Close(why) if why.code == CloseCode::Superseded)
    );
}

#[test]
fn old_connection_gets_no_queued_frames() {
    let mut world = World::new();
    world.session.disconnect(Disconnect::new(CloseCode::Draining), START);
    let body = world.body(1);
    world.session.push(body, START);
    resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, START).unwrap();
    world.session.handle_lost_connection(FIRST + 1, ConnectionLoss::Other, START);
    assert!(
        matches!(world.session.poll_output(FIRST), Output::Close(why) if why.code == CloseCode::Superseded)
    );
}

#[test]
fn slow_reader_loses_connection_and_keeps_session() {
    let mut world = World::new();
    while matches!(world.session.link, Link::Live { .. }) {
        let body = world.body(50);
        world.session.push(body, START);
    }
    assert!(matches!(world.session.link, Link::Suspended));
    assert!(
        matches!(world.session.poll_output(FIRST), Output::Close(why) if why.code == CloseCode::SlowConsumer)
    );
}

#[test]
fn suspended_session_expires_and_ends_with_its_window() {
    let mut world = World::new();
    world.session.handle_lost_connection(FIRST, ConnectionLoss::Other, START);
    let until = START + WINDOW;
    assert_eq!(world.session.next_timeout(), until.monotonic);
    let late = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, until);
    assert_eq!(late, Err(ResumeError::Expired), "also before the timer fires");
    assert!(!world.session.handle_timeout(until), "it is retained");
    assert!(matches!(
        resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, until),
        Err(ResumeError::Ended(disconnect)) if disconnect.code == CloseCode::ResumeExpired
    ));
    assert!(world.session.handle_timeout(until + WINDOW), "and then removed");
}

#[test]
fn session_is_resumed_a_limited_number_of_times() {
    let mut world = World::new();
    let rate = Rate::per_second(2, 10);
    let mut resume = |number: u32, now: Now| {
        let claim = ResumeClaim { shown: secret(number), last_seq: 1, rate, resets: rate };
        let generation = FIRST + u64::from(number) + 1;
        claim.resume(&mut world.session, generation, secret(number + 1), now).map(|_| ())
    };
    for number in 0..10 {
        assert_eq!(resume(number, START), Ok(()));
    }
    let wait = Duration::from_millis(500);
    assert_eq!(resume(10, START), Err(ResumeError::TooMany(wait)));
    assert_eq!(resume(11, START), Err(ResumeError::Denied), "the secret comes first");
    assert_eq!(resume(10, START + wait), Ok(()));
}

#[test]
fn pending_requests_survive_the_connection() {
    let mut world = World::new();
    world.session.admit(7, CommandClass::Room, START, LIMITS).unwrap();
    world.output(0, 1);
    world.session.handle_lost_connection(FIRST, ConnectionLoss::Other, START);
    let taken = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START).unwrap();
    assert_eq!((taken.pending, taken.replayed), (vec![7], 0));
    let reply = world.body(10);
    assert!(world.session.reply(7, reply, START));
    assert!(matches!(world.session.poll_output(FIRST + 1), Output::Frame(3, _)));
    assert!(world.session.requests.pending().is_empty());
}

#[test]
fn restart_keeps_frames_and_answers_pending_requests() {
    let mut world = World::new();
    world.session.admit(7, CommandClass::Room, START, LIMITS).unwrap();
    assert!(matches!(world.session.poll_output(FIRST), Output::Frame(2, _)));
    world.restart();
    let until = START + WINDOW;
    assert!(matches!(world.session.link, Link::Suspended));
    assert_eq!(world.session.timers.at(Timer::Window), until.monotonic);
    let taken = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START).unwrap();
    assert_eq!((taken.pending, taken.replayed), (vec![], 1));
    let Output::Frame(3, body) = world.session.poll_output(FIRST + 1) else { panic!("no answer") };
    let body = str::from_utf8(body).unwrap();
    assert!(body.contains(r#""id":7"#) && body.contains("draining"), "{body}");
}

#[test]
fn handoff_preserves_how_a_session_ended() {
    let mut world = World::new();
    world.session.disconnect(Disconnect::new(CloseCode::Kicked), START);
    world.restart();
    let refused = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START);
    assert!(
        matches!(refused, Err(ResumeError::Ended(disconnect)) if disconnect.code == CloseCode::Kicked)
    );
    assert!(!world.session.ring.has_unsent(), "no client can resume it");
}

#[test]
fn saved_session_hides_secrets_and_detects_damage() {
    let mut world = World::new();
    let saved = SavedSession::of(&mut world.session, START, &mut Bodies::default());
    let text = serde_json::to_string(&saved).unwrap();
    assert!(!text.contains("secret 0"), "{text}");
    let bodies = [Body::from(*b"any")];
    let restored = |text: &str| {
        let saved: SavedSession = serde_json::from_str(text).unwrap();
        saved.restore(&bodies, settings(), START)
    };
    restored(&text).unwrap();
    for (from, to) in [
        ("established", "terminated"),
        ("established", "establishing"),
        ("[[2,0", "[[2,1"),
        ("\"window\"", "\"prompt\""),
    ] {
        let damaged = text.replace(from, to);
        assert_ne!(damaged, text, "{from}");
        restored(&damaged).unwrap_err();
    }
}

#[test]
fn unsent_frames_count_as_unseen() {
    let mut world = World::new();
    world.output(0, 1);
    world.session.handle_lost_connection(FIRST, ConnectionLoss::Other, START);
    let body = world.body(10);
    assert!(world.session.push(body, START));
    let taken = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 3, START);
    assert_eq!(taken, Err(ResumeError::Denied));
    assert!(resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START).is_ok());
}

#[test]
fn pings_and_pongs_share_a_separate_limit() {
    let mut world = World::new();
    for n in 1..LIMITS.keepalives.burst() {
        assert_eq!(world.session.handle_keepalive(Some(1), START, LIMITS), Ok(()), "{n}");
    }
    assert_eq!(world.session.handle_keepalive(None, START, LIMITS), Ok(()));
    assert!(world.session.handle_keepalive(None, START, LIMITS).is_err());
    assert!(world.session.handle_keepalive(Some(1), START, LIMITS).is_err());
    assert_eq!(world.session.admit(1, CommandClass::Room, START, LIMITS), Ok(()));
    let later = START + Duration::from_secs(1);
    assert_eq!(world.session.handle_keepalive(Some(1), later, LIMITS), Ok(()));
}

/// A session whose wall clock stepped by `secs` while its token had five minutes, and the time after the step.
fn stepped(secs: i64) -> (World, Now) {
    let mut world = World::new();
    world.output(0, 10);
    let wall = Timestamp::from_secs(START.wall.as_secs().strict_add_signed(secs));
    let now = Now { wall, ..START };
    ClockStep(now).apply(&mut world.session);
    world.session.handle_timeout(now);
    (world, now)
}

#[test]
fn step_past_expiry_prompts_and_gives_the_full_grace() {
    let (mut world, now) = stepped(86_400);
    assert_eq!(world.session.state, SessionState::TokenExpired);
    let prompt = world.session.ring.last();
    world.output(0, 10);
    let said = str::from_utf8(&world.said[&prompt]).unwrap();
    assert!(said.contains("token_expiring"), "{said}");
    let end = now + EXPIRY.grace;
    world
        .session
        .handle_timeout(Now { monotonic: end.monotonic - Duration::from_millis(1), ..end });
    assert_eq!(world.session.generation(), Some(FIRST), "the grace is not over");
    world.session.handle_timeout(end);
    assert!(matches!(world.session.link, Link::Ended { .. }));
}

#[test]
fn step_back_moves_expiry_and_revives_an_expired_session() {
    let (mut world, now) = stepped(-60);
    assert_eq!(world.session.state, SessionState::Established);
    world.session.handle_timeout(now + Duration::from_secs(359));
    assert_eq!(world.session.state, SessionState::Established);
    world.session.handle_timeout(now + Duration::from_mins(6));
    assert_eq!(world.session.state, SessionState::TokenExpired);
    let (mut world, now) = stepped(86_400);
    let back = Now { monotonic: now.monotonic + Duration::from_mins(1), ..START };
    ClockStep(back).apply(&mut world.session);
    assert_eq!(world.session.state, SessionState::Established);
    world.session.handle_timeout(back + Duration::from_secs(299));
    assert_eq!(world.session.state, SessionState::Established);
}

#[test]
fn step_does_not_move_a_resume_window() {
    let mut world = World::new();
    world.session.handle_lost_connection(FIRST, ConnectionLoss::Other, START);
    let later = Now { wall: START.wall + Duration::from_hours(24), ..START };
    ClockStep(later).apply(&mut world.session);
    world.session.handle_timeout(later);
    assert!(resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, later).is_ok());
}

#[test]
fn page_that_goes_away_has_a_short_window() {
    for (loss, window) in [(ConnectionLoss::GoingAway, GOING_AWAY), (ConnectionLoss::Other, WINDOW)]
    {
        let mut world = World::new();
        world.session.handle_lost_connection(FIRST, loss, START);
        let due = START.monotonic + window;
        assert_eq!(world.session.next_timeout(), due, "{loss:?}");
        world.session.handle_lost_connection(FIRST, ConnectionLoss::Other, START);
        assert_eq!(world.session.next_timeout(), due, "{loss:?}: it is lost once");
    }
}
