// real_models.test.mjs: two published models as they are, with their own weights, give every output that onnxruntime
// gives: a face detector (version-RFB-320) and a text direction classifier whose weights are Constant nodes (PaddleOCR);
// on three random inputs, where the shape is open at batch 1 and 3.
//   node real_models.test.mjs EVENKEEL MODELS_DIR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, skip, writeNpy } from './ort.mjs';

const [tool, models, scratch] = process.argv.slice(2);
const cases = [
  { name: 'version-RFB-320', image: [3, 240, 320], batches: [1, 1, 1], outputs: 2 },
  { name: 'ch_ppocr_mobile_v2.0_cls_infer', image: [3, 48, 192], batches: [1, 1, 3], outputs: 1 },
];
for (const { name } of cases) {
  if (!fs.existsSync(`${models}/${name}.onnx`)) skip(`no ${name}.onnx in ${models}`);
}
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });

function ours(model, mode, outputs, dims, data) {
  writeNpy(`${scratch}/x.npy`, dims, data);
  const wanted = outputs.flatMap((name, i) => ['--output', `${name}=${scratch}/y${i}.npy`]);
  execFileSync(tool, ['run', model, '--mode', mode, '--input', `${scratch}/x.npy`, ...wanted, '--quiet'],
    { stdio: ['ignore', 'ignore', 'inherit'] });
  return outputs.map((_, i) => readNpy(`${scratch}/y${i}.npy`));
}

let failed = 0;
function check(what, difference, good) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: relative difference ${difference.toExponential(2)}`);
  if (!good) failed++;
}

function difference(found, wanted) {
  const alike = JSON.stringify(found.dims) === JSON.stringify([...wanted.dims]);
  return alike ? relativeDifference(found.data, wanted.data) : Infinity;
}

for (const { name, image, batches, outputs } of cases) {
  const model = `${models}/${name}.onnx`, each = image.reduce((a, b) => a * b);
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const names = session.outputNames;
  if (names.length !== outputs) throw new Error(`${name} has ${names.length} outputs`);
  for (const [k, batch] of batches.entries()) {
    const dims = [batch, ...image], input = randomInput(batch * each, k + 1);
    const reference = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', input, dims) });
    for (const mode of k === 0 ? ['file', 'inference'] : ['inference']) {
      ours(model, mode, names, dims, input).forEach((found, i) => {
        const d = difference(found, reference[names[i]]);
        check(`${name}, ${names[i]}, batch ${batch}, input ${k + 1}, mode ${mode}`, d, d <= 1e-5);
      });
    }
    if (k > 0) continue; // the bound is far below what another input does
    ours(model, 'file', names, dims, randomInput(batch * each, 99)).forEach((found, i) => {
      const d = difference(found, reference[names[i]]);
      check(`${name}, ${names[i]}, another input, must differ`, d, d > 1e-4);
    });
  }
}
process.exit(failed ? 1 : 0);
