import { judgeInPage } from './peer-page.js'

/** MediaPipe's FaceLandmarker in a headless browser, on pictures of this machine. */

/** What the peer says of a face. */
export interface PeerFace {
  /** 478x3: x and y in photo px. The first 468 are the vertices of the face mesh. */
  readonly points: readonly (readonly [number, number, number])[]
  /** Rotation of the canonical face, 3x3 row-major, in x right, y down, z away from the camera. */
  readonly rotation: readonly number[]
}

interface Found {
  readonly points: [number, number, number][] | null
  readonly matrix: number[] | null
}

const MODULE = `
import { FaceLandmarker, FilesetResolver } from '/node_modules/@mediapipe/tasks-vision/vision_bundle.mjs'
const files = await FilesetResolver.forVisionTasks('/node_modules/@mediapipe/tasks-vision/wasm')
const landmarker = await FaceLandmarker.createFromOptions(files, {
  baseOptions: { modelAssetPath: '/face_landmarker.task', delegate: 'CPU' },
  runningMode: 'IMAGE', outputFacialTransformationMatrixes: true,
})
globalThis.judge = async (url) => {
  const image = new Image()
  image.src = url
  await image.decode()
  const { faceLandmarks: [points], facialTransformationMatrixes: [matrix] } = landmarker.detect(image)
  return {
    points: points?.map(({ x, y, z }) => [x * image.width, y * image.height, z * image.width]) ?? null,
    matrix: matrix?.data ?? null,
  }
}
`

/**
 * @param folder holds `face_landmarker.task` and, below node_modules, `@mediapipe/tasks-vision` and `playwright-core`
 * @param chromium path of the browser
 * @param photos absolute paths
 * @returns one a photo; null where the peer sees no face
 */
export async function judgePhotos(
  folder: string,
  chromium: string,
  photos: readonly string[],
): Promise<(PeerFace | null)[]> {
  const faces = await judgeInPage<Found>(folder, chromium, MODULE, photos)
  return faces.map(({ points, matrix }) => points && matrix && { points, rotation: rotationOf(matrix) })
}

/** @param matrix 4x4, column-major, in x right, y up, z towards the camera */
function rotationOf(matrix: readonly number[]): number[] {
  const sign = [1, -1, -1]
  const size = Math.hypot(...matrix.slice(0, 3))
  return Array.from({ length: 9 }, (_, i) => {
    const [row, column] = [Math.floor(i / 3), i % 3]
    const flipped = (sign[row] as number) * (sign[column] as number)
    return (flipped * (matrix[4 * column + row] as number)) / size
  })
}
