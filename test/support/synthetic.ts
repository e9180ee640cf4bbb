import { fileURLToPath } from 'node:url'
import { loadTemplate } from '../../src/face/register/template-file.js'
import type { FaceFrame, FlowResult } from '../../src/face/types.js'
import {
  applySimilarity,
  applySimilarityToPoints,
  fitSimilarity,
  invertSimilarity,
} from '../../src/geometry/similarity.js'
import type { Rgba } from '../../src/geometry/types.js'
import { TEMPLATE_SIZE } from '../../src/geometry/types.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { expressionFlow } from '../../src/products/expression.js'
import { forwardBackward } from '../../src/products/forward-backward.js'
import { moveMesh } from '../../src/products/moved-mesh.js'
import { photometricResidual, warpByFlow } from '../../src/products/residual.js'
import { rigidInPhotos } from '../../src/products/rigid-motion.js'

/*
 * Results with a known motion on real photos, for the tests of files, pictures and commands: no network
 * and no GPU. The face is half an ellipsoid.
 */

const N = TEMPLATE_SIZE
const COLUMNS = 18
const ROWS = 26

/** Motion of a surface point in template px. */
export type Motion = (x: number, y: number, z: number) => readonly [number, number, number]

export const turn: Motion = (x, _y, z) => {
  const c = Math.cos(0.12)
  const s = Math.sin(0.12)
  const [u, w] = [x - 112, z]
  return [c * u + s * w - u, 0, -s * u + c * w - w]
}

export const zoom: Motion = (x, y) => [0.06 * (x - 112), 0.06 * (y - 120), 0]

/** The lower lip and chin go down and back by up to 9 px. */
export const mouthOpening: Motion = (x, y) => {
  const below = Math.max(0, Math.min(1, (y - 158) / 10))
  const amount = 9 * below * Math.exp(-(((x - 112) / 38) ** 2))
  return [0, amount, 0.35 * amount]
}

export const together =
  (...motions: Motion[]): Motion =>
  (x, y, z) => {
    let [dx, dy, dz] = [0, 0, 0]
    for (const motion of motions) {
      const [u, v, w] = motion(x, y, z)
      dx += u
      dy += v
      dz += w
    }
    return [dx, dy, dz]
  }

/** z of the ellipsoid's front at a template point, or null off the face. */
export function surfaceDepth(x: number, y: number): number | null {
  const q = 1 - ((x - 112) / 72) ** 2 - ((y - 122) / 88) ** 2
  return q > 0 ? -60 * Math.sqrt(q) + 20 : null
}

/** Dense flow, mask and depth of a motion of the ellipsoid. */
export function denseFlow(motion: Motion): { flow: Float32Array; mask: Uint8Array; depth: Float32Array } {
  const flow = new Float32Array(N * N * 3)
  const mask = new Uint8Array(N * N)
  const depth = new Float32Array(N * N)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const z = surfaceDepth(x + 0.5, y + 0.5)
      if (z === null) continue
      const i = y * N + x
      mask[i] = 1
      depth[i] = z
      flow.set(motion(x + 0.5, y + 0.5, z), 3 * i)
    }
  }
  return { flow, mask, depth }
}

/** 18x26 = 468 vertices on the ellipsoid and its triangles, facing the camera. */
export function ellipsoidMesh(): { vertices: Float32Array; triangles: Uint16Array } {
  const vertices: number[] = []
  const triangles: number[] = []
  for (let r = 0; r < ROWS; r++) {
    for (let c = 0; c < COLUMNS; c++) {
      const v = ((r + 0.5) / ROWS) * 2 - 1
      const u = (((c + 0.5) / COLUMNS) * 2 - 1) * Math.sqrt(1 - v * v)
      const x = 112 + 71 * u
      const y = 122 + 87 * v
      vertices.push(x, y, surfaceDepth(x, y) ?? 20)
      if (r + 1 < ROWS && c + 1 < COLUMNS) {
        const i = r * COLUMNS + c
        triangles.push(i, i + COLUMNS, i + 1, i + 1, i + COLUMNS, i + COLUMNS + 1)
      }
    }
  }
  return { vertices: Float32Array.from(vertices), triangles: Uint16Array.from(triangles) }
}

