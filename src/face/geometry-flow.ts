import { at } from './array.js'
import { applySimilarity3, fitRigidRobust, type Similarity3 } from './geometry-rigid.js'
import { applySimilarity, invertSimilarity, similarityScale } from './geometry-similarity.js'
import type { RigidMotion, Similarity } from './types.js'
import { TEMPLATE_SIZE } from './types.js'

/**
 * What is derived from a flow field: samples between pixels, the moved mesh, motion in photo px,
 * forward-backward consistency, rigid and expression parts. Fields are 224x224, see types.ts.
 */

const N = TEMPLATE_SIZE

/**
 * Bilinear sample of a masked field at a point between pixels. Neighbours off the mask do not count, so
 * that values at the rim are not pulled towards the zeros beyond it.
 * @param field 224x224x`channels`
 * @param mask 224x224; 0 = no value there
 * @param x template px, pixel centres at integer + 0.5
 * @param out receives `channels` numbers
 * @returns share in [0, 1] of the bilinear weight that lay on the mask; 0 leaves `out` zero
 */
export function sampleMasked(
  field: ArrayLike<number>,
  channels: number,
  mask: ArrayLike<number>,
  x: number,
  y: number,
  out: Float64Array,
): number {
  out.fill(0)
  const left = Math.floor(x - 0.5)
  const top = Math.floor(y - 0.5)
  const fx = x - 0.5 - left
  const fy = y - 0.5 - top
  let sum = 0
  for (let j = 0; j < 2; j++) {
    for (let i = 0; i < 2; i++) {
      const px = left + i
      const py = top + j
      if (px < 0 || py < 0 || px >= N || py >= N || mask[py * N + px] === 0) continue
      const w = (i === 0 ? 1 - fx : fx) * (j === 0 ? 1 - fy : fy)
      sum += w
      for (let c = 0; c < channels; c++) {
        out[c] = at(out, c) + w * at(field, (py * N + px) * channels + c)
      }
    }
  }
  if (sum > 0) for (let c = 0; c < channels; c++) out[c] = at(out, c) / sum
  return sum
}

/** A vertex this much behind the visible surface, in template px, is hidden by it. */
const HIDDEN_MARGIN = 3

/**
 * Mesh of B: every visible vertex of A moved by the flow at its place. Hidden vertices (behind the
 * surface, or off the mask) have no flow of their own and follow the rigid motion of the visible ones.
 * @param mesh Vx3, template px of A
 * @param flow 224x224x3
 * @param mask 224x224
 * @param depth 224x224, z of the visible surface, template px
 * @returns the moved mesh, Vx3 in template px of B, and the rigid motion most visible vertices follow
 */
export function moveMesh(
  mesh: ArrayLike<number>,
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): { mesh: Float32Array; rigid: RigidMotion } {
  const vertices = mesh.length / 3
  const out = new Float32Array(mesh.length)
  const step = new Float64Array(3)
  const surface = new Float64Array(1)
  const source: number[] = []
  const target: number[] = []
  const hidden: number[] = []
  for (let v = 0; v < vertices; v++) {
    const x = at(mesh, 3 * v)
    const y = at(mesh, 3 * v + 1)
    const z = at(mesh, 3 * v + 2)
    sampleMasked(depth, 1, mask, x, y, surface)
    if (sampleMasked(flow, 3, mask, x, y, step) === 0 || z > at(surface, 0) + HIDDEN_MARGIN) {
      hidden.push(v)
      continue
    }
    const moved = [x + at(step, 0), y + at(step, 1), z + at(step, 2)]
    out.set(moved, 3 * v)
    source.push(x, y, z)
    target.push(...moved)
  }
  const rigid = fitRigidRobust(source, target)
  for (const v of hidden) {
    out.set(applySimilarity3(rigid, at(mesh, 3 * v), at(mesh, 3 * v + 1), at(mesh, 3 * v + 2)), 3 * v)
  }
  return { mesh: out, rigid }
}

/**
 * Flow that the rigid motion alone would cause on the visible surface.
 * @returns 224x224x3, zero off the mask
 */
export function rigidFlow(
  rigid: Similarity3,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(N * N * 3)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const i = y * N + x
      if (mask[i] === 0) continue
      const z = at(depth, i)
      const [u, v, w] = applySimilarity3(rigid, x + 0.5, y + 0.5, z)
      out[3 * i] = u - x - 0.5
      out[3 * i + 1] = v - y - 0.5
      out[3 * i + 2] = w - z
    }
  }
  return out
}

/** What is left of the flow when the rigid motion is taken away. @returns 224x224x3, zero off the mask */
export function expressionFlow(
  flow: ArrayLike<number>,
  rigid: Similarity3,
  mask: ArrayLike<number>,
  depth: ArrayLike<number>,
): Float32Array {
  const out = rigidFlow(rigid, mask, depth)
  for (let i = 0; i < out.length; i++) {
    if (mask[Math.floor(i / 3)] !== 0) out[i] = at(flow, i) - at(out, i)
  }
  return out
}

/** Spread of the confidence: forward-backward error at which it has fallen to 0.61, template px. */
const CONFIDENCE_SIGMA = 1.5
/**
 * Forward-backward error that is no sign of occlusion, template px. Both flows err by half a pixel to a pixel on
 * average and by several where the expression changes much; the half pixel that is usual for variational flow would
 * call a laughing cheek occluded.
 */
