/** The live connection in a world without real time: what it does when the stream breaks, falls silent or lies. */
import { beforeEach, describe, expect, test } from 'vitest';
import { backoff, BACKOFF_MS, SILENCE_MS, Stream, type Connection, type Source, type Surroundings } from '../src/lib/api/stream';

class FakeSource implements Source {
  isClosed = false;
  readonly listeners = new Map<string, (event: MessageEvent) => void>();
  addEventListener(type: string, listener: (event: MessageEvent) => void): void {
    this.listeners.set(type, listener);
  }
  close(): void {
    this.isClosed = true;
  }
  tell(type: string, data: unknown): void {
    this.listeners.get(type)?.({ data: typeof data === 'string' ? data : JSON.stringify(data) } as MessageEvent);
  }
}

class World implements Surroundings {
  time = 0;
  sources: FakeSource[] = [];
  timers: { at: number; run: () => void }[] = [];
  answer: () => Promise<unknown> = () => Promise.reject(new Error('nobody'));
  open = (): Source => {
    const source = new FakeSource();
    this.sources.push(source);
    return source;
  };
  probe = (): Promise<unknown> => this.answer();
  now = (): number => this.time;
  later = (run: () => void, ms: number): unknown => {
    const timer = { at: this.time + ms, run };
    this.timers.push(timer);
    return timer;
  };
  cancel = (timer: unknown): void => {
    this.timers = this.timers.filter((one) => one !== timer);
  };
  get source(): FakeSource {
    const last = this.sources.at(-1);
    if (last === undefined) throw new Error('no stream was opened');
    return last;
  }
  /** Runs what is due within `ms`. */
  async pass(ms: number): Promise<void> {
    this.time += ms;
    const due = this.timers.filter((one) => one.at <= this.time);
    this.timers = this.timers.filter((one) => one.at > this.time);
    due.forEach((one) => one.run());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const snapshot = (Applied: number) => ({ Cluster: { Name: 'C', Applied, Quorate: true, Leader: 'n1' }, Nodes: [], Groups: [], Resources: [] });

let world: World;
let states: Connection[];
let heard: string[];
let stream: Stream;
const last = () => states.at(-1);

beforeEach(() => {
  world = new World();
  states = [];
  heard = [];
  stream = new Stream(
    { onConnection: (state) => states.push(state), onSnapshot: (one) => heard.push(`snapshot ${one.Cluster.Applied}`), onNotice: (one) => heard.push(`notice ${one.Text}`) },
    world,
  );
});

describe('the stream', () => {
  test('is live with the first snapshot and hands on what it hears', () => {
    expect(last()).toEqual({ kind: 'connecting', attempt: 0 });
    world.source.tell('snapshot', snapshot(5));
    world.source.tell('notice', { Text: 'hello' });
    expect(last()).toEqual({ kind: 'live' });
    expect(heard).toEqual(['snapshot 5', 'notice hello']);
  });

  test('waits longer with each attempt, and is patient but not endless', async () => {
    for (const [i, pause] of [...BACKOFF_MS, BACKOFF_MS.at(-1) ?? 0].entries()) {
      world.source.tell('error', '');
      expect(last()).toEqual({ kind: 'waiting', attempt: i + 1, retryAt: world.time + pause });
      const opened = world.sources.length;
      await world.pass(pause - 1);
      expect(world.sources.length).toBe(opened);
      await world.pass(1);
      expect(world.sources.length).toBe(opened + 1);
    }
  });

  test('begins with short pauses again after it was live', async () => {
    world.source.tell('error', '');
    await world.pass(backoff(0));
    world.source.tell('error', '');
    await world.pass(backoff(1));
    world.source.tell('snapshot', snapshot(1));
    world.source.tell('error', '');
    expect(last()).toMatchObject({ kind: 'waiting', attempt: 1 });
  });

  test('closes the broken source and is deaf to it', async () => {
    const old = world.source;
    old.tell('error', '');
    expect(old.isClosed).toBe(true);
    await world.pass(backoff(0));
    old.tell('snapshot', snapshot(9));
    old.tell('error', '');
    expect(heard).toEqual([]);
    expect(last()).toEqual({ kind: 'connecting', attempt: 1 });
  });

  test('stays when it is silent because nothing happens', async () => {
    world.source.tell('snapshot', snapshot(5));
    world.answer = () => Promise.resolve({ Applied: 5, Quorate: true, Leader: 'n1' });
    for (let i = 0; i < 3; i++) await world.pass(SILENCE_MS);
    expect(world.sources.length).toBe(1);
    expect(last()).toEqual({ kind: 'live' });
  });

  test('is opened anew when it is silent and there was news', async () => {
    world.source.tell('snapshot', snapshot(5));
    world.answer = () => Promise.resolve({ Applied: 6, Quorate: true, Leader: 'n1' });
    await world.pass(SILENCE_MS);
    expect(world.sources.length).toBe(2);
    expect(world.sources[0]?.isClosed).toBe(true);
  });

  test('is given up when it was opened and never told anything, though the cluster answers', async () => {
    world.answer = () => Promise.resolve({ Applied: 6, Quorate: true, Leader: 'n1' });
    await world.pass(SILENCE_MS);
    expect(last()).toMatchObject({ kind: 'waiting', attempt: 1 });
  });

  test('is given up when it is silent and nobody answers', async () => {
    world.source.tell('snapshot', snapshot(5));
    await world.pass(SILENCE_MS);
    expect(last()).toMatchObject({ kind: 'waiting', attempt: 1 });
  });

  test.each([['not json'], ['null'], ['[]'], ['{}'], ['{"Cluster":{}}'], ['{"Cluster":{"Name":""}}'], ['"text"']])('a snapshot that is %s is passed over', (body) => {
    world.source.tell('snapshot', body);
    expect(heard).toEqual([]);
    expect(last()).toEqual({ kind: 'connecting', attempt: 0 });
  });

  test('is over when it is closed', async () => {
    stream.close();
    await world.pass(60_000);
    stream.open();
    expect(world.sources.length).toBe(1);
    expect(world.source.isClosed).toBe(true);
    expect(world.timers).toEqual([]);
  });
});
