// train.test.mjs EVENKEEL: drives the page of `train --report` in a headless browser.
//
// Checks: the numbers of the epochs are those of the log, the confusion matrix that of `eval --metrics`, lines stand where
// the numbers say, pictures are pictures in order of their loss, nothing requested, no script, no console messages, axe-core
// light and dark at three widths, no sideways scrolling, hostile names as text. EK_PAGE_SHOTS is a folder for screenshots.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { axeSource, check, close, failures, open } from '../support/page_driver.mjs';
import { shows } from '../support/page_text.mjs';

const program = resolve(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-train-'));
const shots = process.env.EK_PAGE_SHOTS;
const evenkeel = (...words) => {
  const run = spawnSync(program, words, { encoding: 'utf8', cwd: folder });
  check(`evenkeel ${words[0]} ${words[1]}`, run.status === 0, run.stderr);
  return run.stdout;
};
// The validation data are the test split, so that `eval` sees them too; plain averages are not measured anew at the end.
const few = ['--data', 'builtin:strokes:600', '--limit', '200', '--model', 'lenet', '--batch', '25', '--threads', '1', '--quiet'];
const hostile = '<img src=x onerror=alert(1)>&amp;.onnx';
evenkeel('train', ...few, '--epochs', '5', '--validation', 'builtin:strokes:480', '--clip', '1', '--statistics', 'ema',
  '--log', 'l.csv', '--report', 'r.html', '-o', hostile);
const evaluated = JSON.parse(evenkeel('eval', hostile, '--data', 'builtin:strokes:480', '--limit', '200', '--metrics', '--json'));
evenkeel('train', ...few, '--norm', 'layer', '--epochs', '1', '--report', 'plain.html', '-o', 'plain.onnx');
// Numbers and labels beside images: target i of an example of class c is 1 where i is c, so that the same array serves both.
const header = (shape) => { const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const room = Math.ceil((text.length + 11) / 64) * 64 - 10;
  return Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, room & 255, room >> 8]), Buffer.from(text.padEnd(room - 1) + '\n')]); };
const targets = new Float32Array(200 * 10).map((_, i) => (i * 7) % 11 < 3 ? 1 : 0);
writeFileSync(join(folder, 't.npy'), Buffer.concat([header('200, 10'), Buffer.from(targets.buffer)]));
// Pixels: two images with their masks, and a convolution that gives three classes.
const pngs = {
  'images/a.png': 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAG0lEQVR42mMQgQIGkYqKClwMIHj27BkuBggAAAK8D+fZ8D/KAAAAAElFTkSuQmCC',
  'images/b.png': 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGklEQVR42mMQAYGKigoGHAwgQDCePXuGgwEA71cP52JqmRsAAAAASUVORK5CYII=',
  'masks/a.png': 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAMAAADz0U65AAAACVBMVEUAAAD/AAAA/wD0g79+AAAAGElEQVR42mNggANGRkZcDCBgYmLCxQABAAONABxK/lFcAAAAAElFTkSuQmCC',
  'masks/b.png': 'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGElEQVR42mNgAAFGRkYGHAwUwMTEhIMBAANgABxXqYs2AAAAAElFTkSuQmCC',
};
for (const part of ['train', 'val']) for (const [name, text] of Object.entries(pngs)) {
  mkdirSync(join(folder, 'seg', part, dirname(name)), { recursive: true });
  writeFileSync(join(folder, 'seg', part, name), Buffer.from(text, 'base64'));
}
const library = join(dirname(fileURLToPath(import.meta.url)), '../cli/lib.sh');
spawnSync('bash', ['-c', `. "${library}"; one_node net.onnx Conv auto_pad=SAME_UPPER 'n 1 8 8' '3 1 3 3' 3 'n 3 8 8'`], { cwd: folder });
evenkeel('train', 'net.onnx', '--data', 'seg', '--batch', '2', '--epochs', '3', '--lr', '0.1', '--threads', '1', '--quiet', '--log', 'seg.csv',
  '--report', 'seg.html', '-o', 'seg.onnx');
for (const loss of ['mse', 'bce'])
  evenkeel('train', ...few, '--target', 't.npy', '--loss', loss, '--lr', '0.01', '--epochs', '3', '--validation', '0.3', '--log', `${loss}.csv`,
    '--report', `${loss}.html`, '-o', `${loss}.onnx`);
evenkeel('train', ...few, '--limit', '2', '--batch', '1', '--norm', 'layer', '--epochs', '403', '--lr', '0.001', '--checkpoint-every', '100000', '--report', 'long.html', '-o', 'long.onnx');

