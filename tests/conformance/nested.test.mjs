// nested.test.mjs: norms in branches, loops, scans and functions: what a command changes there is proved there, is all
// that differs, and onnxruntime gives the same before and after; norms that stay do so for the true reason; a wrong
// number in what was folded is caught by the local proofs alone.
//   node nested.test.mjs EVENKEEL PROVE_FILES PYTHON GENERATOR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { loadOrt, randomInput, relativeDifference, skip } from './ort.mjs';

const [tool, prover, python, generator, scratch] = process.argv.slice(2);
if (spawnSync(python, ['-c', 'import onnx, numpy']).status !== 0) skip('python3-onnx is not installed');
const ort = loadOrt();
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });

let failed = 0, checks = 0;
function check(what, good, text = '') {
  checks++;
  if (!good) console.log(`FAIL ${what} ${text}`);
  if (!good) failed++;
}

// Both branches: one image is bright, the other dark.
async function outputs(model) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const results = [];
  for (const shift of [1, -1]) {
    const data = randomInput(128, 3).map((v) => v + shift);
    const out = await session.run({ x: new ort.Tensor('float32', data, [2, 1, 8, 8]) });
    results.push(Array.from(out.y.data));
  }
  return results.flat();
}

const options = {
  fold: ['fold'], frozen: ['convert', '--norm', 'frozen'], fuse: ['convert', '--fuse'], untie: ['convert', '--untie'],
  'spell-out': ['convert', '--spell-out'], inference: ['convert', '--inference', '--tolerance', '1'],
  unfold: ['unfold'],
};

function change(command, file, made) {
  const [name, ...more] = options[command];
  const done = spawnSync(tool, [name, file, ...more, '-o', made, '--json'], { encoding: 'utf8' });
  let report = {};
  try {
    report = JSON.parse(done.stdout);
  } catch { /* said below */ }
  return { status: done.status, report, stderr: done.stderr };
}

// Lines of a diff that lie elsewhere than where something was asked for: tensors of the graph around are named after it.
function strays(file, made, places) {
  const done = spawnSync(tool, ['diff', file, made], { encoding: 'utf8' });
  return done.stdout.split('\n').filter((line) => line !== '' && !/^opset|^ir-version/.test(line) &&
    !/^tensor\S* +[a-z]+[A-Z]\b/.test(line) && !places.some((place) => line.includes(place)));
}

function proved(report, exact) {
  const regions = report.proof?.regions ?? [];
  return regions.length > 0 && regions.every((r) => r.run && (!exact || r.difference <= 1e-5));
}

async function one(line) {
  const [name, command, list, reason] = line.split(' ');
  const file = `${scratch}/${name}.onnx`, made = `${scratch}/${name}-${command}.onnx`;
  const { status, report, stderr } = change(command, file, made);
  const rows = report.norms ?? report.rows ?? [];
  const changed = rows.filter((r) => r.folded || r.changed || r.converted || r.unfolded).map((r) => r.norm ?? r.name);
  if (list === '-') {
    check(`${name}: left`, changed.length === 0, changed.join());
    check(`${name}: reason`, (JSON.stringify(rows) + stderr).includes(reason.replaceAll('_', ' ')), stderr);
    return;
  }
  check(`${name}: ${command}`, status === 0, stderr);
  if (status !== 0) return;
  const wanted = list === '?' ? changed : list.split(',');
  check(`${name}: changed`, changed.length > 0 && wanted.every((w) => changed.includes(w)), JSON.stringify(rows));
  const exact = command !== 'inference';
  check(`${name}: proved`, proved(report, exact), JSON.stringify(report.proof));
  const places = wanted.map((w) => w.slice(0, w.lastIndexOf('/')));
  const stray = strays(file, made, places);
  check(`${name}: nothing else`, stray.length === 0, stray.join('; '));
  if (!exact) return;
  const a = await outputs(file), b = await outputs(made);
  check(`${name}: onnxruntime`, relativeDifference(b, a) <= 1e-4, relativeDifference(b, a));
  if (command !== 'fold') return;
  const unfolded = `${scratch}/${name}-unfold.onnx`;
  const back = change('unfold', made, unfolded);
  const products = /gemm/.test(name) ? [] : places; // of convolutions
  check(`${name}: unfold`, back.status === 0 && proved(back.report, true) &&
    products.every((p) => JSON.stringify(back.report).includes(`${p}/conv`)), back.stderr);
  if (back.status === 0) check(`${name}: unfolded`, relativeDifference(await outputs(unfolded), a) <= 1e-4);
}

const lines = execFileSync(python, [generator, scratch], { encoding: 'utf8' }).trim().split('\n');
check('files', lines.length >= 60, lines.length);
for (const line of lines) await one(line);

// The tool runs functions, alone and called in functions, as onnxruntime does.
const { readNpy, writeNpy } = await import('./ort.mjs');
const x = randomInput(128, 3).map((v) => v + 1);
writeNpy(`${scratch}/x.npy`, [2, 1, 8, 8], Float32Array.from(x));
for (const name of lines.map((l) => l.split(' ')[0]).filter((n) => /^(function|within)-|^formal|^epsilon/.test(n))) {
  if (/trains/.test(name)) continue; // onnxruntime runs no training mode
  const done = spawnSync(tool, ['run', `${scratch}/${name}.onnx`, '--input', `x=${scratch}/x.npy`, '-o',
    `y=${scratch}/y.npy`], { encoding: 'utf8' });
  check(`${name}: runs`, done.status === 0, done.stderr);
  if (done.status !== 0) continue;
  const session = await ort.InferenceSession.create(`${scratch}/${name}.onnx`, { logSeverityLevel: 4 });
  const out = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x), [2, 1, 8, 8]) });
  check(`${name}: value`, relativeDifference(readNpy(`${scratch}/y.npy`).data, out.y.data) <= 1e-5);
}

// Wrong folds, without a run of the whole (there is none with If, Loop and Scan; with functions it is not asked).
execFileSync(python, [generator, 'mutate', scratch]);
const wrong = fs.readdirSync(scratch).filter((f) => /-fold\.\d+\.onnx$/.test(f));
check('wrong folds', wrong.length >= 60, wrong.length);
for (const file of wrong) {
  const before = `${scratch}/${file.replace(/-fold\.\d+\.onnx$/, '.onnx')}`;
  const done = spawnSync(prover, ['prove', before, `${scratch}/${file}`], { encoding: 'utf8' });
  check(`${file}: caught`, done.stdout.startsWith('differs'), `${done.stdout} ${done.stderr}`);
}
for (const line of lines.filter((l) => / fold [^-]/.test(l))) {
  const name = line.split(' ')[0];
  const done = spawnSync(prover, ['prove', `${scratch}/${name}.onnx`, `${scratch}/${name}-fold.onnx`], { encoding: 'utf8' });
  check(`${name}: held`, done.stdout.startsWith('same'), `${done.stdout} ${done.stderr}`);
}
console.log(`${checks} checks, ${failed} failed, ${wrong.length} wrong folds`);
process.exit(failed ? 1 : 0);
