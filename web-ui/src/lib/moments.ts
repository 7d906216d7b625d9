/**
 * The pictures of the cluster that have passed by since the page was opened, so that one can look back.
 *
 * Only what a person could have seen is kept, and only in this page: it is a memory of the picture, not the service's
 * history. Pictures are dropped when there are too many: every second one of the older half, so that the memory gets
 * coarser with age and still reaches back to the start.
 */
import type { Snapshot } from './api/types';

/** How many pictures are kept. */
export const MOMENTS_LIMIT = 600;

export interface Moment {
  /** When it arrived, milliseconds since 1970 by the browser's clock. */
  at: number;
  snapshot: Snapshot;
}

export function remembered(moments: readonly Moment[], fresh: Moment): readonly Moment[] {
  const all = [...moments, fresh];
  if (all.length <= MOMENTS_LIMIT) return all;
  const half = Math.floor(all.length / 2);
  return all.filter((_, i) => i >= half || i % 2 === 0);
}

/** The picture that was on the page at this time: the last one that had arrived, or the very first. */
export function momentAt(moments: readonly Moment[], at: number): Moment | null {
  return moments.findLast((moment) => moment.at <= at) ?? moments[0] ?? null;
}
