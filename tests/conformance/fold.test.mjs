// fold.test.mjs: onnxruntime gives the same outputs for a real model before and after `evenkeel fold`, to 1e-4; a folded
// model with one weight changed must fail the same comparison.
//   node fold.test.mjs EVENKEEL REWEIGHT MODELS_DIR SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput, relativeDifference, skip } from './ort.mjs';

const [tool, reweight, models, scratch] = process.argv.slice(2);
if (!fs.existsSync(`${models}/version-RFB-320.onnx`)) skip(`no models in ${models}`);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });

async function outputs(model, dims, data) {
  const session = await ort.InferenceSession.create(model,
    { intraOpNumThreads: 2, logSeverityLevel: 3, graphOptimizationLevel: 'disabled' });
  const out = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', data, dims) });
  return session.outputNames.map((name) => out[name].data);
}

function worst(a, b) {
  return Math.max(...a.map((values, i) => relativeDifference(b[i], values)));
}

let failed = 0;
function check(what, good, text) {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: ${text}`);
  if (!good) failed++;
}

const light = `${scratch}/light_resnet50.onnx`;
execFileSync(reweight, [`${models}/light_resnet50.onnx`, light, '1']);
const cases = [
  [`${models}/version-RFB-320.onnx`, [1, 3, 240, 320], 35],
  [`${models}/ch_ppocr_mobile_v2.0_cls_infer.onnx`, [2, 3, 48, 192], 35],
  [light, [1, 3, 224, 224], 53],
];
for (const [model, dims, norms] of cases) {
  const name = model.split('/').pop(), folded = `${scratch}/folded-${name}`;
  const report = JSON.parse(execFileSync(tool, ['fold', model, '-o', folded, '--json', '--runs', '1'], { encoding: 'utf8' }));
  check(`${name}: norms folded`, report.removed === norms && report.passed, `${report.removed} of ${norms}`);
  const told = report.nodes_before - report.nodes_after >= norms && report.bytes_after < report.bytes_before &&
    report.seconds_before > 0 && report.seconds_after > 0;
  check(`${name}: nodes, bytes and latency`, told, `nodes ${report.nodes_before} -> ${report.nodes_after}, bytes ` +
    `${report.bytes_before} -> ${report.bytes_after}, ms ${(1e3 * report.seconds_before).toFixed(2)} -> ` +
    `${(1e3 * report.seconds_after).toFixed(2)}`);
  const data = randomInput(dims.reduce((a, b) => a * b), 5);
  const before = await outputs(model, dims, data), after = await outputs(folded, dims, data);
  const difference = worst(before, after);
  check(`${name}: onnxruntime before and after`, difference <= 1e-4, `relative difference ${difference.toExponential(2)}`);
}

// Flipped sign bits in a part of the last folded model, wherever its tensors lie.
const bytes = fs.readFileSync(`${scratch}/folded-light_resnet50.onnx`);
for (let i = 0; i < 1 << 20; i += 4) bytes[Math.floor(bytes.length / 8) * 4 + 3 + i] ^= 0x80;
fs.writeFileSync(`${scratch}/wrong.onnx`, bytes);
const data = randomInput(3 * 224 * 224, 5), dims = [1, 3, 224, 224];
let difference = Infinity;
try {
  difference = worst(await outputs(light, dims, data), await outputs(`${scratch}/wrong.onnx`, dims, data));
} catch (error) {
  console.log(`note: ${error.message}`);
}
check('changed weights must differ', difference > 1e-4, `relative difference ${difference.toExponential(2)}`);
process.exit(failed ? 1 : 0);
