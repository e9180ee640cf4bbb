import { judgeInPage } from './peer-page.js'

/** The face descriptor of @vladmandic/face-api, dlib's network of 128 numbers, in a headless browser. */

const MODULE = `
import * as faceapi from '/node_modules/@vladmandic/face-api/dist/face-api.esm.js'
const models = '/node_modules/@vladmandic/face-api/model'
faceapi.tf.setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/')
await faceapi.tf.setBackend('wasm')
await faceapi.tf.ready()
await faceapi.nets.ssdMobilenetv1.loadFromUri(models)
await faceapi.nets.faceLandmark68Net.loadFromUri(models)
await faceapi.nets.faceRecognitionNet.loadFromUri(models)
globalThis.judge = async (url) => {
  const image = new Image()
  image.src = url
  await image.decode()
  const face = await faceapi.detectSingleFace(image).withFaceLandmarks().withFaceDescriptor()
  return face ? [...face.descriptor] : null
}
`

/**
 * @param folder holds, below node_modules, `@vladmandic/face-api`, `@tensorflow/tfjs-backend-wasm` of the version that it bundles, and `playwright-core`
 * @param chromium path of the browser
 * @param photos absolute paths
 * @returns 128 numbers a photo; null where the peer sees no face
 */
export async function describeFaces(
  folder: string,
  chromium: string,
  photos: readonly string[],
): Promise<(readonly number[] | null)[]> {
  return await judgeInPage<number[] | null>(folder, chromium, MODULE, photos)
}

/** Distance of two descriptors: below 0.6 its makers count two photos as of one person. */
export function descriptorDistance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((value, i) => value - (b[i] as number)))
}
