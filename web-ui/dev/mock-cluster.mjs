/**
 * A make-believe cluster for working on the page without the real service.
 *
 * It follows the rough course of events (offline, move, online; restart, then failover; majority of three) so that every
 * picture and every button of the page can be seen, with times of its own choice. It is no reference for anything: what is
 * right is what the real engine does.
 */

/** How long things take here, in milliseconds. */
export const TIMES = { online: 500, offline: 300, restartDelay: 2000, detection: 1200 };

const PENDING = ['OnlinePending', 'OfflinePending'];

export class MockCluster {
  constructor(nodes = ['n1', 'n2', 'n3'], now = Date.now()) {
    this.now = now;
    this.applied = 100;
    this.notices = [];
    this.heard = () => {};
    this.nodes = nodes.map((name, i) => ({ name, id: String(i + 1), process: 'running', pid: 4100 + i * 10, restarts: 0, member: true, paused: false, drain: 'NotInitiated', lostAt: null }));
    this.cut = new Set();
    this.groups = [];
    this.resources = [];
    this.leader = nodes[0];
    this.quorate = true;
    /** Who forced quorum: then it alone is enough. */
    this.forced = null;
    this.storageCut = new Set();
    this.model = 'NodeAndDiskMajority';
    this.host = nodes[0];
    this.epoch = 1;
    this.#samples();
  }

