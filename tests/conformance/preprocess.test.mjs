// preprocess.test.mjs: onnxruntime, fed raw pixels of JPEG files of odd sizes, gives predict's classes and probabilities
// from what `evenkeel convert --preprocess` writes; --strip-preprocess gives the file back byte for byte.
//   node preprocess.test.mjs EVENKEEL MAKE_JPEGS RAW_IMAGES CASES_DIR SCRATCH_DIR IMAGES
import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import { loadOrt, randomInput } from './ort.mjs';
import { atOpset, bytes, declaration, model, node, tensor } from './small_onnx.mjs';

const [tool, makeJpegs, rawImages, cases, scratch, count] = process.argv.slice(2);
const GRAYS = 16;
const ort = loadOrt(), images = Number(count), all = images >= 100;
fs.rmSync(scratch, { recursive: true, force: true });
fs.mkdirSync(scratch, { recursive: true });
process.chdir(scratch);
const run = (...args) => execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let failed = 0;
function check(what, good, detail = '') {
  if (!good || all) console.log(`${good ? 'ok  ' : 'FAIL'} ${what} ${detail}`);
  if (!good) failed++;
}

// ---- models ----

const random = (n, seed, scale) => Array.from(randomInput(n, seed), (v) => v * scale);

// Two convolutions, the mean, logits; the input stands between other fields and says more than a type.
function small(opset, channels, last, open, classes = 5) {
  const size = open ? ['h', 'w'] : [37, 29];
  const dims = last ? ['n', ...size, channels] : ['n', channels, ...size];
  const first = last ? [bytes(1, node('Transpose', ['x'], ['planes'], { perm: [0, 3, 1, 2] }))] : [];
  const weights = [tensor('w1', [8, channels, 3, 3], random(72 * channels, 5, 0.3)),
    tensor('w2', [classes, 8, 3, 3], random(72 * classes, 6, 1.5))];
  const names = classes === 5 ? { 'evenkeel.classes': 'a\nb\nc\nd\ne' } : {};
  return model(opset, [
    bytes(5, weights[0]), bytes(11, declaration('x', dims, bytes(3, 'images'))), first,
    bytes(1, node('Conv', [last ? 'planes' : 'x', 'w1'], ['a'], { strides: [2, 2] })), bytes(2, 'small'),
    bytes(1, node('Relu', ['a'], ['b'])), bytes(12, declaration('y', ['n', classes, 1, 1], bytes(3, 'scores'))),
    bytes(13, declaration('x', dims)), bytes(1, node('Conv', ['b', 'w2'], ['c'])),
    bytes(1, node('GlobalAveragePool', ['c'], ['y'])), bytes(5, weights[1]),
  ], { note: 'kept', 'evenkeel.mean': Array(channels).fill('0.45').join(), 'evenkeel.size': '37x29',
    'evenkeel.std': Array(channels).fill('0.25').join(), ...names });
}

function files() {
  const list = {};
  const train = ['--steps', '12', '--batch', '16', '--lr', '0.02', '--size', '31x45', '--quiet'];
  run('train', '--model', 'lenet', '--data', 'photos', ...train, '-o', 'colour.onnx');
  run('train', '--model', 'lenet', '--data', 'grays', ...train, '-o', 'gray.onnx');
  for (const name of ['colour', 'gray']) {
    const file = fs.readFileSync(`${name}.onnx`);
    for (const opset of [13, 17, 18]) list[`${name}-${opset}`] = atOpset(file, opset);
  }
  for (const opset of [12, 13, 18]) {
    list[`small-${opset}`] = small(opset, 3, false, false);
    list[`last-${opset}`] = small(opset, 3, true, opset === 13);
  }
  list['open-17'] = small(17, 1, false, true);
  const keras = `${cases}/channels_last.onnx`;
  if (fs.existsSync(keras)) list.keras = fs.readFileSync(keras);
  else console.log(`no ${keras}: one model fewer`);
  return list;
}

// ---- what both say ----

// Pixels of every file, [H,W,C].
function pixelsOf(channels, paths) {
  const raw = execFileSync(rawImages, [String(channels), ...paths], { maxBuffer: 1 << 30 });
  const list = [];
  for (let at = 0; at < raw.length;) {
    const height = raw.readUInt32LE(at), width = raw.readUInt32LE(at + 4), size = height * width * channels;
    list.push({ height, width, channels, data: raw.subarray(at + 8, at + 8 + size) });
    at += 8 + size;
  }
  return list;
}

