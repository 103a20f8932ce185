// torch.test.mjs: norms as PyTorch exports them. Each is found with what it is, its twin is not; the tool computes what PyTorch
// computes in float64; folded, frozen, fused and spelled out, a file gives that in onnxruntime too.
//   node torch.test.mjs PYTHON TORCH_NORMS.PY TELL_SITES EVENKEEL SCRATCH_DIR
import fs from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { loadOrt, readNpy, relativeDifference, skip, writeNpy } from '../conformance/ort.mjs';

const [python, maker, tell, evenkeel, scratch] = process.argv.slice(2);
const ort = loadOrt();
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });
const made = spawnSync(python, [maker, scratch], { encoding: 'utf8' });
if (made.status === 77) skip(made.stdout.trim().replace('skipped: ', ''));
if (made.status !== 0) throw new Error(made.stderr.slice(-2000));
process.stdout.write(made.stdout);
const { cases } = JSON.parse(fs.readFileSync(`${scratch}/cases.json`, 'utf8'));

let failed = 0;
const fail = (c, text) => { console.log(`FAIL ${c.label} (${c.file.split('/').pop()}): ${text}`); failed++; };

// ---- what is found ----

const close = (a, b, tolerance) => a && a.length === b.length && relativeDifference(a, b) <= tolerance;

// Axes of a site whose rank is not known are counted from the end.
function sameAxes(site, wanted) {
  const end = site.rank >= 0 ? 0 : wanted[wanted.length - 1] + 1;
  return site.axes.length === wanted.length && site.axes.every((axis, i) => axis + end === wanted[i]);
}

function differs(c, site, wanted) {
  const tolerance = c.half ? 3e-3 : 1e-6;
  if (!wanted.kind.includes(site.kind)) return `kind ${site.kind}`;
  if (wanted.axes && !sameAxes(site, wanted.axes)) return `axes ${site.axes}`;
  if (wanted.groups && site.groups !== wanted.groups) return `${site.groups} groups`;
  if (site.training !== wanted.training) return `training ${site.training}`;
  if (wanted.epsilon && !(Math.abs(site.epsilon - wanted.epsilon) <= tolerance * wanted.epsilon))
    return `epsilon ${site.epsilon}`;
  for (const [role, numbers] of Object.entries(wanted.parameters))
    if (!close(site[role], numbers, tolerance)) return role;
  return '';
}

function checkSites(c, sites) {
  const left = [...sites], seen = sites.map((s) => `${s.kind} '${s.path}'`).join(', ') || 'nothing';
  if (c.sites.length === 0 && sites.length > 0) return fail(c, `a twin is found as ${seen}`);
  for (const wanted of c.sites) {
    for (let n = 0; n < wanted.count; n++) {
      const at = left.findIndex((site) => differs(c, site, wanted) === '');
      if (at < 0) return fail(c, `not found: ${wanted.kind}; there is ${seen} (${left.map((s) => differs(c, s, wanted))})`);
      left.splice(at, 1);
    }
  }
  if (left.some((site) => site.kind !== 'affine')) fail(c, `found too: ${left.map((s) => s.path)}`);
}

const told = JSON.parse(execFileSync(tell, cases.map((c) => c.file), { encoding: 'utf8', maxBuffer: 1 << 28 }));
cases.forEach((c, i) => checkSites(c, told[i]));

// ---- what is computed ----

const halfBits = (() => {
  const f = new Float32Array(1), u = new Uint32Array(f.buffer);
  return (x) => { // to nearest, ties to even; the numbers here are normal
    f[0] = x;
    const sign = (u[0] >>> 16) & 0x8000, e = ((u[0] >>> 23) & 255) - 112, m = u[0] & 0x7fffff;
    if (e <= 0) return sign | Math.round(Math.abs(x) * 2 ** 24);
    const bits = (e << 10) + (m >>> 13), rest = m & 0x1fff;
    return sign | (bits + (rest > 0x1000 || (rest === 0x1000 && bits & 1) ? 1 : 0));
  };
})();
const fromBits = (b) => ((b & 0x8000) ? -1 : 1) *
  ((b & 0x7c00) ? (1 + (b & 1023) / 1024) * 2 ** (((b >> 10) & 31) - 15) : (b & 1023) * 2 ** -24);

