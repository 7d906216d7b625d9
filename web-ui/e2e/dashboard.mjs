/**
 * The dashboard against a running demo of three nodes, as a person would use it: only by what the page shows and offers.
 *
 *   WOLFDEN_URL=http://127.0.0.1:7820 node e2e/dashboard.mjs
 *
 * The demo must be fresh and its own: nodes are killed and links are cut. Everything is healed at the end. Prints
 * `N passed, M failed`; exit code 0 when all passed, 1 when not, 2 when it could not start (no address, no browser).
 */
import { browserPath, check, eventually, openPage, Steps } from './browser.mjs';

/** How long a cluster may take to come to rest after something, in milliseconds. */
const SETTLE_MS = Number(process.env.WOLFDEN_SETTLE_MS ?? 45_000);

const url = process.env.WOLFDEN_URL;
const executable = browserPath();
if (!url || executable === null) {
  console.error(url ? 'No Chromium was found. Set CHROMIUM to its path.' : 'Set WOLFDEN_URL to the address of a running demo, such as http://127.0.0.1:7820.');
  process.exit(2);
}

const { browser, page, problems } = await openPage(url, executable);
page.setDefaultTimeout(10_000);
const steps = new Steps();
/** While a group travels, its old card is still there for the eye, but inert. */
const at = (id) => page.locator(`[data-testid="${id}"]:not([inert] *)`);

/** All elements whose test id begins so, with what they show. */
const listed = (prefix) =>
  page.locator(`[data-testid^="${prefix}-"][data-state]:not([inert] *)`).evaluateAll(
    (elements, start) => elements.map((element) => ({ ...element.dataset, name: element.dataset.testid.slice(start) })),
    prefix.length + 1,
  );
const nodes = () => listed('node');
const groups = () => listed('group');
const group = async (name) => (await groups()).find((one) => one.name === name);
const resource = async (name) => (await listed('resource')).find((one) => one.name === name);
const inColumn = (node, name) => at(`column-${node}`).locator(`[data-testid="group-${name}"]:not([inert] *)`).count().then((count) => count === 1);
const allUp = async () => (await nodes()).every((one) => one.state === 'Up');
const allRest = async () => (await groups()).every((one) => one.state !== 'Pending');

const host = () => at('quorum-board').getAttribute('data-host');

/** Two of three at the same moment: one after the other, the last one would go on (dynamic quorum). */
async function loseQuorum(first, second) {
  await eventually('all nodes are up', allUp, SETTLE_MS);
  await eventually('the witness is not needed for the majority', async () => (await at('vote-meter').getAttribute('data-votes')) === '3', SETTLE_MS);
  await at(`kill-${first}`).click();
  await at(`kill-${second}`).click();
  await leave();
  await at('banner-quorum').waitFor({ timeout: SETTLE_MS });
}

/** A group to try things on: online, not the core group, with resources. */
async function usable() {
  const found = (await groups()).filter((one) => one.state === 'Online');
  // Not the group of the witness either: its resource is what others count on.
  const ordinary = found.find((one) => one.core !== 'true' && one.name !== 'Available Storage');
  if (ordinary !== undefined) return ordinary;
  throw new Error(`no group is online: ${JSON.stringify(await groups())}`);
}

async function accepted() {
  await eventually('the click is answered', async () => (await at('outcome').count()) > 0 && !/sent/.test(await at('outcome').innerText()), SETTLE_MS);
  const outcome = await at('outcome').innerText();
  check(/accepted/.test(outcome), `not accepted but "${outcome.trim()}": ${(await at('toast').allInnerTexts()).join(' / ')}`);
}
const command = async () => (await at('command').innerText()).trim();
/** The command bar shows the last click only when no button is pointed at. */
const leave = () => page.mouse.move(640, 22).then(() => page.evaluate(() => document.activeElement?.blur()));

async function click(id) {
  await at(id).click();
  await leave();
}

