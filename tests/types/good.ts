// What a client sends, and how it reads what it receives: all of it compiles.

import type * as wire from "../../proto/schema/stagedoor.v1.js";

const room = "lobby";
const ada = { room, username: "ada" };

export const sent: wire.ClientMessage[] = [
  {
    id: 1,
    start: { app: "demo", username: "ada", instance: "tab-4f9c2a17", credentials: { guest: {} } },
  },
  { id: 2, resume: { session: "s", secret: "s", last_seq: 0, auth_token: "t" } },
  { id: 3, ping: {} },
  { pong: { seq: 41 } },
  { id: 4, renew: {} },
  { id: 5, renew: { params: { any: [1, null] } } },
  { id: 6, end: { revoke: false } },
  { id: 7, force_disconnect: { ...ada, block: { for_ms: 0, scope: "app" }, reason: "spam" } },
  { id: 8, force_disconnect: { room, participant: "p", ref: "kick-7" } },
  { id: 9, force_mute: { stream: "s", lock: true } },
  { id: 10, force_mute: ada },
  { id: 11, lift_mute: { room, participant: "p" } },
  { id: 12, update_stream: { stream: "s", has_audio: false } },
];

/** A request of any command. */
export function request(id: number, command: wire.Command): wire.ClientMessage {
  return { id, ...command };
}

/** Names the kind of a message, and reads its body. */
export function read(message: wire.ServerMessage): string {
  if ("ok" in message) {
    return "joined" in message.ok ? message.ok.joined.participant.username : "reply";
  }
  if ("error" in message) {
    const error: wire.WireError = message.error;
    return error.code;
  }
  if ("ping" in message) {
    return "ping";
  }
  if ("disconnect" in message) {
    return message.disconnect.reason;
  }
  if ("room_reset" in message) {
    const { participant, capabilities, snapshot } = message.room_reset;
    return `${participant} ${capabilities.publish} ${snapshot.version}`;
  }
  return "push";
}

/** The global is still there. */
export const failure: Error = new Error("not a message");
