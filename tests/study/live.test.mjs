// live.test.mjs FIXTURE: drives the laboratory of the study page in a headless browser and checks its outcomes by numbers.
//
// What the page tells in words (found natively by test_live) must come out in the browser to the digit. Also: the norms'
// bits, no requests, no console messages, axe-core at three widths, light and dark, keyboard alone, without script, in
// print, on the main thread where there is no worker. EK_PAGE_SHOTS is a folder for screenshots.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { axeSource, check, close, failures, open } from '../support/page_driver.mjs';

const folder = mkdtempSync(join(tmpdir(), 'evenkeel-live-')), page = join(folder, 'page.html');
execFileSync(resolve(process.argv[2]), [page, join(folder, 'results.json')]);
const end = async (status) => {
  await close();
  rmSync(folder, { recursive: true, force: true });
  process.exit(status);
};
const shots = process.env.EK_PAGE_SHOTS;
const shot = async (tab, name) => { if (shots) await tab.locator('#live').screenshot({ path: join(shots, `live-${name}.png`) }); };

if (readFileSync(page, 'utf8').includes('id="live-missing"')) {
  const { tab, seen } = await open(page);
  check('the page says that the live part is missing', await tab.locator('#live-missing').isVisible());
  check('... and tells what it shows', (await tab.locator('#live .lab > p').allTextContents()).every((t) => t.length > 150));
  check('... without dead controls', await tab.locator('#live button, #live input, #live select').count() === 0);
  check('... and no messages', seen.messages.length === 0, seen.messages.join(' '));
  console.log('SKIPPED: the program was built without the laboratory (clang, lld, wasi-libc, libclang-rt-14-dev-wasm32)');
  await end(failures ? 1 : 77);
}

// One experiment, as a reader has it before him.
class Bench {
  constructor(tab, id) { [this.tab, this.box] = [tab, tab.locator(`#live-${id}`)]; }
  async see() {
    await this.box.scrollIntoViewIfNeeded();
    return this;
  }
  press(name) { return this.box.getByRole('button', { name, exact: true }).click(); }
  choose(label, value) { return this.box.getByLabel(label, { exact: true }).selectOption(String(value)); }
  slide(label, value) { return this.box.getByLabel(label).fill(String(value)); }
  text(name) { return this.box.locator('.readouts div', { hasText: name }).locator('dd').first().textContent(); }
  async number(name) { return parseFloat((await this.text(name)).replace('\u2212', '-')); }
  told() { return this.box.locator('xpath=./p[1]').textContent(); }
  async until(name, good, seconds = 120) {
    for (let i = 0; i < 20 * seconds; i++) {
      const text = await this.text(name);
      if (good(text)) return text;
      await this.tab.waitForTimeout(50);
    }
    throw new Error(`${name} stayed at ${await this.text(name)}`);
  }
  stopped() { return this.box.getByRole('button', { name: 'Play', exact: true }).waitFor({ timeout: 120000 }); }
}
const percents = (text) => (text.match(/[\d.]+%/g) || []).map(parseFloat);

async function same(tab) {
  check('nothing starts before it is seen', await tab.locator('#live').getAttribute('data-engine') === null);
  await tab.locator('#live').scrollIntoViewIfNeeded();
  await tab.locator('#live-bits output', { hasText: 'equal' }).waitFor({ timeout: 120000 });
  const said = await tab.locator('#live-bits output').textContent();
  check('1,000 random norms have the bits of the native program', said.includes('1,000 of 1,000 equal'), said);
  check('a worker does the work', await tab.locator('#live').getAttribute('data-engine') === 'worker');
}

