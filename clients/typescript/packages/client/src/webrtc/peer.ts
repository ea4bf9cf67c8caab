// One connection to another participant: perfect negotiation over `relay`, and the restoration of a lost path.
//
// All steps of the negotiation run one after the other. An answer names its offer, so that none is applied to another
// one. Candidates wait until the description they belong to was set. See docs/media.md.

import { StagedoorError } from '../index.js';
import { hasCode, type LinkStatus, type MediaOptions, type MediaRoom } from './options.js';
import { Value } from './value.js';

/** Audio or video. */
export type TrackKind = 'audio' | 'video';

/** What both sides send over `relay`. Every field may be absent. */
export interface Message {
  /** The publisher's id of the connection: what belongs to a former one is dropped. */
  readonly connection?: string;
  /** The number of the offer that `description` is, or answers. */
  readonly offer?: number;
  readonly description?: RTCSessionDescriptionInit;
  readonly candidate?: RTCIceCandidateInit;
  /** The subscriber asks for a new offer with an ICE restart. */
  readonly restart?: boolean;
}

/** Reads what another participant relayed. */
export function messageOf(data: unknown): Message {
  return typeof data === 'object' && data !== null ? data : {};
}

/** What a peer needs. */
export interface PeerOptions {
  readonly room: MediaRoom;
  /** The publisher's id of the connection. */
  readonly id: string | undefined;
  /** The publisher wins a glare and makes the offers; the subscriber is polite. */
  readonly isPublisher: boolean;
  readonly media: MediaOptions;
  /** Relays a message. */
  send(message: Message): Promise<void>;
  /** The connection was made: tracks may be added. */
  opened?(connection: RTCPeerConnection): void;
  /** A description was set: there may be new tracks. */
  described?(connection: RTCPeerConnection): void;
  /** The participant is not at the other end any more. */
  gone?(): void;
}

/** One connection. */
export class Peer {
  readonly id: string | undefined;
  readonly link = new Value<LinkStatus>('connecting');
  readonly #options: PeerOptions;
  readonly #ended = new AbortController();
  #connection: RTCPeerConnection | undefined;
  /** The steps of the negotiation. */
  #steps: Promise<void> = Promise.resolve();
  /** The messages on their way. */
  #sending: Promise<void> = Promise.resolve();
  /** The number of the last own offer. */
  #offer = 0;
  #early: RTCIceCandidateInit[] = [];
  #candidates: RTCIceCandidate[] | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The path is lost, or messages are, and signalling is not possible now. */
  #isDue = false;
  #restarts = 0;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.id = options.id;
    this.#step(() => this.#open());
    const { room } = options;
    const { signal } = this.#ended;
    let wasIn = true;
    room.state.subscribe(
      ({ membership }) => {
        const isIn = membership === 'in';
        if (isIn && !wasIn) this.#resumed();
        wasIn = isIn;
      },
      { signal },
    );
    // Messages may have been missed.
    room.on('reset', () => this.#restore(), { signal });
  }

  /** The platform's connection, once it was made. */
  get connection(): RTCPeerConnection | undefined {
    return this.#connection;
  }

  /** Handles a message. */
  receive(message: Message): void {
    this.#step(async () => {
      const { description, candidate, offer, restart } = message;
      if (description) await this.#describe(description, offer);
      if (candidate) {
        if (this.#early.length < MAX_EARLY_CANDIDATES) this.#early.push(candidate);
        await this.#addCandidates();
      }
      // The subscriber asks while an own attempt is running.
      if (restart && !(this.#timer && this.#restarts)) await this.#restart();
    });
  }

  /** Ends the connection. */
  close(): void {
    this.#ended.abort();
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.link.set('ended');
  }

  async #open(): Promise<void> {
    const connection = new RTCPeerConnection(await this.#configuration());
    if (this.#isEnded) {
      connection.close();
      return;
    }
    this.#connection = connection;
    connection.onnegotiationneeded = () => {
      this.#step(async () => {
        // Otherwise it is asked again when the running negotiation is over.
        if (connection.signalingState === 'stable') await this.#sendDescription((this.#offer += 1));
      });
    };
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      if (this.#candidates) this.#candidates.push(candidate);
      else this.#send({ candidate: candidate.toJSON() });
    };
    connection.onconnectionstatechange = () => {
      this.#changed(connection.connectionState);
    };
    this.#options.opened?.(connection);
    if (!this.#options.isPublisher) this.#watch();
  }

