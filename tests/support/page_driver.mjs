// page_driver.mjs: finds the browser and opens a page in it, noting messages and requests. Exit 77: skipped.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.EK_NODE_MODULES || resolve('node_modules');
const browserPath = process.env.EK_CHROMIUM || '/usr/bin/chromium';
const skip = (why) => { console.log(`SKIPPED: ${why}`); process.exit(77); };
if (!existsSync(browserPath)) skip(`no Chromium at ${browserPath}; set EK_CHROMIUM`);
const require = createRequire(pathToFileURL(join(resolve(modules), 'from-here.js')));
let chromium;
export let axeSource;
try {
  ({ chromium } = require(join(resolve(modules), 'playwright-core')));
  axeSource = readFileSync(join(resolve(modules), 'axe-core', 'axe.min.js'), 'utf8');
} catch {
  skip(`playwright-core and axe-core are not in ${modules}; set EK_NODE_MODULES`);
}

export let failures = 0;
export const check = (name, good, detail = '') => {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}${good ? '' : `  ${detail}`}`);
  if (!good) failures++;
};

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
export const close = () => browser.close();

// Opens `file` (with `hash`); `seen` collects console messages, errors and requests for anything but the file and what is
// in it (data:, blob:).
// `change`: what is opened is a copy beside it whose text this function has changed.
export async function open(file, options = {}, hash = '', change = null) {
  if (change) {
    const changed = file.replace(/\.html$/, '-changed.html');
    writeFileSync(changed, change(readFileSync(file, 'utf8')));
    file = changed;
  }
  const url = pathToFileURL(file).href;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const tab = await context.newPage();
  const seen = { messages: [], requests: [] };
  tab.on('console', (m) => seen.messages.push(m.text()));
  tab.on('pageerror', (e) => seen.messages.push(String(e)));
  tab.on('request', (r) => {
    if (r.url().split('#')[0] !== url && !/^(data|blob):/.test(r.url())) seen.requests.push(r.url());
  });
  await tab.goto(url + hash);
  return { context, tab, seen };
}
