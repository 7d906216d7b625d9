/**
 * The live connection: server-sent events, opened again whenever they end.
 *
 * The browser's own reconnecting says nothing and gives up on some answers, so this module closes a broken EventSource
 * and opens a new one after a growing pause, and tells the page each time what it is doing. A stream can also stay open
 * and silent, because the process at its other end is frozen; after a while of silence the page therefore asks the
 * cluster a short question, and an answer that does not come, or that tells of news, opens the stream anew.
 */
import * as shapes from './shapes';
import { API, send } from './client';
import type { Notice, Snapshot } from './types';

/** Pauses between attempts, in milliseconds; the last one repeats. */
export const BACKOFF_MS: readonly number[] = [250, 500, 1000, 2000, 4000, 8000];
/** Silence after which the page asks, in milliseconds. */
export const SILENCE_MS = 4000;
/** How long the answer to that question may take, in milliseconds. */
export const PROBE_TIMEOUT_MS = 2500;

/** What the connection is doing. */
export type Connection =
  | { kind: 'connecting'; attempt: number }
  | { kind: 'live' }
  | { kind: 'waiting'; attempt: number; retryAt: number };

/** The part of EventSource that is used. */
export interface Source {
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

/** What the stream needs from outside; tests bring their own. */
export interface Surroundings {
  open(url: string): Source;
  /** Asks the cluster for its present position; rejects when nothing answers. */
  probe(): Promise<unknown>;
  now(): number;
  later(run: () => void, ms: number): unknown;
  cancel(timer: unknown): void;
}

export interface Listener {
  onConnection(state: Connection): void;
  onSnapshot(snapshot: Snapshot): void;
  onNotice(notice: Notice): void;
}

/** The pause before attempt `attempt`, which counts from 0. */
export function backoff(attempt: number): number {
  return BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0;
}

export const browser: Surroundings = {
  open: (url) => new EventSource(url),
  probe: () => send({ method: 'GET', path: '/cluster', timeoutMs: PROBE_TIMEOUT_MS }),
  now: () => Date.now(),
  later: (run, ms) => setTimeout(run, ms),
  cancel: (timer) => clearTimeout(timer as number),
};

/** Keeps one stream open until `close`. */
export class Stream {
  #source: Source | null = null;
  #timer: unknown = null;
  #attempt = 0;
  #position = '';
  #closed = false;
  /** The present source has brought a snapshot. */
  #isLive = false;

  constructor(
    private readonly listener: Listener,
    private readonly outside: Surroundings = browser,
  ) {
    this.open();
  }

  /** Tries at once, without waiting for the pause to end. */
  open(): void {
    if (this.#closed) return;
    this.#drop();
    this.listener.onConnection({ kind: 'connecting', attempt: this.#attempt });
    const source = this.outside.open(`${API}/stream`);
    this.#source = source;
    this.#isLive = false;
    // Whatever an older source still has to say is not heard any more.
    const ifCurrent = (run: (event: MessageEvent) => void) => (event: MessageEvent) => {
      if (this.#source === source) run(event);
    };
    source.addEventListener('snapshot', ifCurrent((event) => this.#snapshot(event)));
    source.addEventListener('notice', ifCurrent((event) => this.#notice(event)));
    source.addEventListener('error', ifCurrent(() => this.#broken()));
    this.#watch();
  }

  /** Ends it for good. */
  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #snapshot(event: MessageEvent): void {
    const value = shapes.snapshot(json(event.data));
    this.#watch();
    if (value === null) return;
    this.#attempt = 0;
    this.#isLive = true;
    this.#position = position(value.Cluster);
    this.listener.onConnection({ kind: 'live' });
    this.listener.onSnapshot(value);
  }

  #notice(event: MessageEvent): void {
    const value = shapes.notice(json(event.data));
    this.#watch();
    if (value !== null) this.listener.onNotice(value);
  }

  #broken(): void {
    if (this.#closed) return;
    this.#drop();
    const pause = backoff(this.#attempt);
    this.#attempt += 1;
    this.listener.onConnection({ kind: 'waiting', attempt: this.#attempt, retryAt: this.outside.now() + pause });
    this.#timer = this.outside.later(() => this.open(), pause);
  }

  #watch(): void {
    this.outside.cancel(this.#timer);
    this.#timer = this.outside.later(() => void this.#ask(), SILENCE_MS);
  }

  async #ask(): Promise<void> {
    const source = this.#source;
    let answer: unknown;
    try {
      answer = await this.outside.probe();
    } catch {
      if (this.#source === source) this.#broken();
      return;
    }
    if (this.#closed || this.#source !== source) return;
    if (position(answer) === this.#position) this.#watch();
    else if (this.#isLive) this.open();
    else this.#broken(); // it was opened and never told anything: the pauses grow as for one that cannot be opened
  }

  #drop(): void {
    this.outside.cancel(this.#timer);
    this.#timer = null;
    this.#source?.close();
    this.#source = null;
  }
}

/** Two answers with the same position tell the same story. */
function position(cluster: unknown): string {
  const { Applied, Quorate, Leader } = (cluster ?? {}) as Record<string, unknown>;
  return JSON.stringify([Applied ?? null, Quorate ?? null, Leader ?? null]);
}

function json(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
