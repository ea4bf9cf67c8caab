//! What holds of a session whatever happens to it, and in which order.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::ring::Bodies;
use super::*;

const SETTINGS: SessionSettings = SessionSettings {
    ring: RingLimits { frames: 6, bytes: 600 },
    window: Duration::from_secs(30),
    expiry: ExpirySettings {
        grace: Duration::from_mins(10),
        renewal_postponement: Duration::from_mins(10),
    },
};
const LIMITS: RequestLimits = RequestLimits { commands: Rate::per_second(50, 20), in_flight: 3 };
const START: Timestamp = Timestamp::from_secs(1_000_000);
const FIRST: u64 = 10;

impl Session {
    /// What holds after every input.
    fn check_invariants(&self) {
        self.ring.check_invariants(SETTINGS.ring);
        let is_over = matches!(self.state, SessionState::NotLoggedIn | SessionState::Terminated);
        let has_ended = matches!(self.link, Link::Ended { .. });
        assert_eq!(is_over, has_ended, "state and link tell the same: {self:?}");
        if let (Some((parted, _)), Link::Live { generation }) = (&self.pending_close, &self.link) {
            assert_ne!(
                parted, generation,
                "nobody parts from the connection that serves: {self:?}"
            );
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

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happens {
    Push(usize),
    Output { generations_ago: u64, frames: usize },
    Resume { shows: Shows, behind: u64 },
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

/// Which secret a resume shows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shows {
    Newest,
    Former,
    Wrong,
}

fn happening() -> impl Strategy<Value = Happens> {
    let codes: Vec<CloseCode> = CloseCode::ALL.to_vec();
    prop_oneof![
        4 => (1..120_usize).prop_map(Happens::Push),
        6 => (0..3_u64, 1..6_usize)
            .prop_map(|(generations_ago, frames)| Happens::Output { generations_ago, frames }),
        3 => (
            prop::sample::select(vec![Shows::Newest, Shows::Newest, Shows::Former, Shows::Wrong]),
            0..4_u64
        )
            .prop_map(|(shows, behind)| Happens::Resume { shows, behind }),
        2 => (0..3_u64).prop_map(|generations_ago| Happens::Loss { generations_ago }),
        2 => (0..4_u64).prop_map(|behind| Happens::Pong { behind }),
        1 => Just(Happens::Life),
        1 => prop::sample::select(codes).prop_map(Happens::Disconnect),
        3 => prop::sample::select(vec![1, 20, 31, 60, 300, 700]).prop_map(Happens::Time),
        1 => (60..2_000_u64).prop_map(|secs| Happens::Renew { secs }),
        1 => Just(Happens::Postpone),
        2 => (0..5_u32).prop_map(Happens::Begin),
        2 => (0..5_u32).prop_map(Happens::Finish),
        1 => Just(Happens::Restart),
    ]
}

/// A session, and what its clients have seen of it.
struct World {
    session: Session,
    now: Timestamp,
    generation: u64,
    /// The highest number each connection got.
    heard: BTreeMap<u64, u64>,
    /// What each number said.
    said: BTreeMap<u64, Body>,
    newest_secret: u32,
    former_secret: Option<u32>,
    ending: Option<CloseCode>,
    bodies: u32,
}

fn resume(
    session: &mut Session,
    generation: u64,
    shown: SecretHash,
    next_secret: SecretHash,
    last_seq: u64,
    now: Timestamp,
) -> Result<ResumeOutcome, ResumeError> {
    ResumeClaim { shown, last_seq }.resume(session, generation, next_secret, now)
}

fn secret(number: u32) -> SecretHash {
    SecretHash::of(&format!("secret {number}"))
}

impl World {
    fn new() -> Self {
        let (establishing, _) = Establishing::begin();
        let expires = START + Duration::from_mins(5);
        let session = establishing.session(FIRST, secret(0), expires, START, Arc::new(SETTINGS));
        Self {
            session,
            now: START,
            generation: FIRST,
            heard: BTreeMap::from([(FIRST, ESTABLISHING_SEQ)]),
            said: BTreeMap::new(),
            newest_secret: 0,
            former_secret: None,
            ending: None,
            bodies: 0,
        }
    }

    fn step(&mut self, happens: &Happens) {
        let (state, version) = (self.session.state, self.session.version);
        match *happens {
            Happens::Push(len) => {
                let body = self.body(len);
                let told = self.session.push(body, self.now);
                assert!(!told || self.ending.is_none(), "nobody is left to be told");
            }
            Happens::Output { generations_ago, frames } => self.output(generations_ago, frames),
            Happens::Resume { shows, behind } => self.resume(shows, behind),
            Happens::Loss { generations_ago } => {
                let before = format!("{:?}", self.session);
                self.session.handle_lost_connection(self.generation - generations_ago, self.now);
                if generations_ago > 0 {
                    assert_eq!(before, format!("{:?}", self.session), "an older one's loss");
                }
            }
            Happens::Pong { behind } => {
                let seq = self.heard[&self.generation].saturating_sub(behind);
                let _ = self.session.handle_pong(seq, self.now, LIMITS);
            }
            Happens::Life => {
                self.session.confirm_resume();
                self.former_secret = None;
            }
            Happens::Disconnect(code) => {
                self.session.disconnect(Disconnect::new(code), self.now);
                assert!(!matches!(self.session.link, Link::Live { .. }), "parted");
            }
            Happens::Time(secs) => {
                self.now = self.now + Duration::from_secs(secs);
                self.session.handle_timeout(self.now);
            }
            Happens::Renew { secs } => {
                self.session.renew(self.now + Duration::from_secs(secs), self.now);
            }
            Happens::Postpone => {
                let next = self.session.postpone(self.now);
                assert_eq!(next, self.now + SETTINGS.expiry.renewal_postponement);
            }
            Happens::Begin(id) => {
                let was_pending = self.session.requests.pending().contains(&id);
                let begun = self.session.admit(id, CommandClass::Room, self.now, LIMITS);
                assert!(begun.is_err() || !was_pending, "one request an id at a time");
            }
            Happens::Finish(id) => {
                let reply = self.body(20);
                self.session.reply(id, reply, self.now);
                assert!(!self.session.requests.pending().contains(&id));
            }
            Happens::Restart => self.restart(),
        }
        self.session.check_invariants();
        self.check_states(state, version);
        self.check_ending();
    }

    /// Goes on in another process; what is left in this one tells nobody anything but to come back.
    fn restart(&mut self) {
        let asked = self.session.requests.pending().len() as u64;
        let (last, has_ended) = (self.session.ring.last(), self.ending.is_some());
        let mut bodies = Bodies::default();
        let saved = SavedSession::of(&mut self.session, self.now, &mut bodies);
        let late = self.body(1);
        assert!(!self.session.push(late, self.now), "nothing more is said");
        for generation in [self.generation, self.generation - 1] {
            assert!(matches!(self.session.poll_output(generation), Output::Close(_)));
        }
        let text = serde_json::to_string(&saved).unwrap();
        let saved: SavedSession = serde_json::from_str(&text).unwrap();
        self.session = saved.restore(&bodies.into_list(), Arc::new(SETTINGS)).unwrap();
        assert!(self.session.requests.pending().is_empty(), "nobody is left to answer");
        let answered = self.session.ring.last() - last;
        assert!(has_ended || answered <= asked, "{answered} answers to {asked} requests");
    }

    fn body(&mut self, len: usize) -> Body {
        self.bodies += 1;
        format!("{:0len$}", self.bodies).into_bytes().into()
    }

    /// Takes up to `frames` of what a connection is to write.
    fn output(&mut self, generations_ago: u64, frames: usize) {
        let generation = self.generation - generations_ago;
        if generations_ago > 0 {
            assert_ne!(self.session.generation(), Some(generation), "an older one is listened to");
        }
        for _ in 0..frames {
            let is_newest = generation == self.generation;
            match self.session.poll_output(generation) {
                Output::Frame(seq, body) => {
                    let heard = self.heard.get_mut(&generation).expect("it was served once");
                    assert!(is_newest, "a frame went to an older connection");
                    assert!(seq > *heard, "{seq} after {heard} on one connection");
                    *heard = seq;
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

    fn resume(&mut self, shows: Shows, behind: u64) {
        let heard = *self.heard.values().max().expect("there was a connection");
        let last_seq = heard.saturating_sub(behind);
        let secret_shown = match (shows, self.former_secret) {
            (Shows::Newest, _) => self.newest_secret,
            (Shows::Former, Some(former)) => former,
            (Shows::Former, None) | (Shows::Wrong, _) => u32::MAX,
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
                self.heard.insert(generation, last_seq);
                (self.former_secret, self.newest_secret) = (Some(secret_shown), next);
            }
            Err(refused) => {
                assert_eq!(before, format!("{:?}", self.session), "a refusal changed something");
                if let (ResumeError::Ended(told), Some(ending)) = (refused, self.ending) {
                    assert_eq!(told.code, ending, "it is told how it ended");
                }
            }
        }
    }

    /// State and version only change together, and as `state::next` says.
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
            (Link::Ended { ending, .. }, Some(told)) => assert_eq!(ending.code, told),
            (Link::Live { .. } | Link::Suspended, ended) => {
                assert_eq!(ended, None, "an ended session lives again");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_inputs_keep_session_invariants(
        happens in prop::collection::vec(happening(), 0..120)
    ) {
        let mut world = World::new();
        world.session.check_invariants();
        for one in &happens {
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
    // What was there is gone, and so is the reason: nobody else is told it.
    assert!(
        matches!(world.session.poll_output(FIRST), Output::Close(why) if why.code == CloseCode::Superseded)
    );
}

#[test]
fn what_a_lost_connection_left_goes_to_none_before_it() {
    let mut world = World::new();
    world.session.disconnect(Disconnect::new(CloseCode::Draining), START);
    let body = world.body(1);
    world.session.push(body, START);
    resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, START).unwrap();
    world.session.handle_lost_connection(FIRST + 1, START);
    assert!(
        matches!(world.session.poll_output(FIRST), Output::Close(why) if why.code == CloseCode::Superseded)
    );
}

#[test]
fn a_reader_too_slow_keeps_its_session_and_loses_its_connection() {
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
    world.session.handle_lost_connection(FIRST, START);
    let until = START + SETTINGS.window;
    assert_eq!(world.session.next_timeout(), until);
    let late = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, until);
    assert_eq!(late, Err(ResumeError::Expired), "before time was told, too");
    assert!(!world.session.handle_timeout(until), "it is remembered");
    assert!(matches!(
        resume(&mut world.session, FIRST + 1, secret(0), secret(1), 1, until),
        Err(ResumeError::Ended(told)) if told.code == CloseCode::ResumeExpired
    ));
    assert!(world.session.handle_timeout(until + SETTINGS.window), "and then forgotten");
}

#[test]
fn pending_requests_outlive_the_connection() {
    let mut world = World::new();
    world.session.admit(7, CommandClass::Room, START, LIMITS).unwrap();
    world.output(0, 1);
    world.session.handle_lost_connection(FIRST, START);
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
    let until = START + SETTINGS.window;
    assert!(matches!(world.session.link, Link::Suspended));
    assert_eq!(world.session.timers.at(Timer::Window), until);
    let taken = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START).unwrap();
    assert_eq!((taken.pending, taken.replayed), (vec![], 1));
    let Output::Frame(3, body) = world.session.poll_output(FIRST + 1) else { panic!("no answer") };
    let body = str::from_utf8(body).unwrap();
    assert!(body.contains(r#""id":7"#) && body.contains("draining"), "{body}");
}

#[test]
fn of_an_ended_session_its_ending_is_kept() {
    let mut world = World::new();
    world.session.disconnect(Disconnect::new(CloseCode::Kicked), START);
    world.restart();
    let refused = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START);
    assert!(matches!(refused, Err(ResumeError::Ended(told)) if told.code == CloseCode::Kicked));
    assert!(!world.session.ring.has_unsent(), "nobody will ask for its frames");
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
        saved.restore(&bodies, Arc::new(SETTINGS))
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
    world.session.handle_lost_connection(FIRST, START);
    let body = world.body(10);
    assert!(world.session.push(body, START));
    let taken = resume(&mut world.session, FIRST + 1, secret(0), secret(1), 3, START);
    assert_eq!(taken, Err(ResumeError::Denied));
    assert!(resume(&mut world.session, FIRST + 1, secret(0), secret(1), 2, START).is_ok());
}

#[test]
fn pongs_have_an_allowance_of_their_own() {
    let mut world = World::new();
    for n in 0..LIMITS.commands.burst() {
        assert_eq!(world.session.handle_pong(1, START, LIMITS), Ok(()), "{n}");
    }
    assert!(world.session.handle_pong(1, START, LIMITS).is_err());
    assert_eq!(world.session.admit(1, CommandClass::Room, START, LIMITS), Ok(()));
    let later = START + Duration::from_secs(1);
    assert_eq!(world.session.handle_pong(1, later, LIMITS), Ok(()));
}
