import { EYES } from '../animate/face-parts.js'
import { STEADY } from '../animate/head-motion.js'
import { setLids } from '../animate/openings.js'
import { meanOf } from '../animate/points.js'
import { poseWeights } from '../animate/pose-weights.js'
import { rotate, rotationFromAngles, transposed } from '../geometry/rotation.js'
import { similarityScale } from '../geometry/similarity.js'
import { fitSimilarity3 } from '../geometry/similarity3.js'
import { MESH_VERTICES, TEMPLATE_SIZE } from '../geometry/types.js'
import { READ_COEFFICIENTS } from '../nets/coefficients.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { CoefficientName } from './names.js'
import type { Coefficients, Expression } from './types.js'

/** A person's own mesh with a named deformation for each coefficient that it can show. */
export interface FaceRig {
  /** 468x3 at rest, in the frame and px of the mesh that it was made from. */
  readonly vertices: Float32Array
  /** Tx3. */
  readonly triangles: Uint16Array
  /** Names as ARKit's; all but the tongue. */
  readonly targets: readonly {
    readonly name: CoefficientName
    /** 468x3: what is added to `vertices` at a coefficient of 1. */
    readonly offsets: Float32Array
  }[]
}

/** What a model's face does at each coefficient, in distances of the outer eye corners; x right, y down, z away. */
export interface ModelShapes {
  /** 468x3. */
  readonly neutral: Float32Array
  /** 51 x 468x3, in the order of READ_COEFFICIENTS. */
  readonly shapes: readonly Float32Array[]
}

/** @throws EngineError INVALID_WEIGHTS */
export async function readModelShapes(source: ShippedFiles): Promise<ModelShapes> {
  const file = await readSafetensors(shippedWeights('arkit-shapes.safetensors', source), source)
  const count = READ_COEFFICIENTS.length
  const all = file.tensor('shapes', [count, MESH_VERTICES, 3])
  const size = 3 * MESH_VERTICES
  return {
    neutral: file.tensor('neutral', [MESH_VERTICES, 3]),
    shapes: Array.from({ length: count }, (_, i) => all.subarray(i * size, (i + 1) * size)),
  }
}

/**
 * Carries the model's deformations over to a person's mesh: turned with the head, and stretched as the surroundings of each vertex are
 * against the model's (after Sumner and Popović, "Deformation transfer for triangle meshes", SIGGRAPH 2004, vertex by vertex). What the
 * picture shows beside rest is taken out of the mesh. A blink of 1 shuts the person's own lids.
 * @param mesh 468x3, any frame with z away from the camera
 * @param triangles Tx3
 * @param shown what the mesh does already; unseen ones count as 0
 */
export function faceRig(
  { neutral, shapes }: ModelShapes,
  mesh: ArrayLike<number>,
  triangles: ArrayLike<number>,
  shown: Coefficients,
): FaceRig {
  // In the same expression, or an open mouth would count as a long face.
  const model = withExpression(neutral, shapes, shown, 1)
  const head = fitSimilarity3(model, mesh, poseWeights(neutral))
  const stretch = localStretch(model, mesh, triangles, head.rotation, head.scale)
  const carried = shapes.map((shape) => {
    const offsets = new Float32Array(shape.length)
    for (let v = 0; v < MESH_VERTICES; v++) {
      const local = multiplied(
        stretch,
        9 * v,
        shape[3 * v] as number,
        shape[3 * v + 1] as number,
        shape[3 * v + 2] as number,
      )
      offsets.set(rotate(head.rotation, ...local), 3 * v)
    }
    return offsets
  })
  const vertices = withExpression(mesh, carried, shown, -1)
  const targets = READ_COEFFICIENTS.map((name, i) => {
    const offsets = carried[i] as Float32Array
    return { name, offsets: name.startsWith('eyeBlink') ? shuttingLids(vertices, offsets, name) : offsets }
  })
  return { vertices, triangles: Uint16Array.from(triangles), targets }
}

/** The face of an expression turned to the front, 468x3, in px of the template, about the middle of its frame. */
export function uprightMesh({ face, pose }: Pick<Expression, 'face' | 'pose'>): Float32Array {
  const { landmarks468, toTemplate } = face
  const { yaw, pitch, roll } = pose.angles
  const back = transposed(rotationFromAngles(yaw, pitch, roll))
  const scale = similarityScale(toTemplate)
  const centre = meanOf(landmarks468, STEADY)
  const out = new Float32Array(landmarks468.length)
  for (let v = 0; v < landmarks468.length; v += 3) {
    const [x, y, z] = [0, 1, 2].map(
      (axis) => scale * ((landmarks468[v + axis] as number) - (centre[axis] as number)),
    ) as [number, number, number]
    const turned = rotate(back, x, y, z)
    out.set([turned[0] + TEMPLATE_SIZE / 2, turned[1] + TEMPLATE_SIZE / 2, turned[2]], v)
  }
  return out
}

