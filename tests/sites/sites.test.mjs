// sites.test.mjs: what test_sites takes for the definition of each case is what onnxruntime computes of its file.
//   node sites.test.mjs WRITE_SITE_CASES SCRATCH_DIR [FIRST_SEED SEEDS]
import fs from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { loadOrt, relativeDifference } from '../conformance/ort.mjs';

const [writer, scratch, first = '1', seeds = '6'] = process.argv.slice(2);
const ort = loadOrt();
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });
execFileSync(writer, [scratch, first, seeds], { stdio: 'inherit' });
const cases = JSON.parse(fs.readFileSync(`${scratch}/cases.json`, 'utf8'));

// Operators that onnxruntime does not have, by what it says of them.
const lacking = /not a registered function|No Op registered|is under development|Could not find an implementation|NOT_IMPLEMENTED/;
let failed = 0, agreed = 0;
const left = {};
for (const c of cases) {
  const family = c.label.split(',')[0];
  try {
    // Node by node: its own fusion of norms takes 1e-5 for an epsilon that is the first operand of its Add.
    const options = { intraOpNumThreads: 1, logSeverityLevel: 3, graphOptimizationLevel: 'disabled' };
    const session = await ort.InferenceSession.create(c.file, options);
    const feeds = { x: new ort.Tensor('float32', Float32Array.from(c.x), c.dims) };
    if (c.skip) feeds.skip = new ort.Tensor('float32', Float32Array.from(c.skip), c.dims);
    const out = (await session.run(feeds))[session.outputNames[0]];
    const difference = relativeDifference(out.data, Float64Array.from(c.wanted));
    if (difference <= c.tolerance) agreed++;
    else console.log(`FAIL ${c.label}: relative difference ${difference.toExponential(2)}`), failed++;
  } catch (error) {
    if (lacking.test(error.message)) left[family] = (left[family] ?? 0) + 1;
    else console.log(`FAIL ${c.label}: ${error.message.slice(0, 200)}`), failed++;
  }
}
for (const [family, count] of Object.entries(left)) console.log(`note: onnxruntime lacks ${count} of "${family}"`);
console.log(`${agreed} of ${cases.length} files agree with the definition, ${failed} do not`);

// onnx's checker passes the files of opsets that it knows; old and foreign operators it does not.
const script = `import onnx,sys,glob
n=0
for f in sorted(glob.glob(sys.argv[1]+"/*.onnx")):
    m=onnx.load(f)
    v=[o.version for o in m.opset_import if o.domain in ("","ai.onnx")][0]
    foreign=any(i.domain not in ("","ai.onnx") or i.op_type in ("SimplifiedLayerNormalization",) or (i.op_type=="LayerNormalization" and v<17) for i in m.graph.node)
    if v<7 or v>17 or foreign: continue
    onnx.checker.check_model(m, full_check=True)
    n+=1
print(n)`;
const python = '/usr/bin/python3';
if (spawnSync(python, ['-c', 'import onnx']).status === 0) {
  const checked = spawnSync(python, ['-c', script, scratch], { encoding: 'utf8' });
  if (checked.status !== 0) console.log(`FAIL checker: ${checked.stderr.trim().split('\n').pop()}`), failed++;
  else console.log(`onnx's checker passes ${checked.stdout.trim()} files`);
} else {
  console.log('note: python3-onnx is not installed, its checker is not run');
}
process.exit(failed || agreed < 80 ? 1 : 0);
