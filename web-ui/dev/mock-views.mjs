/** The make-believe cluster in the JSON shapes of docs/api.md. */

export function cluster(mock) {
  const answering = mock.answering();
  return {
    Name: 'WOLFDEN', Id: '5a6f6c66-0000-4000-8000-000000000001', AnsweredBy: answering?.name ?? null, Leader: mock.leader, Quorate: mock.quorate, Stale: !mock.quorate,
    Applied: mock.applied, Time: new Date(mock.now).toISOString(), Incarnation: 1, QuorumType: mock.model, QuorumResource: mock.model === 'NodeMajority' ? null : 'Cluster Disk 1', DetectionMs: 1000, FenceMs: 1500, Lab: true, Version: 'mock', Properties: {},
  };
}

export function node(mock, one) {
  const isKnown = mock.quorate || one.name === mock.answering()?.name;
  return {
    Name: one.name, Id: one.id, State: !isKnown || (!one.member && mock.quorate) ? 'Down' : one.paused ? 'Paused' : 'Up', Leader: one.name === mock.leader, QuorumOwner: one.name === mock.host, NodeWeight: 1, DynamicWeight: one.member ? 1 : 0, StatusInformation: 'Normal', QuarantineEndsMs: null, NeedsPreventQuorum: 0,
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
    Url: 'http://127.0.0.1:7820', Directory: '/tmp/mock', Nodes: mock.nodes.map((one) => ({ Name: one.name, Process: one.process, ProcessId: one.pid, ApiAddress: '', Restarts: one.restarts, StorageCut: mock.storageCut.has(one.name) })),
    Links: names.flatMap((From) => names.filter((To) => To !== From).map((To) => ({ From, To, Cut: mock.cut.has(`${From}>${To}`) }))),
  };
}

export function snapshot(mock) {
  return {
    Cluster: cluster(mock), Nodes: mock.nodes.map((one) => node(mock, one)), Groups: mock.groups.map((one) => group(mock, one)), Resources: mock.resources.map((one) => resource(mock, one)), Quorum: quorum(mock), Lab: lab(mock),
  };
}

export function quorum(mock) {
  const here = mock.nodes.filter((one) => one.member).length;
  const votes = mock.forced === null ? mock.nodes.length : 1;
  const needed = Math.floor(votes / 2) + 1;
  const works = mock.witnessWorks();
  const voter = (one) => {
    const Vote = mock.forced === null || one.name === mock.forced ? 1 : 0;
    return { Node: one.name, Id: Number(one.id), NodeWeight: 1, DynamicWeight: Vote, Vote, Up: one.member, HeardMs: 40, Why: Vote === 1 ? null : 'not up' };
  };
  const witness = { Kind: 'Disk', Resource: 'Cluster Disk 1', State: works ? 'Online' : 'Failed', OwnerNode: mock.host, DynamicWeight: 0, HostNode: mock.host, Epoch: mock.epoch, SinceMs: 1000, Healthy: works, Why: works ? "not needed, the nodes' votes are odd in number" : 'not usable' };
  return {
    QuorumType: mock.model, QuorumResource: mock.model === 'NodeMajority' ? null : 'Cluster Disk 1', Path: 'MSCS', MaxQuorumLogSize: 1024, DynamicQuorum: 1, LowerQuorumPriorityNodeID: 0, FixQuorum: mock.forced === null ? 0 : 1, ForcedBy: mock.forced, Lineage: '0',
    Voters: mock.nodes.map(voter), Witness: mock.model === 'NodeMajority' ? null : witness, Votes: votes, Needed: needed, Present: Math.min(here, votes), Quorate: mock.quorate,
    Explanation: [`${votes} votes are in force; ${Math.min(here, votes)} are present, ${needed} are needed.`],
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
