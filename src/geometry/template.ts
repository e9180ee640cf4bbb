import { FaceError } from '../errors.js'
import { TEMPLATE_SIZE } from './types.js'

/** The template frame: where registration brings a face and what the mesh network sees of it. */
export interface Template {
  readonly version: number
  /** Side of the frame, px. */
  readonly size: number
  /** 68x2, iBUG order, template px. */
  readonly landmarks68: Float32Array
  /** The unturned square of the frame that the mesh network sees; centre and side in template px. */
  readonly regressorRoi: { readonly cx: number; readonly cy: number; readonly side: number }
  /** Box of the canonical face, per axis, in its own unit: PNCC colour = (canonical - min) / (max - min). */
  readonly ncc: {
    readonly min: readonly [number, number, number]
    readonly max: readonly [number, number, number]
  }
}

/** The template this version of the package is built with. */
export const TEMPLATE_VERSION = 1

/** Checks the text of a template file. @throws FaceError INVALID_WEIGHTS */
export function parseTemplate(text: string, name: string): Template {
  const fail = (what: string): never => {
    throw new FaceError('INVALID_WEIGHTS', `${name}: ${what}; reinstall the package`, { file: name })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return fail('the face template is not valid JSON')
  }
  const root = record(json) ?? fail('the face template is not an object')
  if (root.version !== TEMPLATE_VERSION) {
    fail(`template version ${String(root.version)}, this package needs ${TEMPLATE_VERSION}`)
  }
  if (root.size !== TEMPLATE_SIZE) fail(`template size ${String(root.size)}, expected ${TEMPLATE_SIZE}`)
  const points = Array.isArray(root.landmarks68) ? root.landmarks68 : fail('landmarks68 is missing')
  if (points.length !== 68) fail(`${points.length} landmarks, expected 68`)
  const landmarks68 = new Float32Array(136)
  points.forEach((point: unknown, i) => {
    const [x, y] = numbers(point, 2) ?? fail(`landmark ${i} is not a pair of numbers`)
    landmarks68[2 * i] = x as number
    landmarks68[2 * i + 1] = y as number
  })
  const roi = record(root.regressorRoi) ?? fail('regressorRoi is missing')
  const [cx, cy, side] =
    numbers([roi.cx, roi.cy, roi.side], 3) ?? fail('regressorRoi needs the numbers cx, cy, side')
  if (!((side as number) > 0)) fail('regressorRoi.side must be positive')
  const ncc = record(root.ncc) ?? fail('ncc is missing')
  const min = numbers(ncc.min, 3) ?? fail('ncc.min is not three numbers')
  const max = numbers(ncc.max, 3) ?? fail('ncc.max is not three numbers')
  if (min.some((v, axis) => v >= (max[axis] as number))) fail('ncc.min must be below ncc.max')
  return {
    version: TEMPLATE_VERSION,
    size: TEMPLATE_SIZE,
    landmarks68,
    regressorRoi: { cx: cx as number, cy: cy as number, side: side as number },
    ncc: { min: min as [number, number, number], max: max as [number, number, number] },
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

function numbers(value: unknown, length: number): number[] | null {
  if (!Array.isArray(value) || value.length !== length) return null
  return value.every((v) => typeof v === 'number' && Number.isFinite(v)) ? value : null
}
