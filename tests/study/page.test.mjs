// page.test.mjs [--reading | --using] FIXTURE [PAGE.html RESULTS.json]: drives the study page in a headless browser.
//
// FIXTURE writes a page of made-up results; a page of a real run can be given instead. Without a half both run. Checks:
// cards, charts, numbers found in the JSON; the file for Anki, the handout; filter, answers kept back, predictions, quiz, example, legends; keyboard alone; nothing requested, no
// console messages; axe-core, light and dark, wide and narrow; no sideways scrolling at 360 px; complete without
// JavaScript and in print. EK_PAGE_SHOTS is a folder for screenshots.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { axeSource, check, close, failures, open } from '../support/page_driver.mjs';
import { absentNumbers } from './page_numbers.mjs';

const given = process.argv.slice(2);
const half = given[0].startsWith('--') ? given.shift().slice(2) : '';
const [fixture, givenPage, givenResults] = given;
const folder = mkdtempSync(join(tmpdir(), 'evenkeel-study-'));
const page = givenPage ? resolve(givenPage) : join(folder, 'page.html');
const resultsPath = givenResults ? resolve(givenResults) : join(folder, 'results.json');
const ankiPath = join(folder, 'anki.txt');
execFileSync(resolve(fixture), [givenPage ? join(folder, 'page.html') : page,
  givenPage ? join(folder, 'results.json') : resultsPath, ankiPath]);
const results = JSON.parse(readFileSync(resultsPath, 'utf8'));
const all = [...results.cards, ...results.extras.filter((c) => c.evidence)]; // extras without an experiment are not shown
const measured = all.filter((c) => c.evidence);
const shots = process.env.EK_PAGE_SHOTS;
const shot = (tab, name, options = {}) => shots && tab.screenshot({ path: join(shots, `${name}.png`), ...options });

