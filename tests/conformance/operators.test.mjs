// operators.test.mjs: every operator of ops.def, over attributes and opsets (operators.cases), gives in `evenkeel run`
// what it gives in onnxruntime, to 1e-4 of the largest element.
//   node operators.test.mjs EVENKEEL OPERATOR_CASES CASES_FILE SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, writeNpy } from './ort.mjs';

const [tool, generator, casesFile, scratch] = process.argv.slice(2);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });

function uniform(count, seed, low, high) {
  return randomInput(count, seed).map((v) => low + (high - low) * (0.5 + Math.atan(v) / Math.PI));
}

function ours(model, inputs, outputs) {
  const args = ['run', model, '--quiet'];
  for (const { name, dims, data } of inputs) {
    writeNpy(`${scratch}/${name}.npy`, dims, data);
    args.push('--input', `${name}=${scratch}/${name}.npy`);
  }
  for (let i = 0; i < outputs; i++) args.push('--output', `${scratch}/y${i}.npy`);
  execFileSync(tool, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  return [...Array(outputs).keys()].map((i) => readNpy(`${scratch}/y${i}.npy`));
}

async function theirs(model, inputs) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled' });
  const feeds = Object.fromEntries(inputs.map(({ name, dims, data }) => [name, new ort.Tensor('float32', data, dims)]));
  const out = await session.run(feeds);
  return session.outputNames.map((name) => out[name]);
}

// The largest difference over all outputs; equal infinities and NaNs are no difference.
function difference(mine, reference) {
  let worst = 0;
  mine.forEach((array, i) => {
    const other = reference[i];
    if (array.dims.join() !== Array.from(other.dims).join()) throw new Error(`shape [${array.dims}], not [${other.dims}]`);
    const same = (k) => Object.is(array.data[k], other.data[k]);
    const a = array.data.map((v, k) => (same(k) ? 0 : v)), b = other.data.map((v, k) => (same(k) ? 0 : v));
    const scale = other.data.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
    const error = relativeDifference(a, b) * b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    if (a.some((v, k) => v !== b[k])) worst = Math.max(worst, Number.isNaN(error) ? Infinity : error / scale);
  });
  return worst;
}

let failed = 0, passed = 0, alone = 0;
async function compare(label, model, inputs, outputs, reason) {
  let line;
  try {
    const mine = ours(model, inputs, outputs);
    if (reason) {
      alone++;
      line = `ran; not compared: ${reason}`;
    } else {
      const error = difference(mine, await theirs(model, inputs));
      line = `relative difference ${error.toExponential(2)}`;
      if (error <= 1e-4) passed++;
      else failed++, line += ' FAIL';
    }
  } catch (error) {
    failed++;
    line = `FAIL ${String(error.stderr || error.message).trim().split('\n')[0]}`;
  }
  console.log(`${label}: ${line}`);
}

// The comparison itself: with another input the results must differ.
async function controls(one) {
  const at = (seed) => one.inputs.map(({ name, dims, low, high }) =>
    ({ name, dims, data: uniform(dims.reduce((a, b) => a * b, 1), seed, low, high) }));
  const error = difference(ours(one.file, at(1), one.outputs), await theirs(one.file, at(2)));
  if (!(error > 1e-3)) failed++;
  console.log(`control, ${one.case.split(' ')[0]} of another input, must differ: ${error.toExponential(2)}`);
}

const lines = execFileSync(generator, [casesFile, scratch], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n')
  .map((text) => JSON.parse(text));
await controls(lines[0]);
for (const one of lines) {
  if (one.missing) {
    if (one.missing.length) failed++, console.log(`FAIL operators without a case: ${one.missing.join(', ')}`);
    continue;
  }
  const inputs = one.inputs.map(({ name, dims, low, high }, i) =>
    ({ name, dims, data: uniform(dims.reduce((a, b) => a * b, 1), i + 1, low, high) }));
  await compare(`${one.case.split(' ')[0]} opset ${one.opset} ${one.case.split(' ').slice(2).join(' ')}`, one.file,
    inputs, one.outputs, one.reason);
}
console.log(`${passed} agree, ${alone} not in onnxruntime, ${failed} failed`);
process.exit(failed ? 1 : 0);
