// What media tests use in their pages.

import * as client from '../../../dist/index.js';
import { Peer } from '../../../dist/webrtc/peer.js';
import * as webrtc from '../../../dist/webrtc/index.js';

/** The state of this page. */
const at = { errors: [], frames: [], acknowledgements: [], connections: [], turns: 0 };

const Platform = globalThis.RTCPeerConnection;
/** Remembers all connections of the page. */
globalThis.RTCPeerConnection = class extends Platform {
  constructor(...options) {
    super(...options);
    at.connections.push(this);
  }
};

/** Whether no connection sends sound. */
function isSilent() {
  const tracks = at.connections.flatMap((one) => one.getSenders()).map(({ track }) => track);
  return tracks.every((track) => track?.kind !== 'audio' || !track.enabled);
}

/** Waits until an observable has a value that matches. */
async function until(observable, match) {
  for await (const value of observable) if (match(value)) return value;
}

/** Starts a session and joins a room. */
async function join(url, room, guest) {
  at.manager = new client.SessionManager({
    url,
    app: 'demo',
    onListenerError: (error) => at.errors.push(String(error)),
    onFrame: (frame) => {
      at.frames.push(frame);
      const isMute = frame.text.includes('"update_stream"') && frame.text.includes('"has_audio":false');
      if (frame.direction === 'out' && isMute) at.acknowledgements.push(isSilent());
    },
  });
  const { error } = await at.manager.start({ guest });
  if (error) throw error;
  at.room = at.manager.room(room);
  await at.room.join();
  return at.room.state.value.me.id;
}

/** How many offers the page sent. */
function offers() {
  return at.frames.filter(({ direction, text }) => direction === 'out' && text.includes('"type":"offer"')).length;
}

const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Opens the fake devices, without processing that would remove the tone. */
function open(kinds = { audio: true, video: true }) {
  return webrtc.openDevices({ audio: kinds.audio && RAW, video: kinds.video && { width: 320, height: 240 } });
}

/** Publishes the fake devices. */
async function publish(options = {}) {
  at.local = await open(options.kinds);
  at.published = await webrtc.publishMedia(at.room, at.local, {
    onError: (error) => at.errors.push(String(error)),
    ...options,
  });
  return at.published.stream.value.id;
}

/** A TURN server with credentials that are new each time. */
async function turn() {
  if (at.turnError) throw at.turnError;
  at.turns += 1;
  return { iceServers: [{ urls: 'turn:127.0.0.1:9', username: `user-${at.turns}`, credential: 'secret' }] };
}

/** Watches a stream until media arrives. */
async function watch(stream, options = {}) {
  at.watched = webrtc.watchMedia(at.room, stream, { onError: (error) => at.errors.push(String(error)), ...options });
  await until(at.watched.link, ({ status }) => status === 'connected');
}

/** The greatest amplitude of the sound of a stream in a time, in dBFS. */
async function loudness(media, ms = 300) {
  at.context ??= new AudioContext();
  const source = at.context.createMediaStreamSource(media);
  const analyser = at.context.createAnalyser();
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let peak = 0;
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  }
  source.disconnect();
  return 20 * Math.log10(peak);
}

/** Waits until the sound of a stream is audible, or silent. */
async function untilLoud(media, isLoud) {
  for (;;) if ((await loudness(media)) > SILENCE_DB === isLoud) return;
}

/** What is quieter is silence. */
const SILENCE_DB = -70;

