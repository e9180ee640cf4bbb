import { FaceError } from '../errors.js'

/*
 * The Middlebury optical-flow format (Baker et al., IJCV 2011): float32 tag 202021.25 ("PIEH"), int32 width
 * and height, then row-major interleaved (u, v) float32, all little-endian. Components above 1e9 mean
 * "unknown". No npm package writes it.
 */

const TAG = 202021.25
const UNKNOWN = 1e10
const UNKNOWN_THRESHOLD = 1e9

/**
 * The 2D part of a flow as a .flo file; pixels off the mask are marked unknown.
 * @param flow HxWx3
 * @param mask HxW
 * @throws FaceError INVALID_ARGUMENT where flow and mask do not fit the size
 */
export function encodeFlo(flow: Float32Array, mask: Uint8Array, width: number, height: number): Uint8Array {
  if (flow.length !== width * height * 3 || mask.length !== width * height) {
    throw new FaceError('INVALID_ARGUMENT', `encodeFlo: flow and mask do not fit ${width}x${height}`)
  }
  const out = new Uint8Array(12 + width * height * 8)
  const view = new DataView(out.buffer)
  view.setFloat32(0, TAG, true)
  view.setInt32(4, width, true)
  view.setInt32(8, height, true)
  for (let i = 0; i < width * height; i++) {
    const known = mask[i] !== 0
    view.setFloat32(12 + 8 * i, known ? (flow[3 * i] as number) : UNKNOWN, true)
    view.setFloat32(16 + 8 * i, known ? (flow[3 * i + 1] as number) : UNKNOWN, true)
  }
  return out
}

/**
 * @returns `flow` HxWx2, zero where unknown, and `mask` HxW, 1 where known
 * @throws FaceError INVALID_INPUT naming `name`
 */
export function decodeFlo(
  bytes: Uint8Array,
  name = 'flow',
): { width: number; height: number; flow: Float32Array; mask: Uint8Array } {
  const fail = (what: string) => new FaceError('INVALID_INPUT', `${name}: ${what}`, { file: name })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 12 || view.getFloat32(0, true) !== TAG) throw fail('is not a .flo file')
  const width = view.getInt32(4, true)
  const height = view.getInt32(8, true)
  if (width < 1 || height < 1 || bytes.length !== 12 + width * height * 8) {
    throw fail(`${bytes.length} bytes do not hold a ${width}x${height} flow`)
  }
  const flow = new Float32Array(width * height * 2)
  const mask = new Uint8Array(width * height)
  for (let i = 0; i < width * height; i++) {
    const u = view.getFloat32(12 + 8 * i, true)
    const v = view.getFloat32(16 + 8 * i, true)
    if (Math.abs(u) > UNKNOWN_THRESHOLD || Math.abs(v) > UNKNOWN_THRESHOLD) continue
    mask[i] = 1
    flow[2 * i] = u
    flow[2 * i + 1] = v
  }
  return { width, height, flow, mask }
}