await steps.step('the page shows three nodes, all up, and quorum', async () => {
  await eventually('three nodes are up', async () => (await nodes()).length === 3 && (await allUp()), SETTLE_MS);
  await eventually('the stream is live', async () => (await at('connection').getAttribute('data-kind')) === 'live', SETTLE_MS);
  check(/quorum/i.test(await at('quorum').innerText()) && !/lost/i.test(await at('quorum').innerText()), 'the header does not say that there is quorum');
  await eventually('one of the nodes is named as leader', async () => (await nodes()).map((one) => one.name).includes(await at('leader').innerText()), SETTLE_MS);
  await eventually('some group is online', async () => (await groups()).some((one) => one.state === 'Online'), SETTLE_MS);
  await eventually('the groups rest', allRest, SETTLE_MS);
});

await steps.step('a group moves to another node by its button', async () => {
  const { name, owner } = await usable();
  const target = (await nodes()).map((one) => one.name).find((one) => one !== owner);
  await at(`move-${name}`).click();
  await at(`move-${name}-${target}`).click();
  await leave();
  await accepted();
  check((await command()).startsWith('cluster group move ') && (await command()).endsWith(`--node ${target}`), `the command bar shows "${await command()}"`);
  await eventually(`${name} stands in the column of ${target}`, () => inColumn(target, name), SETTLE_MS);
  await eventually(`${name} is online there`, async () => (await group(name))?.state === 'Online', SETTLE_MS);
  await eventually('the move is in the history', async () => (await at('events').innerText()).includes(name), SETTLE_MS);
});

await steps.step('a resource that fails is restarted, and the event says why', async () => {
  const { name, owner } = await usable();
  await click(`expand-${name}`);
  const all = await eventually('the resources are shown', async () => (await at(`group-${name}`).locator('[data-testid^="resource-"]').count()) > 0 && listed('resource'), SETTLE_MS);
  const one = all.at(-1);
  check(one.state === 'Online', `${one.name} is ${one.state}`);
  const before = Number(one.failures);
  await click(`res-fail-${one.name}`);
  await accepted();
  await eventually(`a failure of ${one.name} is counted`, async () => Number((await resource(one.name))?.failures) > before, SETTLE_MS);
  const about = page.locator(`[data-testid="event"][data-subject="${one.name}"]`);
  const failure = about.and(page.locator('[data-event="1069"]')).first();
  await failure.waitFor({ timeout: SETTLE_MS });
  check(/failed: \S/.test(await failure.innerText()), `event 1069 names no cause: "${await failure.innerText()}"`);
  const decision = about.filter({ hasText: /will be restarted/i }).first();
  await decision.getByTestId('why').click();
  const reasons = await decision.getByTestId('why-list').locator('li').allInnerTexts();
  check(reasons.some((reason) => /restart/i.test(reason)), `the decision to restart gives no reason: ${JSON.stringify(reasons)}`);
  await eventually(`${one.name} is online again`, async () => (await resource(one.name))?.state === 'Online', SETTLE_MS);
  check((await group(name)).owner === owner, `${name} left ${owner}: the first failure was not answered by a restart`);
  await click(`expand-${name}`);
});

await steps.step('the side panel shows facts, placement and properties', async () => {
  const { name } = await usable();
  await at(`group-${name}`).getByRole('button', { name, exact: true }).click();
  const panel = at('panel');
  check((await panel.innerText()).includes(`cluster group online`), 'the panel does not show commands');
  await eventually('the placement preview is shown', async () => (await at('placement').locator('li').count()) > 0, SETTLE_MS);
  await page.keyboard.press('Escape');
  await eventually('Escape closes the panel', async () => (await panel.count()) === 0, 5000);
});

