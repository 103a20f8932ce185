// evenkeel.mjs: the norm library in JavaScript, over evenkeel.wasm (scripts/wasm.sh builds it). For browsers and node.
//
//     const ek = await load(bytes);                            // of evenkeel.wasm; one thread
//     const norm = ek.plan({ kind: 'batch', dims: [8, 16, 14, 14], activation: 'relu' });
//     const { y, mean, var: variance } = norm.forward({ x, scale, bias });
//     const { dx, dscale, dbias } = norm.backward({ dy });
//     norm.free();
//
// Members of a plan are those of ek_norm_desc, names of kinds the library's, those of layouts, types and activations are
// below; arrays of a call are those of ek_norm_args. Tensors are typed arrays: Float32Array, Float64Array, or Uint16Array
// of bf16 and f16.
// What the library refuses is an Error with its text, and its status as `code`.
const NAMES = {
  layout: { nchw: 0, nhwc: 1, blocked8: 8, blocked16: 16 },
  dtype: { f32: 1, f16: 10, f64: 11, bf16: 16 },
  affine: { element: 0, channel: 1 },
  activation: {
    none: 0, relu: 1, leaky_relu: 2, clip: 3, sigmoid: 4, tanh: 5, silu: 6, hard_sigmoid: 7, hard_swish: 8, gelu: 9,
  },
};

const product = (list) => list.reduce((all, one) => all * Number(one), 1);

// Type and length of the arrays of a call.
function shapesOf(overAxes, { dims, layout = 0, dtype = 1, axis = -1, affine = 0 }) {
  const Real = dtype === 11 ? Float64Array : Float32Array;
  const rows = overAxes && affine === 0, first = axis < 0 ? dims.length + axis : axis;
  const channels = rows ? 1 : Number(dims[1]), outer = rows ? dims.slice(0, first) : [dims[0], ...dims.slice(2)];
  const parameters = { Type: Real, length: rows ? product(dims.slice(first)) : channels };
  const tensor = {
    Type: dtype === 1 || dtype === 11 ? Real : Uint16Array,
    length: rows ? product(dims) : product(outer) * (layout > 1 ? Math.ceil(channels / layout) * layout : channels),
  };
  const lengths = { Type: BigInt64Array, length: Number(dims[0]) };
  const shapes = { mask: { Type: Uint8Array, length: product(outer) }, lengths };
  for (const name of ['x', 'y', 'dy', 'dx', 'residual', 'dresidual']) shapes[name] = tensor;
  for (const name of ['scale', 'bias', 'dscale', 'dbias', 'running_mean', 'running_var']) shapes[name] = parameters;
  return shapes;
}

