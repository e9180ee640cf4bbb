import type { PairOutputs } from '../../src/face/registered-pair.js'
import { TEMPLATE_SIZE } from '../../src/geometry/types.js'
import { refTensor } from '../reference/dense.js'
import { rasteriseReference } from '../reference/raster.js'
import { ellipsoidMesh, type Motion } from './synthetic.js'

const N = TEMPLATE_SIZE
const { vertices, triangles } = ellipsoidMesh()
const FRAGMENTS = Float32Array.from(
  rasteriseReference(
    refTensor(1, 1, 468, 3, (_n, _y, v, c) => vertices[3 * v + c] as number),
    { width: N, height: N, triangles: Uint32Array.from(triangles) },
  ).data,
)

/** What the device computes for the ellipsoid with a known motion, before anything is derived from it. */
export function ellipsoidOutputs(motion: Motion, backward = false): PairOutputs {
  const black = { width: N, height: N, data: new Uint8Array(N * N * 4) }
  const flow = new Float32Array(N * N * 3)
  const mask = new Float32Array(N * N)
  const occlusion = new Float32Array(N * N * 2)
  for (let i = 0; i < N * N; i++) {
    if ((FRAGMENTS[4 * i + 3] as number) < 0) continue
    mask[i] = 20
    occlusion[2 * i + 1] = 1
    flow.set(motion((i % N) + 0.5, Math.floor(i / N) + 0.5, FRAGMENTS[4 * i] as number), 3 * i)
  }
  return {
    frames: [black, black],
    flow,
    fragments: FRAGMENTS,
    mesh: vertices,
    drawnMesh: vertices,
    meshOfB: undefined,
    landmarksOfA: undefined,
    faces: [],
    ...(backward && { backward: { flow: flow.map((value) => -value), occlusion, mask, meshMask: mask } }),
  }
}