async function rate(tab) {
  const b = await new Bench(tab, 'rate').see(), [none, batch, lowNone, lowBatch, one, group] = percents(await b.told());
  const ends = async (steps) => {
    await b.until('step', (t) => t === steps);
    await b.stopped();
    return [await b.number('A: read right'), await b.number('B: read right')];
  };
  await b.press('High rate');
  await b.until('step', (t) => Number(t) >= 40);
  const gaps = await tab.evaluate(() => new Promise((done) => {
    const times = [];
    const next = (t) => { times.push(t); if (times.length < 20) requestAnimationFrame(next); else done(times); };
    requestAnimationFrame(next);
  }));
  const median = gaps.slice(1).map((t, i) => t - gaps[i]).sort((p, q) => p - q)[9];
  check('smooth while training', median < 60, `${median} ms a frame`);
  let [a, c] = await ends('150');
  check('at the high rate the network without norms stays at chance', a < 15, String(a));
  check('... and the one with batch norm learns', c > 85, String(c));
  check('... to the digit of the page', a === none && c === batch, `${a} ${c}, told ${none} ${batch}`);
  check('marks are given to what is read', await b.box.locator('.tiles').nth(1).locator('.wrong').count() < 5);
  await b.press('Low rate');
  await b.until('step', (t) => Number(t) > 0 && Number(t) < 150);
  [a, c] = await ends('150');
  check('at the low rate both learn', a > 60 && c > 90 && a === lowNone && c === lowBatch, `${a} ${c}`);
  await b.press('Batch of one');
  [a, c] = await ends('1500');
  check('with a batch of one batch norm stays at chance and group norm learns', a < 15 && c > 70, `${a} ${c}`);
  check('... to the digit of the page', a === one && c === group, `${a} ${c}, told ${one} ${group}`);
  await b.choose('Read in', 1);
  await b.choose('Network A', 3);
  await b.press('Step');
  await b.until('step', (t) => t === '1');
  await b.press('Reset');
  await b.until('step', (t) => t === '0');
}

async function light(tab) {
  const b = await new Bench(tab, 'light').see(), told = percents(await b.told());
  await b.until('evaluation mode', (t) => t !== '\u2013');
  const before = await b.number('evaluation mode');
  await b.slide('Brightness', 0.4);
  await b.until('evaluation mode', (t) => parseFloat(t) !== before);
  const broken = await b.number('evaluation mode'), training = await b.number('training mode');
  check('a change of light costs evaluation at least 30 points', before - broken >= 30, `${before} to ${broken}`);
  check('... and training mode nothing to speak of', before - training < 5, String(training));
  await b.press('Measure anew');
  await b.until('evaluation mode', (t) => parseFloat(t) !== broken);
  const anew = await b.number('evaluation mode');
  check('measuring anew gives back at least 90% of it', anew - broken >= 0.9 * (before - broken), String(anew));
  check('... to the digit of the page', [before, broken, anew].join() === told.join(), `${[before, broken, anew]}, told ${told}`);
  await b.press('Back to the old light');
  await b.until('evaluation mode', (t) => parseFloat(t) !== anew);
  check('and back', before - await b.number('evaluation mode') < 3);
}

async function mates(tab) {
  const b = await new Bench(tab, 'mates').see(), still = '0, not a bit';
  const settle = async () => { await tab.waitForTimeout(100); await b.until('from another', (t) => t !== '\u2013'); await tab.waitForTimeout(150); };
  await settle();
  await b.press('Other mates');
  await b.until('moved by other mates', (t) => t !== '\u2013');
  check('in training mode other mates move the logits', await b.number('moved by other mates') > 0.1, await b.text('moved by other mates'));
  await b.press('Mates of one digit');
  await settle();
  check('... and mates of one digit, too', await b.number('moved by other mates') > 0.1);
  await b.choose('Mode', 1);
  await b.until('moved by other mates', (t) => t === '\u2013');
  await b.press('Other mates');
  await b.until('moved by other mates', (t) => t !== '\u2013');
  check('in evaluation they do not move by a bit', await b.text('moved by other mates') === still);
  await b.choose('Mode', 0);
  await b.until('moved by other mates', (t) => t === '\u2013');
  await b.slide('Images in the batch', 1);
  await b.until('from another', (t) => t === still);
  check('in a batch of one every image has the same logits', await b.text('from another') === still);
  check('... and stands alone', await b.box.locator('.tile:visible').count() === 1);
  await b.slide('Images in the batch', 8);
  for (const [norm, name] of [[2, 'group norm'], [3, 'layer norm']]) {
    await b.choose('Norm', norm);
    await b.until('moved by other mates', (t) => t === '\u2013');
    await b.press('Other mates');
    await b.until('moved by other mates', (t) => t !== '\u2013');
    check(`${name}: not moved by a bit, in training mode`, await b.text('moved by other mates') === still);
  }
  await b.press('Another image');
}

