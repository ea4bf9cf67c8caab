// Tokens and signatures without a gateway.

import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';

import {
  authWebhook,
  mintRoomToken,
  mintServerToken,
  mintSessionToken,
  serverApi,
  verifyWebhook,
} from '../../src/index.js';

const SECRET = 'change-me-change-me-change-me-abcdef';
const HOOK = `whsec_${Buffer.from('long-enough-and-random-enough-32').toString('base64')}`;

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

function delivery(body: string, at = new Date(), secret = HOOK): Record<string, string> {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
  };
}

describe('tokens', () => {
  it('claims are those of the protocol', async () => {
    const session = claimsOf(
      await mintSessionToken(SECRET, { app: 'shop', username: 'ada', expiresIn: '5m', sessionLasts: '1h' }),
    );
    expect(session).toMatchObject({ iss: 'shop', aud: 'stagedoor', scope: 'session', sub: 'ada', ttl_s: 3_600 });
    expect(Number(session.exp) - Number(session.iat)).toBe(300);
    const room = claimsOf(
      await mintRoomToken(SECRET, { app: 'shop', room: 'lobby', role: 'moderator', id: 'x', expiresIn: 60 }),
    );
    expect(room).toMatchObject({ scope: 'room', room: 'lobby', role: 'moderator', jti: 'x' });
    expect(claimsOf(await mintServerToken(SECRET, { app: 'shop', expiresIn: '1h' }))).toMatchObject({
      scope: 'server',
    });
  });

  it.each([
    [{ app: 'shop', username: 'ada', expiresIn: '5 minutes' }, /expiresIn/],
    [{ app: 'shop', username: 'ada', expiresIn: '31d' }, /at most/],
    [{ app: 'shop', username: '', expiresIn: '5m' }, /username/],
    [{ app: '', username: 'ada', expiresIn: '5m' }, /app/],
  ])('wrong claims are errors: %o', async (claims, message) => {
    await expect(mintSessionToken(SECRET, claims)).rejects.toThrow(message);
  });

  it('a short secret is an error', async () => {
    await expect(mintSessionToken('short', { app: 'shop', username: 'ada', expiresIn: '5m' })).rejects.toThrow(
      /secret/,
    );
  });
});

describe('webhooks', () => {
  const body = JSON.stringify({ id: 'msg_1', type: 'room.opened', app: 'shop', at_ms: 1 });

  it('accepts what the standard library signs, with each kind of headers', async () => {
    const headers = delivery(body);
    expect((await verifyWebhook(body, headers, HOOK)).type).toBe('room.opened');
    expect((await verifyWebhook(new TextEncoder().encode(body), new Headers(headers), [OTHER, HOOK])).id).toBe('msg_1');
  });

  it.each([
    ['another body', body.replace('shop', 'shoq'), delivery(body), 'wrong_signature'],
    [
      'another secret',
      body,
      delivery(body, new Date(), `whsec_${Buffer.from('x'.repeat(32)).toString('base64')}`),
      'wrong_signature',
    ],
    ['an old delivery', body, delivery(body, new Date(Date.now() - 301_000)), 'too_old'],
    ['one of the future', body, delivery(body, new Date(Date.now() + 302_000)), 'too_new'],
    ['no headers', body, {}, 'missing_header'],
    ['no JSON', 'x', delivery('x'), 'malformed'],
  ])('rejects %s', async (_, text, headers, code) => {
    await expect(verifyWebhook(text, headers, HOOK)).rejects.toMatchObject({ code });
  });
});

describe('the auth webhook', () => {
  const question = JSON.stringify({ app: 'shop', username: 'ada', auth_params: { pin: 1 }, purpose: 'start' });
  const request = (headers = delivery(question), method = 'POST'): Request =>
    new Request('https://shop.example.com/stagedoor', {
      method,
      headers,
      ...(method === 'POST' && { body: question }),
    });

  it('answers in the form of the protocol', async () => {
    const allow = authWebhook(() => ({ allow: true, rooms: { lobby: 'moderator' }, ttlS: 60 }), { secret: HOOK });
    const allowed = await allow(request());
    expect([allowed.status, await allowed.json()]).toEqual([200, { rooms: { lobby: 'moderator' }, ttl_s: 60 }]);
    const deny = authWebhook(() => ({ allow: false, message: 'wrong pin' }), { secret: HOOK });
    const denied = await deny(request());
    expect([denied.status, await denied.json()]).toEqual([403, { message: 'wrong pin' }]);
  });

  it('a failure is not a denial', async () => {
    const errors: unknown[] = [];
    const failing = authWebhook(() => Promise.reject(new Error('database')), {
      secret: HOOK,
      onError: (error) => errors.push(error),
    });
    expect((await failing(request())).status).toBe(500);
    expect(errors).toHaveLength(1);
    expect((await failing(request({}))).status).toBe(500);
    expect((await failing(request({}, 'GET'))).status).toBe(405);
  });
});

describe('the server API', () => {
  it('follows no redirect, which would get the key', async () => {
    const calls: (RequestInfo | URL)[] = [];
    const redirecting: typeof fetch = (target, init) => {
      calls.push(target);
      expect(init?.redirect).toBe('manual');
      return Promise.resolve(new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } }));
    };
    const api = serverApi({ url: 'https://gateway.example.com', key: 'sk_x', app: 'shop', fetch: redirecting });
    expect(await api.showRoom({ room: 'lobby' })).toMatchObject({
      ok: false,
      status: 302,
      error: { code: 'http_302', outcome: 'refused' },
    });
    expect(calls).toHaveLength(1);
  });

  it('an unreachable gateway is a value', async () => {
    const api = serverApi({ url: 'http://127.0.0.1:9', key: 'sk_x', app: 'shop' });
    expect(await api.showRoom({ room: 'lobby' })).toMatchObject({
      ok: false,
      status: 0,
      error: { code: 'unreachable', outcome: 'unknown' },
    });
  });
});

const OTHER = `whsec_${Buffer.from('y'.repeat(32)).toString('base64')}`;