export async function load(bytes) {
  const module = await WebAssembly.compile(bytes);
  const imports = {}; // of the C library's: output, which nothing here uses
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = () => 52;
  const lib = (await WebAssembly.instantiate(module, imports)).exports;
  lib._initialize();
  const view = () => new DataView(lib.memory.buffer);
  const text = (at) => {
    const from = new Uint8Array(lib.memory.buffer, at);
    return new TextDecoder().decode(from.slice(0, from.indexOf(0)));
  };

  const kinds = {}; // by name
  for (let kind = 1, name; (name = lib.ek_norm_kind_name(kind)) !== 0; kind++) kinds[text(name)] = kind;
  const fields = {}; // where the members of C structs are, by "struct.member"
  for (let at = lib.ek_web_fields(); view().getUint32(at, true) !== 0; at += 20) {
    const [name, offset, size, numbers, floating] = [0, 4, 8, 12, 16].map((i) => view().getUint32(at + i, true));
    fields[text(name)] = { offset, size, numbers, floating };
  }
  const put = (at, size, floating, value) => {
    if (floating) view().setFloat64(at, value, true);
    else if (size === 8) view().setBigInt64(at, BigInt(value), true);
    else view().setInt32(at, Number(value), true);
  };
  const fill = (struct, at, members) => {
    for (const [member, value] of Object.entries(members)) {
      const field = fields[`${struct}.${member}`];
      if (field === undefined) throw new TypeError(`${struct} has no member ${member}`);
      [value].flat().forEach((one, i) => put(at + field.offset + i * field.size, field.size, field.floating, one));
    }
  };
  const take = (size) => {
    const at = lib.aligned_alloc(64, Math.ceil(Math.max(size, 1) / 64) * 64) >>> 0; // a pointer, of 32 bits
    if (at === 0) throw Object.assign(new Error(`out of memory: ${size} bytes`), { code: 'EK_ERR_NOMEM' });
    return at;
  };
  const structs = (name) => {
    const { size } = fields[name], at = take(size);
    new Uint8Array(lib.memory.buffer, at, size).fill(0);
    return at;
  };
  const error = structs('ek_error');
  const check = (status) => {
    if (status === 0) return;
    const code = text(lib.ek_status_name(status));
    throw Object.assign(new Error(text(error + fields['ek_error.text'].offset)), { code });
  };

  function plan({ kind, ...members }) {
    for (const [key, names] of Object.entries(NAMES)) if (key in members) members[key] = names[members[key]] ?? -1;
    if (members.dims) members.rank ??= members.dims.length;
    const held = []; // memory of the plan's
    const hold = (at) => (held.push(at), at);
    let handle = 0;
    const free = () => {
      lib.ek_norm_plan_destroy(handle);
      handle = 0;
      held.splice(0).forEach((at) => lib.free(at));
    };
    try {
      const desc = hold(structs('ek_norm_desc')), slot = hold(take(4));
      lib.ek_norm_desc_default(desc, kinds[kind] ?? 0);
      fill('ek_norm_desc', desc, members);
      check(lib.ek_norm_plan_create(desc, slot, error));
      handle = view().getUint32(slot, true);
      const shapes = shapesOf(lib.ek_norm_kind_over_axes(kinds[kind]) !== 0, members);
      return new Norm(handle, hold(structs('ek_norm_args')), hold, free, shapes);
    } catch (failure) {
      free();
      throw failure;
    }
  }

  class Norm {
    #handle; #args; #hold; #free; #shapes; #places = {};
    constructor(handle, args, hold, free, shapes) {
      [this.#handle, this.#args, this.#hold, this.#free, this.#shapes] = [handle, args, hold, free, shapes];
      this.sets = Number(lib.ek_norm_sets(handle));
      const saved = hold(take(lib.ek_norm_saved_bytes(handle) >>> 0));
      const workspace = hold(take(lib.ek_norm_workspace_bytes(handle) >>> 0));
      fill('ek_norm_args', args, { struct_size: fields.ek_norm_args.size, saved, workspace });
      for (const name of ['mean', 'var', 'rstd']) shapes[name] = { Type: shapes.scale.Type, length: this.sets };
    }
    // Room for an argument, and what is copied there.
    #place(name, from) {
      const { Type, length } = this.#shapes[name] ?? {};
      if (!Type) throw new TypeError(`${name} is no argument of a norm`);
      if (from && !(from instanceof Type && from.length === length)) {
        throw new TypeError(`${name} is ${from.constructor.name} of ${from.length}, expected ${Type.name} of ${length}`);
      }
      this.#places[name] ??= this.#hold(take(length * Type.BYTES_PER_ELEMENT));
      if (from) new Type(lib.memory.buffer, this.#places[name], length).set(from);
      fill('ek_norm_args', this.#args, { [name]: this.#places[name] });
    }
    #call(inputs, outputs, run) {
      if (this.#handle === 0) throw new Error('the plan has been freed');
      for (const [name, array] of Object.entries(inputs)) this.#place(name, array);
      for (const name of outputs) this.#place(name);
      check(run());
      const { buffer } = lib.memory;
      return Object.fromEntries(outputs.map((name) => {
        const { Type, length } = this.#shapes[name];
        return [name, new Type(buffer, this.#places[name], length).slice()];
      }));
    }
    // Arguments stay what they were until they are given anew. `running: true` normalizes by running_mean, running_var.
    forward({ running = false, ...inputs }) {
      const stats = running ? 1 : 0;
      return this.#call(inputs, ['y', 'mean', 'var'], () => lib.ek_norm_forward(this.#handle, stats, this.#args, error));
    }
    // Of the last forward.
    backward(inputs) {
      const outputs = ['dx', 'dscale', 'dbias', ...(this.#places.residual ? ['dresidual'] : [])];
      return this.#call(inputs, outputs, () => lib.ek_norm_backward(this.#handle, this.#args, error));
    }
    free() {
      this.#free();
      this.#handle = 0;
    }
  }
  const members = (struct) => Object.keys(fields).flatMap((name) => name.split(`${struct}.`)[1] ?? []);
  return { plan, members, lib, isa: text(lib.ek_cpu_isa()), version: text(lib.ek_version()) };
}
