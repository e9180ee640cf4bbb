// Runs in Chromium. Exposes two functions to make.mjs: one graph on one tensor, the whole solution on one photo.
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core'

const toBytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
const toNumbers = (array) => Array.from(array)

let models
async function loadModels() {
  await loadLiteRt('/node_modules/@litertjs/core/wasm/')
  const load = (part) => loadAndCompile(`/parts/${part}`, { accelerator: 'wasm' })
  return { detector: await load('detector'), mesh: await load('mesh') }
}

/** Pixels 0..255 (base64 RGB), shifted and scaled, through one graph on the CPU: every output by its name. */
window.runGraph = async (part, rgb, side, scale, shift) => {
  models ??= loadModels()
  const model = (await models)[part]
  const input = Float32Array.from(toBytes(rgb), (v) => v * scale + shift)
  const tensor = Tensor.fromTypedArray(input, [1, side, side, 3])
  const details = model.getOutputDetails()
  const outputs = await model.run([tensor])
  const result = {}
  for (const [i, output] of outputs.entries()) {
    result[details[i].name] = { shape: details[i].shape.map(Number), values: toNumbers(await output.data()) }
  }
  return result
}

let solution
/** The five floats of a NormalizedRect message: centre x and y, height, width (shares of the photo), rotation. */
function decodeRect(message) {
  const view = new DataView(Uint8Array.from(Object.values(message)).buffer)
  return Array.from({ length: 5 }, (_, i) => view.getFloat32(5 * i + 1, true))
}

/**
 * Photo (base64 RGBA) through the whole MediaPipe solution.
 * Resolves to landmarks (x, y, z in photo px) and region of interest [cx, cy, side, angle], or null without a face.
 */
window.runSolution = async (rgba, width, height, refineLandmarks) => {
  solution ??= new window.FaceMesh({ locateFile: (file) => `/node_modules/@mediapipe/face_mesh/${file}` })
  solution.setOptions({ maxNumFaces: 1, refineLandmarks })
  // Without a reset the second photo would be tracked from the face of the first.
  solution.reset()
  const canvas = new OffscreenCanvas(width, height)
  const pixels = new ImageData(new Uint8ClampedArray(toBytes(rgba)), width, height)
  canvas.getContext('2d').putImageData(pixels, 0, 0)
  const image = await createImageBitmap(canvas)
  const results = await new Promise((resolve, reject) => {
    solution.onResults(resolve)
    solution.send({ image }).catch(reject)
  })
  const face = results.multiFaceLandmarks?.[0]
  if (!face) return null
  const [cx, cy, , w, angle] = decodeRect(results.rois[0])
  return {
    landmarks: face.flatMap(({ x, y, z }) => [x * width, y * height, z * width]),
    roi: [cx * width, cy * height, w * width, angle],
  }
}
window.ready = true