async function chase(tab) {
  const b = await new Bench(tab, 'chase').see();
  for (const [keep, steps, least, most] of [[0.9, 22, 4, 16], [0.99, 60, 45, 65]]) {
    await b.choose('Momentum of the running mean', keep);
    await b.press('Reset');
    await b.until('step', (t) => t === '0');
    await b.choose('Momentum of the running mean', 0.5); // runs in quickly
    for (let i = 1; i <= 8; i++) {
      await b.press('Step');
      await b.until('step', (t) => t === String(i));
    }
    await b.choose('Momentum of the running mean', keep);
    await b.press('Switch the light');
    await b.until('steps since', (t) => Number(t) >= steps);
    await b.press('Pause');
    await tab.waitForTimeout(300);
    const left = await b.number('of the way left'), law = await b.number('by the law');
    check(`momentum ${keep}: the running mean follows by m^t`, Math.abs(left - law) < 6 && law <= most, `${left}% left, law ${law}%`);
    check('... and lags', law > 0 && (keep < 0.95 || law > 20), String(law));
    void least;
  }
}

async function turn(tab) {
  const b = await new Bench(tab, 'turn').see(), told = ((await b.told()).match(/[\d.]+\u00b0/g) || []).map(parseFloat);
  await b.press('Play');
  await b.until('step', (t) => t === '400');
  const pace = await b.number('a step, mean of 100'), theory = await b.number('by theory');
  check('under decay the vector turns at the pace of theory', Math.abs(pace / theory - 1) < 0.1, `${pace} ${theory}`);
  check('... as the page tells', pace === told[1] && theory === told[2], `${pace} ${theory}, told ${told}`);
  check('... and is shorter', await b.number('length') < 0.6);
  check('the gradient stands at right angles', await b.text('cosine') === '0.0000', await b.text('cosine'));
  await b.stopped();
  await b.choose('Weight decay', 0);
  await b.until('step', (t) => t === '0');
  await b.press('Play');
  await b.until('step', (t) => Number(t) >= 100);
  await b.press('Pause');
  check('without decay it grows', await b.number('length') > 1.1 && told[0] < pace / 5, `${await b.text('length')} ${told[0]}`);
}

