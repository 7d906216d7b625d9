/**
 * The one place that calls the REST API.
 *
 * A refusal of the service and a service that cannot be reached are different things to the person in front of the page,
 * so they are different errors here.
 */

/** Where the API lives, below the page's own origin. */
export const API = '/api/v1';

/** How long a request may take before the page gives up, in milliseconds. Changes with `?wait=` state their own. */
export const REQUEST_TIMEOUT_MS = 15_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One request: what an action sends. */
export interface Request {
  method: Method;
  path: string;
  body?: unknown;
  timeoutMs?: number;
}

/** The service answered that it will not: its own words, with the Win32 code. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number | null,
    readonly symbol: string,
    message: string,
    readonly facts: Record<string, unknown>,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

/** Nothing answered, or not in time. */
export class Unreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unreachable';
  }
}

/** Sends one request and gives the JSON of the answer (null for an empty one). Throws Refusal or Unreachable. */
export async function send(request: Request, fetcher: typeof fetch = fetch): Promise<unknown> {
  const limit = request.timeoutMs ?? REQUEST_TIMEOUT_MS;
  let answer: Response;
  let body: string;
  try {
    answer = await fetcher(API + request.path, {
      method: request.method,
      headers: request.body === undefined ? {} : { 'content-type': 'application/json' },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: AbortSignal.timeout(limit),
    });
    body = await answer.text();
  } catch (error) {
    const late = error instanceof DOMException && error.name === 'TimeoutError';
    throw new Unreachable(
      late
        ? `No answer within ${limit / 1000} s. The change may still happen: watch the events.`
        : 'The cluster service cannot be reached. Is the lab still running?',
    );
  }
  const json = parse(body);
  if (answer.ok) return json;
  throw refusal(answer.status, json, body);
}

/** GET, for short. */
export const get = (path: string, fetcher?: typeof fetch): Promise<unknown> => send({ method: 'GET', path }, fetcher);

/** A name as a part of a path. */
export const part = (name: string): string => encodeURIComponent(name);

function parse(body: string): unknown {
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function refusal(status: number, json: unknown, body: string): Refusal {
  const error = (json as { error?: Record<string, unknown> } | null)?.error;
  const facts = error?.facts;
  return new Refusal(
    status,
    typeof error?.code === 'number' ? error.code : null,
    typeof error?.name === 'string' ? error.name : `HTTP ${status}`,
    typeof error?.message === 'string' ? error.message : body.slice(0, 300) || 'The service gave no reason.',
    typeof facts === 'object' && facts !== null ? (facts as Record<string, unknown>) : {},
  );
}