/** Waits until an element plays on. */
async function played(element) {
  const before = element.currentTime;
  while (element.currentTime <= before) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The sum of a field of the statistics of a kind. */
async function stat(report, type, kind, field) {
  let sum = 0;
  (await report)?.forEach((one) => {
    if (one.type === type && (one.kind ?? kind) === kind) sum += one[field] ?? 0;
  });
  return sum;
}

/** Waits until a number of frames more was decoded. */
async function untilDecoded(frames) {
  const decoded = () => stat(at.watched.stats(), 'inbound-rtp', 'video', 'framesDecoded');
  const before = await decoded();
  while ((await decoded()) < before + frames) await new Promise((resolve) => setTimeout(resolve, 50));
  return decoded();
}

/** Two sessions of this page, and between them connections to which both sides add tracks in the same task. */
async function glare(url, name, connections, rounds) {
  const result = { rounds: 0, collisions: 0, answersToRolledBack: 0, errors: [] };
  const onError = (error) => result.errors.push(String(error));
  const rooms = [];
  for (const guest of ['publisher', 'subscriber']) {
    const manager = new client.SessionManager({ url, app: 'demo', instance: 'memory', storage: 'memory' });
    await manager.start({ guest: `${name}-${guest}` });
    const room = manager.room(name);
    await room.join();
    rooms.push(room);
  }
  const own = await rooms[0].publish({ kind: 'custom', hasAudio: false, hasVideo: false });
  const stream = own.stream.value.id;
  const subscription = await rooms[1].subscribe(stream);
  const relays = [
    (data) => patiently(() => own.relay(rooms[1].state.value.me.id, data)),
    (data) => patiently(() => subscription.relay(data)),
  ];
  const context = new AudioContext();
  const track = () => context.createMediaStreamDestination().stream.getAudioTracks()[0];
  for (let connection = 0; connection < connections; connection += 1) {
    const id = String(connection);
    /** The number of the offer that the publisher waits for an answer to. */
    let outstanding;
    const peers = rooms.map((room, side) => {
      let descriptions = Promise.resolve();
      return new Peer({
        id,
        room,
        isPublisher: side === 0,
        media: { onError },
        send: (message) => {
          const { description, offer } = message;
          if (!description) return relays[side](message);
          if (side === 0 && description.type === 'offer') outstanding = offer;
          if (side === 0 && description.type === 'answer' && outstanding !== undefined) result.answersToRolledBack += 1;
          // The candidates go ahead of the description that they belong to.
          const [sdp, candidates] = withoutCandidates(description.sdp);
          for (const candidate of candidates) relays[side]({ connection: id, candidate }).catch(onError);
          return (descriptions = descriptions.then(() =>
            relays[side]({ ...message, description: { ...description, sdp } }),
          ));
        },
      });
    });
    const stops = rooms.map((room, side) =>
      room.on('relay', ({ data }) => {
        if (data.connection !== id) return;
        if (side === 0 && data.description?.type === 'answer' && data.offer === outstanding) outstanding = undefined;
        if (side === 0 && data.description?.type === 'offer' && outstanding !== undefined) result.collisions += 1;
        peers[side].receive(data);
      }),
    );
    for (let round = 1; round <= rounds; round += 1) {
      while (!peers.every((peer) => peer.connection)) await new Promise((resolve) => setTimeout(resolve, 1));
      for (const peer of peers) peer.connection.addTrack(track());
      const isDone = ({ connection }) =>
        connection.signalingState === 'stable' &&
        connection.connectionState === 'connected' &&
        connection.getTransceivers().filter(({ currentDirection }) => /send/.test(currentDirection)).length === round &&
        connection.getTransceivers().filter(({ currentDirection }) => /recv/.test(currentDirection)).length === round;
      while (!peers.every(isDone)) await new Promise((resolve) => setTimeout(resolve, 5));
      result.rounds += 1;
    }
    for (const stop of stops) stop();
    for (const peer of peers) peer.close();
  }
  return result;
}

/** Calls again when the gateway says so: a lost candidate would not be sent again. */
async function patiently(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (error.code !== 'rate_limited') throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}

/** The description without its candidates, and these. */
function withoutCandidates(sdp) {
  const candidates = [];
  let index = -1;
  let usernameFragment;
  const lines = sdp.split('\r\n').filter((line) => {
    if (line.startsWith('m=')) index += 1;
    if (line.startsWith('a=ice-ufrag:')) usernameFragment = line.slice('a=ice-ufrag:'.length);
    if (!line.startsWith('a=candidate:')) return true;
    candidates.push({ candidate: line.slice(2), sdpMLineIndex: index });
    return false;
  });
  return [lines.join('\r\n'), candidates.map((one) => ({ ...one, usernameFragment }))];
}

/** All of it, in the global scope as well. */
export const helpers = {
  join,
  glare,
  isSilent,
  offers,
  open,
  publish,
  watch,
  loudness,
  untilLoud,
  untilDecoded,
  until,
  stat,
  turn,
  played,
  at,
  Peer,
  ...client,
  ...webrtc,
};
globalThis.helpers = helpers;
