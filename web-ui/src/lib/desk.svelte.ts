/**
 * What the person at the page is doing: what is selected, which command the last click was, what was refused.
 */
import { Refusal, send, Unreachable } from './api/client';
import type { Action } from './actions';

export type Selection =
  | { Kind: 'Node'; Name: string }
  | { Kind: 'Group'; Name: string }
  | { Kind: 'Resource'; Name: string }
  | { Kind: 'Quorum'; Name: string };

/** A command that was sent, and what became of it. */
export interface Echo {
  id: number;
  command: string;
  outcome: 'sent' | 'accepted' | 'refused' | 'unreachable';
}

/** A message that a click was not answered with yes. */
export interface Toast {
  id: number;
  title: string;
  /** `ERROR_... (5071)`, when the cluster gave one. */
  code: string;
  text: string;
  facts: [string, string][];
  command: string;
}

/** How many commands and messages are kept. */
const ECHO_LIMIT = 50;
const TOAST_LIMIT = 4;
/** How long a message stays, in milliseconds; it can be closed before. */
const TOAST_MS = 12_000;

class Desk {
  selection = $state.raw<Selection | null>(null);
  /** The command of the button under the pointer or the focus. */
  preview = $state<string | null>(null);
  /** Newest first. */
  echoes = $state.raw<readonly Echo[]>([]);
  toasts = $state.raw<readonly Toast[]>([]);
  /** Names of the groups whose resources are shown. */
  expanded = $state.raw<ReadonlySet<string>>(new Set());
  /** The whole of quorum is shown, not the votes alone. */
  isQuorumOpen = $state(false);
  /** The history takes most of the height. */
  isHistoryTall = $state(false);
  #next = 1;

  select(selection: Selection | null): void {
    this.selection = selection;
  }

  isSelected(kind: Selection['Kind'], name: string): boolean {
    return this.selection?.Kind === kind && this.selection.Name === name;
  }

  toggle(group: string): void {
    const next = new Set(this.expanded);
    if (!next.delete(group)) next.add(group);
    this.expanded = next;
  }

  /** Sends what the action says and reports what came of it. True when it was accepted. */
  async perform(action: Action): Promise<boolean> {
    const id = this.#next++;
    this.preview = null;
    this.echoes = [{ id, command: action.command, outcome: 'sent' as const }, ...this.echoes].slice(0, ECHO_LIMIT);
    try {
      for (const request of action.requests) await send(request);
      this.#settle(id, 'accepted');
      return true;
    } catch (error) {
      this.#settle(id, error instanceof Refusal ? 'refused' : 'unreachable');
      this.#tell(action, error);
      return false;
    }
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((one) => one.id !== id);
  }

  #settle(id: number, outcome: Echo['outcome']): void {
    this.echoes = this.echoes.map((one) => (one.id === id ? { ...one, outcome } : one));
  }

  #tell(action: Action, error: unknown): void {
    const id = this.#next++;
    const toast: Toast = { id, title: 'Not done', code: '', text: String(error), facts: [], command: action.command };
    if (error instanceof Refusal) {
      toast.title = 'Refused';
      toast.code = error.code === null ? error.symbol : `${error.symbol} (${error.code})`;
      toast.text = error.message;
      toast.facts = Object.entries(error.facts).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
    } else if (error instanceof Unreachable) {
      toast.title = 'No answer';
      toast.text = error.message;
    }
    this.toasts = [toast, ...this.toasts].slice(0, TOAST_LIMIT);
    setTimeout(() => this.dismiss(id), TOAST_MS);
  }
}

/** The one desk of the page. */
export const desk = new Desk();