async function content() {
  const { context, tab, seen } = await open(page);
  const count = (selector) => tab.locator(selector).count();
  check('title', await tab.title() === 'Batch Normalization: 15 Interview Questions', await tab.title());
  check('15 cards', await count('#questions article.card') === 15);
  check('extras follow', await count('#extras article.card') === all.length - 15);
  check('difficulty 4 easy, 8 medium, 3 hard', await count('#questions .card.easy') === 4 &&
    await count('#questions .card.medium') === 8 && await count('#questions .card.hard') === 3);
  for (const verdict of ['supported', 'refuted', 'inconclusive'])
    check(`readings of the JSON: ${verdict}`, await count(`.readings li[data-verdict=${verdict}]`) ===
      measured.flatMap((c) => c.evidence.readings).filter((r) => r.verdict === verdict).length);
  const said = await tab.evaluate(() => [...document.querySelectorAll('article.card')].map((card) =>
    [card.id, [...card.querySelectorAll('.readings .seen')].map((e) => e.textContent.trim())]));
  check('each reading says what was seen', measured.every((c) => JSON.stringify(new Map(said).get(`card-${c.number}`)) ===
    JSON.stringify(c.evidence.readings.map((r) => r.seen))));
  const cards = (act) => tab.locator(`#act-${act} article.card`).evaluateAll((all) => all.map((e) => +e.id.slice(5)));
  for (const [i, act] of results.page.acts.entries()) {
    check(`act ${i + 1} has its cards`, (await cards(i + 1)).join() === act.cards.join());
    check('... and its figure', await count(`#act-${i + 1} .act-head :is(figure, .axes-row)`) > 0);
  }
  check('every card is in one act', results.page.acts.flatMap((a) => a.cards).sort((a, b) => a - b).join() ===
    results.cards.map((c) => c.number).join());
  check('the first figure: three norms here and published', await count('.panels figure:nth-child(1) .series') === 3 &&
    await count('.panels figure:nth-child(2) .series') === 3 && await count('.panels .bracket') === 15);
  check('the advice is at the top, too', await count('.masthead .callout') === 1 && await count('#closing .callout') === 1);
  check('PyTorch for every question', await count('#questions .snippet') === 15);
  check('the rest says that it was not measured', await count('.later') === all.length - measured.length);
  const drawings = await count('svg.chart');
  check('charts have title and description', drawings >= measured.length &&
    await count('svg.chart[role=img]:has(title):has(desc)') === drawings, String(drawings));
  const differing = measured.filter(({ evidence: e }) => e.endpoints.some((p) => p.seeds.length > 1 && p.low !== null));
  check('differences are drawn against thresholds', differing.length > 0 &&
    await count('.differences .verdict-mark') > differing.length && await count('.differences .limit') > 0);
  await shot(tab, 'laptop', { fullPage: true, timeout: 90000 });
  await tab.locator('#answers').click();
  const words = await tab.evaluate(() => document.body.innerText.split(/\s+/).length);
  const folded = await tab.evaluate(() => document.body.textContent.length);
  check(`under 5,000 words before anything is unfolded (${words}; ${folded} characters in all)`, words < 5000);
  await tab.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
  check('a missing number is a dash', await tab.evaluate(() => !/\b(nan|inf)\b/.test(document.body.innerText)));
  console.log(`     unfolded: ${await tab.evaluate(() => document.body.innerText.split(/\s+/).length)} words`);
  check('every chart has its table', await tab.locator('figure:has(svg.chart)').evaluateAll((figures) =>
    figures.every((f) => f.closest('.first, .act-head, details, .evidence').querySelector('table'))));
  const drawn = await tab.locator('svg.chart').evaluateAll((svgs) => svgs.every((s) =>
    s.querySelectorAll('path, rect, circle').length > 1 && !/ (d|[xy][12]?|c[xy]|r|width|height|transform)="[^"]*(nan|inf)/i.test(s.innerHTML)));
  check('charts are drawn', drawn);
  check('the axes drawings of cards 8 to 10', await count('#card-8 .axes') === 3 && await count('#card-9 .axes') === 3 &&
    await count('#card-10 .axes') === 4);
  const twins = await tab.evaluate(() => [...document.querySelectorAll('[id]')].map((e) => e.id)
    .filter((id, i, ids) => ids.indexOf(id) !== i));
  check('no id twice', twins.length === 0, twins.join(' '));
  const dead = await tab.locator('a[href^="#"]').evaluateAll((links) =>
    links.map((a) => a.getAttribute('href')).filter((h) => !document.querySelector(h)));
  check('links within the page lead somewhere', dead.length === 0, dead.join(' '));
  const places = results.page.quiz.map((q) => q.correct), at = [0, 1, 2, 3].map((k) => places.filter((p) => p === k).length);
  check('right answers stand at every place alike', Math.max(...at) - Math.min(...at) <= 1, at.join());
  check('... and the places follow no order', places.some((p, i) => i > 0 && (places[i - 1] + 1) % 4 !== p && p !== places[i - 1]));
  const alike = ({ choices }) => choices.length === 4 && new Set(choices).size === 4 &&
    Math.max(...choices.map((c) => c.length)) <= 1.2 * Math.min(...choices.map((c) => c.length));
  check('options of a question are alike in length', results.page.quiz.every(alike),
    results.page.quiz.filter((q) => !alike(q)).map((q) => q.card).join());
  const sound = (q, i) => q.choices.length > 1 && q.correct < q.choices.length && q.endpoint >= 1 &&
    (!results.cards[i].evidence || q.endpoint <= results.cards[i].evidence.endpoints.length);
  check('predictions and quiz are sound', results.page.predictions.every(sound) && results.page.quiz.every(sound) &&
    results.page.quiz.every((q) => q.correct >= 0));
  const known = (list) => list.filter((q, i) => results.cards[i].evidence &&
    results.cards[i].evidence.endpoints[q.endpoint - 1].measured !== null).length;
  check('explanations quote the measurement', await count('.predict .here') === known(results.page.predictions) &&
    await count('.quiz .here') === known(results.page.quiz) && known(results.page.quiz) > 0);
  const inside = JSON.parse(await tab.locator('#results').textContent());
  check('the same results in the page', JSON.stringify(inside) === JSON.stringify(results));
  check('no requests', seen.requests.length === 0, seen.requests.join(' '));
  check('no console messages', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

// Anki's rules: header lines first, then a note per record; a field in quotes may hold quotes (doubled), tabs and ends of line.
function notesOf(text) {
  const header = {}, notes = [[]];
  let at = 0, match;
  while ((match = /^#([a-z ]+):(.*)\n/.exec(text.slice(at)))) {
    header[match[1]] = match[2];
    at += match[0].length;
  }
  for (let rest = text.slice(at); rest;) {
    const [whole, quoted, plain, end] = /^(?:"((?:[^"]|"")*)"|([^\t\n]*))(\t|\n|$)/.exec(rest);
    notes.at(-1).push(quoted === undefined ? plain : quoted.replace(/""/g, '"'));
    rest = rest.slice(whole.length);
    if (end === '\n' && rest) notes.push([]);
  }
  return { header, notes };
}