const readLog = (file) => {
  const [names, ...lines] = readFileSync(join(folder, file), 'utf8').trim().split('\n').map((l) => l.split(','));
  return lines.map((cells) => Object.fromEntries(names.map((n, i) => [n, cells[i] === '' ? null : Number(cells[i])])));
};
const log = readLog('l.csv');
const columns = ['epoch', 'step', 'loss', 'accuracy', 'lr', 'gradient_norm', 'gradient_norm_max', 'clipped', 'validation_loss',
  'validation_accuracy', 'validation_precision', 'validation_recall', 'validation_f1', 'validation_top5'];

async function sound(page) {
  const { context, tab, seen } = await open(join(folder, page));
  check(`${page}: no requests`, seen.requests.length === 0, seen.requests.join(' '));
  check(`${page}: no console messages`, seen.messages.length === 0, seen.messages.join(' '));
  check(`${page}: no script`, await tab.locator('script').count() === 0);
  const strange = await tab.evaluate(() => [...document.querySelectorAll('*')].filter((e) =>
    /^(iframe|object|embed|form|input|base)$/i.test(e.localName) || (e.src && !e.src.startsWith('data:image/bmp')) ||
    [...e.attributes].some((a) => /^on/i.test(a.name))).length);
  check(`${page}: nothing that runs or loads`, strange === 0);
  const dead = await tab.locator('a[href]').evaluateAll((links) => links.map((a) => a.getAttribute('href'))
    .filter((h) => !h.startsWith('#') || !document.getElementById(h.slice(1))));
  check(`${page}: links lead somewhere within`, dead.length === 0, dead.join(' '));
  const drawn = await tab.locator('svg').evaluateAll((svgs) => svgs.every((s) => !/ (d|[xy]|width|height|style)="[^"]*(nan|inf)/i.test(s.outerHTML)));
  check(`${page}: drawings have no holes in their numbers`, drawn);
  const twins = await tab.evaluate(() => [...document.querySelectorAll('[id]')].map((e) => e.id)
    .filter((id, i, ids) => ids.indexOf(id) !== i));
  check(`${page}: no id twice`, twins.length === 0, twins.join(' '));
  check(`${page}: at most 3 MB`, statSync(join(folder, page)).size < 3e6);
  if (shots) await tab.screenshot({ path: join(shots, `${page}.png`), fullPage: true });
  await context.close();
}

async function numbers() {
  const { context, tab } = await open(join(folder, 'r.html'));
  const read = () => tab.locator('#epochs tbody tr').evaluateAll((rows) => rows.map((r) => [...r.children].map((c) => c.textContent)));
  const wrong = (rows) => rows.flatMap((cells, i) => columns.filter((name, k) => !shows(cells[k], log[i][name])).map((n) => `${i} ${n}`));
  const rows = await read();
  check('a row for each epoch of the log', rows.length === 5 && log.length === 5, `${rows.length}, ${log.length}`);
  check('numbers are those of the log', wrong(rows).length === 0, wrong(rows).join('; '));
  await tab.locator('#epochs tbody tr').nth(2).locator('td').nth(1).evaluate((cell) => { cell.textContent = '1.234'; });
  check('a changed number is found out', wrong(await read()).join() === '2 loss');
  const matrix = await tab.locator('.matrix tbody tr').evaluateAll((trs) => trs.map((tr) => [...tr.querySelectorAll('td')].map((c) => Number(c.textContent))));
  check('the confusion matrix is that of eval', JSON.stringify(matrix) === JSON.stringify(evaluated.confusion), JSON.stringify(matrix));
  const pictures = await tab.locator('.worst li').evaluateAll((all) => all.map((li) => ({ wide: li.querySelector('img').naturalWidth,
    alt: li.querySelector('img').alt, loss: Number(li.querySelector('.loss').textContent.replace(' × 10', 'e').replace('⁻', '-').replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (d) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(d))) })));
  check('twelve pictures of 28 pixels', pictures.length === 12 && pictures.every((p) => p.wide === 28 && p.alt.length > 3), JSON.stringify(pictures[0]));
  check('the worst first', pictures.every((p, i) => i === 0 || p.loss <= pictures[i - 1].loss), pictures.map((p) => p.loss).join());
  check('hostile names are text', (await tab.locator('h1').textContent()).includes('<img src=x onerror=alert(1)>&amp;'));

  // The line of the training loss, on an axis that its own ticks tell.
  for (const id of ['loss', 'rate']) {
    const plot = tab.locator(`#${id} .plot`);
    const ticks = await plot.locator('.ys span').evaluateAll((spans) => spans.map((s) => [Number(s.textContent), 10 * parseFloat(s.style.top)]));
    const logarithmic = (await tab.locator(`#${id} figcaption`).textContent()).includes('logarithmic');
    const along = logarithmic ? Math.log10 : (v) => v;
    const [[v0, y0], [v1, y1]] = [ticks[0], ticks[ticks.length - 1]];
    const wanted = log.map((row) => y0 + (along(row[id === 'rate' ? 'lr' : id]) - along(v0)) / (along(v1) - along(v0)) * (y1 - y0));
    const drawn = [...(await plot.locator('.c0').getAttribute('d')).matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
    check(`the line of ${id} stands right`, ticks.length > 1 && drawn.length === 5 && drawn.every((y, i) => Math.abs(y - wanted[i]) < 8), `${drawn} against ${wanted}`);
  }
  check('norms: a column for each epoch', await tab.locator('#shift rect').count() > 5 && await tab.locator('#norms tbody tr').count() === 4);
  await context.close();
}