function feed(image, kind) {
  const { height, width, channels, data } = image;
  if (kind === 'uint8-nhwc') return new ort.Tensor('uint8', Uint8Array.from(data), [1, height, width, channels]);
  const planes = new Uint8Array(data.length), plane = height * width;
  for (let i = 0; i < plane; i++) for (let c = 0; c < channels; c++) planes[c * plane + i] = data[i * channels + c];
  return kind === 'uint8-nchw' ? new ort.Tensor('uint8', planes, [1, channels, height, width])
    : new ort.Tensor('float32', Float32Array.from(planes), [1, channels, height, width]);
}

const ours = (file, folder) => JSON.parse(run('predict', file, folder, '--top', '65536', '--json')).images;

async function theirs(file, kind, pixels) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const rows = [];
  for (const image of pixels) {
    const out = await session.run({ [session.inputNames[0]]: feed(image, kind) });
    rows.push(out[session.outputNames[0]].data);
  }
  return rows;
}

// The largest difference of a probability, and how many images get another class.
function differences(rows, predictions) {
  let worst = 0, other = 0;
  predictions.forEach(({ predictions: list }, i) => {
    const row = Array.from(rows[i]);
    if (row.length !== list.length) worst = Infinity;
    for (const { index, probability } of list) worst = Math.max(worst, Math.abs(row[index] - probability) || 0);
    if (row.some(Number.isNaN)) worst = Infinity;
    if (row.indexOf(Math.max(...row)) !== list[0].index) other++;
  });
  return { worst, other };
}

async function compare(name, kind, channels, more, folder = 'photos') {
  const what = `${name} ${kind} ${channels} channels`, whole = `${name}-${kind}-${channels}.onnx`;
  run('convert', `${name}.onnx`, '--preprocess', kind, ...more, '--probabilities', '-o', whole);
  const before = ours(`${name}.onnx`, folder), after = ours(whole, folder);
  check(`${what}: predict says the same of both files`, JSON.stringify(before) === JSON.stringify(after));
  const pixels = pixelsOf(channels, before.map((row) => row.path));
  const wanted = folder === 'photos' ? images : GRAYS;
  const { worst, other } = differences(await theirs(whole, kind, pixels), before);
  check(`${what}: onnxruntime and predict`, before.length === wanted && worst <= 1e-4 && other === 0,
    `largest difference ${worst.toExponential(1)}, ${other} other classes`);
  run('convert', whole, '--strip-preprocess', '-o', 'back.onnx');
  check(`${what}: the bytes come back`, fs.readFileSync('back.onnx').equals(fs.readFileSync(`${name}.onnx`)));
  return worst;
}

execFileSync(makeJpegs, ['photos', String(images), '1']);
execFileSync(makeJpegs, ['grays', String(GRAYS), '2', 'gray']);
const list = files(), kinds = ['uint8-nhwc', 'uint8-nchw', 'float'];
let largest = 0, at = 0;
for (const [name, file] of Object.entries(list)) {
  fs.writeFileSync(`${name}.onnx`, file);
  const own = name.startsWith('gray') || name.startsWith('open') || name === 'keras' ? 1 : 3;
  for (const kind of all ? kinds : [kinds[at++ % 3]]) {
    largest = Math.max(largest, await compare(name, kind, own, []));
    if (own === 3) largest = Math.max(largest, await compare(name, kind, 1, ['--channels', '1'], 'grays'));
    if (own === 1) largest = Math.max(largest, await compare(name, kind, 3, ['--channels', '3']));
  }
}
// A file without class names gets those of the data.
fs.writeFileSync('unnamed.onnx', small(17, 3, false, false, 3));
run('convert', 'unnamed.onnx', '--preprocess', 'float', '--data', 'photos', '-o', 'named.onnx');
check('class names of the data', run('models', 'named.onnx').includes('classes  3: boat, cat, dog'));
run('convert', 'named.onnx', '--strip-preprocess', '-o', 'back.onnx');
check('the names go again', fs.readFileSync('back.onnx').equals(fs.readFileSync('unnamed.onnx')));

console.log(`${Object.keys(list).length} models, ${images} images: largest difference of a probability ${largest.toExponential(1)}`);
process.exit(failed ? 1 : 0);
