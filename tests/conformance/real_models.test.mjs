// real_models.test.mjs: two published models as they are, with their own weights, give every output that onnxruntime
// gives: a face detector (version-RFB-320) and a text direction classifier whose weights are Constant nodes (PaddleOCR).
//   node real_models.test.mjs EVENKEEL MODELS_DIR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, skip, writeNpy } from './ort.mjs';

const [tool, models, scratch] = process.argv.slice(2);
const cases = [
  { name: 'version-RFB-320', dims: [1, 3, 240, 320], outputs: 2 },
  { name: 'ch_ppocr_mobile_v2.0_cls_infer', dims: [1, 3, 48, 192], outputs: 1 },
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

for (const { name, dims, outputs } of cases) {
  const model = `${models}/${name}.onnx`, count = dims.reduce((a, b) => a * b);
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  if (session.outputNames.length !== outputs) throw new Error(`${name} has ${session.outputNames.length} outputs`);
  const input = randomInput(count, 1), other = randomInput(count, 2);
  const reference = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', input, dims) });
  const moved = ours(model, 'file', session.outputNames, dims, other);
  for (const mode of ['file', 'inference']) {
    ours(model, mode, session.outputNames, dims, input).forEach((found, i) => {
      const output = session.outputNames[i], wanted = reference[output];
      const alike = JSON.stringify(found.dims) === JSON.stringify([...wanted.dims]);
      const difference = alike ? relativeDifference(found.data, wanted.data) : Infinity;
      check(`${name}, ${output}, mode ${mode}`, difference, difference <= 1e-5);
    });
  }
  moved.forEach((found, i) => { // the bound is far below what another input does
    const difference = relativeDifference(found.data, reference[session.outputNames[i]].data);
    check(`${name}, ${session.outputNames[i]}, another input, must differ`, difference, difference > 1e-4);
  });
}
process.exit(failed ? 1 : 0);