  /**
   * Notices a dead path of a subscriber before the platform does, which takes 5 seconds or more: media flowed, and then
   * nothing arrived at all. A publisher that sends no more is still heard: it answers connectivity checks.
   */
  #watch(): void {
    let before = 0;
    let isFlowing = false;
    let silence = 0;
    const timer = setInterval(() => {
      void this.#received().then((now) => {
        if (now === before) silence += WATCH_MS;
        else {
          silence = 0;
          isFlowing = now - before > FLOW_BYTES;
        }
        before = now;
        if (!isFlowing || silence < CHECK_MS || this.link.value !== 'connected') return;
        isFlowing = false;
        this.#restore();
      });
    }, WATCH_MS);
    this.#ended.signal.addEventListener('abort', () => {
      clearInterval(timer);
    });
  }

  /** Media has a new path. A receiver that missed frames would ask for one that it can decode only every 3 seconds. */
  #sendKeyFrames(): void {
    for (const sender of this.#connection?.getSenders() ?? []) {
      if (sender.track?.kind !== 'video') continue;
      const parameters = sender.getParameters();
      const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
      sender.setParameters(parameters, { encodingOptions }).catch(() => undefined);
    }
  }

  async #configuration(): Promise<RTCConfiguration> {
    const { configuration = {} } = this.#options.media;
    try {
      return typeof configuration === 'function' ? await inTime(configuration()) : configuration;
    } catch (error) {
      this.#report(error);
      return {};
    }
  }

  /** Candidates are gathered again: credentials may have expired. */
  async #configure(connection: RTCPeerConnection): Promise<void> {
    connection.setConfiguration({ ...connection.getConfiguration(), ...(await this.#configuration()) });
  }

  async #describe(description: RTCSessionDescriptionInit, offer: number | undefined): Promise<void> {
    const connection = this.#need();
    if (description.type === 'offer') {
      // Glare: the subscriber rolls its offer back and answers this one's.
      if (connection.signalingState !== 'stable' && this.#options.isPublisher) return;
      if (isRestart(connection, description)) await this.#configure(connection);
      await connection.setRemoteDescription(description);
      await this.#addCandidates();
      this.#options.described?.(connection);
      await this.#sendDescription(offer);
    } else if (
      description.type === 'answer' &&
      connection.signalingState === 'have-local-offer' &&
      (offer ?? this.#offer) === this.#offer
    ) {
      await connection.setRemoteDescription(description);
      await this.#addCandidates();
      this.#options.described?.(connection);
      const ice = connection.getSenders()[0]?.transport?.iceTransport;
      if (ice && this.#options.isPublisher)
        ice.onselectedcandidatepairchange = () => {
          this.#sendKeyFrames();
        };
    }
  }

  /** Makes an offer or an answer and sends it with the candidates that are known soon. */
  async #sendDescription(offer: number | undefined): Promise<void> {
    const connection = this.#need();
    // Those that are found until it is sent are part of it.
    const candidates: RTCIceCandidate[] = (this.#candidates = []);
    await connection.setLocalDescription();
    await gathered(connection);
    const description = connection.localDescription?.toJSON();
    this.#candidates = undefined;
    if (!description) return;
    this.#send({ description, ...(offer !== undefined && { offer }) });
    for (const candidate of candidates) {
      if (!description.sdp?.includes(candidate.candidate.slice('candidate:'.length)))
        this.#send({ candidate: candidate.toJSON() });
    }
  }

  /** Adds the candidates of the current remote description; others wait for theirs. */
  async #addCandidates(): Promise<void> {
    const connection = this.#need();
    const sdp = connection.remoteDescription?.sdp;
    if (sdp === undefined) return;
    const candidates = this.#early.splice(0);
    for (const candidate of candidates) {
      const fragment = candidate.usernameFragment;
      if (fragment && !sdp.includes(`a=ice-ufrag:${fragment}`)) this.#early.push(candidate);
      else
        await connection.addIceCandidate(candidate).catch((error: unknown) => {
          this.#report(error);
        });
    }
  }

  #send(message: Message): void {
    this.#sending = this.#sending.then(() => this.#deliver(message));
  }

  async #deliver(message: Message): Promise<void> {
    if (this.#isEnded) return;
    try {
      await this.#options.send(this.id === undefined ? message : { connection: this.id, ...message });
    } catch (error) {
      if (hasCode(error, 'rate_limited')) {
        const delay = (error as StagedoorError).retryAfterMs ?? CHECK_MS;
        await new Promise((resolve) => setTimeout(resolve, delay));
        await this.#deliver(message);
      } else if (hasCode(error, 'not_subscribed', 'participant_not_found', 'stream_not_found')) {
        this.#options.gone?.();
      } else {
        // The other side waits for this message: both begin again once that is possible.
        this.#isDue = true;
        setTimeout(() => {
          if (this.#isDue) this.#restore();
        }, CHECK_MS);
        if (!hasCode(error, 'deadline', 'connection_lost', 'not_in_room', 'session_ended', 'queue_full'))
          this.#report(error);
      }
    }
  }

  #changed(state: RTCPeerConnectionState): void {
    if (state === 'connected') {
      this.#restarts = 0;
      this.#isDue = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.link.set('connected');
    } else if (state === 'failed' || state === 'disconnected') {
      this.link.set('interrupted');
      if (state === 'failed') this.#restore();
      else void this.#check();
    }
  }

  /** The gateway can be reached again. */
  #resumed(): void {
    if (this.#isDue || this.link.value === 'interrupted') this.#restore();
    else if (this.link.value === 'connected') void this.#check();
  }

  /** Restores the path if nothing arrives for a while. */
  async #check(): Promise<void> {
    clearTimeout(this.#timer);
    const before = await this.#received();
    if (this.#isEnded) return;
    clearTimeout(this.#timer);
    const delay = this.#restarts > MANY_RESTARTS ? SLOW_CHECK_MS : CHECK_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#received().then((after) => {
        if (after === before) this.#restore();
        else if (this.link.value !== 'connected') void this.#check();
        else this.#restarts = 0;
      });
    }, delay);
  }

  /** Counts what arrived on this path, connectivity checks included. */
  async #received(): Promise<number> {
    let sum = 0;
    const report = await this.#connection?.getStats();
    report?.forEach(
      (stat: { type: string; bytesReceived?: number; responsesReceived?: number; requestsReceived?: number }) => {
        if (stat.type === 'transport' || stat.type === 'candidate-pair')
          sum += (stat.bytesReceived ?? 0) + (stat.responsesReceived ?? 0) + (stat.requestsReceived ?? 0);
      },
    );
    return sum;
  }

  /** Restarts ICE, now or once the gateway can be reached. */
  #restore(): void {
    if (this.#isEnded) return;
    this.#isDue = this.#options.room.state.value.membership !== 'in';
    if (this.#isDue) return;
    this.#restarts += 1;
    if (this.#options.isPublisher) this.#step(() => this.#restart());
    else this.#send({ restart: true });
    // Once more if it had no success.
    void this.#check();
  }

  async #restart(): Promise<void> {
    const connection = this.#need();
    await this.#configure(connection);
    // Its answer may have been lost.
    if (connection.signalingState === 'have-local-offer') await connection.setLocalDescription({ type: 'rollback' });
    connection.restartIce();
  }

  #step(job: () => Promise<void>): void {
    this.#steps = this.#steps
      .then(() => (this.#isEnded ? undefined : job()))
      .catch((error: unknown) => {
        if (!this.#isEnded) this.#report(error);
      });
  }

  #need(): RTCPeerConnection {
    if (!this.#connection) throw new StagedoorError('media_failed', 'the connection could not be made');
    return this.#connection;
  }

  #report(error: unknown): void {
    (this.#options.media.onError ?? reportError)(error);
  }

  get #isEnded(): boolean {
    return this.#ended.signal.aborted;
  }
}

/** Waits until all candidates were found, but only shortly: most are found at once. */
function gathered(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      if (connection.iceGatheringState !== 'complete') return;
      resolve();
    };
    done();
    connection.addEventListener('icegatheringstatechange', done);
    setTimeout(resolve, GATHER_MS);
  });
}