  #samples() {
    const [a, b = a, c = a] = this.nodes.map((node) => node.name);
    this.#group('Web', b, [a, b], [['Web Address', 'IP Address', []], ['Web Name', 'Network Name', ['Web Address']], ['Web Server', 'Generic Application', ['Web Name']]]);
    this.#group('Shop', a, [], [['Shop Address', 'IP Address', []], ['Shop Name', 'Network Name', ['Shop Address']], ['Shop Share', 'Generic Script', []], ['Orders', 'Generic Application', ['Shop Name', 'Shop Share']], ['Invoices', 'Generic Application', ['Orders']]]);
    this.#group('Script', b, [], [['Script', 'Generic Script', []]]);
    this.#group('Hello', c, [c], [['Hello', 'Hello', []]]);
    this.#group('Available Storage', a, [], [['Cluster Disk 1', 'Physical Disk', []]]);
    this.#group('Cluster Group', a, [], [['Cluster IP Address', 'IP Address', []], ['Cluster Name', 'Network Name', ['Cluster IP Address']]], true);
    this.note('Information', 'CS', null, 'The cluster was formed.', null);
  }

  #group(name, owner, preferred, resources, core = false) {
    this.groups.push({ name, owner, preferred, core, wanted: true, moving: null, id: `${name.length}a7c1e52-0000-4000-8000-0000000000${10 + this.groups.length}` });
    for (const [res, type, deps] of resources) {
      this.resources.push({
        name: res, type, deps, group: name, core, state: 'Online', until: null, wanted: null, failures: 0, threshold: 1, restartAt: null, error: null, since: this.now,
        id: `00000000-0000-4000-8000-0000000001${10 + this.resources.length}`, parameters: type === 'IP Address' ? { Address: '127.77.0.10', SubnetMask: '255.0.0.0' } : { CommandLine: `run ${res.toLowerCase()}` }, properties: {},
      });
    }
  }

  note(level, component, event, text, subject, why = [], node = null, step = null) {
    const notice = { Step: step, Id: `${this.applied}.${this.notices.length}`, Time: new Date(this.now).toISOString(), Level: level, Component: component, EventId: event, Text: text, Subject: subject, Why: why, Node: node };
    this.notices.push(notice);
    this.changed();
    this.heard(notice);
  }
  changed() {
    this.applied += 1;
  }

  group(name) {
    return this.groups.find((one) => one.name.toLowerCase() === name.toLowerCase());
  }
  resource(name) {
    return this.resources.find((one) => one.name.toLowerCase() === name.toLowerCase());
  }
  node(name) {
    return this.nodes.find((one) => one.name.toLowerCase() === name.toLowerCase());
  }
  of(group) {
    return this.resources.filter((one) => one.group === group.name);
  }
  isUp(name) {
    const node = this.node(name);
    return node !== undefined && node.member && !node.paused;
  }
  answering() {
    const alive = this.nodes.filter((one) => one.process === 'running');
    return (this.quorate ? alive.find((one) => one.member) : alive[0]) ?? null;
  }

  /** The part of the notices that tells of arbitrations. */
  steps() {
    return { Steps: this.notices.filter((one) => one.Step !== null), Silent: this.nodes.filter((one) => one.process !== 'running').map((one) => one.name) };
  }
  witnessWorks() {
    return this.quorate && this.host !== null && !this.storageCut.has(this.host) && this.node(this.host).member;
  }

  // ---- time passes

  tick(now) {
    this.now = now;
    this.#membership();
    this.#witness();
    for (const group of this.groups) {
      const host = this.quorate && this.node(group.owner).member;
      for (const one of this.of(group)) this.#step(group, one, host);
      this.#finishMove(group);
    }
    for (const node of this.nodes) {
      if (node.drain === 'InProgress' && !this.groups.some((group) => group.owner === node.name)) {
        node.drain = 'Completed';
        this.note('Information', 'RCM', null, `Node ${node.name} is drained.`, { Kind: 'Node', Name: node.name });
      }
    }
  }

  #step(group, one, host) {
    const providersUp = one.deps.every((dep) => this.resource(dep).state === 'Online');
    const wanted = host && group.moving === null && (one.wanted ?? group.wanted) && one.state !== 'Failed';
    if (!host) {
      if (one.state !== 'Offline') this.#set(one, 'Offline');
      return;
    }
    if (PENDING.includes(one.state) && one.until !== null && this.now >= one.until) {
      this.#set(one, one.state === 'OnlinePending' ? 'Online' : 'Offline');
      this.note('Information', 'RCM', null, `Resource '${one.name}' is ${one.state.toLowerCase()} on ${group.owner}.`, { Kind: 'Resource', Name: one.name });
    } else if (one.restartAt !== null) {
      if (this.now >= one.restartAt) this.#set(one, 'Offline');
    } else if (wanted && one.state === 'Offline' && providersUp) {
      this.#set(one, 'OnlinePending', TIMES.online);
    } else if (one.state === 'Online' && (!wanted || !providersUp) && !this.#dependentsActive(one)) {
      this.#set(one, 'OfflinePending', TIMES.offline);
    }
  }

  #dependentsActive(one) {
    return this.resources.some((other) => other.deps.includes(one.name) && !['Offline', 'Failed'].includes(other.state));
  }
  #set(one, state, takes = null) {
    Object.assign(one, { state, until: takes === null ? null : this.now + takes, restartAt: null, since: this.now });
    if (state === 'Online') one.error = null;
    this.changed();
  }

  #finishMove(group) {
    if (group.moving === null || this.of(group).some((one) => !['Offline', 'Failed'].includes(one.state))) return;
    for (const one of this.of(group)) if (one.state === 'Failed') this.#set(one, 'Offline');
    const { To, Kind } = group.moving;
    group.moving = null;
    const from = group.owner;
    group.owner = To;
    this.note('Information', 'RCM', null, `Group '${group.name}' moved from ${from} to ${To} (MoveType::${Kind}).`, { Kind: 'Group', Name: group.name });
  }

  #reach(from) {
    const seen = new Set([from]);
    for (const at of seen) {
      for (const { name } of this.nodes.filter((one) => one.process === 'running')) if (!this.cut.has(`${at}>${name}`) && !this.cut.has(`${name}>${at}`)) seen.add(name);
    }
    return seen;
  }

  /** The witness goes to whoever can have it. */
  #witness() {
    if (this.model === 'NodeMajority' || !this.quorate || this.witnessWorks()) return;
    const next = this.nodes.find((one) => one.member && !this.storageCut.has(one.name))?.name ?? null;
    if (next === null || next === this.host) return;
    const told = (level, text, step) => this.note(level, 'QUORUM', null, text, null, [], next, step);
    told('Information', "Arbitration for quorum resource 'Cluster Disk 1' begins.", 'Challenge');
    told('Information', 'The former owner did not defend its reservation.', 'Said');
    told('Information', "Arbitration for 'Cluster Disk 1' was won.", 'Won');
    this.host = next;
    this.epoch += 1;
    this.group('Available Storage').owner = next;
    told('Information', `The disk witness votes on node '${next}', epoch ${this.epoch}.`, 'Hosted');
  }

  #membership() {
    const running = this.nodes.filter((one) => one.process === 'running').map((one) => one.name);
    const sides = running.map((name) => this.#reach(name));
    const isEnough = (side) => side.size * 2 > this.nodes.length || (this.forced !== null && side.has(this.forced));
    const majority = sides.filter(isEnough).sort((a, b) => b.size - a.size)[0] ?? null;
    if (majority !== null && majority.size * 2 > this.nodes.length) this.forced = null;
    for (const node of this.nodes) {
      const inside = majority?.has(node.name) ?? false;
      if (node.member && !inside) {
        node.lostAt ??= this.now;
        if (this.now - node.lostAt >= TIMES.detection) this.#lost(node, majority !== null);
      } else if (!node.member && inside) {
        node.member = true;
        node.lostAt = null;
        this.note('Information', 'NODE', null, `Node ${node.name} joined the cluster.`, { Kind: 'Node', Name: node.name });
      } else node.lostAt = null;
    }
    const members = this.nodes.filter((one) => one.member);
    const quorate = isEnough(new Set(members.map((one) => one.name)));
    if (this.quorate && !quorate) this.note('Critical', 'QUORUM', 1177, 'Quorum was lost: the Cluster service ends all resources.', null, [`${members.length} of ${this.nodes.length} votes are here, ${Math.floor(this.nodes.length / 2) + 1} are needed`]);
    if (!this.quorate && quorate) this.note('Information', 'QUORUM', null, 'Quorum was regained.', null);
    this.quorate = quorate;
    if (!members.some((one) => one.name === this.leader)) this.leader = quorate ? members[0].name : null;
    if (quorate) for (const group of this.groups) if (!this.node(group.owner).member) this.#rescue(group);
  }

  #lost(node, quorate) {
    node.member = false;
    if (quorate) this.note('Critical', 'RGP', 1135, `Cluster node '${node.name}' was removed from the active failover cluster membership.`, { Kind: 'Node', Name: node.name }, [`no heartbeat from ${node.name} for ${TIMES.detection} ms`]);
    this.changed();
  }

  #rescue(group) {
    const { Chosen, Candidates } = this.placement(group);
    if (Chosen === null) return;
    const from = group.owner;
    group.owner = Chosen;
    group.moving = null;
    this.note('Warning', 'RCM', null, `Group '${group.name}' moves from ${from} to ${Chosen} (MoveType::NodeDown).`, { Kind: 'Group', Name: group.name }, Candidates.map((one) => `${one.Node}: ${one.Verdict}`));
  }

  // ---- what people ask for

  placement(group) {
    const rank = (name) => (group.preferred.includes(name) ? group.preferred.indexOf(name) : 10);
    const candidates = this.nodes.map((node) => {
      const load = this.groups.filter((one) => one.owner === node.name).length;
      const verdict = node.name === group.owner ? 'present owner' : !node.member ? 'down' : node.paused ? 'paused' : rank(node.name) < 10 ? `preferred owner ${rank(node.name) + 1}` : `can host, ${load} groups there`;
      return { node, verdict, load };
    });
    const able = candidates.filter(({ node }) => node.name !== group.owner && node.member && !node.paused);
    able.sort((x, y) => rank(x.node.name) - rank(y.node.name) || x.load - y.load);
    return { Chosen: able[0]?.node.name ?? null, Candidates: candidates.map(({ node, verdict }) => ({ Node: node.name, Verdict: verdict })) };
  }

  move(group, to, kind = 'Manual', why = []) {
    const target = to ?? this.placement(group).Chosen;
    if (target === group.owner) return null;
    if (target === null) return { status: 409, code: 5005, name: 'ERROR_HOST_NODE_NOT_AVAILABLE', message: `No node can host group '${group.name}'. Resume or start one.`, facts: { Group: group.name } };
    if (this.node(target) === undefined) return { status: 404, code: 5042, name: 'ERROR_CLUSTER_NODE_NOT_FOUND', message: `There is no node '${target}'.`, facts: { Node: target } };
    if (!this.node(target).member) return { status: 409, code: 5050, name: 'ERROR_CLUSTER_NODE_DOWN', message: `Node ${target} is down. Choose a node that is up.`, facts: { Node: target, State: 'Down' } };
    if (this.node(target).paused) return { status: 409, code: 70, name: 'ERROR_SHARING_PAUSED', message: `Node ${target} is paused. Resume it first.`, facts: { Node: target, State: 'Paused' } };
    group.moving = { To: target, Kind: kind };
    this.note(kind === 'Failure' ? 'Warning' : 'Information', 'RCM', null, `Group '${group.name}' is to move to ${target}.`, { Kind: 'Group', Name: group.name }, why);
    return null;
  }

  fail(one) {
    if (one.state !== 'Online') return { status: 409, code: 5084, name: 'ERROR_RESMON_INVALID_STATE', message: `Resource '${one.name}' is ${one.state}; only an online resource can fail. Bring it online first.`, facts: { Resource: one.name, State: one.state } };
    const group = this.group(one.group);
    one.failures += 1;
    one.error = 'failure requested by a client';
    const restarts = one.failures <= one.threshold;
    const target = this.placement(group).Chosen;
    const why = [`failure ${one.failures} within the restart period, threshold ${one.threshold}`, restarts ? `restart on ${group.owner} after ${TIMES.restartDelay} ms` : target === null ? 'no other node can host the group' : `the group fails over to ${target}`];
    this.note('Error', 'RCM', 1069, `Cluster resource '${one.name}' of type '${one.type}' in group '${group.name}' failed: ${one.error}.`, { Kind: 'Resource', Name: one.name });
    if (restarts) {
      this.note('Warning', 'RCM', null, `'${one.name}' will be restarted in ${TIMES.restartDelay} ms.`, { Kind: 'Resource', Name: one.name }, why);
      this.#set(one, 'OnlinePending');
      one.restartAt = this.now + TIMES.restartDelay;
    } else {
      this.#set(one, 'Failed');
      one.failures = 0;
      if (target !== null) this.move(group, target, 'Failure', why);
    }
    return null;
  }

  want(group, online) {
    if (online && !this.isUp(group.owner)) return { status: 409, code: 70, name: 'ERROR_SHARING_PAUSED', message: `Node ${group.owner} is paused: nothing can be brought online there. Resume it or move the group.`, facts: { Node: group.owner } };
    group.wanted = online;
    for (const one of this.of(group)) {
      one.wanted = null;
      if (one.state === 'Failed') this.#set(one, 'Offline');
    }
    this.note('Information', 'API', null, `Group '${group.name}' is wanted ${online ? 'online' : 'offline'}.`, { Kind: 'Group', Name: group.name });
    return null;
  }

  wantResource(one, online) {
    if (one.core && !online) return { status: 409, code: 5026, name: 'ERROR_CORE_RESOURCE', message: `'${one.name}' is a core resource and stays online. Move its group instead.`, facts: { Resource: one.name } };
    for (const dep of online ? one.deps : []) this.wantResource(this.resource(dep), true);
    if (!online) for (const other of this.resources.filter((res) => res.deps.includes(one.name))) this.wantResource(other, false);
    one.wanted = online;
    if (one.state === 'Failed') this.#set(one, 'Offline');
    this.changed();
    return null;
  }

  pause(node, drain) {
    node.paused = true;
    this.note('Information', 'NODE', null, `Node ${node.name} was paused.`, { Kind: 'Node', Name: node.name });
    if (drain) {
      node.drain = 'InProgress';
      for (const group of this.groups.filter((one) => one.owner === node.name)) this.move(group, null, 'Drain', [`${node.name} is drained`]);
    }
  }
  resume(node) {
    node.paused = false;
    node.drain = 'NotInitiated';
    this.note('Information', 'NODE', null, `Node ${node.name} was resumed.`, { Kind: 'Node', Name: node.name });
  }
}