async function anki(tab) {
  const { header, notes } = notesOf(readFileSync(ankiPath, 'utf8'));
  check('Anki is told what the file is', header.separator === 'tab' && header.html === 'true' &&
    header.columns === 'Question\tAnswer\tEvidence');
  check(`a note per card and quiz question (${notes.length})`, notes.length === all.length + results.page.quiz.length);
  check('three fields each, none empty', notes.every((n) => n.length === 3 && n.every((f) => f.trim())));
  check('no question twice', new Set(notes.map((n) => n[0])).size === notes.length);
  const texts = await tab.evaluate((fields) => fields.map((f) => {
    const box = document.createElement('div');
    box.innerHTML = f;
    return box.textContent;
  }), notes.flat());
  const text = (note, field) => texts[3 * note + field];
  check('their texts are those of the cards', all.every((c, i) => text(i, 0) === c.question && text(i, 1).includes(c.answer) &&
    (c.evidence ? c.evidence.readings : []).every((r) => text(i, 2).includes(r.seen) && text(i, 2).includes(r.verdict))));
  check('... and of the quiz', results.page.quiz.every((q, i) => text(all.length + i, 0) === q.question &&
    text(all.length + i, 1) === q.choices[q.correct] + q.why));
}

async function numbers() {
  const { context, tab } = await open(page, { javaScriptEnabled: false });
  const { absent, count } = await absentNumbers(tab, results);
  check(`numbers of the page are in the JSON (${count})`, count > 500 && absent.length === 0, absent.join('; '));
  await tab.locator('#card-1 .endpoints td[data-label]').first().evaluate((cell) => { cell.textContent = '0.4711'; });
  const changed = await absentNumbers(tab, results, '#card-1');
  check('a changed number is found out', changed.absent.join() === '#card-1: 0.4711', changed.absent.join('; '));
  if (!givenPage) await anki(tab);
  await context.close();
}

async function viewing() {
  const { context, tab, seen } = await open(page);
  const visible = (selector) => tab.locator(selector).filter({ visible: true }).count();
  await tab.locator('.filter button', { hasText: 'Hard' }).click();
  check('filter shows the hard cards', await visible('#questions article.card') === 3);
  await tab.evaluate(() => { location.hash = '#card-1'; });
  await tab.waitForTimeout(100);
  check('a link to a hidden card shows it', await tab.locator('#card-1').isVisible());
  check('... and all others', await visible('#questions article.card') === 15);

  check('answers are kept back', await visible('.answer') === 0 && await visible('.evidence') === 0);
  check('... but not questions and predictions', await visible('#questions .card h3') === 15 &&
    await visible('.predict') === 15);
  await tab.locator('#card-3 .reveal').click();
  check('an answer can be shown', await visible('.answer') === 1 && await tab.locator('#card-3 .answer').isVisible());
  const asked = await tab.evaluate(() => [...Array(40)].filter(() => { // all of them, those in folds too
    document.querySelector('#ask').click();
    return document.activeElement.className === 'self';
  }).length);
  check(`a question is asked (${asked} of 40 times)`, asked === 40);
  await tab.evaluate(() => { location.hash = '#evidence-8'; });
  await tab.waitForTimeout(100);
  check('a link to evidence opens its card', await tab.locator('#evidence-8').isVisible());
  await tab.emulateMedia({ media: 'print' });
  check('print shows all answers', await visible('#questions .answer') === 15);
  await tab.emulateMedia({ media: 'screen' });
  check('... and the screen those that were asked for', await visible('#questions .answer') === 2);
  await tab.locator('#answers').click();
  check('all answers at once', await visible('#questions .answer') === 15 &&
    await tab.locator('#answers').getAttribute('aria-pressed') === 'true');
  await tab.locator('#answers').click();
  check('and back', await visible('#questions .answer') === 0);
  check('no console messages from viewing', seen.messages.length === 0, seen.messages.join(' '));
  await context.close();
}

