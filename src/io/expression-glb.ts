import { SIDES } from '../animate/face-parts.js'
import { distance } from '../animate/points.js'
import { FaceError } from '../errors.js'
import { assertExpression, isCoefficients, isHeadPose } from '../expression/checked-expression.js'
import { ownedFace } from '../expression/expression-input.js'
import type { FaceRig } from '../expression/face-rig.js'
import type { CoefficientName } from '../expression/names.js'
import type { Coefficients, Expression, HeadPose } from '../expression/types.js'
import { multiply, rotationFromAngles, transposed } from '../geometry/rotation.js'
import { encodeGlb } from './mesh.js'
import type { MeshPose } from './mesh-data.js'
import { pictureTexture } from './texture.js'

/** The coefficients at a time. */
export interface ExpressionKey {
  /** s, not negative. */
  readonly time: number
  /** One without a value goes evenly from the value before to the one behind, holds the last or first that there is, or is 0 where no key has one. */
  readonly coefficients: Coefficients
  /** How the head is held there; in all keys or in none. */
  readonly pose?: HeadPose
}

/**
 * glTF 2.0 binary: a person's mesh (468 vertices, a template px shown as a millimetre) with the named morph targets of its coefficients, textured with the photo, and an animation of their
 * weights, and of how the head is held where all keys say so: turned about the mesh's middle as in the picture, and shifted from where it is in the photo. Axes and texture as of `encodeMotionGlb`; targets that the coefficients drive in other rigs have the same names.
 * @param rig of `expression`
 * @param keys at least one; times rise, in the 32 bits too that the file has for each
 * @throws FaceError INVALID_ARGUMENT where times do not rise, and for keys or an expression with numbers that are missing or not finite; INVALID_INPUT for such a face;
 * EngineError NUMERIC_OVERFLOW naming a number of the rig that is not finite
 */
export async function encodeExpressionGlb(
  rig: FaceRig,
  expression: Expression,
  keys: readonly ExpressionKey[],
): Promise<Uint8Array> {
  assertKeys(keys)
  assertExpression(expression, 'encodeExpressionGlb')
  const face = ownedFace(expression.face, "the expression's face")
  const isPosed = keys.every(({ pose }) => pose !== undefined)
  const { vertices, triangles, targets } = rig
  const width = distance(vertices, ...SIDES)
  const { image, uv } = await pictureTexture(face.image, face.landmarks468)
  const weights = new Float32Array(keys.length * targets.length)
  targets.forEach(({ name }, column) => {
    withoutGaps(keys, name).forEach((value, row) => {
      weights[row * targets.length + column] = value
    })
  })
  return await encodeGlb({ vertices, triangles }, uv, image, {
    name: 'expression',
    targets: targets.map(({ name, offsets }) => ({
      name,
      vertices: vertices.map((value, k) => value + (offsets[k] as number)),
    })),
    times: keys.map(({ time }) => time),
    weights,
    ...(isPosed && { poses: keys.map(({ pose }) => poseOf(pose as HeadPose, expression.pose, width)) }),
  })
}

/** A coefficient in all keys: one that is hidden for a while does not jump to 0 and back, as a head does not whose face is lost. */
function withoutGaps(keys: readonly ExpressionKey[], name: CoefficientName): number[] {
  const told = keys.flatMap(({ time, coefficients }) => {
    const { value } = coefficients[name]
    return value === null ? [] : [{ time, value }]
  })
  let passed = 0
  return keys.map(({ time, coefficients }) => {
    const { value } = coefficients[name]
    const [before, next] = [told[passed - 1], told[passed]]
    if (value !== null) passed++
    if (value !== null || !before || !next) return value ?? (before ?? next)?.value ?? 0
    return before.value + ((time - before.time) / (next.time - before.time)) * (next.value - before.value)
  })
}

function assertKeys(keys: readonly ExpressionKey[]): void {
  const times = Array.isArray(keys) ? keys.map((key) => Math.fround(key?.time)) : []
  const isRising = times.every((time, i) => time >= 0 && (i === 0 || time > (times[i - 1] as number)))
  if (times.length === 0 || !isRising) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'an animation needs at least one key, and times that rise from 0, in numbers of 32 bits',
    )
  }
  const wrong = keys.findIndex(({ coefficients, pose }) => {
    return !isCoefficients(coefficients) || !(pose === undefined || isHeadPose(pose))
  })
  if (wrong < 0) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `key ${wrong}: needs coefficients and pose as expression() gives them, all numbers there and finite`,
    { key: wrong },
  )
}

/** @param base of the photo that the mesh was made from, which its registration has set upright @param width of the mesh's face, px */
function poseOf({ angles, place }: HeadPose, base: HeadPose, width: number): MeshPose {
  const own = rotationFromAngles(base.angles.yaw, base.angles.pitch, 0)
  const [x, y, z] = place.map((value, axis) => {
    const from = base.place[axis] as number | null | undefined
    return value === null || from === null || from === undefined ? 0 : width * (value - from)
  }) as [number, number, number]
  return {
    rotation: multiply(rotationFromAngles(angles.yaw, angles.pitch, angles.roll), transposed(own)),
    shift: [x, y, z],
  }
}
