/** Answers of the service, good and bad, as the page tells of them. */
import { describe, expect, test } from 'vitest';
import { part, Refusal, send, Unreachable } from '../src/lib/api/client';

const answering = (status: number, body: string): typeof fetch => () => Promise.resolve(new Response(body, { status }));

async function refusal(status: number, body: string): Promise<Refusal> {
  const error: unknown = await send({ method: 'POST', path: '/x' }, answering(status, body)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refusal);
  return error as Refusal;
}

describe('a refusal', () => {
  test('carries message, code, name and facts', async () => {
    const body = { error: { code: 5071, name: 'ERROR_NODE_CANT_HOST_RESOURCE', message: 'n3 cannot host it.', facts: { Node: 'n3' } } };
    const told = await refusal(409, JSON.stringify(body));
    expect([told.status, told.code, told.symbol, told.message, told.facts]).toEqual([409, 5071, 'ERROR_NODE_CANT_HOST_RESOURCE', 'n3 cannot host it.', { Node: 'n3' }]);
  });

  test.each([
    [502, 'Bad gateway', 'HTTP 502', 'Bad gateway'],
    [500, '', 'HTTP 500', 'The service gave no reason.'],
    [400, '{"error":{}}', 'HTTP 400', '{"error":{}}'],
    [400, '{"error":{"code":"five","message":7,"facts":null}}', 'HTTP 400', '{"error":{"code":"five","message":7,"facts":null}}'],
    [404, 'null', 'HTTP 404', 'null'],
  ])('%i with body %j is told as %s: %s', async (status, body, symbol, message) => {
    const told = await refusal(status, body);
    expect([told.symbol, told.message, told.code, told.facts]).toEqual([symbol, message, null, {}]);
  });
});

describe('a request', () => {
  test('gives the JSON of the answer', async () => expect(await send({ method: 'GET', path: '/x' }, answering(202, '{"Accepted":true}'))).toEqual({ Accepted: true }));
  test('an empty answer is null', async () => expect(await send({ method: 'GET', path: '/x' }, answering(202, ''))).toBeNull());

  test('says what to look at when nothing answers', async () => {
    const dead: typeof fetch = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(send({ method: 'GET', path: '/x' }, dead)).rejects.toThrow(/Is the lab still running/);
    await expect(send({ method: 'GET', path: '/x' }, dead)).rejects.toBeInstanceOf(Unreachable);
  });

  test('says that a late change may still happen', async () => {
    const slow: typeof fetch = (_, init) => new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    await expect(send({ method: 'GET', path: '/x', timeoutMs: 5 }, slow)).rejects.toThrow(/may still happen/);
  });

  test('sends a body only when there is one', async () => {
    const seen: (RequestInit | undefined)[] = [];
    const record: typeof fetch = (_, init) => (seen.push(init), Promise.resolve(new Response('')));
    await send({ method: 'POST', path: '/x' }, record);
    await send({ method: 'POST', path: '/x', body: {} }, record);
    expect(seen.map((init) => [init?.body, init?.headers])).toEqual([
      [undefined, {}],
      ['{}', { 'content-type': 'application/json' }],
    ]);
  });

  test.each([
    ['Web', 'Web'],
    ['a/b', 'a%2Fb'],
    ['../x?y#z', '..%2Fx%3Fy%23z'],
    ['50 %', '50%20%25'],
  ])('the name %s goes into a path as %s', (name, expected) => expect(part(name)).toBe(expected));
});