async function choosing() {
  const { context, tab } = await open(page);
  const box = tab.locator('#card-12 .predict');
  check('a prediction keeps its reason back', !await box.locator('.because').isVisible());
  check('... and the answer', !await tab.locator('#card-12 .answer').isVisible());
  await box.locator('button').nth(results.page.predictions[11].correct ? 0 : 1).click();
  check('a prediction is answered', await box.locator('.because').isVisible() &&
    await box.locator('.result').textContent() === 'Not quite.' && await tab.locator('#card-12 .answer').isVisible());
  check('... and marks both choices', await box.locator('.bad').count() === 1 && await box.locator('.good').count() === 1);
  const undecided = tab.locator('#card-5 .predict');
  await undecided.locator('button').nth(0).click();
  check('no choice is wrong where nothing is settled', await undecided.locator('.bad, .good').count() === 0);

  check('the other answers stay', !await tab.locator('#card-3 .answer').isVisible());
  await tab.locator('#quiz summary').click();
  const items = tab.locator('.quiz-item');
  check('a quiz question per card', await items.count() === 15);
  for (let i = 0; i < 15; i++)
    await items.nth(i).locator('button').nth(results.page.quiz[i].correct).click();
  check('the quiz counts right answers', await tab.locator('#score').textContent() === '15 right of 15, 0 to go',
    await tab.locator('#score').textContent());
  check('explanations are shown', await tab.locator('.quiz .because').filter({ visible: true }).count() === 15);
  await tab.locator('#quiz-again').click();
  await items.nth(0).locator('button').nth(results.page.quiz[0].correct ? 0 : 1).click();
  await items.nth(0).locator('button').nth(results.page.quiz[0].correct).click({ force: true });
  check('the first choice counts', await tab.locator('#score').textContent() === '0 right of 1, 14 to go',
    await tab.locator('#score').textContent());
  await shot(tab, 'quiz');
  await context.close();
}

async function example() {
  const { context, tab } = await open(page);
  const { context: plain, tab: still } = await open(page, { javaScriptEnabled: false });
  const read = (t, row) => t.locator(`#example [data-row="${row}"] td`).allTextContents();
  check('the example starts with the numbers of the page', (await read(tab, 'output')).join() ===
    (await read(still, 'output')).join(), `${await read(tab, 'output')} against ${await read(still, 'output')}`);
  await tab.evaluate(() => {
    document.querySelector('#answers').click();
    document.querySelectorAll('details').forEach((d) => { d.open = true; });
  });
  const inputs = tab.locator('#example [data-row="x"] input');
  for (let i = 0; i < 6; i++) await inputs.nth(i).fill(String(i < 3 ? 1 : 3));
  check('mean and variance follow', await tab.locator('#example-mean').textContent() === '2' &&
    await tab.locator('#example-var').textContent() === '1');
  check('normalized values follow', (await read(tab, 'normalized')).join() === '−1,−1,−1,1,1,1',
    (await read(tab, 'normalized')).join());
  await tab.locator('#example-scale input').fill('3');
  await tab.locator('#example-shift input').fill('1');
  check('scale and shift follow', (await read(tab, 'output')).join() === '−2,−2,−2,4,4,4', (await read(tab, 'output')).join());
  await tab.locator('#example').getByRole('button', { name: 'All alike' }).click();
  check('a constant batch gives the shift', (await read(tab, 'output')).join() === '1,1,1,1,1,1');
  await inputs.nth(0).fill('x');
  check('what is no number is said', await inputs.nth(0).getAttribute('aria-invalid') === 'true' &&
    (await read(tab, 'output')).join() === '–,–,–,–,–,–');
  await tab.locator('#example').getByRole('button', { name: 'Reset' }).click();
  check('and it can be reset', (await read(tab, 'output')).join() === (await read(still, 'output')).join());
  await shot(tab, 'example');
  await context.close();
  await plain.close();
}

