/** The history: order, no doubles, a limit, and the filter. */
import { describe, expect, test } from 'vitest';
import type { Notice } from '../src/lib/api/types';
import { EVERYTHING, filtered, HISTORY_LIMIT, isAbout, merged, type Filter } from '../src/lib/events';

const notice = (fields: Partial<Notice>): Notice => ({
  Id: null, Time: '2026-01-31T12:00:00.000Z', Level: 'Information', Component: 'RCM', EventId: null, Text: 'something', Subject: null, Why: [], Node: null, Step: null, ...fields,
});
const texts = (entries: readonly Notice[]) => entries.map((one) => one.Text);
const at = (second: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString();

describe('the history', () => {
  test('is newest first, and within one moment by the place in the log', () => {
    const list = merged([], [
      notice({ Id: '9.0', Time: at(1), Text: 'first' }),
      notice({ Id: '10.1', Time: at(2), Text: 'third' }),
      notice({ Id: '10.0', Time: at(2), Text: 'second' }),
      notice({ Id: '100.0', Time: at(2), Text: 'fourth' }),
    ]);
    expect(texts(list)).toEqual(['fourth', 'third', 'second', 'first']);
  });

  test('holds each notice once, with and without an id', () => {
    const replicated = notice({ Id: '1.0', Text: 'a' });
    const local = notice({ Id: null, Text: 'b', Node: 'n1' });
    const other = notice({ Id: null, Text: 'b', Node: 'n2' });
    const once = merged([], [replicated, local, other, replicated]);
    expect(once.length).toBe(3);
    expect(merged(once, [local, replicated])).toBe(once);
  });

  test('keeps local notices of one moment in the order they were told', () => {
    const told = merged(merged([], [notice({ Text: 'a' }), notice({ Text: 'b' })]), [notice({ Text: 'c' })]);
    expect(texts(told)).toEqual(['c', 'b', 'a']);
  });

  test('takes in late what happened early', () => {
    const list = merged(merged([], [notice({ Id: '5.0', Time: at(5), Text: 'late' })]), [notice({ Id: '2.0', Time: at(2), Text: 'early' })]);
    expect(texts(list)).toEqual(['late', 'early']);
  });

  test('has a limit and forgets the oldest', () => {
    const many = Array.from({ length: HISTORY_LIMIT + 10 }, (_, i) => notice({ Id: `${i + 1}.0`, Time: new Date(i).toISOString(), Text: String(i) }));
    const list = merged([], many);
    expect(list.length).toBe(HISTORY_LIMIT);
    expect(list.at(-1)?.Text).toBe('10');
  });

  test('bears a notice without a time', () => expect(merged([], [notice({ Id: '1.0', Time: '' }), notice({ Id: '2.0' })]).length).toBe(2));
});

const SAMPLE = merged([], [
  notice({ Id: '1.0', Time: at(1), Level: 'Debug', Text: 'detail' }),
  notice({ Id: '2.0', Time: at(2), Text: 'Group Web moved to n2', Subject: { Kind: 'Group', Name: 'Web' } }),
  notice({ Id: '3.0', Time: at(3), Level: 'Error', EventId: 1069, Text: 'Resource App failed', Subject: { Kind: 'Resource', Name: 'App' } }),
  notice({ Id: null, Time: at(4), Level: 'Critical', Component: 'QUORUM', EventId: 1177, Text: 'lost', Node: 'n1' }),
]);

describe('the filter', () => {
  test.each<[string, Partial<Filter>, string[]]>([
    ['nothing asked', {}, ['lost', 'Resource App failed', 'Group Web moved to n2']],
    ['with debug', { level: 'Debug' }, ['lost', 'Resource App failed', 'Group Web moved to n2', 'detail']],
    ['errors', { level: 'Error' }, ['lost', 'Resource App failed']],
    ['an object, any case', { subject: { Kind: 'Group', Name: 'WEB' } }, ['Group Web moved to n2']],
    ['a group is not a resource of the same name', { subject: { Kind: 'Group', Name: 'App' } }, []],
    ['what a node saw itself', { subject: { Kind: 'Node', Name: 'n1' } }, ['lost']],
    ['an event id', { text: '1069' }, ['Resource App failed']],
    ['words in any order', { text: 'n2 web' }, ['Group Web moved to n2']],
    ['a component', { text: 'quorum' }, ['lost']],
    ['a span', { span: { from: Date.parse(at(2)), to: Date.parse(at(3)) } }, ['Resource App failed', 'Group Web moved to n2']],
  ])('%s', (_, asked, expected) => expect(texts(filtered(SAMPLE, { ...EVERYTHING, ...asked }))).toEqual(expected));

  test('a notice about nothing is about no object', () => expect(isAbout(notice({}), { Kind: 'Node', Name: 'n1' })).toBe(false));
});
