/**
 * The shapes of the REST API as docs/api.md has them, under the names that travel in the JSON.
 *
 * The page trusts none of them to be complete: an older or newer service may leave a field out, so everything that is
 * not needed to name an object is optional, and `shapes.ts` fills lists in where they are missing.
 */

export type NodeState = 'Up' | 'Down' | 'Paused' | 'Joining';
export type GroupState = 'Online' | 'Offline' | 'Failed' | 'PartialOnline' | 'Pending';
export type ResourceState = 'Online' | 'Offline' | 'Failed' | 'OnlinePending' | 'OfflinePending';
export type Level = 'Debug' | 'Information' | 'Warning' | 'Error' | 'Critical';
export type Process = 'running' | 'paused' | 'stopped';
export type Kind = 'Node' | 'Group' | 'Resource' | 'ResourceType';

/** GET /cluster. */
export interface Cluster {
  Name: string;
  Id?: string;
  /** The node whose copy of the state this is. */
  AnsweredBy?: string | null;
  Leader?: string | null;
  Quorate?: boolean;
  /** The answering node has no quorum: the picture may be old. */
  Stale?: boolean;
  Applied?: number;
  /** The service's clock: ISO text or milliseconds since 1970. */
  Time?: string | number;
  Incarnation?: number;
  QuorumType?: string;
  QuorumResource?: string | null;
  DetectionMs?: number;
  FenceMs?: number;
  Lab?: boolean;
  Version?: string;
  Properties?: Record<string, unknown>;
}

/** One element of GET /nodes. */
export interface ClusterNode {
  Name: string;
  Id?: string;
  State: NodeState;
  Leader?: boolean;
  QuorumOwner?: boolean;
  NodeWeight?: number;
  DynamicWeight?: number;
  DrainStatus?: string;
  ProcessId?: number | null;
  Address?: string;
  ApiAddress?: string;
  LastHeardMs?: number | null;
  Groups?: string[];
}

/** One element of GET /groups. */
export interface Group {
  Name: string;
  Id?: string;
  State: GroupState;
  OwnerNode: string;
  GroupType?: string | number;
  PersistentState?: number | boolean | null;
  PreferredOwners: string[];
  Moving?: { To: string; Kind?: string } | null;
  StatusInformation?: number | string;
  Resources: string[];
  Core: boolean;
  Waiting: string[];
}

/** One element of GET /resources. */
export interface Resource {
  Name: string;
  Id?: string;
  State: ResourceState;
  InternalState?: string;
  OwnerGroup: string;
  OwnerNode?: string;
  ResourceType: string;
  DependencyExpression?: string;
  DependsOn: string[];
  PossibleOwners: string[];
  PersistentState?: number | boolean | null;
  RestartAction?: number;
  RestartThreshold?: number;
  Failures?: number;
  LastError?: string | null;
  /** In how many milliseconds policy will restart it. */
  RestartAt?: number | null;
  /** In how many milliseconds it will be tried once more after it was left failed. */
  RetryAt?: number | null;
  /** How long it has been in this state, in milliseconds. */
  SinceMs?: number | null;
  MonitorProcessId?: number | null;
  Core: boolean;
  Waiting: string[];
}

/** GET /lab. */
export interface Lab {
  Url?: string;
  Directory?: string;
  Nodes: { Name: string; Process: Process; ProcessId?: number | null; ApiAddress?: string; Restarts?: number }[];
  Links: { From: string; To: string; Cut: boolean }[];
}

/** The body of the stream's `snapshot` event. */
export interface Snapshot {
  Cluster: Cluster;
  Nodes: ClusterNode[];
  Groups: Group[];
  Resources: Resource[];
  Lab: Lab | null;
}

/** One sentence of the history. */
export interface Notice {
  Id: string | null;
  Time: string;
  Level: Level;
  Component: string;
  EventId: number | null;
  Text: string;
  Subject: { Kind: Kind; Name: string } | null;
  Why: string[];
  Node: string | null;
}

/** GET /groups/{g}/placement. */
export interface Placement {
  Chosen: string | null;
  Candidates: { Node: string; Verdict: string }[];
}

/** GET /quorum. */
export interface Quorum {
  QuorumType?: string;
  QuorumResource?: string | null;
  Voters?: { Node: string; Vote?: number | boolean; Up?: boolean }[];
  Votes?: number;
  Needed?: number;
  Quorate?: boolean;
  Explanation?: string[];
}

/** One common property. */
export interface Property {
  Value: unknown;
  Type?: string;
  Default?: unknown;
  ReadOnly?: boolean;
  Minimum?: number | null;
  Maximum?: number | null;
}
export type Properties = Record<string, Property>;
