import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { DeepFaceFlow, demoPhotos, drawOverview, writeFileAtomic } from '../src/index.js'

/*
 * docs/overview.png: the demo's overview with the weights and adapter at hand, in 256 colours to keep the repository
 * small. Run again when the weights change: npx tsx tools/make-overview.ts
 */
const MAX_BYTES = 400_000
const file = fileURLToPath(new URL('../docs/overview.png', import.meta.url))

const faceFlow = await DeepFaceFlow.create()
try {
  const { width, height, data } = await drawOverview(await faceFlow.flow(...demoPhotos()))
  const png = await sharp(data, { raw: { width, height, channels: 4 } })
    .removeAlpha()
    .png({ palette: true, colours: 256, dither: 0.6, effort: 10, compressionLevel: 9 })
    .toBuffer()
  if (png.length > MAX_BYTES)
    throw new Error(`${file} would have ${png.length} bytes, more than ${MAX_BYTES}`)
  await writeFileAtomic(file, png)
  process.stdout.write(`${file}: ${png.length} bytes, weights ${faceFlow.weights.hash}\n`)
} finally {
  faceFlow.dispose()
}
