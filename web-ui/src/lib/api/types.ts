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
  /** Normal or Quarantined. */
  StatusInformation?: string;
  /** In how many milliseconds its quarantine ends by itself. */
  QuarantineEndsMs?: number | null;
  /** 1: quorum was forced elsewhere; it has to join. */
  NeedsPreventQuorum?: number;
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
  Nodes: { Name: string; Process: Process; ProcessId?: number | null; ApiAddress?: string; Restarts?: number; StorageCut?: boolean }[];
  Links: { From: string; To: string; Cut: boolean }[];
}

/** The body of the stream's `snapshot` event. */
export interface Snapshot {
  Cluster: Cluster;
  Nodes: ClusterNode[];
  Groups: Group[];
  Resources: Resource[];
  Quorum: Quorum | null;
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
  /** The step of an arbitration that it is. */
  Step: Step | null;
}

/** The steps of an arbitration for the quorum device, and of the witness's life. */
export type Step = 'Needed' | 'Challenge' | 'Said' | 'Won' | 'Lost' | 'TakenOver' | 'Refused' | 'Hosted' | 'Ended';

/** GET /groups/{g}/placement. */
export interface Placement {
  Chosen: string | null;
  Candidates: { Node: string; Verdict: string }[];
}

/** GET /quorum, and a part of each snapshot. */
export interface Quorum {
  QuorumType?: string;
  QuorumResource?: string | null;
  Path?: string;
  MaxQuorumLogSize?: number;
  DynamicQuorum?: number;
  LowerQuorumPriorityNodeID?: number;
  /** 1: quorum was forced. */
  FixQuorum?: number;
  ForcedBy?: string | null;
  Lineage?: string;
  Voters: Voter[];
  Witness: Witness | null;
  /** Votes in force, those that keep quorum, and those that are there. */
  Votes: number;
  Needed: number;
  Present: number;
  Quorate?: boolean;
  Explanation: string[];
}

/** A node as a voter. */
export interface Voter {
  Node: string;
  NodeWeight?: number;
  DynamicWeight?: number;
  /** The vote in force. */
  Vote: number;
  Up: boolean;
  HeardMs?: number | null;
  /** Why there is no vote in force. */
  Why: string | null;
}

/** The witness as a voter. */
export interface Witness {
  Kind?: string;
  Resource: string;
  State?: string;
  OwnerNode?: string | null;
  DynamicWeight: number;
  HostNode?: string | null;
  Epoch?: number | null;
  SinceMs?: number | null;
  Healthy: boolean;
  Why: string | null;
}

/** GET /quorum/steps. */
export interface Steps {
  Steps: Notice[];
  Silent: string[];
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
