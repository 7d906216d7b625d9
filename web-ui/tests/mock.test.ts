/** The mock cluster keeps to the shapes of the contract and lives through the things the page shows. */
import { describe, expect, test } from 'vitest';
// @ts-expect-error plain JavaScript without types
import { MockCluster, TIMES } from '../dev/mock-cluster.mjs';
// @ts-expect-error plain JavaScript without types
import * as views from '../dev/mock-views.mjs';
import * as shapes from '../src/lib/api/shapes';
import type { Snapshot } from '../src/lib/api/types';

/** A cluster in virtual time. */
function cluster() {
  const mock = new MockCluster(['n1', 'n2', 'n3'], 1_000_000);
  let now = 1_000_000;
  return {
    mock,
    pass(ms: number) {
      for (const end = now + ms; now < end; ) mock.tick((now += 50));
    },
    see: (): Snapshot => {
      const got = shapes.snapshot(JSON.parse(JSON.stringify(views.snapshot(mock))));
      if (got === null) throw new Error('the mock gave no snapshot');
      return got;
    },
    events: (id: number) => mock.notices.filter((one: { EventId: number }) => one.EventId === id).length as number,
  };
}
const group = (picture: Snapshot, name: string) => picture.Groups.find((one) => one.Name === name);
const node = (picture: Snapshot, name: string) => picture.Nodes.find((one) => one.Name === name);
const LONG_MS = 20_000;

describe('the mock cluster', () => {
  test('begins with everything online', () => {
    const { see } = cluster();
    expect(see().Nodes.map((one) => one.State)).toEqual(['Up', 'Up', 'Up']);
    expect(see().Groups.every((one) => one.State === 'Online')).toBe(true);
    expect(see().Lab?.Links.length).toBe(6);
  });

  test('moves a group: pending, then online on the other node', () => {
    const { mock, pass, see } = cluster();
    expect(mock.move(mock.group('Shop'), 'n3')).toBeNull();
    pass(100);
    expect(group(see(), 'Shop')).toMatchObject({ State: 'Pending', OwnerNode: 'n1', Moving: { To: 'n3' } });
    pass(LONG_MS);
    expect(group(see(), 'Shop')).toMatchObject({ State: 'Online', OwnerNode: 'n3', Moving: null });
  });

  test('restarts a resource, and fails its group over past the threshold', () => {
    const { mock, pass, see, events } = cluster();
    mock.fail(mock.resource('Hello'));
    expect(see().Resources.find((one) => one.Name === 'Hello')?.RestartAt).toBe(TIMES.restartDelay);
    pass(LONG_MS);
    expect(group(see(), 'Hello')).toMatchObject({ State: 'Online', OwnerNode: 'n3' });
    mock.fail(mock.resource('Hello'));
    pass(LONG_MS);
    expect(group(see(), 'Hello')?.State).toBe('Online');
    expect(group(see(), 'Hello')?.OwnerNode).not.toBe('n3');
    expect(events(1069)).toBe(2);
  });

  test('a dead node loses its groups, two dead nodes lose the quorum, healed all is well', () => {
    const { mock, pass, see, events } = cluster();
    mock.node('n1').process = 'stopped';
    pass(LONG_MS);
    expect(node(see(), 'n1')?.State).toBe('Down');
    expect(group(see(), 'Shop')?.OwnerNode).not.toBe('n1');
    expect(events(1135)).toBe(1);
    mock.node('n2').process = 'paused';
    pass(LONG_MS);
    expect(see().Cluster).toMatchObject({ Quorate: false, Stale: true, AnsweredBy: 'n3' });
    expect(see().Groups.every((one) => one.State === 'Offline')).toBe(true);
    for (const one of mock.nodes) one.process = 'running';
    pass(LONG_MS);
    expect(see().Cluster.Quorate).toBe(true);
    expect(see().Groups.every((one) => one.State === 'Online')).toBe(true);
  });

  test('refuses with code, name and facts', () => {
    const { mock, pass } = cluster();
    mock.node('n3').process = 'stopped';
    pass(LONG_MS);
    expect(mock.move(mock.group('Shop'), 'n3')).toMatchObject({ code: 5050, name: 'ERROR_CLUSTER_NODE_DOWN', facts: { Node: 'n3' } });
    expect(mock.move(mock.group('Shop'), 'n9')).toMatchObject({ code: 5042 });
  });

  test('drains a paused node', () => {
    const { mock, pass, see } = cluster();
    mock.pause(mock.node('n2'), true);
    pass(LONG_MS);
    expect(see().Groups.some((one) => one.OwnerNode === 'n2')).toBe(false);
    expect(node(see(), 'n2')).toMatchObject({ State: 'Paused', DrainStatus: 'Completed' });
  });
});
