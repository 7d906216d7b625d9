/** Each button: the command line it shows and the requests it sends. */
import { describe, expect, test } from 'vitest';
import * as all from '../src/lib/actions';
import type { Action } from '../src/lib/actions';

/** Names of what the table below makes actions with. */
const used = new Set<string>();
const actions = new Proxy({ ...all }, {
  get: (target, name, receiver) => {
    used.add(String(name));
    return Reflect.get(target, name, receiver) as unknown;
  },
});

interface Case {
  action: Action;
  command: string;
  /** `METHOD path body` of each request. */
  requests: string[];
}

const CASES: Case[] = [
  { action: actions.pauseNode('n1', false), command: 'cluster node pause n1', requests: ['POST /nodes/n1/pause {"Drain":false}'] },
  { action: actions.pauseNode('n1', true), command: 'cluster node pause n1 --drain', requests: ['POST /nodes/n1/pause {"Drain":true}'] },
  { action: actions.resumeNode('n1'), command: 'cluster node resume n1', requests: ['POST /nodes/n1/resume {"Failback":"NoFailback"}'] },
  { action: actions.resumeNode('n1', 'Immediate'), command: 'cluster node resume n1 --failback Immediate', requests: ['POST /nodes/n1/resume {"Failback":"Immediate"}'] },
  { action: actions.setNodeProperty('n1', 'NodeWeight', 0), command: 'cluster node properties n1 NodeWeight=0', requests: ['PATCH /nodes/n1 {"Properties":{"NodeWeight":0}}'] },
  { action: actions.setClusterProperty('SameSubnetDelay', 500), command: 'cluster properties SameSubnetDelay=500', requests: ['PATCH /cluster {"Properties":{"SameSubnetDelay":500}}'] },
  { action: actions.onlineGroup('Web'), command: 'cluster group online Web', requests: ['POST /groups/Web/online {}'] },
  { action: actions.offlineGroup('My Web'), command: 'cluster group offline "My Web"', requests: ['POST /groups/My%20Web/offline {}'] },
  { action: actions.moveGroup('Web'), command: 'cluster group move Web', requests: ['POST /groups/Web/move {}'] },
  { action: actions.moveGroup('a/b', 'n2'), command: 'cluster group move a/b --node n2', requests: ['POST /groups/a%2Fb/move {"Node":"n2"}'] },
  { action: actions.setGroupProperty('Web', 'Priority', null), command: 'cluster group set Web Priority=', requests: ['PATCH /groups/Web {"Properties":{"Priority":null}}'] },
  { action: actions.onlineResource('IP'), command: 'cluster resource online IP', requests: ['POST /resources/IP/online {}'] },
  { action: actions.offlineResource('IP'), command: 'cluster resource offline IP', requests: ['POST /resources/IP/offline {}'] },
  { action: actions.failResource('IP'), command: 'cluster resource fail IP', requests: ['POST /resources/IP/fail {}'] },
  { action: actions.restartResource('IP'), command: 'cluster resource restart IP', requests: ['POST /resources/IP/offline?wait=60 {}', 'POST /resources/IP/online {}'] },
  { action: actions.setResourceProperty('IP', 'RestartThreshold', 3), command: 'cluster resource set IP RestartThreshold=3', requests: ['PATCH /resources/IP {"Properties":{"RestartThreshold":3}}'] },
  { action: actions.setResourceParameter('IP', 'Address', '127.0.0.9'), command: 'cluster resource params IP Address=127.0.0.9', requests: ['PATCH /resources/IP/parameters {"Address":"127.0.0.9"}'] },
  { action: actions.setResourceParameter('App', 'Hosts', ['a', 'b c']), command: 'cluster resource params App "Hosts=a,b c"', requests: ['PATCH /resources/App/parameters {"Hosts":["a","b c"]}'] },
  { action: actions.killNode('n1'), command: 'cluster lab kill n1', requests: ['POST /lab/nodes/n1/kill'] },
  { action: actions.freezeNode('n1'), command: 'cluster lab pause n1', requests: ['POST /lab/nodes/n1/pause'] },
  { action: actions.thawNode('n1'), command: 'cluster lab continue n1', requests: ['POST /lab/nodes/n1/continue'] },
  { action: actions.startNode('n1'), command: 'cluster lab start n1', requests: ['POST /lab/nodes/n1/start'] },
  { action: actions.setLink('n1', 'n2', true), command: 'cluster lab cut n1 n2', requests: ['PUT /lab/links {"From":"n1","To":"n2","Cut":true,"BothWays":true}'] },
  { action: actions.setLink('n1', 'n2', false), command: 'cluster lab heal n1 n2', requests: ['PUT /lab/links {"From":"n1","To":"n2","Cut":false,"BothWays":true}'] },
  { action: actions.setStorage('n1', true), command: 'cluster lab cut-storage n1', requests: ['PUT /lab/storage {"Node":"n1","Cut":true}'] },
  { action: actions.setStorage('n1', false), command: 'cluster lab mend-storage n1', requests: ['PUT /lab/storage {"Node":"n1","Cut":false}'] },
  { action: actions.setQuorum('NodeMajority'), command: 'cluster quorum set --node-majority', requests: ['PUT /quorum?wait=10 {"QuorumType":"NodeMajority"}'] },
  { action: actions.setQuorum('DiskOnly', 'Disk 1'), command: 'cluster quorum set --disk-only "Disk 1"', requests: ['PUT /quorum?wait=10 {"QuorumType":"DiskOnly","QuorumResource":"Disk 1"}'] },
  { action: actions.clearQuarantine('n1'), command: 'cluster node start n1 --clear-quarantine', requests: ['POST /nodes/n1/clear-quarantine {}'] },
  { action: actions.forceQuorum('n1', true), command: 'cluster node start n1 --force-quorum', requests: ['POST /lab/nodes/n1/start {"ForceQuorum":true}'] },
  { action: actions.forceQuorum('n1', false), command: 'cluster lab kill n1 && cluster node start n1 --force-quorum', requests: ['POST /lab/nodes/n1/kill', 'POST /lab/nodes/n1/start {"ForceQuorum":true}'] },
  { action: actions.healAll(), command: 'cluster lab heal', requests: ['POST /lab/heal'] },
];
const inTable = new Set(used);

describe('a button', () => {
  test.each(CASES)('$command', ({ action, command, requests }) => {
    expect(action.command).toBe(command);
    const sent = action.requests.map(({ method, path, body }) => [method, path, body === undefined ? [] : JSON.stringify(body)].flat().join(' '));
    expect(sent).toEqual(requests);
    expect(action.label).not.toBe('');
    expect(action.hint).not.toBe('');
  });

  test('every kind of action is in the table', () => {
    const kinds = Object.entries(all).filter(([, value]) => typeof value === 'function' && value !== all.quoted);
    expect(kinds.map(([name]) => name).filter((name) => !inTable.has(name))).toEqual([]);
  });

  test('a request outlasts the time it asks the service to wait', () => {
    const [offline] = actions.restartResource('IP').requests;
    expect(offline?.timeoutMs).toBeGreaterThan(actions.RESTART_WAIT_S * 1000);
  });
});

describe('an argument', () => {
  test.each([
    ['n1', 'n1'],
    ['two words', '"two words"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['$HOME', '"\\$HOME"'],
    ['`id`', '"\\`id\\`"'],
    ['back\\slash', '"back\\\\slash"'],
    ['', '""'],
    ['Größe', '"Größe"'],
    ["it's", '"it\'s"'],
    ['a;b', '"a;b"'],
  ])('%s is written %s', (argument, shell) => expect(actions.quoted(argument)).toBe(shell));
});
