// report.test.mjs EVENKEEL PYTHON [SHARED]: drives the pages of `inspect --report` in a headless browser.
//
// models.py writes models whose numbers numpy knows, with findings at known places, hostile names, and sizes at the
// limits; one more is trained here and held against data; those of SHARED are real. Checks: every number of the page in
// the JSON and in numpy's, findings at their norms and above their columns, links and folds by pointer and keyboard,
// nothing requested, no console messages, no script, names as text only, axe-core light and dark at three widths, no
// sideways scrolling, print, a page of bounded size. EK_PAGE_SHOTS is a folder for screenshots.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { axeSource, check, close, failures, open } from '../support/page_driver.mjs';
import { shows } from '../support/page_text.mjs';

const [program, python, shared] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-report-'));
const skip = (why) => { console.log(`SKIPPED: ${why}`); process.exit(77); };
if (spawnSync(python, ['-c', 'import onnx, numpy']).status !== 0) skip(`onnx and numpy are not there for ${python}`);
execFileSync(python, [fileURLToPath(new URL('models.py', import.meta.url)), folder]);
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
const shots = process.env.EK_PAGE_SHOTS;
const shot = (tab, name) => shots && tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const parts = ['scale', 'bias', 'mean', 'variance', 'gain'];
const keys = ['min', 'p5', 'p25', 'median', 'p75', 'p95', 'max'];

// Inspects a model; its page and JSON. The page is written also where the check fails.
function inspect(name, path = join(folder, `${name}.onnx`), more = []) {
  const page = join(folder, `${name}.html`);
  const run = spawnSync(resolve(program), ['inspect', path, '--report', page, '--json', '--quiet', ...more],
    { encoding: 'utf8', maxBuffer: 1 << 28 });
  check(`${name}: inspected`, run.status === 0, run.stderr);
  return { name, page, json: JSON.parse(run.stdout) };
}

// What a norm's part is said to be: quantiles that are null where nothing is finite.
const quantiles = (part) => part && keys.map((k) => part.values === part.not_finite ? null : part[k]);

// ---- numbers ----

// Cells of the page that do not show what the JSON has, as "norm part key".
const strangers = (tab, json) => tab.evaluate(([parts, count]) => {
  const read = [];
  for (let i = 1; i <= count; i++) {
    const norm = document.querySelector(`#norm-${i}`);
    if (norm) for (const part of parts) {
      const block = norm.querySelector(`[data-part="${part}"]`);
      read.push({ i, part, where: 'details', texts: block && [...block.querySelectorAll('dd')].map((e) => e.textContent) });
    }
  }
  for (const part of parts)
    for (const row of document.querySelectorAll(`#depth-${part} tbody tr`))
      read.push({ i: Number(row.querySelector('.no').textContent), part, where: 'table',
        texts: [...row.querySelectorAll('td')].slice(0, 7).map((e) => e.textContent) });
  return read;
}, [parts, json.norms.length]).then((read) => ({ count: read.length, wrong: read.filter(({ i, part, texts, where }) => {
  const wanted = quantiles(json.norms[i - 1][part]);
  if (!wanted || !texts) return Boolean(wanted) !== Boolean(texts);
  if (where === 'details' && wanted[0] === null) return texts.length !== 0;
  return texts.length !== 7 || !texts.every((t, q) => shows(t, wanted[q]));
}).map(({ i, part, where }) => `norm ${i} ${part} ${where}`) }));

async function numbers({ name, json }, tab) {
  const { count, wrong } = await strangers(tab, json);
  check(`${name}: numbers are those of the JSON (${count} rows)`, wrong.length === 0 &&
    count >= json.norms.length, wrong.join('; '));
  const rows = (part) => json.norms.filter((n) => n[part]).length;
  for (const part of parts)
    check(`${name}: a row for each ${part}`, await tab.locator(`#depth-${part} tbody tr`).count() === Math.min(rows(part), 800));
  if (name === 'planted') {
    await tab.locator('#norm-2 [data-part="variance"] dd').nth(3).evaluate((cell) => { cell.textContent = '1.234'; });
    await tab.locator('#depth-scale tbody tr').nth(4).locator('td').nth(6).evaluate((cell) => { cell.textContent = '1.234'; });
    const changed = await strangers(tab, json);
    check('a changed number is found out', changed.wrong.join() === 'norm 2 variance details,norm 5 scale table', changed.wrong.join());
  }
}

