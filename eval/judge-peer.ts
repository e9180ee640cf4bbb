import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve, sep } from 'node:path'

/** MediaPipe's FaceLandmarker in a headless browser, on pictures of this machine. */

/** What the peer says of a face. */
export interface PeerFace {
  /** 478x3: x and y in photo px. The first 468 are the vertices of the face mesh. */
  readonly points: readonly (readonly [number, number, number])[]
  /** Rotation of the canonical face, 3x3 row-major, in x right, y down, z away from the camera. */
  readonly rotation: readonly number[]
}

/** What of playwright-core is used; the package is the peer folder's. */
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<{
      newPage(): Promise<{
        goto(url: string): Promise<unknown>
        waitForFunction(text: string): Promise<unknown>
        evaluate<T, A>(work: (argument: A) => T, argument: A): Promise<Awaited<T>>
      }>
      close(): Promise<void>
    }>
  }
}

interface Found {
  readonly points: [number, number, number][] | null
  readonly matrix: number[] | null
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.mjs': 'text/javascript',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
}

const PAGE = `<!doctype html><script type="module">
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
</script>`

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
  const root = resolve(folder)
  const playwright = createRequire(join(root, 'package.json'))('playwright-core') as Playwright
  const fileOf = (url: string): string | undefined => {
    const photo = /^\/photo\/(\d+)\./.exec(url)
    if (photo) return photos[Number(photo[1])]
    const file = resolve(root, `.${decodeURIComponent(url)}`)
    return file.startsWith(root + sep) ? file : undefined
  }
  const server = createServer((request, response) => {
    const url = (request.url ?? '/').split('?')[0] as string
    if (url === '/') {
      response.writeHead(200, { 'content-type': TYPES['.html'] }).end(PAGE)
      return
    }
    const file = fileOf(url)
    const bytes = file === undefined ? Promise.reject(new TypeError(url)) : readFile(file)
    bytes.then(
      (content) => response.writeHead(200, { 'content-type': TYPES[extname(file ?? '')] ?? '' }).end(content),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.goto(origin)
    await page.waitForFunction('globalThis.judge')
    const faces: (PeerFace | null)[] = []
    for (const [i, photo] of photos.entries()) {
      const { points, matrix } = await page.evaluate(
        (url: string) => (globalThis as unknown as { judge(url: string): Promise<Found> }).judge(url),
        `${origin}/photo/${i}${extname(photo)}`,
      )
      faces.push(points && matrix && { points, rotation: rotationOf(matrix) })
    }
    return faces
  } finally {
    await browser.close()
    server.close()
  }
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
