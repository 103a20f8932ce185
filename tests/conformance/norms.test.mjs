// norms.test.mjs: every file the tool writes, for every norm and architecture, at its own opset and at opset 17, gives
// the logits in onnxruntime that it gives in evenkeel, on four random inputs at batch 1, 3 and 5. onnx's checker passes those of opset up to 17.
//   node norms.test.mjs EVENKEEL SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { loadOrt, randomInput, readNpy, relativeDifference, runOrt, writeNpy } from './ort.mjs';

const [tool, scratch] = process.argv.slice(2);
const ort = loadOrt();
fs.mkdirSync(scratch, { recursive: true });
const has_checker = spawnSync('/usr/bin/python3', ['-c', 'import onnx']).status === 0;
if (!has_checker) console.log('note: python3-onnx is not installed, its checker is not run');

const cases = [];
for (const norm of ['batch', 'layer', 'group:4', 'instance', 'rms']) {
  for (const opset of [0, 17]) {
    cases.push(['cnn6', norm, opset]);
    if (!norm.startsWith('group') && norm !== 'instance') cases.push(['mlp', norm, opset]);
  }
}
cases.push(['encoder', 'layer', 0], ['encoder', 'layer', 17], ['encoder', 'rms', 0], ['lenet', 'batch', 0], ['lenet', 'group:4', 17], ['resnet20', 'batch', 0], ['resnet20', 'group:8', 0]);

let failed = 0;
for (const [model, norm, opset] of cases) {
  const file = `${scratch}/${model}-${norm.replace(':', '')}-${opset}.onnx`;
  const args = ['train', '--data', 'builtin:strokes:128', '--model', model, '--norm', norm, '--steps', '3', '--batch', '32',
    '--out', file, '--quiet'];
  if (opset) args.push('--opset', String(opset));
  execFileSync(tool, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let line;
  try {
    let worst = 0;
    for (const [batch, seed] of [[1, 3], [1, 4], [3, 5], [5, 6]]) {
      const dims = [batch, 1, 28, 28], data = randomInput(batch * 28 * 28, seed);
      writeNpy(`${scratch}/x.npy`, dims, data);
      execFileSync(tool, ['run', file, '--input', `${scratch}/x.npy`, '--output', `${scratch}/y.npy`, '--quiet'],
        { stdio: ['ignore', 'ignore', 'inherit'] });
      const reference = (await runOrt(ort, file, dims, data)).data;
      worst = Math.max(worst, relativeDifference(readNpy(`${scratch}/y.npy`).data, reference));
    }
    line = `relative difference ${worst.toExponential(2)}`;
    if (!(worst <= 1e-4)) failed++, line += ' FAIL';
  } catch (error) {
    failed++;
    line = `FAIL onnxruntime: ${error.message}`;
  }
  if (has_checker) {
    const script = `import onnx,sys
m=onnx.load(sys.argv[1])
v=[o.version for o in m.opset_import if o.domain in ("","ai.onnx")][0]
if v<=17: onnx.checker.check_model(m, full_check=True)
print("checker", "passed" if v<=17 else "skipped", "opset", v)`;
    const checked = spawnSync('/usr/bin/python3', ['-c', script, file], { encoding: 'utf8' });
    if (checked.status !== 0) failed++, line += ` FAIL checker: ${checked.stderr.trim().split('\n').pop()}`;
    else line += `; ${checked.stdout.trim()}`;
  }
  console.log(`${model} ${norm} --opset ${opset || 'own'}: ${line}`);
}
process.exit(failed ? 1 : 0);
