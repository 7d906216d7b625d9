/**
 * Turns what came over the wire into the shapes of `types.ts`.
 *
 * A list that is missing becomes an empty one and an object without a name is left out, so that no component has to ask
 * twice. Nothing is invented: a missing fact stays missing.
 */
import type { ClusterNode, Group, Lab, Level, Notice, Quorum, Resource, Snapshot, Step, Steps, Voter, Witness } from './types';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const hasName = (value: unknown): value is Json => isObject(value) && typeof value.Name === 'string' && value.Name !== '';
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : []);
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(hasName) : []);
const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

const STEPS: readonly Step[] = ['Needed', 'Challenge', 'Said', 'Won', 'Lost', 'TakenOver', 'Refused', 'Hosted', 'Ended'];
const LEVELS: readonly Level[] = ['Debug', 'Information', 'Warning', 'Error', 'Critical'];

/** A snapshot, or null when the message is not one at all. */
export function snapshot(value: unknown): Snapshot | null {
  if (!isObject(value) || !hasName(value.Cluster)) return null;
  return {
    Cluster: value.Cluster as unknown as Snapshot['Cluster'],
    Nodes: objects(value.Nodes).map(node),
    Groups: objects(value.Groups).map(group),
    Resources: objects(value.Resources).map(resource),
    Quorum: quorum(value.Quorum),
    Lab: lab(value.Lab),
  };
}

/** The lab's part, or null outside a lab. */
export function lab(value: unknown): Lab | null {
  if (!isObject(value) || !Array.isArray(value.Nodes)) return null;
  const links = Array.isArray(value.Links) ? value.Links.filter(isObject) : [];
  return {
    ...(value as Partial<Lab>),
    Nodes: objects(value.Nodes) as unknown as Lab['Nodes'],
    Links: links
      .filter((link) => typeof link.From === 'string' && typeof link.To === 'string')
      .map((link) => ({ From: link.From as string, To: link.To as string, Cut: link.Cut === true })),
  };
}

/** A notice, or null when there is no sentence in it. */
export function notice(value: unknown): Notice | null {
  if (!isObject(value) || typeof value.Text !== 'string') return null;
  const subject = hasName(value.Subject) && typeof value.Subject.Kind === 'string' ? value.Subject : null;
  return {
    Id: typeof value.Id === 'string' ? value.Id : null,
    Time: text(value.Time, ''),
    Level: LEVELS.find((level) => level === value.Level) ?? 'Information',
    Component: text(value.Component, ''),
    EventId: typeof value.EventId === 'number' ? value.EventId : null,
    Text: value.Text,
    Subject: subject as Notice['Subject'],
    Why: texts(value.Why),
    Node: textOrNull(value.Node),
    Step: STEPS.find((step) => step === value.Step) ?? null,
  };
}

/** A list of notices; what is not one is left out. */
export function notices(value: unknown): Notice[] {
  return Array.isArray(value) ? value.map(notice).filter((one) => one !== null) : [];
}

/** The steps of arbitrations, and who did not answer. */
export function steps(value: unknown): Steps {
  return isObject(value) ? { Steps: notices(value.Steps), Silent: texts(value.Silent) } : { Steps: [], Silent: [] };
}

/** Who votes, or null when nobody tells. */
export function quorum(value: unknown): Quorum | null {
  if (!isObject(value) || !Array.isArray(value.Voters)) return null;
  const voters = value.Voters.filter(isObject).filter((one) => typeof one.Node === 'string');
  return {
    ...(value as Partial<Quorum>),
    Voters: voters.map((one): Voter => ({ ...(one as unknown as Voter), Vote: number(one.Vote, 0), Up: one.Up === true, Why: textOrNull(one.Why) })),
    Witness: witness(value.Witness),
    Votes: number(value.Votes, 0),
    Needed: number(value.Needed, 1),
    Present: number(value.Present, 0),
    Explanation: texts(value.Explanation),
  };
}

function witness(value: unknown): Witness | null {
  if (!isObject(value)) return null;
  return { ...(value as unknown as Witness), Resource: text(value.Resource, ''), DynamicWeight: number(value.DynamicWeight, 0), Healthy: value.Healthy === true, Why: textOrNull(value.Why) };
}

function node(value: Json): ClusterNode {
  return { ...(value as unknown as ClusterNode), State: text(value.State, 'Down') as ClusterNode['State'], Groups: texts(value.Groups) };
}

function group(value: Json): Group {
  return {
    ...(value as unknown as Group),
    State: text(value.State, 'Offline') as Group['State'],
    OwnerNode: text(value.OwnerNode, ''),
    PreferredOwners: texts(value.PreferredOwners),
    Resources: texts(value.Resources),
    Core: value.Core === true,
    Waiting: texts(value.Waiting),
  };
}

function resource(value: Json): Resource {
  return {
    ...(value as unknown as Resource),
    State: text(value.State, 'Offline') as Resource['State'],
    OwnerGroup: text(value.OwnerGroup, ''),
    ResourceType: text(value.ResourceType, ''),
    DependsOn: texts(value.DependsOn),
    PossibleOwners: texts(value.PossibleOwners),
    Core: value.Core === true,
    Waiting: texts(value.Waiting),
  };
}