let killed = null;
await steps.step('a node that is killed goes down and its groups move', async () => {
  const { name, owner } = await usable();
  killed = owner;
  await click(`kill-${owner}`);
  await accepted();
  await eventually(`the process of ${owner} is stopped`, async () => (await at(`node-${owner}`).getAttribute('data-process')) === 'stopped', SETTLE_MS);
  await eventually(`${owner} is down`, async () => (await at(`node-${owner}`).getAttribute('data-state')) === 'Down', SETTLE_MS);
  await eventually(`${name} has left ${owner}`, async () => (await group(name))?.owner !== owner, SETTLE_MS);
  await eventually(`${name} is online elsewhere`, async () => (await group(name))?.state === 'Online', SETTLE_MS);
  check(await inColumn((await group(name)).owner, name), `${name} does not stand in the column of its owner`);
});

await steps.step('the node is started again and comes up', async () => {
  check(killed !== null, 'no node was killed');
  await click(`start-${killed}`);
  await accepted();
  await eventually(`${killed} is up`, async () => (await at(`node-${killed}`).getAttribute('data-state')) === 'Up', SETTLE_MS);
});

await steps.step('the votes stand above the nodes, and what they mean is told', async () => {
  await eventually('all nodes are up', allUp, SETTLE_MS);
  const votes = () => page.locator('[data-testid^="vote-"][data-vote]').evaluateAll((all) => all.map((one) => ({ ...one.dataset, name: one.dataset.testid.slice('vote-'.length) })));
  await eventually('each node has its vote', async () => (await votes()).filter((one) => one.vote === '1' && one.present === 'true').length >= 3, SETTLE_MS);
  const meter = await at('vote-meter').evaluate((one) => ({ ...one.dataset }));
  check(Number(meter.present) >= Number(meter.needed) && Number(meter.needed) * 2 > Number(meter.votes), `the meter shows ${JSON.stringify(meter)}`);
  await at('quorum-open').click();
  await leave();
  await eventually('it is told what the votes mean', async () => /votes? (is|are) in force/.test(await at('quorum-explanation').innerText()), SETTLE_MS);
});

await steps.step('votes are counted otherwise, and back again', async () => {
  const board = () => at('quorum-board').getAttribute('data-model');
  await eventually('the demo has a disk as its witness', async () => (await board()) === 'NodeAndDiskMajority', SETTLE_MS);
  await at('quorum-set').click();
  await at('quorum-set-nodes').click();
  await leave();
  await accepted();
  check((await command()) === 'cluster quorum set --node-majority', `the command bar shows "${await command()}"`);
  await eventually('the nodes alone vote', async () => (await board()) === 'NodeMajority', SETTLE_MS);
  await at('quorum-set').click();
  await page.locator('[data-testid^="quorum-set-NodeAndDiskMajority"]').first().click();
  await leave();
  await accepted();
  await eventually('the disk is the witness again', async () => (await board()) === 'NodeAndDiskMajority', SETTLE_MS);
  await eventually('it has a host', async () => (await host()) !== '', SETTLE_MS);
});

await steps.step('the witness finds another host, and each step of the way is on the time axis', async () => {
  const before = await eventually('the witness has a host', host, SETTLE_MS);
  await click(`kill-${before}`);
  await accepted();
  const after = await eventually('another node hosts it', async () => {
    // Between two hosts there is none.
    const now = await host();
    return now && now !== before ? now : null;
  }, SETTLE_MS);
  const told = page.locator(`[data-testid="step"][data-node="${after}"]`);
  for (const step of ['Challenge', 'Won', 'Hosted']) await told.and(page.locator(`[data-step="${step}"]`)).first().waitFor({ timeout: SETTLE_MS });
  await eventually('the vote of the dead node does not count', async () => (await at(`vote-${before}`).getAttribute('data-present')) === 'false', SETTLE_MS);
  await click(`start-${before}`);
  await accepted();
  await eventually('all nodes are up', allUp, SETTLE_MS);
});

