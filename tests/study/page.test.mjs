// page.test.mjs EVENKEEL [PAGE]: makes the study page with the program and drives it in a headless browser.
//
// Checks: 15 cards, 7 measured; nothing requested but the file; no console messages; axe-core finds nothing, light and
// dark, wide and narrow; no sideways scrolling at 360 px; complete without JavaScript; filter, deep links, keyboard.
// EK_NODE_MODULES is the folder that holds playwright-core and axe-core; EK_CHROMIUM is the browser. Exit 77: skipped.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.EK_NODE_MODULES || resolve('node_modules');
const browserPath = process.env.EK_CHROMIUM || '/usr/bin/chromium';
const skip = (why) => { console.log(`SKIPPED: ${why}`); process.exit(77); };
if (!existsSync(browserPath)) skip(`no Chromium at ${browserPath}; set EK_CHROMIUM`);
const require = createRequire(pathToFileURL(join(resolve(modules), 'from-here.js')));
let chromium, axeSource;
try {
  ({ chromium } = require(join(resolve(modules), 'playwright-core')));
  axeSource = readFileSync(join(resolve(modules), 'axe-core', 'axe.min.js'), 'utf8');
} catch {
  skip(`playwright-core and axe-core are not in ${modules}; set EK_NODE_MODULES`);
}

const [program, given] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-study-'));
const page = given ? resolve(given) : join(folder, 'page.html');
let failures = 0;
const check = (name, good, detail = '') => {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}${good ? '' : `  ${detail}`}`);
  if (!good) failures++;
};

if (!given) {
  const began = Date.now();
  try {
    execFileSync(resolve(program), ['study', '--quick', '--quiet', '-o', page], { stdio: 'inherit' });
  } catch (error) {
    check('the study runs and every claim holds', false, `exit status ${error.status}`);
  }
  console.log(`     made in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
const url = pathToFileURL(page).href;
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});

async function open(options = {}, address = url) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const tab = await context.newPage();
  const seen = { messages: [], requests: [] };
  tab.on('console', (m) => seen.messages.push(m.text()));
  tab.on('pageerror', (e) => seen.messages.push(String(e)));
  tab.on('request', (r) => { if (r.url() !== url && !r.url().startsWith('data:')) seen.requests.push(r.url()); });
  await tab.goto(address);
  return { context, tab, seen };
}

// Content, as it stands.
{
  const { context, tab, seen } = await open();
  const count = (selector) => tab.locator(selector).count();
  check('title', await tab.title() === 'Batch Normalization: 15 Interview Questions', await tab.title());
  check('15 cards', await count('article.card') === 15);
  check('7 cards measured', await count('.evidence') === 7, `${await count('.evidence')}`);
  check('7 supported', await count('.evidence[data-verdict=supported]') === 7);
  check('7 charts with title and description',
    await count('svg.chart[role=img]:has(title):has(desc)') === 7);
  check('8 cards say that nothing was measured', await count('.later') === 8);
  check('difficulty 4 easy, 8 medium, 3 hard',
    await count('.card.easy') === 4 && await count('.card.medium') === 8 && await count('.card.hard') === 3);
  const results = JSON.parse(await tab.locator('#results').textContent());
  check('results in the page', results.cards.length === 15 && results.cards.filter((c) => c.evidence).length === 7);
  check('all results are finite', results.cards.every((c) => !c.evidence ||
    c.evidence.endpoints.every((e) => Number.isFinite(e.measured))));

  await tab.getByRole('button', { name: 'Hard' }).click();
  check('filter shows the 3 hard cards', await tab.locator('article.card:visible').count() === 3);
  await tab.locator('a[href="#q13"]').first().click();
  check('filter keeps links to cards shown', await tab.locator('#q13').isVisible());
  await tab.evaluate(() => { location.hash = '#q1'; });
  await tab.waitForTimeout(100);
  check('link to a hidden card shows it', await tab.locator('#q1').isVisible());
  check('no requests', seen.requests.length === 0, seen.requests.join(' '));
  check('no console messages', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

// Keyboard and deep link.
{
  const { context, tab } = await open({ reducedMotion: 'reduce' }, `${url}#q12`);
  const top = await tab.locator('#q12').evaluate((e) => e.getBoundingClientRect().top);
  check('deep link scrolls to its card', top >= -5 && top < 200, String(top));
  check('no smooth scrolling when motion is reduced',
    await tab.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior) === 'auto');
  await tab.goto('about:blank');
  await tab.goto(url);
  await tab.keyboard.press('Tab');
  check('first tab stop is the skip link', await tab.evaluate(() => document.activeElement.className) === 'skip');
  await context.close();
}

// Accessibility and width.
for (const colorScheme of ['light', 'dark'])
  for (const width of [1280, 360]) {
    const { context, tab } = await open({ colorScheme, viewport: { width, height: 800 } });
    await tab.evaluate(axeSource);
    const { violations } = await tab.evaluate(() => globalThis.axe.run());
    check(`axe: ${colorScheme}, ${width} px`, violations.length === 0,
      violations.map((v) => `${v.id}: ${v.nodes[0].target} (${v.nodes.length})`).join('; '));
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
    check(`no sideways scrolling: ${colorScheme}, ${width} px`, wide <= width, String(wide));
    await context.close();
  }

// Without JavaScript, and in print.
{
  const { context, tab } = await open({ javaScriptEnabled: false, colorScheme: 'dark' });
  check('15 cards without JavaScript', await tab.locator('article.card:visible').count() === 15);
  check('no dead filter without JavaScript', await tab.locator('.filter:visible').count() === 0);
  await tab.emulateMedia({ media: 'print' });
  check('15 cards in print', await tab.locator('article.card:visible').count() === 15);
  const ink = await tab.locator('#q1 .answer').evaluate((e) => getComputedStyle(e).color);
  check('dark ink in print, also from a dark screen', /^rgb\((\d\d?), (\d\d?), (\d\d?)\)$/.test(ink), ink);
  await context.close();
}

await browser.close();
rmSync(folder, { recursive: true, force: true });
console.log(failures ? `${failures} checks failed` : 'all checks passed');
process.exit(failures ? 1 : 0);
