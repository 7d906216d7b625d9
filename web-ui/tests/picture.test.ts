/** What is worked out for the picture: shapes, the graph, the ring, words, values, and the memory of past pictures. */
import { describe, expect, test } from 'vitest';
import * as shapes from '../src/lib/api/shapes';
import type { Snapshot } from '../src/lib/api/types';
import { arranged, path } from '../src/lib/graph';
import { momentAt, MOMENTS_LIMIT, remembered, type Moment } from '../src/lib/moments';
import { pairs, spots } from '../src/lib/ring';
import { clock, due, serviceTime, shown, since, spaced, span, tone, typed } from '../src/lib/words';

describe('a message with less than promised', () => {
  test('gets empty lists, and what has no name is left out', () => {
    const got = shapes.snapshot({ Cluster: { Name: 'C' }, Nodes: [{ Name: 'n1' }, {}, 7, null], Groups: [{ Name: 'g', Resources: ['a', 3] }], Resources: 'none' });
    expect(got?.Nodes).toEqual([{ Name: 'n1', State: 'Down', Groups: [] }]);
    expect(got?.Groups[0]).toMatchObject({ Name: 'g', Resources: ['a'], PreferredOwners: [], Waiting: [], Core: false });
    expect(got?.Resources).toEqual([]);
    expect(got?.Lab).toBeNull();
  });
  test('a notice needs a text only', () => expect(shapes.notice({ Text: 't', Level: 'Loud', Subject: { Name: 'x' }, Why: 'no' })).toMatchObject({ Level: 'Information', Subject: null, Why: [], Id: null }));
  test.each([[null], [3], ['x'], [[]], [{}], [{ Text: 5 }]])('%j is no notice', (value) => expect(shapes.notice(value)).toBeNull());
  test('a lab with broken links keeps the whole ones', () => {
    const got = shapes.lab({ Nodes: [{ Name: 'n1', Process: 'running' }], Links: [{ From: 'n1' }, null, { From: 'n1', To: 'n2', Cut: true }] });
    expect(got?.Links).toEqual([{ From: 'n1', To: 'n2', Cut: true }]);
  });
});

describe('the dependency graph', () => {
  const graph = arranged([
    { Name: 'app', DependsOn: ['NAME', 'disk'] },
    { Name: 'name', DependsOn: ['ip', 'elsewhere'] },
    { Name: 'ip', DependsOn: [] },
    { Name: 'disk', DependsOn: [] },
  ]);
  const y = (name: string) => graph.boxes.find((box) => box.name === name)?.y ?? NaN;

  test('puts providers below their dependents', () => {
    expect(y('app')).toBeLessThan(y('name'));
    expect(y('name')).toBeLessThan(y('ip'));
    expect(y('app')).toBeLessThan(y('disk'));
  });
  test('draws what is in the group, whatever the case of the names', () => expect(graph.edges.map((edge) => `${edge.from}>${edge.to}`).sort()).toEqual(['app>disk', 'app>name', 'name>ip']));
  test('keeps all boxes inside and apart', () => {
    for (const a of graph.boxes) {
      expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width / 2).toBeLessThanOrEqual(graph.width);
      for (const b of graph.boxes) if (a !== b) expect(Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= a.height).toBe(true);
    }
  });
  test('bears a circle and a self reference', () => expect(arranged([{ Name: 'a', DependsOn: ['b', 'a'] }, { Name: 'b', DependsOn: ['a'] }]).boxes.length).toBe(2));
  test('of nothing is empty', () => expect(arranged([])).toEqual({ width: 0, height: 0, boxes: [], edges: [] }));
  test('a line begins and ends at its points', () => expect(path([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 10, y: 0 }])).toBe('M0,0 Q5,5 7.5,2.5 L10,0'));
});

