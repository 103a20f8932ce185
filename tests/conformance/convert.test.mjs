// convert.test.mjs: onnxruntime agrees with what `evenkeel convert` and `unfold` write: the same outputs where a change is
// exact, Evenkeel's outputs where it is not.
//   node convert.test.mjs EVENKEEL REWEIGHT MODELS_DIR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, runOrt, skip, writeNpy } from './ort.mjs';

const [tool, reweight, models, scratch] = process.argv.slice(2);
if (!fs.existsSync(`${models}/version-RFB-320.onnx`)) skip(`no models in ${models}`);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });
const run = (...args) => execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let failed = 0;
function check(what, difference, good) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: relative difference ${difference.toExponential(2)}`);
  if (!good) failed++;
}

function ours(model, dims, data) {
  writeNpy(`${scratch}/x.npy`, dims, data);
  run('run', model, '--input', `${scratch}/x.npy`, '--output', `${scratch}/y.npy`, '--quiet');
  return readNpy(`${scratch}/y.npy`).data;
}

const light = `${scratch}/light_resnet50.onnx`;
execFileSync(reweight, [`${models}/light_resnet50.onnx`, light, '1']);
const cases = [
  [`${models}/version-RFB-320.onnx`, [1, 3, 240, 320]],
  [`${models}/ch_ppocr_mobile_v2.0_cls_infer.onnx`, [2, 3, 48, 192]],
  [light, [1, 3, 224, 224]],
];
const exact = [['--opset', '17'], ['--opset', '21'], ['--norm', 'frozen']];
for (const [model, dims] of cases) {
  const name = model.split('/').pop(), data = randomInput(dims.reduce((a, b) => a * b), 7), out = `${scratch}/c-${name}`;
  const before = (await runOrt(ort, model, dims, data)).data;
  for (const options of exact) {
    run('convert', model, ...options, '-o', out, '--runs', '1');
    const difference = relativeDifference((await runOrt(ort, out, dims, data)).data, before);
    check(`${name} ${options.join(' ')}`, difference, difference <= 1e-4);
  }
  run('fold', model, '-o', `${scratch}/f-${name}`, '--runs', '1', '--timed', '0');
  run('unfold', `${scratch}/f-${name}`, '-o', out, '--runs', '1');
  const difference = relativeDifference((await runOrt(ort, out, dims, data)).data, before);
  check(`${name} folded and unfolded`, difference, difference <= 1e-4);
}

// Norms of another kind, in a model of opset 9 (a subgraph) and in one that moves to 21 (one node).
const plain = `${scratch}/plain.onnx`;
run('train', '--data', 'builtin:strokes:300', '--model', 'cnn6', '--steps', '2', '--quiet', '-o', plain);
for (const [model, dims, norms] of [[cases[0][0], cases[0][1], ['group:4', 'instance', 'layer']],
  [plain, [2, 1, 28, 28], ['group:4', 'instance', 'layer']]]) {
  const data = randomInput(dims.reduce((a, b) => a * b), 9), out = `${scratch}/n.onnx`;
  const before = (await runOrt(ort, model, dims, data)).data;
  for (const norm of norms) {
    run('convert', model, '--norm', norm, '-o', out, '--runs', '1', '--quiet');
    const theirs = (await runOrt(ort, out, dims, data)).data;
    const difference = relativeDifference(ours(out, dims, data), theirs);
    check(`${model.split('/').pop()} ${norm}: two runtimes`, difference, difference <= 1e-4);
    const changed = relativeDifference(theirs, before);
    check(`${model.split('/').pop()} ${norm}: must differ from batch norm`, changed, changed > 1e-4);
  }
}
process.exit(failed ? 1 : 0);
