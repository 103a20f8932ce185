// light_models.test.mjs: ResNet-50 and Inception v2 with seeded random weights give the logits that onnxruntime gives,
// on two inputs at batch 1 and one at batch 3. Before that, the comparison must fail for a model with two channels permuted.
//   node light_models.test.mjs EVENKEEL REWEIGHT MODELS_DIR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, runOrt, skip, writeNpy } from './ort.mjs';

const [tool, reweight, models, scratch] = process.argv.slice(2);
if (!fs.existsSync(`${models}/light_resnet50.onnx`)) skip(`no models in ${models}`);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });

function ours(model, dims, data) {
  writeNpy(`${scratch}/x.npy`, dims, data);
  execFileSync(tool, ['run', model, '--input', `${scratch}/x.npy`, '--output', `${scratch}/y.npy`, '--quiet'],
    { stdio: ['ignore', 'ignore', 'inherit'] });
  return readNpy(`${scratch}/y.npy`).data;
}

let failed = 0;
function check(what, difference, good) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: relative difference ${difference.toExponential(2)}`);
  if (!good) failed++;
}

for (const name of ['light_resnet50', 'light_inception_v2']) {
  const model = `${scratch}/${name}.onnx`, wrong = `${scratch}/${name}.permuted.onnx`;
  execFileSync(reweight, [`${models}/${name}.onnx`, model, '1']);
  execFileSync(reweight, [`${models}/${name}.onnx`, wrong, '1', 'permute']);
  for (const [batch, seed] of [[1, 1], [1, 2], [3, 3]]) {
    const dims = [batch, 3, 224, 224];
    const data = randomInput(batch * 3 * 224 * 224, seed);
    const reference = (await runOrt(ort, model, dims, data)).data;
    if (seed === 1) {
      const bad = relativeDifference(ours(wrong, dims, data), reference);
      check(`${name}, two channels permuted, must differ`, bad, bad > 1e-3);
    }
    const good = relativeDifference(ours(model, dims, data), reference);
    check(`${name}, batch ${batch}, input ${seed}`, good, good <= 1e-4);
  }
}
process.exit(failed ? 1 : 0);
