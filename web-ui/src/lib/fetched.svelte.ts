/**
 * A fact that snapshots do not carry and that is fetched when a panel shows it: placement, votes, properties.
 */
import { get, Refusal } from './api/client';

export class Fetched<T> {
  value = $state.raw<T | null>(null);
  /** Why there is no value, in the service's words. */
  problem = $state<string | null>(null);
  /** The service does not know this path. */
  isAbsent = $state(false);
  #path = '';
  #turn = 0;

  /** Fetches `path`. What another path gave is forgotten at once, what the same path gave stays until the answer is here. */
  async load(path: string): Promise<void> {
    const turn = ++this.#turn;
    if (path !== this.#path) {
      this.value = null;
      this.problem = null;
      this.isAbsent = false;
    }
    this.#path = path;
    try {
      const value = (await get(path)) as T;
      if (turn !== this.#turn) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.isAbsent = error instanceof Refusal && (error.status === 404 || error.status === 405);
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}
