// contrib.test.mjs: onnxruntime's own operators run here as they run there; norms among them are spelled out, with a proof; batch
// norms fold into FusedConv where nothing lies between.
//   node contrib.test.mjs EVENKEEL PYTHON CONTRIB.PY SCRATCH_DIR
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, skip, writeNpy } from './ort.mjs';

const [evenkeel, python, maker, scratch] = process.argv.slice(2);
const ort = loadOrt();
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });
const made = spawnSync(python, [maker, scratch], { encoding: 'utf8' });
if (made.status !== 0 && /No module named/.test(made.stderr)) skip('python3-onnx is not installed');
if (made.status !== 0) throw new Error(made.stderr);

const counts = { 'run here as there': 0, 'run here alone': 0, 'spelled out': 0, folded: 0, 'left with a reason': 0 };
let failed = 0;
const fail = (c, text) => { console.log(`FAIL ${c.name}: ${text}`); failed++; };
const tool = (args) => spawnSync(evenkeel, args, { encoding: 'utf8' });
const worst = (a, b) => Math.max(...a.map((numbers, i) => relativeDifference(numbers, b[i])));

async function runThere(c, file) {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const feeds = Object.fromEntries(Object.entries(c.feeds).map(([k, v]) => [k, new ort.Tensor('float32', v.data, v.dims)]));
  const out = await session.run(feeds);
  return c.outputs.map((name) => out[name].data);
}

function runHere(c, file) {
  const args = ['run', file, '--quiet'];
  for (const [name, { dims, data }] of Object.entries(c.feeds)) {
    writeNpy(`${scratch}/${name}.npy`, dims, data);
    args.push('--input', `${name}=${scratch}/${name}.npy`);
  }
  for (const name of c.outputs) args.push('--output', `${name}=${scratch}/out_${name}.npy`);
  const ran = tool(args);
  if (ran.status !== 0) throw new Error(ran.stderr);
  return c.outputs.map((name) => readNpy(`${scratch}/out_${name}.npy`).data);
}

// Operators that its build for CPUs lacks.
const lacking = /Could not find an implementation|is not a registered function|Fatal error: com.microsoft/;

async function check(c, number) {
  const file = `${scratch}/${c.name}.onnx`;
  c.feeds = {};
  for (const [name, dims] of Object.entries(c.inputs))
    c.feeds[name] = { dims, data: randomInput(dims.reduce((a, b) => a * b, 1), 100 * number + name.charCodeAt(0)) };
  const here = runHere(c, file), there = await runThere(c, file).catch((error) => {
    if (!lacking.test(error.message)) fail(c, error.message);
  });
  counts[there ? 'run here as there' : 'run here alone']++;
  if (there && !(worst(here, there) <= 1e-5)) fail(c, `differs by ${worst(here, there)}`);
  if (c.norm) await checkSpelled(c, file, here);
  if (c.left !== null) await checkFolded(c, file, here);
}

async function checkSpelled(c, file, here) {
  const said = JSON.parse(tool(['inspect', file, '--json']).stdout);
  if (said.norms.length !== 1 || said.findings.length > 0) fail(c, `inspect: ${JSON.stringify(said.findings)}`);
  const out = `${scratch}/spelled.onnx`, done = tool(['convert', file, '--spell-out', '-o', out]);
  if (done.status !== 0) return fail(c, `spell-out: ${done.stderr}`);
  const difference = worst(await runThere(c, out), here);
  if (!(difference <= 1e-5)) fail(c, `spelled out it differs by ${difference}`);
  counts['spelled out']++;
}

async function checkFolded(c, file, here) {
  const out = `${scratch}/folded.onnx`;
  const told = JSON.parse(tool(['inspect', file, '--json']).stdout).norms[0];
  if (told.foldable !== (c.left === 0) || !told.fold.includes('FusedConv')) fail(c, `inspect says: ${told.fold}`);
  const done = tool(['fold', file, '-o', out]);
  if (done.status !== 0) return fail(c, `fold: ${done.stderr}`);
  const left = JSON.parse(tool(['inspect', out, '--json']).stdout).norms.length;
  if (left !== c.left) fail(c, `${left} norms are left, not ${c.left}`);
  const difference = worst(await runThere(c, out), here);
  if (!(difference <= 1e-5)) fail(c, `folded it differs by ${difference}`);
  counts[left === 0 ? 'folded' : 'left with a reason']++;
}

const cases = JSON.parse(fs.readFileSync(`${scratch}/cases.json`, 'utf8'));
for (const [number, c] of cases.entries()) {
  try {
    await check(c, number);
  } catch (error) {
    fail(c, error.message.slice(0, 300));
  }
}
console.log(`${cases.length} models: ${JSON.stringify(counts)}`);
if (counts['run here as there'] < 50 || counts['spelled out'] < 40 || counts.folded < 2) failed++;
process.exit(failed ? 1 : 0);
