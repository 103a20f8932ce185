// bench_ort.mjs: a model in evenkeel (as it is and folded) beside onnxruntime-node with all its optimizations.
//   node bench_ort.mjs EVENKEEL MODEL.onnx [ROUNDS] [THREADS] [PRECISION]
// PRECISION (f32 or bf16) is ours; onnxruntime computes in f32. EK_NODE_MODULES names the folder with onnxruntime-node.
// The two take turns, round by round, each in a process of its own that has warmed up; the ratio is onnxruntime's median
// time over ours, and its interval holds 95 % of the medians of resampled rounds.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const [tool, model, rounds = '9', threads = '2', precision = 'f32'] = process.argv.slice(2);
if (!tool || !model) {
  console.error('usage: node bench_ort.mjs EVENKEEL MODEL.onnx [ROUNDS] [THREADS] [PRECISION]');
  process.exit(2);
}
const ort = createRequire(`${process.env.EK_NODE_MODULES}/`)('onnxruntime-node');

async function prepare() {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1,
    graphOptimizationLevel: 'all', executionMode: 'sequential', logSeverityLevel: 3 });
  const feeds = {};
  for (const input of session.inputMetadata) {
    const dims = input.shape.map((d, i) => (typeof d === 'number' && d >= 0 ? d : i === 0 ? 1 : 224));
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 0.37));
    feeds[input.name] = new ort.Tensor('float32', data, dims);
  }
  for (let i = 0; i < 5; i++) await session.run(feeds);
  return async () => {
    const times = [];
    const end = performance.now() + 500;
    while (performance.now() < end || times.length < 3) {
      const start = performance.now();
      await session.run(feeds);
      times.push(performance.now() - start);
    }
    return median(times);
  };
}

function ours() {
  const out = JSON.parse(execFileSync(tool, ['bench', 'model', model, '--threads', threads, '--precision', precision, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
  return out.models.map((m) => 1e3 * m.seconds);
}

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

const theirs = await prepare();
const times = { onnxruntime: [], 'as it is': [], folded: [] };
for (let r = 0; r < Number(rounds); r++) {
  const first = r % 2 ? await theirs() : null;
  const [plain, folded] = ours();
  times.onnxruntime.push(first ?? (await theirs()));
  times['as it is'].push(plain);
  times.folded.push(folded ?? plain);
}
console.log(`${model}, ${threads} threads, ${rounds} rounds, ${precision}`);
for (const [name, t] of Object.entries(times)) {
  const ratios = t.map((v, i) => times.onnxruntime[i] / v), [low, high] = interval(ratios);
  console.log(`${name.padEnd(12)} ${median(t).toFixed(2).padStart(8)} ms   ratio ${median(ratios).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`);
}