// The JSON against numpy.
function oracle({ name, json }) {
  const near = (a, b) => a === b || Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));
  const wrong = [];
  expected[name].forEach((norm, i) => {
    for (const part of parts.slice(0, 4)) {
      const here = json.norms[i][part], there = norm[part];
      if (Boolean(here) !== Boolean(there)) wrong.push(`${i} ${part}`);
      else if (here && (here.values !== there.values || here.not_finite !== there.not_finite ||
        quantiles(here).some((v, q) => !near(v, there.at[q])))) wrong.push(`${i} ${part} ${quantiles(here)} ${there.at}`);
    }
  });
  check(`${name}: quantiles are numpy's`, json.norms.length === expected[name].length && wrong.length === 0, wrong.join('; '));
}

// ---- any page ----

async function sound({ name, page, json }) {
  const { context, tab, seen } = await open(page);
  const count = (selector) => tab.locator(selector).count();
  const facts = await tab.locator('.facts dd').allTextContents();
  const severity = (s) => String(json.findings.filter((f) => f.severity === s).length);
  check(`${name}: counts at the top`, Number(facts[0].replace(',', '')) === json.norms.length &&
    [facts[1], facts[2], facts[3]].map((t) => t.replace(',', '')).join() ===
      [severity('severe'), severity('warning'), severity('note')].join(), facts.join());
  check(`${name}: no script`, await count('script') === 0);
  const strange = await tab.evaluate(() => [...document.querySelectorAll('*')].filter((e) =>
    /^(img|iframe|object|embed|form|input|base|link:not)$/i.test(e.localName) ||
    [...e.attributes].some((a) => /^on/i.test(a.name) || /^\s*javascript:/i.test(a.value))).length);
  check(`${name}: nothing that runs or loads`, strange === 0 && await count('link') === 1);
  const twins = await tab.evaluate(() => [...document.querySelectorAll('[id]')].map((e) => e.id)
    .filter((id, i, ids) => ids.indexOf(id) !== i));
  check(`${name}: no id twice`, twins.length === 0, twins.slice(0, 5).join(' '));
  const dead = await tab.locator('a[href]').evaluateAll((links) => links.map((a) => a.getAttribute('href'))
    .filter((h) => !h.startsWith('#') || !document.getElementById(h.slice(1))));
  check(`${name}: links lead somewhere within`, dead.length === 0, dead.slice(0, 5).join(' '));
  const drawn = await tab.locator('svg').evaluateAll((svgs) => svgs.every((s) =>
    !/ (d|[xy][12]?|c[xy]|r|width|height)="[^"]*(nan|inf)/i.test(s.outerHTML)));
  check(`${name}: drawings have no holes in their numbers`, drawn);
  const named = await tab.locator('svg.drawn').evaluateAll((svgs) => svgs.every((s) => s.getAttribute('role') === 'img' &&
    s.getAttribute('aria-labelledby').split(' ').every((id) => document.getElementById(id).textContent.length > 3)));
  check(`${name}: drawings have title and description`, named);
  check(`${name}: no control characters`, await tab.evaluate(() =>
    !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(document.documentElement.textContent)));
  check(`${name}: no requests`, seen.requests.length === 0, seen.requests.join(' '));
  check(`${name}: no console messages`, seen.messages.length === 0, seen.messages.join(' '));
  check(`${name}: at most 6 MB`, statSync(page).size < 6e6, String(statSync(page).size));
  await shot(tab, `${name}-1280`);
  if (name !== 'many') await findings({ name, json }, tab); // there columns and lists are of several
  if (name === 'planted') await boxes({ json }, tab);
  await numbers({ name, json }, tab);
  await context.close();
}

