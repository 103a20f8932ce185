// small_onnx.mjs: ONNX files of a few nodes, written field by field, so that a test has the opset and the order of fields
// that it wants.
const varint = (value) => {
  const bytes = [];
  for (let v = BigInt(value); ; v >>= 7n) {
    if (v < 128n) return Buffer.from([...bytes, Number(v)]);
    bytes.push(Number(v & 127n) | 128);
  }
};
export const int = (number, value) => Buffer.concat([varint(number * 8), varint(value)]);
export const bytes = (number, data) => {
  const payload = Buffer.isBuffer(data) ? data : Buffer.from(data);
  return Buffer.concat([varint(number * 8 + 2), varint(payload.length), payload]);
};
const all = (...parts) => Buffer.concat(parts.flat(Infinity));

// Extents are numbers or names.
export function declaration(name, dims, ...more) {
  const shape = all(dims.map((d) => bytes(1, typeof d === 'string' ? bytes(2, d) : int(1, d))));
  return all(bytes(1, name), bytes(2, bytes(1, all(int(1, 1), bytes(2, shape)))), more);
}

export function tensor(name, dims, values) {
  const data = Buffer.from(new Float32Array(values).buffer);
  return all(dims.map((d) => int(1, d)), int(2, 1), bytes(8, name), bytes(9, data));
}

export function node(op, inputs, outputs, ints = {}) {
  const attributes = Object.entries(ints).map(([name, list]) => bytes(5, all(bytes(1, name),
    list.map((v) => int(8, v)), int(20, 7))));
  return all(inputs.map((i) => bytes(1, i)), outputs.map((o) => bytes(2, o)), bytes(4, op), attributes);
}

// `graph`: fields of a GraphProto in the order they are to stand in.
export function model(opset, graph, metadata = {}) {
  return all(int(1, 7), bytes(2, 'small_onnx'), bytes(7, all(graph)), bytes(8, all(bytes(1, ''), int(2, opset))),
    Object.entries(metadata).map(([key, value]) => bytes(14, all(bytes(1, key), bytes(2, value)))));
}

// The same file at another opset, which must mean the same there.
export function atOpset(file, opset) {
  const old = /\x42(\x02|\x04\x0a\x00)\x10[\x01-\x7f]/g, text = file.toString('latin1');
  const found = [...text.matchAll(old)];
  if (found.length !== 1) throw new Error(`${found.length} places that look like an opset`);
  const copy = Buffer.from(file);
  copy[found[0].index + found[0][0].length - 1] = opset;
  return copy;
}
