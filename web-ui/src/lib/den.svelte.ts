/**
 * What the page knows of the cluster: one store, fed by the stream.
 *
 * Nothing here is guessed ahead of an answer: a click changes the picture only when the cluster tells of it. When the
 * stream is gone the last picture stays, marked old, and in a lab the lab is asked by itself, because its buttons are what
 * brings the cluster back.
 */
import { get, Refusal } from './api/client';
import * as shapes from './api/shapes';
import { Stream, type Connection } from './api/stream';
import type { Cluster, ClusterNode, Group, Lab, Notice, Quorum, Resource, Snapshot } from './api/types';
import { merged, type Entry } from './events';
import { momentAt, remembered, type Moment } from './moments';
import { due, serviceTime, since } from './words';

/** How much history is fetched when the connection stands. */
export const HISTORY_FETCH = 1000;
/** Notices that arrive within this span are shown together, in milliseconds. */
const GATHER_MS = 60;
/** How often the lab is asked when no snapshot tells of it, in milliseconds. */
const LAB_POLL_MS = 1500;
/** How often countdowns move, in milliseconds. */
const CLOCK_MS = 500;

class Den {
  connection = $state.raw<Connection>({ kind: 'connecting', attempt: 0 });
  /** The newest picture. */
  live = $state.raw<Snapshot | null>(null);
  /** History, newest first. */
  entries = $state.raw<readonly Entry[]>([]);
  moments = $state.raw<readonly Moment[]>([]);
  /** The time looked back to, or null for now. */
  lookingAt = $state<number | null>(null);
  /** The browser's clock, moved on twice a second. */
  now = $state(Date.now());
  #lab = $state.raw<Lab | null>(null);
  /** The service's clock minus the browser's, in milliseconds. */
  #ahead = 0;
  #gathered: Notice[] = [];
  #gathering = false;
  #wasLive = false;
  /** Snapshots carry the lab's part, so that it need not be asked. */
  #labIsTold = false;
  #stream: Stream | null = null;

  past = $derived<Moment | null>(this.lookingAt === null ? null : momentAt(this.moments, this.lookingAt));
  /** The picture on the page: the newest, or the one looked back to. */
  picture = $derived<Snapshot | null>(this.past?.snapshot ?? this.live);
  cluster = $derived<Cluster | null>(this.picture?.Cluster ?? null);
  groups = $derived<Group[]>(this.picture?.Groups ?? []);
  resources = $derived<Resource[]>(this.picture?.Resources ?? []);
  /** Who votes, and where the witness is. */
  quorum = $derived<Quorum | null>(this.picture?.Quorum ?? null);
  lab = $derived<Lab | null>(this.past === null ? this.#lab : this.past.snapshot.Lab);
  /** The cluster's nodes, and those only the lab knows of. */
  nodes = $derived<ClusterNode[]>(withLabNodes(this.picture?.Nodes ?? [], this.lab));
  /** The picture may not be what is: no connection, or a node without quorum answered. */
  stale = $derived(this.past === null && (this.connection.kind !== 'live' || this.cluster?.Stale === true));
  /** Nobody has answered for longer than a hiccup, or the lab says that no node runs. */
  isSilent = $derived(this.past === null && ((this.connection.kind !== 'live' && this.connection.attempt > 1) || noneRuns(this.lab)));
  quorumLost = $derived(this.cluster !== null && (this.cluster.Quorate === false || this.cluster.Stale === true));
  /** Buttons act on the present only. */
  canAct = $derived(this.lookingAt === null);

  /** Opens the connection; the answer ends it. Called once by the page. */
  start(): () => void {
    const clock = setInterval(() => (this.now = Date.now()), CLOCK_MS);
    const poll = setInterval(() => void this.#askLab(), LAB_POLL_MS);
    this.#stream = new Stream({
      onConnection: (state) => this.#connected(state),
      onSnapshot: (snapshot) => this.#arrived(snapshot),
      onNotice: (notice) => this.#gather(notice),
    });
    void this.#askLab();
    return () => {
      clearInterval(clock);
      clearInterval(poll);
      this.#stream?.close();
    };
  }

  /** Does not wait for the pause before the next attempt. */
  reconnect(): void {
    this.#stream?.open();
  }

  /** The service's time now, milliseconds since 1970. */
  serviceNow(): number {
    return this.now + this.#ahead;
  }

  /** When something the picture tells of is due, by the browser's clock. */
  dueAt(told: number | null | undefined): number | null {
    return due(told, this.#arrivedAt(), this.#ahead);
  }
  /** Since when something the picture tells of is so, by the browser's clock. */
  sinceAt(told: number | null | undefined): number | null {
    return since(told, this.#arrivedAt(), this.#ahead);
  }
  #arrivedAt(): number {
    return this.past?.at ?? this.moments.at(-1)?.at ?? this.now;
  }

  group(name: string): Group | undefined {
    return this.groups.find((one) => one.Name === name);
  }
  resource(name: string): Resource | undefined {
    return this.resources.find((one) => one.Name === name);
  }
  node(name: string): ClusterNode | undefined {
    return this.nodes.find((one) => one.Name === name);
  }
  resourcesOf(group: string): Resource[] {
    return this.resources.filter((one) => one.OwnerGroup === group);
  }
  process(node: string): Lab['Nodes'][number] | undefined {
    return this.lab?.Nodes.find((one) => one.Name === node);
  }

  #connected(state: Connection): void {
    this.connection = state;
    const isLive = state.kind === 'live';
    if (isLive && !this.#wasLive) void this.#fetchHistory();
    this.#wasLive = isLive;
  }

  #arrived(snapshot: Snapshot): void {
    const told = serviceTime(snapshot.Cluster.Time);
    if (told !== null) this.#ahead = told - Date.now();
    this.#labIsTold = snapshot.Lab !== null;
    if (snapshot.Lab !== null) this.#lab = snapshot.Lab;
    const whole = { ...snapshot, Lab: this.#lab };
    this.live = whole;
    this.moments = remembered(this.moments, { at: Date.now(), snapshot: whole });
  }

  #gather(notice: Notice): void {
    this.#gathered.push(notice);
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      this.entries = merged(this.entries, this.#gathered.splice(0));
    }, GATHER_MS);
  }

  async #fetchHistory(): Promise<void> {
    try {
      this.entries = merged(this.entries, shapes.notices(await get(`/events?limit=${HISTORY_FETCH}`)));
    } catch {
      // The stream goes on telling; the older part comes with the next connection.
    }
  }

  async #askLab(): Promise<void> {
    const isLive = this.connection.kind === 'live';
    if (isLive && (this.#labIsTold || this.live?.Cluster.Lab === false)) return;
    try {
      this.#lab = shapes.lab(await get('/lab'));
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) this.#lab = null;
    }
  }
}

function noneRuns(lab: Lab | null): boolean {
  return lab !== null && lab.Nodes.length > 0 && lab.Nodes.every((node) => node.Process !== 'running');
}

/** All nodes by name. One that runs in the lab and is not, or not yet, a member is shown too. */
function withLabNodes(nodes: ClusterNode[], lab: Lab | null): ClusterNode[] {
  const known = new Set(nodes.map((one) => one.Name));
  const others = (lab?.Nodes ?? []).filter((one) => !known.has(one.Name));
  const all = [...nodes, ...others.map((one): ClusterNode => ({ Name: one.Name, State: 'Down', ProcessId: one.ProcessId ?? null }))];
  return all.sort((a, b) => a.Name.localeCompare(b.Name, undefined, { numeric: true }));
}

/** The one store of the page. */
export const den = new Den();
