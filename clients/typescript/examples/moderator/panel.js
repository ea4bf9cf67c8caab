// A moderator's panel for one room: who is there, what can be done to them, and what became of it.
import { SessionManager } from './stagedoor.js';

const get = (id) => document.getElementById(id);
const manager = new SessionManager({ url: 'http://127.0.0.1:7080', app: 'demo' });
let room;

get('enter').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  const { error } = await manager.start({ token: form.token.value });
  if (error) return report(error);
  form.hidden = true;
  await open(form.room.value).catch(report);
});
// After a reload: the tab stores the session.
manager.start({ stored: true }).then(({ session }) => {
  get('enter').hidden = session !== undefined;
  if (session) open(sessionStorage.getItem('room') ?? 'lobby').catch(report);
});

async function open(name) {
  sessionStorage.setItem('room', name);
  room = manager.room(name);
  // Both observables change together, so that one of them is enough to draw all rows.
  room.participants.subscribe(draw);
  room.streams.subscribe(draw);
  room.on('left', ({ why, reason }) => report({ message: `you are out of the room: ${reason ?? why}`, hint: '' }));
  await room.join();
  get('status').textContent = `in ${name} as ${room.state.value.me.role}`;
  if (!room.state.value.capabilities.moderate) report({ message: 'this token does not moderate', hint: '' });
}

/** The row of each participant. A row is made once, so that no button disappears while it is pressed. */
const rows = new Map();

function draw() {
  const { participants, streams, state } = room;
  for (const [id, { element }] of rows) {
    if (participants.value.has(id)) continue;
    element.remove();
    rows.delete(id);
  }
  for (const participant of participants.value.values()) {
    if (participant.id === state.value.me?.id) continue;
    if (!rows.has(participant.id)) rows.set(participant.id, newRow(participant));
    const own = [...streams.value.values()].filter((stream) => stream.participant === participant.id);
    rows.get(participant.id).show(participant, own);
  }
}

function newRow({ id, username }) {
  const target = { participant: id };
  const { moderation } = room;
  const [role, link, audio, commands] = Array.from({ length: 4 }, () => document.createElement('td'));
  commands.append(
    button('Mute', username, () => moderation.mute(target)),
    button('Mute and lock', username, () => moderation.mute(target, { lock: true })),
    button('Lift', username, () => moderation.lift(target)),
    // A block of ten minutes, also for other tabs and devices of this user.
    button('Remove', username, () => moderation.remove(target, { block: { forMs: 600_000 }, reason: 'removed' })),
  );
  const element = row(username, role, link, audio, commands);
  get('people').append(element);
  const show = (participant, streams) => {
    role.textContent = participant.role;
    link.textContent = participant.link;
    audio.textContent = audioOf(participant, streams);
  };
  return { element, show };
}

function audioOf({ muteLocked }, streams) {
  if (muteLocked) return 'locked';
  if (streams.some(({ muted }) => muted)) return 'muted';
  return streams.some(({ hasAudio }) => hasAudio) ? 'on' : 'off';
}

function button(label, username, command) {
  const element = document.createElement('button');
  element.textContent = label;
  element.ariaLabel = `${label}: ${username}`;
  element.addEventListener('click', () => run(`${label}: ${username}`, command).catch(report));
  return element;
}

/** Sends a command, and shows its receipts as they arrive, until no target is pending or offline. */
async function run(label, command) {
  const action = await command();
  const state = document.createElement('td');
  state.textContent = 'accepted';
  const counts = ['enforced', 'pending', 'offline', 'declined', 'ignored'].map((outcome) => {
    const cell = document.createElement('td');
    action.receipts.subscribe((receipts) => (cell.textContent = receipts.counts[outcome]));
    return cell;
  });
  get('actions').prepend(row(label, action.targets, ...counts, state));
  try {
    const { elapsedMs } = await action.settled();
    state.textContent = `settled after ${elapsedMs} ms`;
  } catch (error) {
    state.textContent = error.message;
  }
}

function row(...cells) {
  const element = document.createElement('tr');
  element.append(
    ...cells.map((cell) => {
      if (cell instanceof Node) return cell;
      // `textContent` shows hostile names as text.
      return Object.assign(document.createElement('td'), { textContent: cell });
    }),
  );
  return element;
}

function report({ message, hint }) {
  get('status').textContent = `${message}. ${hint}`;
}
