/**
 * The history as the page holds it: newest first, each notice once, bounded; and the ways to look at a part of it.
 */
import type { Kind, Level, Notice } from './api/types';

/** How many notices the page keeps. The service's own history is longer. */
export const HISTORY_LIMIT = 3000;

/** Levels from quiet to grave. */
export const LEVELS: readonly Level[] = ['Debug', 'Information', 'Warning', 'Error', 'Critical'];

/** A notice with what the page needs to sort and find it. */
export interface Entry extends Notice {
  /** The same for the same notice, however often it arrives. */
  key: string;
  /** Milliseconds since 1970; NaN when the notice had no time. */
  at: number;
}

export interface Filter {
  /** This level and graver ones. */
  level: Level;
  /** Only about this object; null for all. */
  subject: { Kind: Kind; Name: string } | null;
  /** All of these words, in any of the visible columns. */
  text: string;
  /** Only within these milliseconds since 1970. */
  span: { from: number; to: number } | null;
}

export const EVERYTHING: Filter = { level: 'Information', subject: null, text: '', span: null };

/** How grave: 0 to 4. */
export const gravity = (level: Level): number => LEVELS.indexOf(level);

export function entry(notice: Notice): Entry {
  const key = notice.Id ?? ['local', notice.Node, notice.Time, notice.Component, notice.Text].join('|');
  return { ...notice, key, at: Date.parse(notice.Time) };
}

/** `fresh` put among `known`, newest first. A notice that is known already is not added again. */
export function merged(known: readonly Entry[], fresh: readonly Notice[]): readonly Entry[] {
  const keys = new Set(known.map((one) => one.key));
  const added: Entry[] = [];
  for (const one of fresh.map(entry)) {
    if (keys.has(one.key)) continue;
    keys.add(one.key);
    added.push(one);
  }
  if (added.length === 0) return known;
  // What arrived later stands first among what happened at the same moment: sorting keeps the order of equals.
  return [...added.reverse(), ...known].sort(newestFirst).slice(0, HISTORY_LIMIT);
}

/** Those that pass the filter, in the order they have. */
export function filtered(entries: readonly Entry[], filter: Filter): Entry[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(
    (one) =>
      gravity(one.Level) >= gravity(filter.level) &&
      (filter.subject === null || isAbout(one, filter.subject)) &&
      (filter.span === null || (one.at >= filter.span.from && one.at <= filter.span.to)) &&
      words.every((word) => haystack(one).includes(word)),
  );
}

/** The notice names this object as its subject, or is a local one of this node. */
export function isAbout(notice: Notice, subject: { Kind: Kind; Name: string }): boolean {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  if (notice.Subject !== null && notice.Subject.Kind === subject.Kind && same(notice.Subject.Name, subject.Name)) return true;
  return subject.Kind === 'Node' && notice.Node !== null && same(notice.Node, subject.Name);
}

function haystack(one: Entry): string {
  return [one.Text, one.Component, one.EventId ?? '', one.Subject?.Name ?? '', one.Node ?? '', one.Level].join(' ').toLowerCase();
}

/** By time; within one time by the place in the log, so that causes stand below their effects. */
function newestFirst(a: Entry, b: Entry): number {
  if (a.at !== b.at && !Number.isNaN(a.at) && !Number.isNaN(b.at)) return b.at - a.at;
  const [ai, an] = place(a);
  const [bi, bn] = place(b);
  return bi - ai || bn - an;
}

function place(one: Entry): [number, number] {
  const [index, number] = (one.Id ?? '').split('.').map(Number);
  return [index || 0, number || 0];
}
