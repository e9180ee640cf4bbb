import { TEMPLATE_SIZE } from '../geometry/types.js'
import { decodePng16, encodePng16 } from '../platform/node/image.js'

/*
 * Flow as 16-bit PNG after the KITTI benchmark: red and green are 64 dx + 2^15 and 64 dy + 2^15, blue is 1 where there is flow. A
 * twentieth of the size of the float field, good for drawing.
 */

const STEPS = 64
const ZERO = 2 ** 15

/** @param flow 224x224x3, template px; dz is left out */
export function encodeFlowPng(flow: Float32Array, mask: Uint8Array): Promise<Uint8Array> {
  const pixels = new Uint16Array(mask.length * 3)
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    pixels[3 * i] = clamp(STEPS * (flow[3 * i] as number) + ZERO)
    pixels[3 * i + 1] = clamp(STEPS * (flow[3 * i + 1] as number) + ZERO)
    pixels[3 * i + 2] = 1
  }
  return encodePng16(pixels, TEMPLATE_SIZE, TEMPLATE_SIZE)
}

/** @returns flow 224x224x3 with dz = 0, and mask 224x224; null if the file holds none */
export async function decodeFlowPng(file: string): Promise<{ flow: Float32Array; mask: Uint8Array } | null> {
  const pixels = await decodePng16(file)
  const size = TEMPLATE_SIZE * TEMPLATE_SIZE
  if (pixels?.length !== size * 3) return null
  const flow = new Float32Array(size * 3)
  const mask = new Uint8Array(size)
  for (let i = 0; i < size; i++) {
    if (pixels[3 * i + 2] === 0) continue
    mask[i] = 1
    flow[3 * i] = ((pixels[3 * i] as number) - ZERO) / STEPS
    flow[3 * i + 1] = ((pixels[3 * i + 1] as number) - ZERO) / STEPS
  }
  return { flow, mask }
}

function clamp(value: number): number {
  return Math.min(65535, Math.max(0, Math.round(value)))
}