/** What a function of the program gives, if it gives it in time. */
async function inTime<T>(answer: T | Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const hint = 'Fetch credentials with a deadline, or prepare them before the call.';
      reject(new StagedoorError('deadline', `\`configuration\` took more than ${String(ANSWER_MS)} ms`, { hint }));
    }, ANSWER_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an offer restarts ICE. */
function isRestart({ remoteDescription }: RTCPeerConnection, offer: RTCSessionDescriptionInit): boolean {
  return remoteDescription !== null && fragmentOf(remoteDescription) !== fragmentOf(offer);
}

function fragmentOf({ sdp }: RTCSessionDescriptionInit): string | undefined {
  return /^a=ice-ufrag:.*/m.exec(sdp ?? '')?.[0];
}

/** How long the function `configuration` may take, in milliseconds: less than a subscriber waits for an offer. */
const ANSWER_MS = 4_000;
/** How long a description waits for its first candidates, in milliseconds. */
const GATHER_MS = 50;
/** How long nothing may arrive on a path, in milliseconds. */
const CHECK_MS = 3_000;
/** The same after many attempts, in milliseconds. */
const SLOW_CHECK_MS = 15_000;
/** How often a subscriber looks whether something arrived, in milliseconds. */
const WATCH_MS = 750;
/** More than this arrives in that time while media flows. */
const FLOW_BYTES = 1_500;
/** After how many attempts they become rare. */
const MANY_RESTARTS = 10;
/** How many candidates wait for their description. */
const MAX_EARLY_CANDIDATES = 100;