// Each finding in its card, at its norm, and with the right mark above its column where it is about a quantity.
const drawnAt = { 'negative-variance': ['variance'], 'never-updated': ['mean', 'variance'], 'small-variance': ['variance'],
  'near-epsilon': ['variance'], amplified: ['gain'], 'dead-channels': ['scale'] };

async function findings({ name, json }, tab) {
  const absent = await tab.evaluate((found) => found.filter((f) => {
    const card = document.getElementById(`finding-${f.code}`);
    if (!card || !card.textContent.includes(f.text) || !card.textContent.includes(f.remedy)) return true;
    if (f.norm_index === null) return false;
    const link = [...card.querySelectorAll('.places li')].some((li) => li.textContent.includes(f.text) &&
      li.querySelector(`a[href="#norm-${f.norm_index + 1}"]`));
    const norm = [...document.querySelectorAll(`#norm-${f.norm_index + 1} .odd li`)];
    return !link || !norm.some((li) => li.querySelector(`a[href="#finding-${f.code}"]`) && li.textContent.includes(f.text));
  }).map((f) => `${f.code} ${f.norm}`), json.findings);
  check(`${name}: findings in their card and at their norm (${json.findings.length})`, absent.length === 0, absent.join('; '));
  const elsewhere = await tab.evaluate((count) => [...Array(count).keys()].filter((i) =>
    document.querySelectorAll(`#norm-${i + 1} .odd li`).length).map((i) => i), json.norms.length);
  const meant = [...new Set(json.findings.map((f) => f.norm_index).filter((i) => i !== null))].sort((a, b) => a - b);
  check(`${name}: ... and at no other`, elsewhere.join() === meant.join(), `${elsewhere} against ${meant}`);
  const rank = { note: 0, warning: 1, severe: 2 };
  for (const part of parts) {
    const wanted = new Map();
    const mark = (i, s) => wanted.set(i, Math.max(wanted.get(i) ?? -1, s));
    json.norms.forEach((n, i) => { if (part !== 'gain' && n[part] && n[part].not_finite) mark(i, 2); });
    for (const f of json.findings)
      if ((drawnAt[f.code] || []).includes(part)) mark(f.norm_index, rank[f.severity]);
    const seen = await tab.locator(`#depth-${part} .drawn use`).evaluateAll((uses) =>
      uses.map((u) => [u.getAttribute('x'), u.getAttribute('href')].join()));
    const list = [...wanted].map(([i, s]) => `${(100 * (i + 0.5) / json.norms.length).toFixed(2)}%,#mark-${s}`);
    check(`${name}: marks above ${part}`, seen.sort().join(' ') === list.sort().join(' '), `${seen} against ${list}`);
  }
}

// The boxes of the middle half stand where the numbers beside the drawing say.
async function boxes({ json }, tab) {
  for (const part of ['bias', 'mean', 'variance']) {
    const plot = tab.locator(`#depth-${part} .plot`);
    const ticks = await plot.locator('.ys span').evaluateAll((spans) => spans.map((s) =>
      [Number(s.textContent.replace('−', '-').replace('10⁻⁶', '1e-6')), 10 * parseFloat(s.style.top)]));
    const along = part === 'variance' ? Math.log10 : (v) => v; // the axis, as the caption says
    const [[v0, y0], [v1, y1]] = [ticks[0], ticks[ticks.length - 1]];
    const y = (v) => y0 + (along(v) - along(v0)) / (along(v1) - along(v0)) * (y1 - y0);
    const drawn = [...(await plot.locator('.half').getAttribute('d')).matchAll(/M[\d.]+ ([\d.]+)h[\d.]+v([\d.]+)/g)]
      .map(([, top, tall]) => [Number(top), Number(top) + Number(tall)]);
    const wrong = json.norms.filter((n, i) => Math.abs(drawn[i][0] - y(n[part].p75)) > 6 ||
      Math.abs(drawn[i][1] - y(n[part].p25)) > 6);
    check(`planted: boxes of ${part} stand right`, ticks.length > 2 && drawn.length === 12 && wrong.length === 0,
      wrong.map((n) => n.name).join());
  }
}