/** Vertices moved by all offsets, each by the value of its coefficient and `sign`. */
function withExpression(
  vertices: ArrayLike<number>,
  offsets: readonly Float32Array[],
  shown: Coefficients,
  sign: 1 | -1,
): Float32Array {
  const out = Float32Array.from(vertices)
  READ_COEFFICIENTS.forEach((name, i) => {
    const value = sign * (shown[name].value ?? 0)
    if (value === 0) return
    offsets[i]?.forEach((offset, k) => {
      out[k] = (out[k] as number) + value * offset
    })
  })
  return out
}

/** Of the person: the right eye is the first of EYES. */
function shuttingLids(rest: Float32Array, offsets: Float32Array, name: CoefficientName): Float32Array {
  const shut = Float64Array.from(rest, (value, k) => value + (offsets[k] as number))
  setLids(shut, { mesh: rest, landmarks: rest }, EYES[name === 'eyeBlinkRight' ? 0 : 1], 0)
  return Float32Array.from(shut, (value, k) => value - (rest[k] as number))
}

/** Rings of neighbours that a vertex's surroundings are, and how much a stretch leans to that of the whole head. */
const RINGS = 2
const LEANING = 0.3

/**
 * For each vertex the 3x3 matrix, row-major, that takes the model's surroundings of it to the person's, in the model's axes.
 * @param rotation of the model's head to the person's, and its scale
 */
function localStretch(
  model: ArrayLike<number>,
  mesh: ArrayLike<number>,
  triangles: ArrayLike<number>,
  rotation: readonly number[],
  scale: number,
): Float64Array {
  const near = neighbours(triangles)
  const out = new Float64Array(9 * MESH_VERTICES)
  const back = transposed(rotation)
  for (let v = 0; v < MESH_VERTICES; v++) {
    const [pq, qq] = [new Float64Array(9), new Float64Array(9)]
    let size = 0
    for (const other of near[v] as Set<number>) {
      const edge = (points: ArrayLike<number>, axis: number) =>
        (points[3 * other + axis] as number) - (points[3 * v + axis] as number)
      const q = [edge(model, 0), edge(model, 1), edge(model, 2)]
      const p = rotate(back, edge(mesh, 0), edge(mesh, 1), edge(mesh, 2))
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          pq[3 * i + j] = (pq[3 * i + j] as number) + (p[i] as number) * (q[j] as number)
          qq[3 * i + j] = (qq[3 * i + j] as number) + (q[i] as number) * (q[j] as number)
        }
        size += (q[i] as number) ** 2 / 3
      }
    }
    for (let i = 0; i < 9; i += 4) {
      pq[i] = (pq[i] as number) + LEANING * size * scale
      qq[i] = (qq[i] as number) + LEANING * size
    }
    out.set(product(pq, inverse(qq)), 9 * v)
  }
  return out
}

function neighbours(triangles: ArrayLike<number>): Set<number>[] {
  const first = Array.from({ length: MESH_VERTICES }, () => new Set<number>())
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [0, 1, 2].map((k) => triangles[t + k] as number)
    for (const a of corners) for (const b of corners) if (a !== b) first[a]?.add(b)
  }
  let reached = first
  for (let ring = 1; ring < RINGS; ring++) {
    reached = reached.map((known, v) => {
      const wider = new Set([...known].flatMap((other) => [other, ...(first[other] as Set<number>)]))
      wider.delete(v)
      return wider
    })
  }
  return reached
}

function multiplied(
  matrices: Float64Array,
  at: number,
  x: number,
  y: number,
  z: number,
): [number, number, number] {
  const row = (r: number) =>
    (matrices[at + 3 * r] as number) * x +
    (matrices[at + 3 * r + 1] as number) * y +
    (matrices[at + 3 * r + 2] as number) * z
  return [row(0), row(1), row(2)]
}

/** Of 3x3 matrices. */
function product(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(9)
  for (let column = 0; column < 3; column++) {
    multiplied(a, 0, b[column] as number, b[3 + column] as number, b[6 + column] as number).forEach(
      (value, row) => {
        out[3 * row + column] = value
      },
    )
  }
  return out
}

/** Of a symmetric positive matrix, 3x3. */
function inverse(m: Float64Array): Float64Array {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, , , f = 0] = m
  const cofactors = [d * f - e * e, c * e - b * f, b * e - c * d, a * f - c * c, b * c - a * e, a * d - b * b]
  const [k0 = 0, k1 = 0, k2 = 0, k3 = 0, k4 = 0, k5 = 0] = cofactors
  const determinant = a * k0 + b * k1 + c * k2
  return Float64Array.of(k0, k1, k2, k1, k3, k4, k2, k4, k5).map((value) => value / determinant)
}
