/**
 * The pictures of quorum: votes as tokens, the parts that a network has fallen into, and the steps of an arbitration.
 *
 * Nothing here decides who has quorum; the service tells that. What is computed is what one could count in the picture.
 */
import type { Lab, Notice, Quorum, Step } from './api/types';

/** A vote, in force or not. */
export interface Token {
  name: string;
  kind: 'node' | 'witness';
  /** The vote is in force. */
  counts: boolean;
  /** Its voter is there. */
  isPresent: boolean;
  /** Why the vote is not in force, or where the witness votes. */
  note: string;
}

/** The vote of each node, and of the witness. */
export function tokens(quorum: Quorum): Token[] {
  const nodes = quorum.Voters.map(
    (one): Token => ({ name: one.Node, kind: 'node', counts: one.Vote > 0, isPresent: one.Up, note: one.Vote > 0 ? (one.Up ? '' : 'missing') : (one.Why ?? 'no vote') }),
  );
  const witness = quorum.Witness;
  if (witness === null) return nodes;
  const host = witness.HostNode;
  const place = host == null ? 'votes nowhere' : `${witness.Healthy ? 'on' : 'last on'} ${host}${witness.Epoch == null ? '' : `, epoch ${witness.Epoch}`}`;
  const counts = witness.DynamicWeight > 0;
  return [...nodes, { name: witness.Resource, kind: 'witness', counts, isPresent: witness.Healthy, note: counts ? place : `${place}; ${witness.Why ?? 'no vote'}` }];
}

/** What becomes of each slot of the meter: present, missing; and which are needed. */
export function slots(quorum: Quorum): { present: boolean; needed: boolean }[] {
  const count = Math.max(quorum.Votes, quorum.Needed);
  return Array.from({ length: count }, (_, i) => ({ present: i < quorum.Present, needed: i < quorum.Needed }));
}

/** Nodes that reach each other, directly or through others, with the votes in force among them. */
export interface Part {
  nodes: string[];
  votes: number;
  /** The witness votes on one of them. */
  hasWitness: boolean;
}

/**
 * The parts that the links of a lab leave, larger ones first. A node whose processes do not run is in none; a link counts
 * when it is whole both ways.
 */
export function parts(lab: Lab, quorum: Quorum | null): Part[] {
  const running = lab.Nodes.filter((one) => one.Process === 'running').map((one) => one.Name);
  const cut = new Set(lab.Links.filter((link) => link.Cut).flatMap((link) => [`${link.From}>${link.To}`, `${link.To}>${link.From}`]));
  const seen = new Set<string>();
  const found: Part[] = [];
  for (const start of running) {
    if (seen.has(start)) continue;
    const nodes = new Set([start]);
    for (const at of nodes) for (const other of running) if (!cut.has(`${at}>${other}`)) nodes.add(other);
    nodes.forEach((name) => seen.add(name));
    const host = quorum?.Witness?.HostNode ?? null;
    const hasWitness = host !== null && nodes.has(host) && quorum?.Witness?.Healthy === true;
    const own = (quorum?.Voters ?? []).filter((one) => nodes.has(one.Node)).reduce((sum, one) => sum + one.Vote, 0);
    found.push({ nodes: [...nodes].sort(byName), votes: own + (hasWitness ? (quorum?.Witness?.DynamicWeight ?? 0) : 0), hasWitness });
  }
  return found.sort((a, b) => b.nodes.length - a.nodes.length || byName(a.nodes[0] ?? '', b.nodes[0] ?? ''));
}

/** A step on the time axis. */
export interface Mark {
  key: string;
  at: number;
  /** Since the first step of its episode, in milliseconds. */
  after: number;
  step: Step;
  /** Whose lane it is on. */
  lane: string;
  text: string;
}

/** Steps that belong together. */
export interface Episode {
  from: number;
  to: number;
  marks: Mark[];
  /** The nodes that had a part in it. */
  lanes: string[];
  /** How it ended. */
  outcome: Step;
}

/** A pause longer than this begins another episode, in milliseconds. */
export const EPISODE_GAP_MS = 12_000;
/** So long after the witness was hosted, what follows is another story, in milliseconds. */
export const SETTLED_MS = 1000;
/** The lane of what no node in particular did. */
export const EVERYBODY = 'cluster';
/** What resources say while they only defend is no arbitration: such steps stand in an episode that something else began. */
const QUIET: readonly Step[] = ['Said'];

/** The steps as episodes, newest first. */
export function episodes(notices: readonly Notice[]): Episode[] {
  const all: Mark[] = [];
  for (const one of notices) {
    const at = Date.parse(one.Time);
    if (one.Step === null || Number.isNaN(at)) continue;
    const lane = one.Node ?? (one.Subject?.Kind === 'Node' ? one.Subject.Name : EVERYBODY);
    all.push({ key: `${one.Id ?? one.Node}|${one.Time}|${one.Text}`, at, after: 0, step: one.Step, lane, text: one.Text });
  }
  all.sort((a, b) => a.at - b.at);
  const groups: Mark[][] = [];
  for (const mark of all) {
    const open = groups.at(-1);
    if (open === undefined || begins(mark, open)) groups.push([mark]);
    else open.push(mark);
  }
  return groups.filter((marks) => marks.some((mark) => !QUIET.includes(mark.step))).map(episode).reverse();
}

/** Does another episode begin with this step? After a pause; or soon after the witness had found its host. */
function begins(mark: Mark, open: readonly Mark[]): boolean {
  const last = open.at(-1);
  const decisive = open.findLast((one) => !QUIET.includes(one.step));
  const isSettled = decisive?.step === 'Hosted' && mark.at - decisive.at > SETTLED_MS && !QUIET.includes(mark.step);
  return last === undefined || mark.at - last.at > EPISODE_GAP_MS || isSettled;
}

function episode(marks: Mark[]): Episode {
  const from = marks[0]?.at ?? 0;
  const lanes = [...new Set(marks.map((mark) => mark.lane))].sort((a, b) => Number(a === EVERYBODY) - Number(b === EVERYBODY) || byName(a, b));
  const decisive = marks.findLast((mark) => !QUIET.includes(mark.step));
  return { from, to: marks.at(-1)?.at ?? from, marks: marks.map((mark) => ({ ...mark, after: mark.at - from })), lanes, outcome: decisive?.step ?? 'Said' };
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, undefined, { numeric: true });
}
