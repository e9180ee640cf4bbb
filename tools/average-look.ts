import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DeepFaceFlow } from '../src/face/deep-face-flow.js'
import { LOOK_UNIT } from '../src/face/look/average-look.js'
import { contrastOf } from '../src/face/look/contrast.js'
import { applySimilarityToPoints } from '../src/geometry/similarity.js'

/** npx tsx tools/average-look.ts FOLDER...: AVERAGE_LOOK of src/face/look/average-look.ts, from portraits of different people. */

const faceFlow = await DeepFaceFlow.create()
const sum = new Float64Array(468)
let count = 0
for (const folder of process.argv.slice(2)) {
  for (const file of readdirSync(folder).filter((name) => /\.(jpe?g|png|webp)$/i.test(name))) {
    const [face] = await faceFlow.detect(join(folder, file)).catch(() => [])
    if (face === undefined) continue
    const mesh = applySimilarityToPoints(face.toTemplate, face.landmarks468, 3)
    contrastOf(face.registered, mesh).forEach((value, v) => {
      sum[v] = (sum[v] as number) + value
    })
    count++
  }
}
faceFlow.dispose()
const bytes = Int8Array.from(sum, (value) => Math.round((LOOK_UNIT * value) / count))
console.log(count, Buffer.from(bytes.buffer).toString('base64'))