// ---- at work ----

async function walking({ page }) {
  const { context, tab, seen } = await open(page, { reducedMotion: 'reduce' }); // where it scrolls to is reached at once
  const inside = tab.locator('#norm-3 .odd');
  check('details are folded', !await inside.isVisible());
  await tab.locator('#finding-negative-variance a').first().click();
  await tab.waitForTimeout(50);
  check('a link opens the norm that it leads to', await inside.isVisible() && await tab.locator('details.norm[open]').count() === 1);
  await tab.locator('#depth-bias .hits rect').nth(4).click({ force: true });
  await tab.waitForTimeout(50);
  check('so does a column', await tab.locator('#norm-5 .odd').isVisible());
  const table = tab.locator('#depth-scale .numbers');
  await table.locator('summary').focus();
  await tab.keyboard.press('Enter');
  check('a table opens by keyboard', await table.locator('table').isVisible());
  await tab.goto('about:blank');
  await tab.goto(`file://${page}`);
  await tab.keyboard.press('Tab');
  check('first tab stop is the skip link', await tab.evaluate(() => document.activeElement.className) === 'skip');
  const stops = await tab.locator('summary, a[href]:not([tabindex]), [tabindex="0"]').filter({ visible: true }).count();
  let reached = 0, ring = true;
  for (; reached < 500; reached++) {
    const here = await tab.evaluate(() => ({ body: document.activeElement === document.body,
      ring: getComputedStyle(document.activeElement).outlineStyle !== 'none' }));
    if (here.body) break;
    ring = ring && here.ring;
    await tab.keyboard.press('Tab');
  }
  check('everything is reached by Tab', reached === stops, `${reached} of ${stops}`);
  check('focus is always seen', ring);
  await tab.emulateMedia({ media: 'print', colorScheme: 'dark' });
  const ink = await tab.locator('.lede').evaluate((e) => getComputedStyle(e).color);
  check('dark ink in print, also from a dark screen', /^rgb\((\d\d?), (\d\d?), (\d\d?)\)$/.test(ink), ink);
  check('no console messages from walking', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

// With everything unfolded, or one of each kind: what is alike is judged alike.
async function accessible({ name, page }, colorScheme, width, all = false) {
  const { context, tab } = await open(page, { colorScheme, viewport: { width, height: 800 } });
  await tab.evaluate((all) => {
    for (const selector of ['details.more', 'details.numbers', '#gap details', 'details.norm', 'details.norm:has(.odd)'])
      [...document.querySelectorAll(selector)].slice(0, all ? Infinity : 1).forEach((d) => { d.open = true; });
  }, all);
  await tab.evaluate(axeSource);
  const { violations } = await tab.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  check(`axe: ${name}, ${colorScheme}, ${width} px`, violations.length === 0,
    violations.map((v) => `${v.id}: ${v.nodes[0].target} (${v.nodes.length}) ${v.nodes[0].failureSummary}`).join('; '));
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  check(`no sideways scrolling: ${name}, ${colorScheme}, ${width} px`, wide <= width, String(wide));
  await shot(tab, `${name}-${width}-${colorScheme}`);
  await context.close();
}

async function hostile({ page, json }) {
  const { context, tab } = await open(page);
  const text = await tab.evaluate(() => document.body.textContent);
  for (const name of ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '&lt;b&gt;', "' onmouseover='alert(4)",
    'javascript:alert(3)', '\ufffd[31mred\ufffd]0;owned\ufffd', 'odd.</style><script>alert(5)</script>'])
    check(`shown as text: ${name}`, text.includes(name));
  const long = json.norms[4].name;
  check('a long name is cut in the middle', !text.includes('a'.repeat(80)) && text.includes('a…') && long.length > 5000);
  check('two norms of one name are two', await tab.locator('#norm-7 .odd li').count() === 1 &&
    await tab.locator('#norm-8 .odd li').count() === 1);
  const isolated = await tab.locator('#norms summary code').evaluateAll((codes) =>
    codes.every((c) => getComputedStyle(c).unicodeBidi === 'isolate'));
  check('directions stay within names', isolated);
  await context.close();
}

async function gap({ page, json }) {
  const { context, tab } = await open(page);
  const data = json.data;
  const text = await tab.locator('#gap').textContent();
  check('gap: cause, detail and remedy', [data.code, data.cause, data.detail, data.remedy].every((t) => text.includes(t)) &&
    data.code !== 'none');
  const rows = await tab.locator('#gap .numbers tbody tr').evaluateAll((trs) => trs.map((tr) =>
    [...tr.children].map((c) => c.textContent)));
  const right = rows.length === data.norms.length && rows.every((cells, i) => {
    const n = data.norms[i];
    return cells[0].endsWith(n.norm) && cells[5] === (n.off ? 'off' : 'fits') &&
      [n.shift_mean, n.shift_max, n.variance_ratio_min, n.variance_ratio_max].every((v, k) => shows(cells[k + 1], v));
  });
  check(`gap: a row for each norm (${rows.length})`, rows.length > 5 && right, rows[0] && rows[0].join());
  const off = data.norms.map((n, i) => n.off && `${(100 * (i + 0.5) / json.norms.length).toFixed(2)}%`).filter(Boolean);
  for (const id of ['gap-mean', 'gap-variance']) {
    const marks = await tab.locator(`svg[aria-labelledby^="${id}-t"] use`).evaluateAll((uses) => uses.map((u) => u.getAttribute('x')));
    check(`gap: ${id} marks what is off`, off.length > 0 && marks.join() === off.join(), `${marks} against ${off}`);
  }
  const accuracies = await tab.locator('.accuracy tbody td:nth-child(2)').allTextContents();
  check('gap: accuracies', [data.accuracy_running, data.accuracy_batch, data.accuracy_recalibrated].every((v, i) =>
    Math.abs(parseFloat(accuracies[i]) / 100 - v) < 6e-4), accuracies.join());
  await context.close();
}

function trained() {
  const path = join(folder, 'trained.onnx');
  const data = ['--data', 'builtin:strokes:400', '--limit', '128', '--quiet', '--threads', '2'];
  const run = spawnSync(resolve(program), ['train', ...data, '--model', 'resnet20', '--batch', '32', '--steps', '12', '-o', path],
    { encoding: 'utf8' });
  check('a residual network is trained', run.status === 0, run.stderr);
  return inspect('trained', path, [...data.slice(0, 4), '--split', 'train', '--input-affine', '0.3,0.4']);
}

async function timed(name, work) {
  const began = Date.now();
  await work();
  console.log(`     ${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

const made = Object.fromEntries(Object.keys(expected).map((name) => [name, inspect(name)]));
made.trained = trained();
const real = shared && existsSync(shared) ? ['version-RFB-320', 'light_resnet50']
  .map((name) => inspect(name, join(shared, `${name}.onnx`))) : [];
if (real.length === 0) console.log('     without the models of ../shared, which is absent');
await timed('any page', async () => {
  for (const one of [...Object.values(made), ...real]) await sound(one);
  for (const name of Object.keys(expected)) oracle(made[name]);
});
await timed('walking', () => walking(made.planted));
await timed('hostile', () => hostile(made.hostile));
await timed('gap', () => gap(made.trained));
await timed('accessibility', async () => {
  for (const width of [1280, 768, 360])
    for (const scheme of ['light', 'dark'])
      await accessible(made.planted, scheme, width, width === 360 && scheme === 'light');
  await accessible(made.trained, 'dark', 360);
  await accessible(made.hostile, 'light', 360);
});
await close();
rmSync(folder, { recursive: true, force: true });
console.log(failures ? `${failures} checks failed` : 'all checks passed');
process.exit(failures ? 1 : 0);
