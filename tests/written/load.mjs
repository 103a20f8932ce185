// load.mjs: onnxruntime loads each file that standard input names, one a line; one line of JSON each: null, or why not.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const ort = createRequire(`${process.env.EK_NODE_MODULES}/`)('onnxruntime-node');
for (const file of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  let why = null;
  try {
    const session = await ort.InferenceSession.create(file,
      { intraOpNumThreads: 1, logSeverityLevel: 4, graphOptimizationLevel: 'disabled' });
    await session.release();
  } catch (error) {
    why = error.message;
  }
  console.log(JSON.stringify(why));
}
