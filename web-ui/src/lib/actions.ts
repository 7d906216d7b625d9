/**
 * What a button does, as data: the request it sends and the command line that does the same.
 *
 * Both stand side by side in one function per button, so that the line shown to the person is never another thing than
 * the click. Whether the cluster will accept it is for the cluster to say.
 */
import { part, type Request } from './api/client';

/** One thing to ask of the cluster. */
export interface Action {
  /** What the button says. */
  label: string;
  /** The equivalent command line. */
  command: string;
  /** Sent in order, each after the answer to the one before. */
  requests: Request[];
  /** A sentence for the tool tip: what will happen. */
  hint: string;
}

/** How long the page waits for the offline half of a restart, in seconds. */
export const RESTART_WAIT_S = 60;

/** An argument as a shell takes it. */
export function quoted(argument: string): string {
  if (/^[A-Za-z0-9_.:/@%+,=-]+$/.test(argument)) return argument;
  return `"${argument.replace(/["\\$`!]/g, '\\$&')}"`;
}

const post = (path: string, body?: unknown): Request => ({ method: 'POST', path, body });
const action = (label: string, hint: string, words: string[], ...requests: Request[]): Action => ({
  label,
  hint,
  command: ['cluster', ...words].join(' '),
  requests,
});

// ---- nodes

export const pauseNode = (node: string, drain: boolean): Action =>
  action(
    drain ? 'Pause and drain' : 'Pause',
    drain ? `${node} takes no more groups and its groups move away` : `${node} keeps its groups and takes no more`,
    ['node pause', quoted(node), ...(drain ? ['--drain'] : [])],
    post(`/nodes/${part(node)}/pause`, { Drain: drain }),
  );

export const resumeNode = (node: string, failback: 'NoFailback' | 'Immediate' | 'Policy' = 'NoFailback'): Action =>
  action(
    failback === 'Immediate' ? 'Resume and fail back' : 'Resume',
    failback === 'Immediate' ? `${node} takes groups again and gets back what was drained` : `${node} takes groups again`,
    ['node resume', quoted(node), ...(failback === 'NoFailback' ? [] : ['--failback', failback])],
    post(`/nodes/${part(node)}/resume`, { Failback: failback }),
  );

export const clearQuarantine = (node: string): Action =>
  action('Clear quarantine', `${node} may join at once`, ['node start', quoted(node), '--clear-quarantine'], post(`/nodes/${part(node)}/clear-quarantine`, {}));

export const setNodeProperty = (node: string, name: string, value: unknown): Action =>
  action(
    'Set',
    `Set ${name} of ${node}`,
    ['node properties', quoted(node), assignment(name, value)],
    { method: 'PATCH', path: `/nodes/${part(node)}`, body: { Properties: { [name]: value } } },
  );

// ---- quorum

/** How long the page waits for the witness to vote, in seconds: it takes one arbitration. */
export const WITNESS_WAIT_S = 10;

/** The models with their option of `cluster quorum set`. */
const MODELS = {
  NodeMajority: ['Nodes only', '--node-majority'],
  NodeAndDiskMajority: ['Nodes and disk', '--node-and-disk-majority'],
  NodeAndFileShareMajority: ['Nodes and share', '--node-and-file-share-majority'],
  DiskOnly: ['Disk only', '--disk-only'],
} as const;
export type Model = keyof typeof MODELS;

/** How votes are counted, with `witness` as the witness. */
export const setQuorum = (model: Model, witness?: string): Action => {
  const [label, option] = MODELS[model];
  const words = ['quorum set', option, ...(witness === undefined ? [] : [quoted(witness)])];
  const body = witness === undefined ? { QuorumType: model } : { QuorumType: model, QuorumResource: witness };
  const hint = witness === undefined ? 'The nodes alone vote' : model === 'DiskOnly' ? `${witness} alone votes: whoever owns it is the cluster` : `The nodes and ${witness} vote`;
  return action(label, hint, words, { method: 'PUT', path: `/quorum?wait=${WITNESS_WAIT_S}`, body });
};

// ---- the cluster

export const setClusterProperty = (name: string, value: unknown): Action =>
  action('Set', `Set ${name} of the cluster`, ['properties', assignment(name, value)], {
    method: 'PATCH',
    path: '/cluster',
    body: { Properties: { [name]: value } },
  });

// ---- groups

export const onlineGroup = (group: string): Action =>
  action('Online', `Bring ${group} online`, ['group online', quoted(group)], post(`/groups/${part(group)}/online`, {}));

export const offlineGroup = (group: string): Action =>
  action('Offline', `Take ${group} offline and keep it so`, ['group offline', quoted(group)], post(`/groups/${part(group)}/offline`, {}));

/** To `node`, or to the best one when none is given. */
export const moveGroup = (group: string, node?: string): Action =>
  action(
    node === undefined ? 'Best node' : node,
    node === undefined ? `Move ${group} to the node the cluster thinks best` : `Move ${group} to ${node}`,
    ['group move', quoted(group), ...(node === undefined ? [] : ['--node', quoted(node)])],
    post(`/groups/${part(group)}/move`, node === undefined ? {} : { Node: node }),
  );