async function charts() {
  const { context, tab } = await open(page);
  const figure = tab.locator('figure:has(.legend li:nth-child(2))').first();
  await figure.scrollIntoViewIfNeeded();
  const series = figure.locator('.series').nth(1);
  const toggle = figure.locator('.legend button').nth(1);
  await toggle.click();
  check('the legend switches a series off', !await series.isVisible() && await toggle.getAttribute('aria-pressed') === 'false');
  await toggle.click();
  check('... and on', await series.isVisible());
  const mark = series.locator('[data-tip]').first();
  await mark.hover({ force: true });
  check('a mark says its value', await figure.locator('.tip').isVisible() &&
    (await figure.locator('.tip').textContent()).length > 3);
  await context.close();
}

async function keyboard() {
  const { context, tab } = await open(page, { reducedMotion: 'reduce' }, '#card-12');
  const top = await tab.locator('#card-12').evaluate((e) => e.getBoundingClientRect().top);
  check('a deep link scrolls to its card', top >= 40 && top < 200, String(top));
  check('no smooth scrolling when motion is reduced',
    await tab.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior) === 'auto');
  await tab.goto('about:blank');
  await tab.goto(`file://${page}`);
  await tab.keyboard.press('Tab');
  check('first tab stop is the skip link', await tab.evaluate(() => document.activeElement.className) === 'skip');
  const buttons = await tab.locator('button, input').filter({ visible: true }).count();
  const reached = new Set();
  let ring = true;
  for (let i = 0; i < 1500; i++) {
    const here = await tab.evaluate(() => {
      const e = document.activeElement;
      e.dataset.stop = e.dataset.stop || String(Math.random());
      return { stop: e.dataset.stop, field: e.matches('button, input'), body: e === document.body,
        ring: getComputedStyle(e).outlineStyle !== 'none' };
    });
    if (here.body) break;
    if (here.field) reached.add(here.stop);
    ring = ring && here.ring;
    await tab.keyboard.press('Tab');
  }
  check('every button and field is reached by Tab', reached.size === buttons, `${reached.size} of ${buttons}`);
  check('focus is always seen', ring);
  await tab.locator('#card-1 .predict button').first().focus();
  await tab.keyboard.press('Space');
  check('a prediction by keyboard', await tab.locator('#card-1 .predict .because').isVisible());
  await tab.locator('#card-6 .reveal').focus();
  await tab.keyboard.press('Enter');
  check('an answer by keyboard', await tab.locator('#card-6 .answer').isVisible() && !await tab.locator('#card-2 .answer').isVisible());
  await context.close();
}

// Cards are written by one code, and axe takes a second for each: some of each kind are left.
const fewCards = (tab) => tab.evaluate(() => [...document.querySelectorAll('article.card')]
  .filter((card) => !['1', '2', '5', '10', '12', '16'].includes(card.id.slice(5))).forEach((card) => card.remove()));

async function axe(tab, name, colorScheme) {
  const rules = colorScheme === 'dark' ? { runOnly: ['color-contrast'] } : {}; // the rest knows no colour
  await fewCards(tab);
  await tab.evaluate(axeSource);
  const { violations } = await tab.evaluate((o) => globalThis.axe.run({ resultTypes: ['violations'], ...o }), rules);
  check(`axe: ${name}, ${colorScheme}`, violations.length === 0,
    violations.map((v) => `${v.id}: ${v.nodes[0].target} (${v.nodes.length}) ${v.nodes[0].failureSummary}`).join('; '));
}

