// module.test.mjs MODULE: norms over typed arrays, through apps/web/evenkeel.mjs, have the bits of native programs
// (module_cases.c, whose hashes are in module_cases.inc); what cannot be is an error with the library's text.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { load } from '../../apps/web/evenkeel.mjs';

const ek = await load(readFileSync(process.argv[2]));
const cases = [
  ['batch', { kind: 'batch', dims: [6, 10, 7, 9] }, 3780, 10],
  ['batch fused', { kind: 'batch', dims: [2, 20, 5, 7], layout: 'blocked16', activation: 'relu', residual: 1 }, 2240, 20],
  ['group', { kind: 'group', dims: [3, 20, 5, 7], layout: 'nhwc', groups: 5, activation: 'silu' }, 2100, 20],
  ['layer', { kind: 'layer', dims: [40, 67], dtype: 'f64', activation: 'gelu' }, 2680, 67],
  ['rms', { kind: 'rms', dims: [9, 130], dtype: 'bf16' }, 1170, 130],
  ['instance', { kind: 'instance', dims: [3, 6, 5, 7], dtype: 'bf16', activation: 'tanh' }, 630, 6],
];

let state;
const next = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) / 4194304 - 2;
};
const numbers = (type, count) => {
  const values = Float64Array.from({ length: count }, next);
  if (type === 'f64') return values;
  const floats = Float32Array.from(values);
  return type === 'bf16' ? Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16) : floats;
};
const hash = (arrays) => {
  let h = 2166136261;
  for (const { buffer } of arrays) for (const byte of new Uint8Array(buffer)) h = Math.imul(h ^ byte, 16777619);
  return (h >>> 0).toString(16).padStart(8, '0');
};

const lines = cases.map(([name, members, n, parameters]) => {
  const type = members.dtype ?? 'f32', real = type === 'f64' ? 'f64' : 'f32', norm = ek.plan(members);
  state = 1;
  const x = numbers(type, n), scale = numbers(real, parameters), bias = numbers(real, parameters), dy = numbers(type, n);
  const residual = members.residual ? { residual: numbers(type, n) } : {};
  const first = norm.forward({ x, scale, bias, ...residual }), second = norm.backward({ dy });
  norm.free();
  const { dx, dscale, dbias, dresidual } = second;
  return `${name} ${hash([first.y, first.mean, first.var, dx, dscale, dbias, ...(dresidual ? [dresidual] : [])])}`;
});
const native = [...readFileSync(new URL('module_cases.inc', import.meta.url), 'utf8').matchAll(/"(.*)"/g)].map((m) => m[1]);
assert.deepEqual(lines, native);

// Running statistics, by the formula.
const running = ek.plan({ kind: 'batch', dims: [1, 1, 2], epsilon: 0 });
const statistics = { running_mean: Float32Array.of(1), running_var: Float32Array.of(4) };
const { y } = running.forward({ running: true, x: Float32Array.of(1, 5), ...statistics });
assert.deepEqual([...y], [0, 2]);
assert.throws(() => running.forward({ x: new Float32Array(3) }), /x is Float32Array of 3, expected Float32Array of 2/);
assert.throws(() => running.forward({ x: new Float64Array(2) }), /expected Float32Array of 2/);
running.free();
running.free(); // once is enough
assert.throws(() => running.forward({ x: new Float32Array(2) }), /has been freed/);

const four = () => ek.plan({ kind: 'group', dims: [2, 6, 4], groups: 4 });
assert.throws(four, { code: 'EK_ERR_SHAPE', message: /a divisor of the 6 channels/ });
assert.throws(() => ek.plan({ kind: 'batch', dims: [2, 3], layout: 'sideways' }), { code: 'EK_ERR_ARG' });
assert.throws(() => ek.plan({ kind: 'batch', dims: [2, 3], colour: 1 }), /no member colour/);
// More than 32 bits can address, and more memory than there is.
assert.throws(() => ek.plan({ kind: 'batch', dims: [1, 2 ** 25 - 1], dtype: 'f64' }), { code: 'EK_ERR_LIMIT' });
const large = () => ek.plan({ kind: 'instance', dims: [2 ** 24, 2, 1] });
assert.throws(() => Array.from({ length: 8 }, large), { code: 'EK_ERR_NOMEM' });

// Every member of the structs that JavaScript fills is there by its name.
const header = readFileSync(new URL('../../include/evenkeel/norm.h', import.meta.url), 'utf8').replace(/\/\*[^]*?\*\//g, '');
for (const struct of ['ek_norm_desc', 'ek_norm_args']) {
  const body = header.match(new RegExp(`typedef struct ${struct} {([^}]*)}`))[1];
  const members = [...body.matchAll(/(\w+)(\[\w+\])?;/g)].map((m) => m[1]);
  const missing = members.filter((m) => !ek.members(struct).includes(m) && !/^(kind|parallel|allocator|reserved)$/.test(m));
  assert.ok(members.length > 15);
  assert.deepEqual(missing, []);
}
console.log(`${ek.isa}, version ${ek.version}: ${lines.length} norms with the bits of native programs`);