export const setGroupProperty = (group: string, name: string, value: unknown): Action =>
  action(
    'Set',
    `Set ${name} of ${group}`,
    ['group set', quoted(group), assignment(name, value)],
    { method: 'PATCH', path: `/groups/${part(group)}`, body: { Properties: { [name]: value } } },
  );

// ---- resources

export const onlineResource = (resource: string): Action =>
  action('Online', `Bring ${resource} and what it needs online`, ['resource online', quoted(resource)], post(`/resources/${part(resource)}/online`, {}));

export const offlineResource = (resource: string): Action =>
  action('Offline', `Take ${resource} and what needs it offline`, ['resource offline', quoted(resource)], post(`/resources/${part(resource)}/offline`, {}));

export const failResource = (resource: string): Action =>
  action('Fail', `Report ${resource} as failed and see what policy does`, ['resource fail', quoted(resource)], post(`/resources/${part(resource)}/fail`, {}));

export const restartResource = (resource: string): Action =>
  action(
    'Restart',
    `Take ${resource} offline, then bring it online`,
    ['resource restart', quoted(resource)],
    { ...post(`/resources/${part(resource)}/offline?wait=${RESTART_WAIT_S}`, {}), timeoutMs: (RESTART_WAIT_S + 5) * 1000 },
    post(`/resources/${part(resource)}/online`, {}),
  );

export const setResourceProperty = (resource: string, name: string, value: unknown): Action =>
  action(
    'Set',
    `Set ${name} of ${resource}`,
    ['resource set', quoted(resource), assignment(name, value)],
    { method: 'PATCH', path: `/resources/${part(resource)}`, body: { Properties: { [name]: value } } },
  );

export const setResourceParameter = (resource: string, name: string, value: unknown): Action =>
  action(
    'Set',
    `Set ${name} of ${resource}`,
    ['resource params', quoted(resource), assignment(name, value)],
    { method: 'PATCH', path: `/resources/${part(resource)}/parameters`, body: { [name]: value } },
  );

// ---- the lab

export const killNode = (node: string): Action =>
  action('Kill', `End all processes of ${node} at once, as a power cut would`, ['lab kill', quoted(node)], post(`/lab/nodes/${part(node)}/kill`));

export const freezeNode = (node: string): Action =>
  action('Freeze', `Stop the clock of all processes of ${node}`, ['lab pause', quoted(node)], post(`/lab/nodes/${part(node)}/pause`));

export const thawNode = (node: string): Action =>
  action('Thaw', `Let the processes of ${node} run on`, ['lab continue', quoted(node)], post(`/lab/nodes/${part(node)}/continue`));

export const startNode = (node: string): Action =>
  action('Start', `Start ${node} again`, ['lab start', quoted(node)], post(`/lab/nodes/${part(node)}/start`));

/** How long the start of a node may take, in milliseconds: joining waits for a quorum. */
const START_TIMEOUT_MS = 80_000;

/** Makes a node form a cluster alone. One whose service runs is ended first, as Windows asks for it too. */
export const forceQuorum = (node: string, isStopped: boolean): Action => ({
  label: 'Force quorum',
  hint: `${node} forms a cluster alone, and what it knows becomes the truth`,
  command: `${isStopped ? '' : `cluster lab kill ${quoted(node)} && `}cluster node start ${quoted(node)} --force-quorum`,
  requests: [
    ...(isStopped ? [] : [post(`/lab/nodes/${part(node)}/kill`)]),
    { ...post(`/lab/nodes/${part(node)}/start`, { ForceQuorum: true }), timeoutMs: START_TIMEOUT_MS },
  ],
});

export const setStorage = (node: string, cut: boolean): Action =>
  action(
    cut ? 'Cut storage' : 'Mend storage',
    cut ? `${node} runs on, but the quorum device is out of its reach` : `${node} reaches the quorum device again`,
    [cut ? 'lab cut-storage' : 'lab mend-storage', quoted(node)],
    { method: 'PUT', path: '/lab/storage', body: { Node: node, Cut: cut } },
  );

export const setLink = (from: string, to: string, cut: boolean): Action =>
  action(
    cut ? 'Cut' : 'Heal',
    cut ? `Nothing passes between ${from} and ${to} any more` : `${from} and ${to} hear each other again`,
    [cut ? 'lab cut' : 'lab heal', quoted(from), quoted(to)],
    { method: 'PUT', path: '/lab/links', body: { From: from, To: to, Cut: cut, BothWays: true } },
  );

export const healAll = (): Action =>
  action('Heal everything', 'All links and storage paths whole, all nodes running', ['lab heal'], post('/lab/heal'));

function assignment(name: string, value: unknown): string {
  const text = Array.isArray(value) ? value.join(',') : value === null ? '' : String(value);
  return quoted(`${name}=${text}`);
}
