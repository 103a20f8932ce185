// page_numbers.mjs: is every number that the page shows also in the JSON?
//
// A number counts as shown wherever it can be read: text, descriptions, labels, what a mark says under the pointer. Only
// the ticks of an axis are left out: they are a scale, not a result. It counts as present when a number of the JSON,
// written as the page writes numbers, gives the same characters, or when it stands in a text of the JSON. Each card is
// looked up in its own part of the JSON, so that a number of another card does not help.
import { nudges, power, spelled } from '../support/page_text.mjs';

const token = /−?\d+(?:,\d{3})*(?:\.\d+)?(?: × 10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?%?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g;
const plain = (raised) => [...raised].map((c) => power.indexOf(c)).join(''); // an exponent in a formula
const tokens = (text) => (text.match(token) || []).map((t) => power.includes(t[0]) ? plain(t) : t);

// All the ways in which a number may be written.
const ways = (value, key) => nudges.flatMap((nudge) => written(value * nudge, key));

function written(value, key) {
  if (key === 'seconds') return [value.toFixed(1), value.toFixed(2)];
  const share = Math.abs(100 * value).toFixed(1).replace(/\.0$/, '');
  const sign = value < 0 ? '−' : '';
  return [spelled(value), `${sign}${share}%`, sign + share];
}

// Those of all numbers of a part of the JSON.
function allowed(part, set = new Set(), key = '') {
  if (typeof part === 'number') ways(part, key).forEach((w) => set.add(w));
  else if (typeof part === 'string') tokens(part).forEach((t) => set.add(t));
  else if (part) for (const [name, value] of Object.entries(part)) allowed(value, set, Array.isArray(part) ? key : name);
  return set;
}

// What can be read in the part of the page under `selector`, text by text.
const readable = (tab, selector) => tab.locator(selector).first().evaluate((root) => {
  const texts = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentElement.closest('script, style, text.tick')) texts.push(node.textContent);
  for (const element of root.querySelectorAll('[data-tip], [aria-label], [title]'))
    texts.push(element.dataset.tip || '', element.getAttribute('aria-label') || '', element.title || '');
  return texts;
});

async function strangers(tab, selector, parts) {
  const known = allowed(parts);
  const found = (await readable(tab, selector)).flatMap(tokens);
  return { count: found.length, absent: [...new Set(found)].filter((t) => !known.has(t)) };
}

// Accuracies as errors.
const errors = (card) => card.evidence && card.evidence.arms.flatMap((a) => a.values.map((v) => 1 - v.mean));

// Numbers of the page, or of the place `only`, that are absent from the JSON, as "where: number", and how many were looked up.
export async function absentNumbers(tab, results, only = null) {
  const { cards, extras, page, ...run } = results;
  const all = [...cards, ...extras];
  const onPage = [...cards, ...extras.filter((card) => card.evidence)];
  const neighbours = (card) => card.related.map((n) => all.find((c) => c.number === n).question);
  const places = [['.masthead', [run, page.title, page.lede, page.first, cards[9], errors(cards[9])]], ['.contents', [cards.map((c) => [c.number, c.question]), page.acts]],
    ['#first', [page.first, cards[9], errors(cards[9])]], ...page.acts.map((act, i) => [`#act-${i + 1} .act-head`, [act, cards[1]]]),
    ['#how-to-read', [page.how_to_read]], ['#closing', [page.checklist]], ['#ledger', [page.ledger]], ['.colophon', []],
    ...['#quiz', '#handout'].map((place) => [place, [page.quiz, run, all.map((c) => c.evidence && c.evidence.endpoints)]])];
  for (const card of onPage)
    places.push([`#card-${card.number}`, [card, neighbours(card), run.seed, run.confidence,
      run.data, run.more_data, // in the command that reproduces the card
      page.predictions.find((p) => p.card === card.number), card.number === 1 ? page.example : null]]);
  const absent = [];
  let count = 0;
  for (const [selector, parts] of places.filter(([selector]) => !only || selector === only)) {
    const here = await strangers(tab, selector, parts);
    count += here.count;
    absent.push(...here.absent.map((t) => `${selector}: ${t}`));
  }
  return { absent, count };
}