// A run that is no classifier: its own columns and curves, no matrix, the pictures with the largest loss.
async function others(loss, metrics, curves, worst = 12) {
  const { context, tab } = await open(join(folder, `${loss}.html`));
  const rows = await tab.locator('#epochs tbody tr').evaluateAll((trs) => trs.map((tr) => [...tr.children].map((c) => c.textContent)));
  const titles = ['epoch', 'step', 'loss', 'lr', 'gradient_norm', 'gradient_norm_max', 'clipped', 'validation_loss', ...metrics.map((m) => `validation_${m}`)];
  const entries = readLog(`${loss}.csv`);
  const wrong = rows.flatMap((cells, i) => titles.filter((name, k) => !(cells.length === titles.length && shows(cells[k], entries[i][name]))).map((n) => `${i} ${n}`));
  check(`${loss}: numbers are those of the log`, rows.length === 3 && entries.length === 3 && wrong.length === 0, wrong.join('; '));
  check(`${loss}: no accuracy of a classifier`, await tab.locator('#accuracy').count() === 0 && !('accuracy' in entries[0]));
  for (const id of curves) check(`${loss}: a curve of ${id}`, await tab.locator(`#${id} .plot path`).count() > 0);
  check(`${loss}: a matrix of pixels alone`, await tab.locator('.matrix').count() === (loss === 'seg' ? 1 : 0));
  check(`${loss}: classes and labels are told`, await tab.locator('#confusion tbody tr').count() === { mse: 0, bce: 10, seg: 3 }[loss]);
  const losses = await tab.locator('.worst .loss').allTextContents();
  check(`${loss}: ${worst} pictures, the worst first`, losses.length === worst && losses.every((l, i) => i === 0 || Number(l) <= Number(losses[i - 1])), losses.join());
  await context.close();
}

async function accessible(page, colorScheme, width) {
  const { context, tab } = await open(join(folder, page), { colorScheme, viewport: { width, height: 800 } });
  await tab.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  await tab.evaluate(axeSource);
  const { violations } = await tab.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  check(`axe: ${page}, ${colorScheme}, ${width} px`, violations.length === 0,
    violations.map((v) => `${v.id}: ${v.nodes[0].target} (${v.nodes.length}) ${v.nodes[0].failureSummary}`).join('; '));
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
  check(`no sideways scrolling: ${page}, ${colorScheme}, ${width} px`, wide <= width, String(wide));
  await context.close();
}

for (const page of ['r.html', 'plain.html', 'long.html', 'mse.html', 'bce.html', 'seg.html']) await sound(page);
await others('mse', ['mae', 'rmse', 'r2'], ['error', 'explained']);
await others('bce', ['accuracy', 'precision', 'recall', 'f1', 'mean_iou'], ['labels']);
await others('seg', ['accuracy', 'precision', 'recall', 'f1', 'mean_iou'], ['overlap'], 2);
await numbers();
const long = await open(join(folder, 'long.html'));
check('of many epochs every other one is shown', await long.tab.locator('#epochs tbody tr').count() === 202 &&
  (await long.tab.locator('#epochs .rest').textContent()).includes('One epoch in 2'), String(await long.tab.locator('#epochs tbody tr').count()));
await long.context.close();
for (const width of [1280, 768, 360]) for (const scheme of ['light', 'dark']) await accessible('r.html', scheme, width);
for (const page of ['plain.html', 'seg.html']) await accessible(page, 'light', 360);
await accessible('bce.html', 'dark', 360);
await close();
rmSync(folder, { recursive: true, force: true });
console.log(failures ? `${failures} checks failed` : 'all checks passed');
process.exit(failures ? 1 : 0);
