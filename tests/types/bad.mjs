// Messages that must not compile, each as `type = value`.

const start = '{ app: "demo", instance: "tab-4f9c2a17", credentials: { guest: {} } }';
const resume = '{ session: "q83v", secret: "s", last_seq: 0 }';

export const bad = {
  "two commands": `wire.ClientMessage = { id: 1, start: ${start}, resume: ${resume} }`,
  "two commands without an id": `wire.Command = { leave: { room: "a" }, end: {} }`,
  "a command and a pong": `wire.ClientMessage = { id: 1, leave: { room: "a" }, pong: { seq: 1 } }`,
  "a pong with an id": `wire.ClientMessage = { id: 1, pong: { seq: 1 } }`,
  "a pong with a command": `wire.ClientMessage = { pong: { seq: 1 }, end: {} }`,
  "no command": `wire.ClientMessage = { id: 1 }`,
  "an unknown command": `wire.ClientMessage = { id: 1, dance: {} }`,
  "a command without its id": `wire.ClientMessage = { leave: { room: "a" } }`,
  "a ping without its id": `wire.ClientMessage = { ping: {} }`,
  "an id that is a text": `wire.ClientMessage = { id: "1", leave: { room: "a" } }`,
  "a body of another command": `wire.ClientMessage = { id: 1, leave: { stream: "a" } }`,
  "two kinds of credentials": `wire.Credentials = { guest: {}, token: "t" }`,
  "params and a token": `wire.Credentials = { params: {}, token: "t" }`,
  "no credentials": `wire.Credentials = {}`,
  "a start without credentials": `wire.Start = { app: "demo", instance: "tab-4f9c2a17" }`,
  "a renewal by two credentials": `wire.Renew = { auth_token: "t", params: {} }`,
  "a resume by two credentials":
    `wire.Resume = { session: "s", secret: "s", last_seq: 0, auth_token: "t", params: {} }`,
  "a removal without a target": `wire.ForceDisconnect = { room: "lobby" }`,
  "a removal of two targets": `wire.ForceDisconnect = { room: "lobby", participant: "p", username: "ada" }`,
  "a removal without a target in a message":
    `wire.ClientMessage = { id: 1, force_disconnect: { room: "lobby", reason: "spam" } }`,
  "a mute without a target": `wire.ForceMute = { lock: true }`,
  "a mute of a room": `wire.ForceMute = { room: "lobby" }`,
  "a mute of a participant of no room": `wire.ForceMute = { participant: "p" }`,
  "a mute of a stream and a user": `wire.ForceMute = { stream: "s", username: "ada" }`,
  "a lifted mute of two targets":
    `wire.ClientMessage = { id: 1, lift_mute: { room: "a", participant: "p", username: "ada" } }`,
  "a role that does not exist": `wire.SetRole = { room: "a", participant: "p", role: "king" }`,
  "a block of an unknown scope": `wire.Block = { scope: "planet" }`,
};
