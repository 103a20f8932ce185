// half.test.mjs: models in float16 and bfloat16 run, keep their type through a change, and agree with onnxruntime.
//   node half.test.mjs EVENKEEL HALVE SCRATCH_DIR
// Evenkeel computes in float32 from the halves; onnxruntime rounds to float16 on the way, so 1e-2 is its error.
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, writeNpy } from './ort.mjs';

const [tool, halve, scratch] = process.argv.slice(2);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });
const dims = [3, 1, 28, 28];
const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };

// float32 to the bits of float16; the inputs are small and need no denormals.
function toHalf(data) {
  const bits = new Uint32Array(data.buffer);
  return Uint16Array.from(bits, (b) => {
    const sign = (b >>> 16) & 0x8000, exponent = ((b >>> 23) & 255) - 112;
    if (exponent <= 0) return sign;
    return sign | (((exponent << 10) | ((b >>> 13) & 0x3ff)) + ((b >>> 12) & 1));
  });
}

const fromHalf = (h) => {
  const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 0x3ff;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
};

function ours(model, data) {
  writeNpy(`${scratch}/x.npy`, dims, data);
  execFileSync(tool, ['run', model, '--input', `${scratch}/x.npy`, '--output', `${scratch}/y.npy`, '--quiet'], quiet);
  return readNpy(`${scratch}/y.npy`).data;
}

async function theirs(model, data) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const out = await session.run({ [session.inputNames[0]]: new ort.Tensor('float16', toHalf(data), dims) });
  const y = out[session.outputNames[0]];
  if (y.type !== 'float16') throw new Error(`the output is ${y.type}, not float16`);
  return Float32Array.from(y.data, fromHalf);
}

let failed = 0;
function check(label, difference, limit, above = false) {
  const bad = above ? !(difference > limit) : !(difference <= limit);
  if (bad) failed++;
  console.log(`${label}: ${difference.toExponential(2)}${bad ? ' FAIL' : ''}`);
}

for (const model of ['cnn6', 'resnet20']) {
  const at = (kind) => `${scratch}/${model}-${kind}.onnx`;
  execFileSync(tool, ['train', '--data', 'builtin:strokes:256', '--model', model, '--steps', '5', '--batch', '64', '--out',
    at('f32'), '--quiet'], quiet);
  const x = randomInput(3 * 28 * 28, 5), reference = ours(at('f32'), x);
  for (const half of ['f16', 'bf16']) {
    execFileSync(halve, [at('f32'), at(half), half], quiet);
    check(`${model} ${half} against float32`, relativeDifference(ours(at(half), x), reference), half === 'f16' ? 1e-2 : 5e-2);
    if (fs.statSync(at(half)).size > 0.6 * fs.statSync(at('f32')).size) failed++, console.log('FAIL not half the size');
    execFileSync(tool, ['fold', at(half), '-o', at(`${half}-folded`), '--tolerance', half === 'f16' ? '1e-2' : '5e-2',
      '--quiet'], quiet);
    if (half === 'bf16') continue; // onnxruntime has no such kernels on a CPU
    for (const kind of [half, `${half}-folded`]) {
      check(`${model} ${kind} against onnxruntime`, relativeDifference(ours(at(kind), x), await theirs(at(kind), x)), 1e-2);
    }
    check(`${model} control, another input`,
      relativeDifference(ours(at(half), randomInput(x.length, 6)), await theirs(at(half), x)), 0.05, true);
  }
}
process.exit(failed ? 1 : 0);
