// What media tests use in their pages.

import * as client from '../../../dist/index.js';
import { Peer } from '../../../dist/webrtc/peer.js';
import * as webrtc from '../../../dist/webrtc/index.js';

/** The state of this page. */
const at = { errors: [], sent: [] };

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
    onFrame: (frame) => at.frames?.push(frame),
  });
  const { error } = await at.manager.start({ guest });
  if (error) throw error;
  at.room = at.manager.room(room);
  await at.room.join();
  return at.room.state.value.me.id;
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

Object.assign(globalThis, {
  helpers: {
    join,
    open,
    publish,
    watch,
    loudness,
    untilLoud,
    untilDecoded,
    until,
    stat,
    at,
    Peer,
    ...client,
    ...webrtc,
  },
});
