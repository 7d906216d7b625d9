/** The pictures of quorum: tokens, slots, parts and episodes. */
import { describe, expect, test } from 'vitest';
import * as shapes from '../src/lib/api/shapes';
import type { Lab, Notice, Quorum, Step } from '../src/lib/api/types';
import { EPISODE_GAP_MS, episodes, EVERYBODY, parts, slots, tokens } from '../src/lib/quorum';
import { outline } from '../src/lib/ring';

const voter = (Node: string, Vote: number, Up = true, Why: string | null = null) => ({ Node, Vote, Up, Why });
const WITNESS = { Kind: 'Disk', Resource: 'Disk 1', DynamicWeight: 1, HostNode: 'n1', Epoch: 4, Healthy: true, Why: null };
const told = (fields: Record<string, unknown>): Quorum => {
  const quorum = shapes.quorum({ Voters: [voter('n1', 1), voter('n2', 1), voter('n3', 0, true, 'given up')], Witness: WITNESS, Votes: 3, Needed: 2, Present: 3, ...fields });
  if (quorum === null) throw new Error('the test tells of voters');
  return quorum;
};

describe('tokens', () => {
  test('tell who votes, who is missing and why', () => {
    const all = tokens(told({ Voters: [voter('n1', 1), voter('n2', 1, false), voter('n3', 0, true, 'given up')] }));
    expect(all.map((one) => [one.name, one.counts, one.isPresent, one.note])).toEqual([
      ['n1', true, true, ''],
      ['n2', true, false, 'missing'],
      ['n3', false, true, 'given up'],
      ['Disk 1', true, true, 'on n1, epoch 4'],
    ]);
  });
  test.each([
    [{ ...WITNESS, HostNode: null, Epoch: null, DynamicWeight: 0, Healthy: false, Why: 'not usable' }, 'votes nowhere; not usable'],
    [{ ...WITNESS, Healthy: false }, 'last on n1, epoch 4'],
    [{ ...WITNESS, DynamicWeight: 0, Why: 'not needed' }, 'on n1, epoch 4; not needed'],
  ])('%j is noted as %s', (witness, note) => expect(tokens(told({ Witness: witness })).at(-1)?.note).toBe(note));
  test('a cluster without a witness has none', () => expect(tokens(told({ Witness: null })).every((one) => one.kind === 'node')).toBe(true));
});

describe('slots', () => {
  test.each([
    [{ Votes: 3, Needed: 2, Present: 1 }, 'xN,-N,--'],
    [{ Votes: 1, Needed: 1, Present: 1 }, 'xN'],
    [{ Votes: 0, Needed: 1, Present: 0 }, '-N'],
  ])('%j', (fields, drawn) => expect(slots(told(fields)).map((one) => (one.present ? 'x' : '-') + (one.needed ? 'N' : '-')).join()).toBe(drawn));
});

describe('parts', () => {
  const lab = (cut: string[], processes: Record<string, string> = {}): Lab => {
    const names = ['n1', 'n2', 'n3', 'n4'];
    const links = names.flatMap((From) => names.filter((To) => To !== From).map((To) => ({ From, To, Cut: cut.includes(`${From}${To}`) })));
    const got = shapes.lab({ Nodes: names.map((Name) => ({ Name, Process: processes[Name] ?? 'running' })), Links: links });
    if (got === null) throw new Error('the test makes a lab');
    return got;
  };
  test.each<[string, Lab, string]>([
    ['nothing cut', lab([]), 'n1+n2+n3+n4 3*'],
    ['one way is enough', lab(['n1n4', 'n4n2', 'n3n4']), 'n1+n2+n3 3* | n4 0'],
    ['a node between keeps them together', lab(['n1n3', 'n1n4', 'n2n4']), 'n1+n2+n3+n4 3*'],
    ['two and two', lab(['n1n3', 'n1n4', 'n2n3', 'n2n4']), 'n1+n2 3* | n3+n4 0'],
    ['frozen and stopped ones are in none', lab([], { n1: 'paused', n4: 'stopped' }), 'n2+n3 1'],
    ['nobody runs', lab([], { n1: 'stopped', n2: 'stopped', n3: 'stopped', n4: 'stopped' }), ''],
  ])('%s', (_, picture, drawn) =>
    expect(
      parts(picture, told({}))
        .map((one) => `${one.nodes.join('+')} ${one.votes}${one.hasWitness ? '*' : ''}`)
        .join(' | '),
    ).toBe(drawn),
  );
  test('are drawn around their nodes', () => {
    const at = (x: number) => ({ name: `n${x}`, x, y: 0 });
    expect([[], [at(1)], [at(1), at(2), at(3)]].map(outline)).toEqual(['', 'M1,0 h0.01', 'M1,0 L2,0 L3,0 Z']);
  });
});

