/** The make-believe cluster in the JSON shapes of docs/api.md. */

export function cluster(mock) {
  const answering = mock.answering();
  return {
    Name: 'WOLFDEN', Id: '5a6f6c66-0000-4000-8000-000000000001', AnsweredBy: answering?.name ?? null, Leader: mock.leader, Quorate: mock.quorate, Stale: !mock.quorate,
    Applied: mock.applied, Time: new Date(mock.now).toISOString(), Incarnation: 1, QuorumType: 'NodeMajority', QuorumResource: null, DetectionMs: 1000, FenceMs: 1500, Lab: true, Version: 'mock', Properties: {},
  };
}

export function node(mock, one) {
  const isKnown = mock.quorate || one.name === mock.answering()?.name;
  return {
    Name: one.name, Id: one.id, State: !isKnown || (!one.member && mock.quorate) ? 'Down' : one.paused ? 'Paused' : 'Up', Leader: one.name === mock.leader, QuorumOwner: false, NodeWeight: 1, DynamicWeight: one.member ? 1 : 0,
    DrainStatus: one.drain, ProcessId: one.pid, Address: `127.0.0.1:${5000 + Number(one.id)}`, ApiAddress: `127.0.0.1:${6000 + Number(one.id)}`, LastHeardMs: one.member ? 40 : 30000, Groups: mock.groups.filter((group) => group.owner === one.name).map((group) => group.name),
  };
}

function groupState(resources) {
  const any = (...states) => resources.some((one) => states.includes(one.state));
  const all = (state) => resources.every((one) => one.state === state);
  if (any('Failed')) return 'Failed';
  if (any('OnlinePending', 'OfflinePending')) return 'Pending';
  if (resources.length === 0 || all('Offline')) return 'Offline';
  return all('Online') ? 'Online' : 'PartialOnline';
}

export function group(mock, one) {
  const resources = mock.of(one);
  const waiting = !one.wanted ? ['It was taken offline and stays so until someone brings it online.'] : !mock.quorate ? ['There is no quorum: nothing may run.'] : one.moving !== null ? [`It moves to ${one.moving.To}.`] : [];
  return {
    Name: one.name, Id: one.id, State: groupState(resources), OwnerNode: one.owner, GroupType: one.core ? 1 : 9999, PersistentState: one.wanted ? 1 : 0, PreferredOwners: one.preferred,
    Moving: one.moving, StatusInformation: '', Resources: resources.map((res) => res.name), Core: one.core, Waiting: groupState(resources) === 'Online' ? [] : waiting,
  };
}

export function resource(mock, one) {
  const lacking = one.deps.filter((dep) => mock.resource(dep).state !== 'Online');
  return {
    Name: one.name, Id: one.id, State: one.state, InternalState: one.restartAt !== null ? 'DelayRestartingResource' : one.state, OwnerGroup: one.group, OwnerNode: mock.group(one.group).owner, ResourceType: one.type,
    DependencyExpression: one.deps.map((dep) => `[${dep}]`).join(' and '), DependsOn: one.deps, PossibleOwners: mock.nodes.map((node) => node.name), PersistentState: one.wanted === null ? null : Number(one.wanted),
    RestartAction: 2, RestartThreshold: one.threshold, Failures: one.failures, LastError: one.error, RestartAt: one.restartAt === null ? null : Math.max(0, one.restartAt - mock.now), RetryAt: null, SinceMs: mock.now - one.since, MonitorProcessId: one.state === 'Online' ? 4200 : null, Core: one.core,
    Waiting: one.state !== 'Online' && lacking.length > 0 ? [`It waits for ${lacking.join(' and ')}.`] : [],
  };
}

export function lab(mock) {
  const names = mock.nodes.map((one) => one.name);
  return {
    Url: 'http://127.0.0.1:7820', Directory: '/tmp/mock', Nodes: mock.nodes.map((one) => ({ Name: one.name, Process: one.process, ProcessId: one.pid, ApiAddress: '', Restarts: one.restarts })),
    Links: names.flatMap((From) => names.filter((To) => To !== From).map((To) => ({ From, To, Cut: mock.cut.has(`${From}>${To}`) }))),
  };
}

export function snapshot(mock) {
  return {
    Cluster: cluster(mock), Nodes: mock.nodes.map((one) => node(mock, one)), Groups: mock.groups.map((one) => group(mock, one)), Resources: mock.resources.map((one) => resource(mock, one)), Lab: lab(mock),
  };
}

export function quorum(mock) {
  const votes = mock.nodes.filter((one) => one.member).length;
  const needed = Math.floor(mock.nodes.length / 2) + 1;
  return {
    QuorumType: 'NodeMajority', QuorumResource: null, Voters: mock.nodes.map((one) => ({ Node: one.name, Vote: 1, Up: one.member })), Votes: mock.nodes.length, Needed: needed, Quorate: mock.quorate,
    Explanation: [`${votes} of ${mock.nodes.length} votes are present, ${needed} are needed.`],
  };
}

const TABLES = {
  node: { NodeWeight: ['REG_DWORD', 1], Description: ['REG_SZ', ''] },
  group: { FailoverThreshold: ['REG_DWORD', 4294967295], FailoverPeriod: ['REG_DWORD', 6], AutoFailbackType: ['REG_DWORD', 0], Priority: ['REG_DWORD', 2000], AntiAffinityClassNames: ['REG_MULTI_SZ', []], Description: ['REG_SZ', ''] },
  cluster: { SameSubnetDelay: ['REG_DWORD', 1000], SameSubnetThreshold: ['REG_DWORD', 10], ClusterEnforcedAntiAffinity: ['REG_DWORD', 0] },
  resource: { RestartAction: ['REG_DWORD', 2], RestartThreshold: ['REG_DWORD', 1], RestartPeriod: ['REG_DWORD', 900000], RestartDelay: ['REG_DWORD', 500], PendingTimeout: ['REG_DWORD', 180000], Description: ['REG_SZ', ''], DebugPrefix: ['REG_SZ', ''] },
};

/** The common properties of a kind, with what was set over the defaults. */
export function properties(kind, set) {
  const listed = Object.entries(TABLES[kind]).map(([name, [Type, Default]]) => [name, { Value: set[name] ?? Default, Type, Default, ReadOnly: false }]);
  return Object.fromEntries([['Characteristics', { Value: 0, Type: 'REG_DWORD', ReadOnly: true }], ...listed]);
}