async function experiments() {
  const { context, tab, seen } = await open(page);
  for (const part of [same, rate, light, mates, chase, turn, keyboard, accessibility]) await timed(part, tab);
  check('no requests from experiments', seen.requests.length === 0, seen.requests.join(' '));
  check('no console messages from experiments', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

// Also with a hash that is not the module's.
async function withoutWorker() {
  const { context, tab, seen } = await open(page, {}, '', (text) => text.replace(/<script type="text\/plain" id="live-hashes">./,
    (hashes) => `<script>delete window.Worker;</script>${hashes.slice(0, -1)}${hashes.endsWith('0') ? '1' : '0'}`));
  const b = await new Bench(tab, 'rate').see();
  await b.press('Step');
  await b.until('step', (t) => t === '1');
  check('without workers the page does the work itself', await tab.locator('#live').getAttribute('data-engine') === 'page');
  await b.press('Play');
  await b.until('step', (t) => Number(t) > 10);
  await b.press('Pause');
  check('... and can be stopped', await b.box.getByRole('button', { name: 'Play', exact: true }).isVisible());
  await tab.locator('#live-bits output', { hasText: 'equal' }).waitFor({ timeout: 120000 });
  check('one hash that differs is told', (await tab.locator('#live-bits output').textContent()).includes('999 of 1,000'));
  check('... without messages', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

async function withoutModule() {
  const { context, tab } = await open(page, {}, '', (text) => text.replace(/(id="live-module">).{8}/, '$1AAAAAAAA'));
  await tab.locator('#live').scrollIntoViewIfNeeded();
  await tab.locator('#live-failed').waitFor();
  check('a module that cannot run is told', (await tab.locator('#live-failed').textContent()).includes('cannot run'));
  await context.close();
}

async function keyboard(tab) {
  const b = await new Bench(tab, 'rate').see();
  await b.press('Reset');
  await b.until('step', (t) => t === '0');
  await b.box.getByRole('button', { name: 'Step', exact: true }).focus();
  await tab.keyboard.press('Enter');
  await b.until('step', (t) => t === '1');
  await tab.keyboard.press('Shift+Tab');
  await tab.keyboard.press('Space');
  await b.until('step', (t) => Number(t) > 3);
  await tab.keyboard.press('Space');
  check('played and paused by keyboard', await b.box.getByRole('button', { name: 'Play', exact: true }).isVisible());
  const light = await new Bench(tab, 'light').see();
  await light.until('evaluation mode', (t) => t !== '\u2013');
  const before = await light.number('evaluation mode');
  await light.box.getByLabel('Brightness').focus();
  for (let i = 0; i < 4; i++) await tab.keyboard.press('ArrowRight');
  await light.until('evaluation mode', (t) => before - parseFloat(t) > 30);
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  await light.until('evaluation mode', (t) => before - parseFloat(t) < 10);
  check('the light is changed and measured anew by keyboard', true);
}

async function accessibility(tab) {
  await tab.evaluate(axeSource);
  await tab.evaluate(() => { // the rest of the page is looked at by page.test.mjs
    for (const other of document.querySelectorAll('main > :not(#live), .contents, .tools')) other.remove();
  });
  for (const colorScheme of ['light', 'dark']) {
    await tab.emulateMedia({ colorScheme });
    for (const width of [1280, 768, 360]) {
      await tab.setViewportSize({ width, height: 800 });
      const { violations } = await tab.evaluate(() => globalThis.axe.run('#live', { resultTypes: ['violations'] }));
      check(`axe: ${colorScheme}, ${width} px`, violations.length === 0,
        violations.map((v) => `${v.id}: ${v.nodes[0].target} (${v.nodes.length}) ${v.nodes[0].failureSummary}`).join('; '));
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
      check(`no sideways scrolling: ${colorScheme}, ${width} px`, wide <= width, String(wide));
      if (width === 360) check('targets are large enough', await tab.locator('#live button, #live select').evaluateAll((all) =>
        all.every((e) => e.getBoundingClientRect().height >= 38)));
      await shot(tab, `${width}-${colorScheme}`);
    }
  }
}

async function withoutScript() {
  const { context, tab } = await open(page, { javaScriptEnabled: false });
  const words = async (where) => {
    const told = await tab.locator('#live .lab > p').allTextContents();
    check(`what the experiments show is told ${where}`, told.length === 5 && told.every((t) => t.length > 150) &&
      percents(told.join(' ')).length === 9 && await tab.locator('#live .lab').first().isVisible());
    check(`no empty benches ${where}`, await tab.locator('#live .bench').filter({ visible: true }).count() === 0);
  };
  await words('without script');
  check('no dead controls', await tab.locator('#live button, #live input, #live select').count() === 0);
  await context.close();
  const live = await open(page);
  await live.tab.emulateMedia({ media: 'print' });
  check('in print no controls', await live.tab.locator('#live .bench').filter({ visible: true }).count() === 0 &&
    await live.tab.locator('#live .lab > p').filter({ visible: true }).count() === 5);
  await live.context.close();
}

async function timed(part, tab) {
  const began = Date.now();
  await part(tab);
  console.log(`     ${part.name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

check('the page has less than 2 MB', statSync(page).size < 2e6, String(statSync(page).size));
for (const part of [experiments, withoutWorker, withoutModule, withoutScript]) await timed(part);
console.log(failures ? `${failures} checks failed` : 'all checks passed');
await end(failures ? 1 : 0);