const OCCLUSION_FLOOR = 3
/** The same, relative to the squared lengths of both flows in the plane. */
const OCCLUSION_SHARE = 0.05

/**
 * Forward-backward consistency: a point carried to B by the forward flow and back by the backward flow
 * should come home. A pixel counts as occluded when |F + B|^2 exceeds a share of |F|^2 + |B|^2 plus a floor
 * (the form of the bound of Sundaram, Brox and Keutzer, ECCV 2010), or when it lands off the face of B. Lengths are
 * those of (dx, dy): dz is the part of the flow with the largest errors, which say nothing about what is hidden.
 * @param forward 224x224x3 on `maskA`
 * @param backward 224x224x3 on `maskB`
 * @returns `occlusion` 224x224 of 0/1 and `confidence` 224x224 in [0, 1]; both zero off `maskA`
 */
export function forwardBackward(
  forward: ArrayLike<number>,
  maskA: ArrayLike<number>,
  backward: ArrayLike<number>,
  maskB: ArrayLike<number>,
): { occlusion: Uint8Array; confidence: Float32Array } {
  const occlusion = new Uint8Array(N * N)
  const confidence = new Float32Array(N * N)
  const back = new Float64Array(3)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      const i = y * N + x
      if (maskA[i] === 0) continue
      const [dx, dy] = [at(forward, 3 * i), at(forward, 3 * i + 1)]
      if (sampleMasked(backward, 3, maskB, x + 0.5 + dx, y + 0.5 + dy, back) < 0.5) {
        occlusion[i] = 1
        continue
      }
      const [bx, by] = [at(back, 0), at(back, 1)]
      const error = (dx + bx) ** 2 + (dy + by) ** 2
      const squares = dx * dx + dy * dy + bx * bx + by * by
      const bound = OCCLUSION_SHARE * squares + OCCLUSION_FLOOR ** 2
      occlusion[i] = error > bound ? 1 : 0
      confidence[i] = Math.exp(-error / (2 * CONFIDENCE_SIGMA ** 2))
    }
  }
  return { occlusion, confidence }
}

/**
 * Where one photo point goes: q = T1^-1(p) moves to T2^-1(p + F_xy(p)).
 * @param x photo px of A
 * @returns the point in photo px of B, or null when (x, y) is off the face mask
 */
export function mapPhotoPoint(
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  toTemplateA: Similarity,
  toTemplateB: Similarity,
  x: number,
  y: number,
): [number, number] | null {
  const [px, py] = applySimilarity(toTemplateA, x, y)
  const step = new Float64Array(3)
  if (sampleMasked(flow, 3, mask, px, py, step) < 0.5) return null
  return applySimilarity(invertSimilarity(toTemplateB), px + at(step, 0), py + at(step, 1))
}

/**
 * The flow at the full resolution of photo A.
 * @param size pixels of photo A
 * @returns `flow` HxWx3: (dx, dy) from a pixel of A to its place in B, in photo px; dz is the template's
 *   depth change in px of photo A (divided by the scale of T1). `mask` HxW is 1 where it is defined;
 *   zero elsewhere.
 */
export function flowToPhoto(
  flow: ArrayLike<number>,
  mask: ArrayLike<number>,
  toTemplateA: Similarity,
  toTemplateB: Similarity,
  size: { readonly width: number; readonly height: number },
): { flow: Float32Array; mask: Uint8Array } {
  const { width, height } = size
  const out = new Float32Array(width * height * 3)
  const outMask = new Uint8Array(width * height)
  const back = invertSimilarity(toTemplateB)
  const zScale = 1 / similarityScale(toTemplateA)
  const step = new Float64Array(3)
  const [x0, y0, x1, y1] = templateBounds(toTemplateA, width, height)
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const [px, py] = applySimilarity(toTemplateA, x + 0.5, y + 0.5)
      if (sampleMasked(flow, 3, mask, px, py, step) < 0.5) continue
      const [u, v] = applySimilarity(back, px + at(step, 0), py + at(step, 1))
      const i = y * width + x
      out[3 * i] = u - x - 0.5
      out[3 * i + 1] = v - y - 0.5
      out[3 * i + 2] = at(step, 2) * zScale
      outMask[i] = 1
    }
  }
  return { flow: out, mask: outMask }
}

/** Pixel range [x0, y0, x1, y1) of the photo that the template square covers. */
function templateBounds(
  toTemplate: Similarity,
  width: number,
  height: number,
): [number, number, number, number] {
  const back = invertSimilarity(toTemplate)
  const corners = [
    [0, 0],
    [N, 0],
    [0, N],
    [N, N],
  ].map(([x, y]) => applySimilarity(back, x as number, y as number))
  const xs = corners.map(([x]) => x)
  const ys = corners.map(([, y]) => y)
  return [
    Math.max(0, Math.floor(Math.min(...xs))),
    Math.max(0, Math.floor(Math.min(...ys))),
    Math.min(width, Math.ceil(Math.max(...xs))),
    Math.min(height, Math.ceil(Math.max(...ys))),
  ]
}
