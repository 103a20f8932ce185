// bench_ort.mjs: models in evenkeel, as they are and folded, beside onnxruntime-node with all its optimizations.
//   node bench_ort.mjs [OPTION]... EVENKEEL MODEL.onnx...
//     --rounds 9  --threads 2  --batch 1,8  --precision f32|bf16 (ours; onnxruntime computes in f32)
//     --cold      also from the start of a process to its first result, and what it takes at most; wants GNU time
// EK_NODE_MODULES names the folder with onnxruntime-node. The two take turns, round by round, each in a process of its own
// that has warmed up; the ratio is onnxruntime's median time over ours, and its interval holds 95 % of the medians of
// resampled rounds.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const text = (value) => ({ type: 'string', default: value });
const { values: options, positionals: [tool, ...models] } = parseArgs({ allowPositionals: true, options: {
  rounds: text('9'), threads: text('2'), batch: text('1'), precision: text('f32'), cold: { type: 'boolean' },
  peer: { type: 'boolean' }, once: { type: 'boolean' } } });
if (!tool || !models.length) {
  console.error('usage: node bench_ort.mjs [--rounds N] [--threads N] [--batch N,...] [--precision P] [--cold] EVENKEEL MODEL.onnx...');
  process.exit(2);
}

async function open(model, batch) {
  const ort = createRequire(`${process.env.EK_NODE_MODULES}/`)('onnxruntime-node');
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(options.threads), interOpNumThreads: 1,
    graphOptimizationLevel: 'all', executionMode: 'sequential', logSeverityLevel: 3 });
  const feeds = {};
  for (const input of session.inputMetadata) {
    const dims = input.shape.map((d, i) => (typeof d === 'number' && d >= 0 ? d : i === 0 ? batch : 224));
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 0.37));
    feeds[input.name] = new ort.Tensor('float32', data, dims);
  }
  return { session, feeds };
}

// onnxruntime in a process of its own: milliseconds of a run, warmed up; with --once only the first.
async function peer(model, batch) {
  const { session, feeds } = await open(model, batch);
  if (options.once) return void (await session.run(feeds));
  for (let i = 0; i < 3; i++) await session.run(feeds);
  const times = [], end = performance.now() + 500;
  while (performance.now() < end || times.length < 3) {
    const start = performance.now();
    await session.run(feeds);
    times.push(performance.now() - start);
  }
  console.log(median(times));
}

const self = [fileURLToPath(import.meta.url), '--peer', '--threads', options.threads];
const read = (program, args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const theirs = (model, batch) => Number(read(process.execPath, [...self, '--batch', batch, tool, model]));
const ours = (model, batch) => JSON.parse(read(tool, ['bench', 'model', model, '--threads', options.threads, '--batch', batch,
  '--rounds', '11', '--precision', options.precision, '--json'])).models.map((m) => 1e3 * m.seconds);

function median(values) {
  const v = [...values].sort((a, b) => a - b);
  return v.length % 2 ? v[(v.length - 1) / 2] : (v[v.length / 2 - 1] + v[v.length / 2]) / 2;
}

// 95 % of the medians of resampled rounds; a generator of its own, so that one set of times gives one interval.
function interval(ratios) {
  let state = 1;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const medians = Array.from({ length: 2000 }, () => median(ratios.map(() => ratios[Math.floor(random() * ratios.length)])));
  medians.sort((a, b) => a - b);
  return [medians[50], medians[1949]];
}

// In turns, the order changing from round to round: `first` gives their milliseconds, `rest` ours, one for each name.
function compare(title, names, first, rest) {
  const rows = Array.from({ length: Number(options.rounds) }, (_, r) => {
    if (r % 2) return [first(), ...rest()];
    const mine = rest();
    return [first(), ...mine];
  });
  console.log(`${title}: onnxruntime ${median(rows.map((r) => r[0])).toFixed(2)} ms`);
  names.forEach((name, i) => {
    const ratios = rows.map((r) => r[0] / (r[i + 1] ?? r[1])), [low, high] = interval(ratios);
    const time = median(rows.map((r) => r[i + 1] ?? r[1]));
    console.log(`  ${name.padEnd(10)} ${time.toFixed(2).padStart(8)} ms   ratio ${median(ratios).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`);
  });
}

// Seconds and MiB of a process, by GNU time.
function process_of(args) {
  const run = spawnSync('/usr/bin/time', ['-f', '%e %M', ...args], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (run.status !== 0) throw new Error(`${args.join(' ')}: ${run.stderr ?? run.error}`);
  const [seconds, kilobytes] = run.stderr.trim().split('\n').pop().split(' ').map(Number);
  return { ms: 1e3 * seconds, mib: kilobytes / 1024 };
}

function npy(file, { dims, data }) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`.padEnd(117) + '\n';
  writeFileSync(file, Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00' + header, 'latin1'), Buffer.from(data.buffer)]));
}

async function cold(model, batch, folder) {
  const { feeds } = await open(model, Number(batch));
  npy(join(folder, 'x.npy'), Object.values(feeds)[0]);
  const memory = [0, 0];
  const keep = (i, p) => { memory[i] = Math.max(memory[i], p.mib); return p.ms; };
  const mine = () => [keep(0, process_of([tool, 'run', model, '--input', join(folder, 'x.npy'), '--threads', options.threads, '--quiet']))];
  compare('  from start to first result', ['as it is'],
    () => keep(1, process_of([process.execPath, ...self, '--once', '--batch', batch, tool, model])), mine);
  console.log(`  at most    ${memory[0].toFixed(0)} MiB, onnxruntime in node ${memory[1].toFixed(0)} MiB`);
}

if (options.peer) {
  await peer(models[0], Number(options.batch));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'ort-'));
  for (const model of models) for (const batch of options.batch.split(',')) {
    compare(`${model}, batch ${batch}, ${options.threads} threads, ${options.rounds} rounds, ${options.precision}`, ['as it is', 'folded'],
      () => theirs(model, batch), () => ours(model, batch));
    if (options.cold) await cold(model, batch, folder);
  }
  rmSync(folder, { recursive: true });
}