function feedOf(input) {
  const integer = input.dims.length === 0;
  if (integer) return new ort.Tensor('int64', BigInt64Array.from(input.data.map(BigInt)), []);
  if (input.half) return new ort.Tensor('float16', Uint16Array.from(input.data.map(halfBits)), input.dims);
  return new ort.Tensor('float32', Float32Array.from(input.data), input.dims);
}

async function runOther(c, file) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds = Object.fromEntries(Object.entries(c.inputs).map(([name, input]) => [name, feedOf(input)]));
  const out = await session.run(feeds);
  return session.outputNames.map((name) => out[name].type === 'float16' && out[name].data instanceof Uint16Array
    ? Array.from(out[name].data, fromBits) : Array.from(out[name].data, Number));
}

// Of onnxruntime: what it says of models that it cannot run, of which it is no judge: statistics of the batch.
const beyond = /training_mode|training mode|Could not find an implementation|NOT_IMPLEMENTED|not a registered function|is not supported yet/;

async function checkOther(c, file, what) {
  let results;
  try {
    results = await runOther(c, file);
  } catch (error) {
    if (beyond.test(error.message)) return false;
    fail(c, `${what}, onnxruntime: ${error.message.slice(0, 300)}`);
    return false;
  }
  if (c.sites.some((site) => site.training)) return false;
  const difference = Math.max(...c.results.map((r, i) => relativeDifference(results[i], r.data)));
  if (!(difference <= (c.half ? 1e-2 : 1e-5))) fail(c, `${what}, onnxruntime: differs by ${difference.toExponential(2)}`);
  return true;
}

function runTool(c) {
  const args = ['run', c.file, '--quiet'];
  if (Object.values(c.inputs).some((input) => input.dims.length === 0)) return false; // an int64 scalar
  for (const [name, input] of Object.entries(c.inputs)) {
    writeNpy(`${scratch}/${name}.npy`, input.dims, Float32Array.from(input.data));
    args.push('--input', `${name}=${scratch}/${name}.npy`);
  }
  const ran = spawnSync(evenkeel, [...args, '--output', `${scratch}/y.npy`], { encoding: 'utf8' });
  if (ran.status !== 0) return ran.stderr;
  const difference = relativeDifference(readNpy(`${scratch}/y.npy`).data, c.results[0].data);
  if (!(difference <= (c.half ? 1e-2 : 1e-5))) fail(c, `run differs by ${difference.toExponential(2)}`);
  return true;
}

const changes = { fold: ['fold'], freeze: ['freeze', '--affine'], fused: ['convert', '--fuse'],
  raised: ['convert', '--fuse', '--opset', '17'], spelled: ['convert', '--spell-out'],
  untied: ['convert', '--untie'] };
const counts = { run: 0, before: 0, ...Object.fromEntries(Object.keys(changes).map((k) => [k, 0])) }, notes = {};

// The first line of what the tool says, without names of files, nodes and numbers.
function note(what, text) {
  const said = text.trim().split('\n')[0].replace(/^.*?error: /, '').replace(/[^ ]*\.onnx:? ?/g, '')
    .replace(/converted: [^ ]+:/, 'converted:').replace(/'[^']*'/g, "'...'").replace(/\d+/g, 'N');
  notes[`${what}: ${said}`] = (notes[`${what}: ${said}`] ?? 0) + 1;
}

for (const c of cases) {
  const ran = runTool(c);
  if (ran === true) counts.run++;
  else if (ran !== false) note('run', ran);
  if (await checkOther(c, c.file, 'as exported')) counts.before++;
  for (const [name, args] of Object.entries(changes)) {
    const file = `${scratch}/changed.onnx`;
    fs.rmSync(file, { force: true });
    const done = spawnSync(evenkeel, [args[0], c.file, ...args.slice(1), '-o', file, '--quiet'], { encoding: 'utf8' });
    if (done.status !== 0) note(`${name}, status ${done.status}`, done.stderr);
    if (done.status === 0 && fs.existsSync(file) && await checkOther(c, file, name)) counts[name]++;
  }
}
for (const [text, count] of Object.entries(notes)) console.log(`note: ${count} x ${text}`);
const norms = cases.filter((c) => c.sites.length > 0).length;
console.log(`${norms} files with norms, ${cases.length - norms} twins; of them agree: ${JSON.stringify(counts)}`);
if (norms < 80 || cases.length - norms < 80 || counts.run < 400 || counts.spelled < 80 || counts.fused < 80) failed++;
process.exit(failed ? 1 : 0);