await steps.step('a storage path is cut and mended', async () => {
  const owner = await host();
  const { name } = (await nodes()).find((one) => one.name !== owner);
  await at(`way-${name}`).focus();
  await page.keyboard.press('Enter');
  await leave();
  await accepted();
  check((await command()) === `cluster lab cut-storage ${name}`, `the command bar shows "${await command()}"`);
  await eventually('the way is shown as cut', async () => (await at(`way-${name}`).getAttribute('data-cut')) === 'true', SETTLE_MS);
  check(/storage cut/i.test(await at(`node-${name}`).innerText()), 'the node does not say that its storage is cut');
  await click(`storage-${name}`);
  await accepted();
  await eventually('the way is whole', async () => (await at(`way-${name}`).getAttribute('data-cut')) === 'false', SETTLE_MS);
});

await steps.step('links are cut until the network falls apart, and everything is healed', async () => {
  await eventually('all nodes are up', allUp, SETTLE_MS);
  const [lonely] = (await nodes()).map((one) => one.name);
  const links = await page.locator('[data-testid^="link-"]').evaluateAll((all, name) => all.map((one) => one.dataset.testid).filter((id) => id.split('-').includes(name)), lonely);
  check(links.length === 2, `${lonely} has ${links.length} links`);
  for (const id of links) {
    await at(id).focus();
    await page.keyboard.press('Enter');
    await leave();
    await accepted();
    await eventually('the link is shown as cut', async () => (await at(id).getAttribute('data-cut')) === 'both', SETTLE_MS);
  }
  await eventually('the parts are named', async () => (await at('parts').innerText()).includes(lonely), SETTLE_MS);
  await eventually(`${lonely} is down`, async () => (await at(`node-${lonely}`).getAttribute('data-state')) === 'Down', SETTLE_MS);
  await click('heal-all');
  await accepted();
  await eventually('the links are whole', async () => (await at(links[0]).getAttribute('data-cut')) === 'none', SETTLE_MS);
  await eventually('all nodes are up again', allUp, SETTLE_MS);
});

await steps.step('without quorum the page says so, refuses politely, and the lab brings the cluster back', async () => {
  const [first, second] = (await nodes()).map((one) => one.name);
  const { name } = await usable();
  await loseQuorum(first, second);
  await click(`online-${name}`);
  await at('toast').first().waitFor({ timeout: SETTLE_MS });
  check(/\(\d+\)/.test(await at('toast').first().innerText()), 'the refusal shows no code');
  await click('heal-all');
  await eventually('all nodes are up', allUp, SETTLE_MS);
  await eventually('the banner is gone', async () => (await at('banner-quorum').count()) === 0, SETTLE_MS);
  await eventually(`${name} is online again`, async () => (await group(name))?.state === 'Online', SETTLE_MS);
});

await steps.step('quorum is forced on the last node, with a warning, and the others join it', async () => {
  const [first, second, third] = (await nodes()).map((one) => one.name);
  const { name } = await usable();
  await loseQuorum(first, second);
  await at('force-open').click();
  check((await at('force-node').inputValue()) === third, `${await at('force-node').inputValue()} is proposed, and not ${third}, which runs`);
  check(/is lost/.test(await at('force-dialog').innerText()), 'nothing is said of what is lost');
  await at('force-quorum').click();
  await leave();
  await accepted();
  check((await command()).endsWith(`cluster node start ${third} --force-quorum`), `the command bar shows "${await command()}"`);
  await eventually('there is quorum again', async () => (await at('banner-quorum').count()) === 0 && /quorum/i.test(await at('quorum').innerText()), SETTLE_MS);
  await eventually('the board says that it was forced', async () => /forced on/.test(await at('quorum-board').innerText()), SETTLE_MS);
  await eventually(`${name} is online there`, async () => (await group(name))?.state === 'Online', SETTLE_MS);
  await click('heal-all');
  await eventually('the others have joined', allUp, SETTLE_MS);
  await eventually('it is not forced any more', async () => !/forced on/.test(await at('quorum-board').innerText()), SETTLE_MS);
});

await steps.step('nothing went wrong inside the page', async () => {
  check(problems.length === 0, problems.join(' | '));
});

await browser.close();
process.exit(steps.summary());
