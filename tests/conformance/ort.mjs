// ort.mjs: onnxruntime-node as a second runtime for the tests, and .npy files for it.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const modules = process.env.EK_NODE_MODULES;

// Exit status by which ctest knows a skipped test.
export const SKIP = 77;

export function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIP);
}

export function loadOrt() {
  if (!modules || !fs.existsSync(`${modules}/onnxruntime-node`)) {
    skip('onnxruntime-node is not installed; scripts/test.sh installs it and sets EK_NODE_MODULES');
  }
  return createRequire(`${modules}/`)('onnxruntime-node');
}

export function readNpy(path) {
  const bytes = fs.readFileSync(path);
  const long = bytes[6] >= 2;
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = (long ? 12 : 10) + length;
  const header = bytes.toString('latin1', long ? 12 : 10, start);
  const dims = header.match(/'shape': \(([^)]*)\)/)[1].split(',').map((s) => s.trim()).filter(Boolean).map(Number);
  const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
  return { dims, data };
}

export function writeNpy(path, dims, data) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')}${dims.length === 1 ? ',' : ''}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11, ' ') + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  fs.writeFileSync(path, Buffer.concat([head, Buffer.from(header, 'latin1'),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

// A seeded normal-like input, the same on every machine.
export function randomInput(count, seed) {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = 0; k < 4; k++) {
      state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
      sum += Number(state >> 40n) / 2 ** 24;
    }
    out[i] = (sum - 2) * Math.sqrt(3);
  }
  return out;
}

// max |a - b| / max |reference|
export function relativeDifference(a, reference) {
  if (a.length !== reference.length) return Infinity;
  let worst = 0, scale = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - reference[i]);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Infinity : d;
    scale = Math.max(scale, Math.abs(reference[i]));
  }
  return worst / scale;
}

export async function runOrt(ort, model, dims, data) {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const out = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', data, dims) });
  return out[session.outputNames[0]];
}
