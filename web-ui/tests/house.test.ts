/** The rules of this folder that a reader would otherwise have to check by eye. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = ['src', 'dev', 'e2e', 'tests'];
/** No file is longer, in lines. */
const FILE_LINES = 600;
/** No component is longer, in lines. */
const COMPONENT_LINES = 300;

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}
const ALL = FOLDERS.flatMap((folder) => files(join(ROOT, folder))).map((path) => ({ path: path.slice(ROOT.length + 1), text: readFileSync(path, 'utf8') }));
const SOURCES = ALL.filter((file) => file.path.startsWith('src/'));

describe('the house', () => {
  test('has files', () => expect(SOURCES.length).toBeGreaterThan(20));
  test.each(ALL)('$path is not too long', ({ path, text }) => expect(text.split('\n').length).toBeLessThanOrEqual(path.endsWith('.svelte') ? COMPONENT_LINES : FILE_LINES));
  test.each(SOURCES)('$path writes no raw HTML and loads nothing from elsewhere', ({ text }) => {
    expect(text).not.toMatch(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/);
    expect(text.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\/|url\((?!#)|@import/);
  });
  test.each(ALL.filter((file) => !file.path.endsWith('house.test.ts')))('$path leaves nothing for later', ({ text }) => expect(text).not.toMatch(/\bTODO\b|\bFIXME\b|\bXXX\b|\.skip\(|\.only\(/));
  test.each(SOURCES.filter((file) => file.path.endsWith('.svelte')))('$path says what it is', ({ text }) => expect(text.startsWith('<!--')).toBe(true));
  test('the lock file names no registry', () => expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"/));
});