async function accessibility() {
  for (const colorScheme of ['light', 'dark']) {
    const narrow = await open(page, { colorScheme, viewport: { width: 360, height: 800 } });
    await axe(narrow.tab, '360 px, as opened', colorScheme);
    await narrow.context.close();
    const { context, tab } = await open(page, { colorScheme });
    await tab.evaluate(() => {
      for (const box of document.querySelectorAll('.predict, .quiz-item')) box.querySelector('button').click();
      document.querySelectorAll('details').forEach((d) => { d.open = true; });
      document.querySelectorAll('.legend button').forEach((b, i) => { if (i % 2) b.click(); });
    });
    for (const width of colorScheme === 'light' ? [360, 1280] : []) { // nor does the width
      await tab.setViewportSize({ width, height: 800 });
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth);
      check(`no sideways scrolling: ${width} px`, wide <= width, String(wide));
      await shot(tab, `${width}`, { fullPage: true, timeout: 90000 });
    }
    if (colorScheme === 'dark') await shot(tab, 'dark', { fullPage: true, timeout: 90000 });
    await axe(tab, '1280 px, with everything answered', colorScheme);
    await context.close();
  }
}

async function withoutScript() {
  const { context, tab } = await open(page, { javaScriptEnabled: false, colorScheme: 'dark' });
  const visible = (selector) => tab.locator(selector).filter({ visible: true }).count();
  const complete = async (where) => {
    check(`15 answers ${where}`, await visible('#questions .answer') === 15);
    check(`all evidence ${where}`, await visible('.evidence') === measured.length &&
      await visible('.claim') === measured.length);
    check(`all reasons ${where}`, await visible('.because') === 30);
    check(`right answers are marked ${where}`, await visible('.quiz .tick') === 15);
  };
  await complete('without JavaScript');
  check('no dead controls', await visible('button, input') === 0 && await visible('.tools') === 0);
  await tab.emulateMedia({ media: 'print' });
  await complete('in print');
  const ink = await tab.locator('#card-1 .answer').evaluate((e) => getComputedStyle(e).color);
  check('dark ink in print, also from a dark screen', /^rgb\((\d\d?), (\d\d?), (\d\d?)\)$/.test(ink), ink);
  if (shots) await tab.pdf({ path: join(shots, 'print.pdf'), format: 'A4', printBackground: true,
    margin: { top: '15mm', bottom: '15mm', left: '15mm', right: '15mm' } });
  await context.close();
}

async function handout() {
  const { context, tab } = await open(page, {}, '#handout');
  const visible = (selector) => tab.locator(selector).filter({ visible: true }).count();
  check('the handout stands alone', await visible('.handout') === 1 && await visible('.card, .masthead, .quiz') === 0);
  const pages = (await tab.pdf({ preferCSSPageSize: true })).toString('latin1').match(/\/Type\s*\/Page\b/g).length;
  check('... on two pages', pages === 2, String(pages));
  const right = await tab.locator('.sheet:nth-of-type(2) > ol > li b').allTextContents();
  check('... with the quiz and its answers', await visible('.sheet:nth-of-type(1) > ol > li') === 15 &&
    results.page.quiz.every((q, i) => right[i] === `${'abcd'[q.correct]}. ${q.choices[q.correct]}.`), right.join('; '));
  await tab.evaluate(() => { location.hash = ''; });
  check('and the page is back', await visible('.handout') === 0 && await visible('.masthead') === 1);
  await context.close();
}

async function printing() {
  const { context, tab } = await open(page);
  await tab.locator('.filter button', { hasText: 'Easy' }).click();
  await tab.emulateMedia({ media: 'print' });
  const visible = (selector) => tab.locator(selector).filter({ visible: true }).count();
  check('print shows cards that are filtered out', await visible('#questions article.card') === 15);
  check('print shows what the script keeps back', await visible('.because') === 30);
  check('print shows what is folded away', await visible('.claim') === measured.length);
  await context.close();
}

const halves = {
  reading: [content, numbers, handout, accessibility, withoutScript, printing],
  using: [viewing, choosing, example, charts, keyboard],
};
for (const part of half ? halves[half] : Object.values(halves).flat()) {
  const began = Date.now();
  await part();
  console.log(`     ${part.name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
await close();
rmSync(folder, { recursive: true, force: true });
console.log(failures ? `${failures} checks failed` : 'all checks passed');
process.exit(failures ? 1 : 0);
