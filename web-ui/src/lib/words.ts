/**
 * How states look and sound: one tone per state, and numbers and times in words.
 *
 * A tone is a colour with a sign; the sign makes it readable without the colour.
 */
import type { GroupState, Level, NodeState, Process, ResourceState, Step } from './api/types';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'idle';

const STATE_TONES: Record<NodeState | GroupState | ResourceState | Process, Tone> = {
  Up: 'good',
  Paused: 'warn',
  Joining: 'busy',
  Down: 'bad',
  Online: 'good',
  Offline: 'idle',
  Failed: 'bad',
  PartialOnline: 'warn',
  Pending: 'busy',
  OnlinePending: 'busy',
  OfflinePending: 'busy',
  running: 'good',
  paused: 'warn',
  stopped: 'bad',
};

const LEVEL_TONES: Record<Level, Tone> = {
  Debug: 'idle',
  Information: 'busy',
  Warning: 'warn',
  Error: 'bad',
  Critical: 'bad',
};

const STEP_TONES: Record<Step, Tone> = {
  Needed: 'warn',
  Challenge: 'busy',
  Said: 'idle',
  Won: 'good',
  Lost: 'bad',
  TakenOver: 'busy',
  Refused: 'bad',
  Hosted: 'good',
  Ended: 'idle',
};

/** What a step of an arbitration means, for a tool tip. */
export const STEP_WORDS: Record<Step, string> = {
  Needed: 'Exactly one vote is missing here, and the witness has it',
  Challenge: 'Arbitrate of the quorum resource is called on this node',
  Said: 'What the resource says while it arbitrates or defends',
  Won: 'This node owns the device',
  Lost: 'This node does not get the device',
  TakenOver: "The ownership epoch is raised and the witness's store copied: whoever had it before is fenced",
  Refused: "The witness's store cannot be had, or is not the one that voted",
  Hosted: 'The witness votes on this node from now on',
  Ended: 'This node hosts the witness no more',
};

export const stepTone = (step: Step): Tone => STEP_TONES[step];

/** The tone of a state; a state word the page does not know is shown without colour. */
export const tone = (state: string): Tone => (Object.hasOwn(STATE_TONES, state) ? STATE_TONES[state as keyof typeof STATE_TONES] : 'idle');
export const levelTone = (level: Level): Tone => LEVEL_TONES[level];

/** The name of the icon that stands beside a state. */
export const SIGNS: Record<Tone, string> = { good: 'check', busy: 'dots', warn: 'alert', bad: 'cross', idle: 'minus' };

/** A state word as people write it: `OnlinePending` becomes `Online pending`. */
export function spaced(word: string): string {
  const words = word.replace(/([a-z])([A-Z])/g, '$1 $2');
  return words.charAt(0) + words.slice(1).toLowerCase();
}

/** The time of day of a notice, to the tenth of a second. */
export function clock(at: number): string {
  if (Number.isNaN(at)) return '--:--:--';
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${Math.floor(date.getMilliseconds() / 100)}`;
}

/** A span of milliseconds in words, coarse. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

/** A time of the service's clock (ISO text or milliseconds) in milliseconds; null when there is none. */
export function serviceTime(value: string | number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const at = typeof value === 'number' ? value : Date.parse(value);
  return Number.isFinite(at) ? at : null;
}

/** Above this a number of milliseconds is a time of the service's clock, not a span: thirty years. */
const LONGEST_SPAN_MS = 30 * 365 * 86_400_000;

/**
 * When something is due, by the browser's clock. The picture that told of it arrived at `arrived`; `told` counts from
 * there, or is a time of the service's clock, which is `ahead` milliseconds ahead of the browser's.
 */
export function due(told: number | null | undefined, arrived: number, ahead: number): number | null {
  if (told === null || told === undefined || !Number.isFinite(told)) return null;
  return told > LONGEST_SPAN_MS ? told - ahead : arrived + told;
}

/** Since when something is so, by the browser's clock; as `due`, but counting back. */
export function since(told: number | null | undefined, arrived: number, ahead: number): number | null {
  if (told === null || told === undefined || !Number.isFinite(told)) return null;
  return told > LONGEST_SPAN_MS ? told - ahead : arrived - told;
}

/** A value of a property as text to show or edit; lists one item per line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => shown(item)).join('\n');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What a person typed, as the JSON the property's type asks for. Null asks for the default. */
export function typed(text: string, type: string | undefined, present: unknown): unknown {
  const kind = (type ?? '').replace(/^REG_/, '');
  if (kind === 'MULTI_SZ' || Array.isArray(present)) return text.split('\n').filter((line) => line !== '');
  const numeric = ['DWORD', 'QWORD', 'LONG', 'WORD', 'ULARGE_INTEGER', 'LARGE_INTEGER'].includes(kind) || typeof present === 'number';
  if (numeric && /^\s*(-?\d+|0x[0-9a-fA-F]+)\s*$/.test(text)) return Number(text);
  return text;
}