describe('the ring of links', () => {
  test('begins at the top', () => {
    const [first, second] = spots(['a', 'b'], 50, 50, 40);
    expect([first?.x, first?.y, second?.x, second?.y].map((n) => Math.round(n ?? NaN))).toEqual([50, 10, 50, 90]);
  });
  test.each([
    ['no link told', [], 'none'],
    ['one direction told, whole', [{ From: 'a', To: 'b', Cut: false }], 'none'],
    ['one direction told, cut', [{ From: 'b', To: 'a', Cut: true }], 'both'],
    ['cut one way', [{ From: 'a', To: 'b', Cut: true }, { From: 'b', To: 'a', Cut: false }], 'one'],
    ['cut both ways', [{ From: 'a', To: 'b', Cut: true }, { From: 'b', To: 'a', Cut: true }], 'both'],
  ])('%s: %s', (_, links, cut) => expect(pairs(['a', 'b'], links)).toEqual([{ from: 'a', to: 'b', cut }]));
  test('has each pair once', () => expect(pairs(['a', 'b', 'c', 'd'], []).length).toBe(6));
});

describe('words', () => {
  test.each([['OnlinePending', 'Online pending'], ['Up', 'Up'], ['NodeAndDiskMajority', 'Node and disk majority'], ['', '']])('%s is %s', (word, expected) => expect(spaced(word)).toBe(expected));
  test.each([[0, '0 ms'], [999, '999 ms'], [1500, '1.5 s'], [45_000, '45 s'], [90_000, '1 min 30 s'], [5_400_000, '1 h 30 min'], [-5, '0 ms']])('%i is %s', (ms, expected) => expect(span(ms)).toBe(expected));
  test('a time that is none', () => expect(clock(NaN)).toBe('--:--:--'));
  test.each([['Online', 'good'], ['Failed', 'bad'], ['PartialOnline', 'warn'], ['stopped', 'bad'], ['Unheard', 'idle'], ['constructor', 'idle']])('%s is %s', (state, expected) => expect(tone(state)).toBe(expected));
  test.each([[null, null], [undefined, null], ['2026-01-31T12:00:00.123Z', 1769860800123], [5, 5], ['soon', null]])('time %s', (told, expected) => expect(serviceTime(told)).toBe(expected));
  test.each([[1500, 11_500], [0, 10_000], [1_769_860_800_000, 1_769_860_799_000], [null, null], [undefined, null], [NaN, null]])('told %s at 10000 is due at %s', (told, expected) => expect(due(told, 10_000, 1000)).toBe(expected));
  test.each([[1500, 8_500], [1_769_860_800_000, 1_769_860_799_000], [null, null]])('told %s at 10000 is so since %s', (told, expected) => expect(since(told, 10_000, 1000)).toBe(expected));
});

describe('a value', () => {
  test.each<[string, string | undefined, unknown, unknown]>([
    ['5', 'REG_DWORD', 1, 5],
    [' 0x10 ', 'REG_DWORD', 1, 16],
    ['5', 'REG_SZ', '4', '5'],
    ['5', undefined, 4, 5],
    ['five', 'REG_DWORD', 1, 'five'],
    ['', 'REG_DWORD', 1, ''],
    ['a\nb\n', 'REG_MULTI_SZ', [], ['a', 'b']],
    ['a', undefined, ['b'], ['a']],
    ['-1', 'LONG', 0, -1],
  ])('%j typed for %s becomes what the service is asked for', (text, type, present, expected) => expect(typed(text, type, present)).toEqual(expected));
  test.each([[null, ''], [5, '5'], [['a', 'b'], 'a\nb'], [{ a: 1 }, '{"a":1}'], [false, 'false']])('%j is shown as %j', (value, expected) => expect(shown(value)).toBe(expected));
});

describe('the memory of pictures', () => {
  const moment = (at: number): Moment => ({ at, snapshot: {} as Snapshot });
  test('gives what was on the page at a time', () => {
    const list = [moment(10), moment(20), moment(30)];
    expect([5, 10, 25, 99].map((at) => momentAt(list, at)?.at)).toEqual([10, 10, 20, 30]);
    expect(momentAt([], 5)).toBeNull();
  });
  test('has a limit, reaches back to the start and keeps the newest', () => {
    let list: readonly Moment[] = [];
    for (let at = 0; at < 5 * MOMENTS_LIMIT; at++) {
      list = remembered(list, moment(at));
      expect(list.length).toBeLessThanOrEqual(MOMENTS_LIMIT);
    }
    expect(list[0]?.at).toBe(0);
    expect(list.at(-1)?.at).toBe(5 * MOMENTS_LIMIT - 1);
  });
});
