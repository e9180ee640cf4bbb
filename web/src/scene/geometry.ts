import { BufferAttribute, BufferGeometry, Matrix3, Vector3 } from 'three'
import { applySimilarity3, expressionFlow, TEMPLATE_SIZE } from '../package.js'
import type { Face, Motion, Surface } from './face.js'

/** Geometries of the scene. Its axes: x right, y up, z towards the viewer, template px, the frame's middle at the origin. */

const N = TEMPLATE_SIZE
const HALF = N / 2
/** Neighbouring pixels further apart in depth than this many template px are not one surface. */
const TEAR = 14

/** Depth of the scene's origin: the mean of the mesh. */
export function middleDepth(mesh: Float32Array): number {
  let sum = 0
  for (let i = 2; i < mesh.length; i += 3) sum += mesh[i] as number
  return sum / (mesh.length / 3)
}

/** Template px to scene, in a new array. */
export function toScene(points: Float32Array, middle: number): Float32Array {
  return points.map((value, i) => (i % 3 === 0 ? value - HALF : i % 3 === 1 ? HALF - value : middle - value))
}

/** Displacements keep their length and change their axes. */
function motionToScene(motion: Float32Array): Float32Array {
  return motion.map((value, i) => (i % 3 === 0 ? value : -value))
}

export function meshGeometry(face: Face): BufferGeometry {
  const geometry = new BufferGeometry()
  geometry.setAttribute('position', new BufferAttribute(toScene(face.mesh, middleDepth(face.mesh)), 3))
  geometry.setAttribute('uv', new BufferAttribute(face.uv, 2))
  geometry.setAttribute('motion', new BufferAttribute(new Float32Array(face.mesh.length), 3))
  geometry.setIndex(new BufferAttribute(face.triangles, 1))
  return geometry
}

/** A vertex for every pixel of the face. `pixels` says which: vertex to pixel. */
export interface DenseGeometry {
  readonly geometry: BufferGeometry
  readonly pixels: Uint32Array
}

export function denseGeometry({ mask, depth }: Surface, middle: number): DenseGeometry {
  const vertexOf = new Int32Array(N * N).fill(-1)
  const pixels = Uint32Array.from(mask.keys()).filter((i) => mask[i] !== 0)
  const position = new Float32Array(pixels.length * 3)
  const uv = new Float32Array(pixels.length * 2)
  pixels.forEach((pixel, v) => {
    vertexOf[pixel] = v
    const [x, y] = [(pixel % N) + 0.5, Math.floor(pixel / N) + 0.5]
    position.set([x - HALF, HALF - y, middle - (depth[pixel] as number)], 3 * v)
    uv.set([x / N, y / N], 2 * v)
  })
  const index: number[] = []
  const near = (a: number, b: number) => Math.abs((depth[a] as number) - (depth[b] as number)) < TEAR
  for (let y = 0; y + 1 < N; y++) {
    for (let x = 0; x + 1 < N; x++) {
      const [a, b, c, d] = [y * N + x, y * N + x + 1, (y + 1) * N + x, (y + 1) * N + x + 1]
      const [va, vb, vc, vd] = [vertexOf[a], vertexOf[b], vertexOf[c], vertexOf[d]] as [
        number,
        number,
        number,
        number,
      ]
      if (vb < 0 || vc < 0 || !near(b, c)) continue
      if (va >= 0 && near(a, b) && near(a, c)) index.push(va, vc, vb)
      if (vd >= 0 && near(d, b) && near(d, c)) index.push(vb, vc, vd)
    }
  }
  const geometry = new BufferGeometry()
  geometry.setAttribute('position', new BufferAttribute(position, 3))
  geometry.setAttribute('uv', new BufferAttribute(uv, 2))
  geometry.setAttribute('motion', new BufferAttribute(new Float32Array(position.length), 3))
  geometry.setIndex(new BufferAttribute(Uint32Array.from(index), 1))
  return { geometry, pixels }
}

/** Motion of the mesh's vertices in the scene; without the head's where `withHead` is false. */
export function meshMotion(face: Face, motion: Motion, withHead: boolean): Float32Array {
  const out = new Float32Array(face.mesh.length)
  for (let v = 0; v < out.length; v += 3) {
    const from = face.mesh.subarray(v, v + 3) as unknown as [number, number, number]
    const start = withHead ? from : applySimilarity3(motion.rigid, from[0], from[1], from[2])
    for (let axis = 0; axis < 3; axis++) {
      out[v + axis] = (motion.mesh[v + axis] as number) - (start[axis] as number)
    }
  }
  return motionToScene(out)
}

/** The same for the pixels of the dense surface. */
export function denseMotion(
  surface: Surface,
  pixels: Uint32Array,
  flow: Float32Array,
  motion: Motion,
  withHead: boolean,
): Float32Array {
  const field = withHead ? flow : expressionFlow(flow, motion.rigid, surface.mask, surface.depth)
  const out = new Float32Array(pixels.length * 3)
  pixels.forEach((pixel, v) => {
    out.set(field.subarray(3 * pixel, 3 * pixel + 3), 3 * v)
  })
  return motionToScene(out)
}

/**
 * From a place in the template frame, x and y in [0, 1], to the one in the face's texture: the photo lies there under a
 * similarity. Vertices off the picture, whose coordinates were clamped to its edge, say nothing about it.
 */
export function frameToTexture({ mesh, uv }: Face): Matrix3 {
  const sums = new Float64Array(9)
  const [u, v] = [new Vector3(), new Vector3()]
  for (let k = 0; k < uv.length / 2; k++) {
    const [a, b] = [uv[2 * k] as number, uv[2 * k + 1] as number]
    if (a <= 0 || a >= 1 || b <= 0 || b >= 1) continue
    const place = new Vector3((mesh[3 * k] as number) / N, (mesh[3 * k + 1] as number) / N, 1)
    const [x, y] = [place.x, place.y]
    for (const [i, value] of [x * x, x * y, x, x * y, y * y, y, x, y, 1].entries())
      sums[i] = (sums[i] as number) + value
    u.addScaledVector(place, a)
    v.addScaledVector(place, b)
  }
  const inverse = new Matrix3().fromArray([...sums]).invert()
  const [p, q] = [u.applyMatrix3(inverse), v.applyMatrix3(inverse)]
  return new Matrix3().set(p.x, p.y, p.z, q.x, q.y, q.z, 0, 0, 1)
}
