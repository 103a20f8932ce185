// around.test.mjs: files with LSTM, another domain, If, Loop, functions, quantized parts, NonMaxSuppression, doubles and
// sequences around convolution and batch norm are inspected, folded, unfolded, converted and recalibrated; each change is
// proved where it was made; onnxruntime gives the same before and after where it runs the file.
//   node around.test.mjs EVENKEEL PYTHON GENERATOR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { loadOrt, randomInput, relativeDifference, skip } from './ort.mjs';

const [tool, python, generator, scratch] = process.argv.slice(2);
if (spawnSync(python, ['-c', 'import onnx, numpy']).status !== 0) skip('python3-onnx is not installed');
const ort = loadOrt();
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });

let failed = 0;
function check(what, good, text = '') {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what} ${text}`);
  if (!good) failed++;
}

function run(...args) {
  const done = spawnSync(tool, [...args, '--json'], { encoding: 'utf8' });
  if (done.status !== 0) check(args.join(' '), false, `exit ${done.status}: ${done.stderr}`);
  return done.status === 0 ? JSON.parse(done.stdout) : {};
}

const size = new ort.Tensor('float32', new Float32Array([28]), [1]);
async function outputs(model) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const x = new ort.Tensor('float32', randomInput(784, 5), [1, 1, 28, 28]);
  const out = await session.run(session.inputNames.includes('size') ? { x, size } : { x });
  return session.outputNames.map((name) => Array.from(out[name].data, Number));
}

// Quantized parts may turn by a step, and what follows by several.
async function same(what, kind, before, after) {
  if (kind === 'no') return;
  const a = await outputs(before), b = await outputs(after);
  const worst = Math.max(...a.map((values, i) => relativeDifference(b[i], values)));
  check(`${what}: onnxruntime`, worst <= (kind === 'steps' ? 0.1 : 1e-4), worst.toExponential(2));
}

// Every region ran and is close; the whole did not, and the operator is named; or it did, as a function is its body.
function proved(what, report, regions, missing) {
  const { proof } = report;
  const good = report.passed && proof && proof.regions.length >= regions && proof.regions.every((r) => r.run &&
    r.difference <= 1e-5) && (missing === '-' ? proof.whole !== null && proof.whole !== false : !proof.whole &&
    proof.whole_reason.startsWith(`no ${missing}`));
  check(`${what}: proved`, Boolean(good), JSON.stringify(proof?.whole_reason));
}

const list = execFileSync(python, [generator, scratch], { encoding: 'utf8' }).trim().split('\n');
check('files', list.length >= 8);
for (const [name, norms, missing, kind, measured] of list.map((line) => line.split(' '))) {
  const file = `${scratch}/${name}.onnx`, made = (what) => `${scratch}/${name}-${what}.onnx`;
  check(`${name}: inspected`, run('inspect', file).norms.length === +norms);
  proved(`${name}: fold`, run('fold', file, '-o', made('folded')), +norms, missing);
  proved(`${name}: unfold`, run('unfold', made('folded'), '-o', made('unfolded')), +norms, missing);
  proved(`${name}: frozen`, run('convert', file, '--norm', 'frozen', '-o', made('frozen')), +norms, missing);
  check(`${name}: no norm is left`, run('inspect', made('folded')).norms.length === 0);
  const switched = run('freeze', file, '--stats', '-o', made('switched')).norms ?? [];
  check(`${name}: freeze`, switched.filter((n) => n.stats_frozen).length === +norms);
  const rows = run('recalibrate', file, '--data', 'builtin:strokes:60', '-o', made('measured')).norms ?? [];
  check(`${name}: recalibrated`, rows.filter((r) => r.updated).length === +measured &&
    rows.filter((r) => !r.updated).every((r) => /cannot be run here/.test(r.reason)));
  for (const what of ['folded', 'unfolded', 'frozen', 'switched']) await same(`${name} ${what}`, kind, file, made(what));
}

// What a nested graph reads stays: a convolution whose output it reads takes nothing in, a norm keeps its name.
for (const [name, left] of [['read_conv', 1], ['read_norm', 0], ['read_relu', 0]]) {
  const file = `${scratch}/${name}.onnx`, folded = `${scratch}/${name}-folded.onnx`;
  const report = run('fold', file, '-o', folded);
  check(`${name}: norms left`, report.norms_after === left &&
    (left === 0 || /is also read by a graph inside/.test(report.norms[0].reason)));
  await same(name, 'runs', file, folded);
}

// What is not finite is said so, and no distance is made of it.
const text = (...args) => spawnSync(tool, args, { encoding: 'utf8' }).stdout;
const seen = text('inspect', `${scratch}/damaged.onnx`);
check('damaged: inspect', /mean not finite/.test(seen) && /\(1 not finite\)/.test(seen), seen);
const moved = text('recalibrate', `${scratch}/damaged.onnx`, '--data', 'builtin:strokes:60', '--dry-run');
check('damaged: recalibrate', /its old statistics were not finite; measured anew/.test(moved) &&
  /the old statistics of 1 channel/.test(moved) && !/nan/.test(moved), moved);
process.exit(failed ? 1 : 0);
