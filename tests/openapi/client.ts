// A program with openapi-fetch and the generated types, run against a gateway. It does not compile if the types do not
// say what the gateway answers.

import { strict as assert } from "node:assert";

import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

const [baseUrl, app, key, wrongKey] = process.argv.slice(2);
assert(baseUrl && app && key && wrongKey);

const clientWith = (key: string) => createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
const api = clientWith(key);

// Optional fields are left out; defaults are not required.
const created = await api.POST("/api/v1/apps/{app}/rooms", {
  params: { path: { app } },
  body: { room: "typed", settings: { participants: 5, membership_expiry: "keep" }, mute: { active: true } },
});
assert(created.data);
const room: components["schemas"]["Room"] = created.data;
assert.deepEqual([room.room, room.settings.participants, room.created_ms !== undefined], ["typed", 5, true]);

const locked = await api.POST("/api/v1/apps/{app}/rooms/{room}/lock", {
  params: { path: { app, room: "typed" }, query: { wait_ms: 0 } },
  body: { ref: "lock-1" },
});
assert.equal(locked.data?.command satisfies components["schemas"]["ModerationCommand"] | undefined, "lock_room");

const minted = await api.POST("/api/v1/apps/{app}/sessions", {
  params: { path: { app } },
  body: { username: "typed", rooms: { "lobby-*": "publisher" } },
});
assert(minted.data && minted.data.expires_at_ms > Date.now());

const banned = await api.POST("/api/v1/apps/{app}/users/{username}/ban", {
  params: { path: { app, username: "typed" }, header: { "Idempotency-Key": "ban-1" } },
  body: { for_ms: 60_000, reason: "spam" },
});
assert.equal(banned.data?.block?.set_by, "operator");

const users = await api.GET("/api/v1/apps/{app}/users", { params: { path: { app }, query: { banned: true } } });
assert(users.data?.items.some((user) => user.username === "typed" && user.block?.kind === "ban"));

const audit = await api.GET("/api/v1/apps/{app}/audit", {
  params: { path: { app }, query: { command: "ban", username: "typed", order: "newest_first" } },
});
const row = audit.data?.items[0];
assert(row && typeof row.actor === "object" && "server" in row.actor);
assert.match(row.actor.server, /^key:/);
assert.equal(row.outcome, "done");

const lines = await api.GET("/api/v1/apps/{app}/audit/export", { params: { path: { app } }, parseAs: "text" });
assert(lines.data?.includes('"command":"ban"'));

// Errors have a type with the known codes.
const refusal = (result: { error?: Problem; response: Response }): [number, components["schemas"]["ProblemCode"]] => {
  assert(result.error);
  assert.equal(result.error.status, result.response.status);
  return [result.error.status, result.error.code];
};
const again = await api.POST("/api/v1/apps/{app}/rooms", { params: { path: { app } }, body: { room: "typed" } });
assert.deepEqual(refusal(again), [409, "room_exists"]);
const absent = await api.GET("/api/v1/apps/{app}/rooms/{room}", { params: { path: { app, room: "absent" } } });
assert.deepEqual(refusal(absent), [404, "room_not_found"]);
const untargeted = await api.POST("/api/v1/apps/{app}/rooms/{room}/force_mute", {
  params: { path: { app, room: "typed" } },
  body: {},
});
assert.deepEqual(refusal(untargeted), [400, "invalid_argument"]);
const stranger = await clientWith(wrongKey).GET("/api/v1/apps/{app}/rooms", { params: { path: { app } } });
assert.deepEqual(refusal(stranger), [401, "unauthorized"]);

// @ts-expect-error -- a new room needs a name
await api.POST("/api/v1/apps/{app}/rooms", { params: { path: { app } }, body: { locked: true } });
await api.POST("/api/v1/apps/{app}/rooms/{room}/set_role", {
  params: { path: { app, room: "typed" } },
  // @ts-expect-error -- there is no such role
  body: { participant: "AAAAAAAAAAAAAAAAAAAAAA", role: "owner" },
});
// @ts-expect-error -- there is no such path
await api.GET("/api/v1/apps/{app}/nothing", { params: { path: { app } } });

console.log("openapi-fetch: 9 operations and 4 errors as typed");