describe('episodes', () => {
  const START = Date.parse('2026-01-31T12:00:00.000Z');
  const notice = (ms: number, step: Step | null, node: string | null, subject: string | null = null): Notice => ({
    Id: null, Time: new Date(START + ms).toISOString(), Level: 'Information', Component: 'QUORUM', EventId: null, Text: `${step}`, Why: [], Node: node, Step: step,
    Subject: subject === null ? null : { Kind: 'Node', Name: subject },
  });
  test('are told apart by the pause between them, newest first, each from its own start', () => {
    const second = 2 * EPISODE_GAP_MS;
    const got = episodes([notice(second + 40, 'Hosted', null, 'n2'), notice(0, 'Challenge', 'n2'), notice(350, 'Lost', 'n2'), notice(second, 'Challenge', 'n10'), notice(100, 'Said', 'n1'), notice(200, null, 'n1')]);
    expect(got.map((one) => [one.outcome, one.lanes.join(), one.marks.map((mark) => mark.after).join()])).toEqual([
      ['Hosted', 'n2,n10', '0,40'],
      ['Lost', 'n1,n2', '0,100,350'],
    ]);
  });
  test('end when the witness is hosted and something else begins', () => {
    const steps: [number, Step][] = [[0, 'Challenge'], [50, 'Hosted'], [80, 'TakenOver'], [150, 'Hosted'], [1100, 'Said'], [1300, 'Ended'], [2600, 'Needed']];
    const got = episodes(steps.map(([ms, step]) => notice(ms, step, 'n1')));
    expect(got.map((one) => one.marks.map((mark) => mark.step).join())).toEqual(['Ended,Needed', 'Challenge,Hosted,TakenOver,Hosted,Said']);
  });
  test('what a resource says while nobody arbitrates is none', () => expect(episodes([notice(0, 'Said', 'n1')])).toEqual([]));
  test('what no node in particular did has a lane of its own, below', () => expect(episodes([notice(0, 'Refused', null), notice(1, 'Ended', 'n1')])[0]?.lanes).toEqual(['n1', EVERYBODY]));
  test('a step without a time is left out', () => expect(episodes([{ ...notice(0, 'Won', 'n1'), Time: 'soon' }])).toEqual([]));
});

describe('a message of quorum with less than promised', () => {
  test.each([[null], [3], [{}], [{ Voters: 'many' }]])('%j is none', (value) => expect(shapes.quorum(value)).toBeNull());
  test('keeps what can be shown', () => {
    const got = shapes.quorum({ Voters: [{ Node: 'n1' }, {}, null], Witness: {}, Explanation: 'none' });
    expect(got?.Voters).toEqual([{ Node: 'n1', Vote: 0, Up: false, Why: null }]);
    expect(got?.Witness).toMatchObject({ Resource: '', DynamicWeight: 0, Healthy: false });
    expect([got?.Votes, got?.Needed, got?.Present, got?.Explanation]).toEqual([0, 1, 0, []]);
  });
  test('an unknown step is none', () => expect(shapes.notice({ Text: 't', Step: 'Dance' })?.Step).toBeNull());
  test.each([[null], [7], [{}]])('%j has no steps', (value) => expect(shapes.steps(value)).toEqual({ Steps: [], Silent: [] }));
});
