/** Finds a Chromium and opens the page in it; counts the steps of a test. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** Where a Chromium usually is. The variable CHROMIUM goes before. */
const USUAL_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable', '/snap/bin/chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** The path of a browser, or null. */
export function browserPath() {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  return USUAL_PATHS.find((path) => existsSync(path)) ?? null;
}

/** Opens `url`. What goes wrong inside the page is collected in `problems`. */
export async function openPage(url, executablePath) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return { browser, page, problems };
}

/** Runs named steps one after the other and counts how they end. A step that fails does not stop those after it. */
export class Steps {
  passed = 0;
  failed = 0;

  async step(name, run) {
    const started = Date.now();
    try {
      await run();
      this.passed += 1;
      console.log(`ok    ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name}: ${String(error?.message ?? error).split('\n').slice(0, 4).join(' | ')}`);
    }
  }

  summary() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}

/** Asks again and again until `question` gives something that is neither null, undefined nor false. */
export async function eventually(what, question, limitMs) {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await question();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function check(condition, message) {
  if (!condition) throw new Error(message);
}