/** Committed photo by its path in the repository. */
export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}

export const PHOTO_A = repositoryFile('demo/franck_01829.jpg')
export const PHOTO_B = repositoryFile('demo/franck_04117.jpg')

/** Eyes of the two demo frames as marked by hand, photo px: left x, y, right x, y. */
const EYES_A = [323, 269, 442, 247]
const EYES_B = [304, 230, 422, 230]

async function frame(file: string, eyes: readonly number[]): Promise<FaceFrame> {
  const { landmarks68 } = await loadTemplate()
  const centre = (from: number) =>
    [0, 1].map((axis) => {
      let sum = 0
      for (let k = from; k < from + 6; k++) sum += landmarks68[2 * k + axis] as number
      return sum / 6
    })
  const toTemplate = fitSimilarity(eyes, [...centre(36), ...centre(42)])
  const back = invertSimilarity(toTemplate)
  const image = await decodePhoto(file)
  const [left, top] = applySimilarity(back, 35, 30)
  const [right, bottom] = applySimilarity(back, 190, 200)
  return {
    image,
    box: { x: left, y: top, width: right - left, height: bottom - top },
    score: 0.95,
    irises: new Float32Array(20),
    landmarks468: applySimilarityToPoints(back, ellipsoidMesh().vertices, 3),
    landmarks68: applySimilarityToPoints(back, landmarks68, 2),
    toTemplate,
    registered: register(image, back),
    registrationResidual: 0.4,
  }
}

/** Nearest-pixel warp of a photo to the template frame. */
function register(image: Rgba, back: FaceFrame['toTemplate']): Rgba {
  const data = new Uint8Array(N * N * 4)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const [u, v] = applySimilarity(back, x + 0.5, y + 0.5)
      const from = 4 * (Math.floor(v) * image.width + Math.floor(u))
      const inside = u >= 0 && v >= 0 && u < image.width && v < image.height
      data.set(inside ? image.data.subarray(from, from + 4) : [0, 0, 0, 255], 4 * (y * N + x))
    }
  }
  return { width: N, height: N, data }
}

/** A complete result for the motion, on the two demo frames. */
export async function syntheticResult(motion: Motion): Promise<FlowResult> {
  const a = await frame(PHOTO_A, EYES_A)
  const b = await frame(PHOTO_B, EYES_B)
  const { flow, mask, depth } = denseFlow(motion)
  const { vertices, triangles } = ellipsoidMesh()
  const moved = moveMesh(vertices, flow, mask, depth)
  const backwardFlow = flow.map((v) => -v)
  const pncc = Float32Array.from({ length: N * N * 3 }, (_, k) => {
    const i = Math.floor(k / 3)
    if (mask[i] === 0) return 0
    return [(i % N) / N, Math.floor(i / N) / N, 0.5 - (depth[i] as number) / 100][k % 3] as number
  })
  const warpedB = warpByFlow(b.registered, flow, mask)
  return {
    flow,
    mask,
    meshMask: mask,
    pncc,
    depth,
    meshA: vertices,
    meshB: moved.mesh,
    triangles,
    registeredA: a.registered,
    registeredB: b.registered,
    backwardFlow,
    confidence: forwardBackward(flow, mask, backwardFlow, mask).confidence,
    occlusion: new Uint8Array(mask.length),
    occlusionProbability: new Float32Array(mask.length),
    rigid: moved.rigid,
    rigidPhoto: rigidInPhotos(moved.rigid, a.toTemplate, b.toTemplate),
    expressionFlow: expressionFlow(flow, moved.rigid, mask, depth),
    warpedB,
    ...photometricResidual(a.registered, b.registered, warpedB, mask),
    a,
    b,
    weights: { name: 'synthetic', hash: '0'.repeat(64), depthHash: null, epe: null },
    depthSource: 'motion',
    refinement: 'variational',
    extent: 'mesh',
    adapter: 'none',
    timingsMs: { total: 1 },
    checks: [],
    warnings: [],
  }
}
