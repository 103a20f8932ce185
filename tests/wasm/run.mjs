// run.mjs MODULE ARGUMENTS...: runs a WebAssembly program of the wasm32-wasi kind (a test): arguments, environment, clock,
// output; files are not there. Ends with the program's status; a trap prints where it was and ends with 134.
import { readFileSync, writeSync } from 'node:fs';

const BADF = 8, NOSYS = 52;
let memory;
const view = () => new DataView(memory.buffer);

// A list of texts, as pointers to them and the texts themselves.
const texts = (list) => list.map((text) => Buffer.from(`${text}\0`));
const sizes = (list) => (count, bytes) => {
  view().setUint32(count, list.length, true);
  view().setUint32(bytes, list.reduce((sum, text) => sum + text.length, 0), true);
  return 0;
};
const copy = (list) => (pointers, bytes) => {
  for (const text of list) {
    view().setUint32(pointers, bytes, true);
    new Uint8Array(memory.buffer).set(text, bytes);
    pointers += 4;
    bytes += text.length;
  }
  return 0;
};

// Up to three of them are open: 0, 1, 2.
const write = (file, vectors, count, written) => {
  if (file < 1 || file > 2) return BADF;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = view().getUint32(vectors + 8 * i, true), bytes = view().getUint32(vectors + 8 * i + 4, true);
    for (let done = 0; done < bytes;) done += writeSync(file, new Uint8Array(memory.buffer, at + done, bytes - done));
    sum += bytes;
  }
  view().setUint32(written, sum, true);
  return 0;
};

const args = texts(process.argv.slice(2)), environment = texts(Object.entries(process.env).map(([k, v]) => `${k}=${v}`));
const known = {
  args_sizes_get: sizes(args),
  args_get: copy(args),
  environ_sizes_get: sizes(environment),
  environ_get: copy(environment),
  clock_time_get: (id, precision, to) => (view().setBigUint64(to, process.hrtime.bigint(), true), 0),
  fd_write: write,
  fd_fdstat_get: (file, to) => {
    if (file > 2) return BADF;
    new Uint8Array(memory.buffer, to, 24).fill(0);
    view().setUint8(to, 2); // a character device
    return 0;
  },
  fd_prestat_get: () => BADF,
  fd_close: () => 0,
  proc_exit: (status) => process.exit(status),
};

const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const wanted = WebAssembly.Module.imports(module).map(({ name }) => [name, known[name] ?? (() => NOSYS)]);
const { exports } = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: Object.fromEntries(wanted) });
memory = exports.memory;
try {
  exports._start();
} catch (error) {
  console.error(error.stack);
  process.exit(134);
}
