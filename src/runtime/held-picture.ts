import { EngineError, printed } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import { isExternalTexture } from './device-data.js'
import { TextureCopies } from './texture-copies.js'

/** As large as default limits let a texture be. */
const MAX_SIDE = 8192

/** See `Engine.copyPicture`. */
export function copyPicture(
  device: EngineDevice,
  external: GPUExternalTexture,
  width: number,
  height: number,
): { readonly pixels: GPUBuffer; readonly accepted: Promise<void> } {
  if (!isExternalTexture(external)) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `copyPicture() takes a GPUExternalTexture, as device.importExternalTexture() gives it in browsers; got ${printed(external)}`,
    )
  }
  for (const side of [width, height]) {
    if (Number.isSafeInteger(side) && side >= 1 && side <= MAX_SIDE) continue
    throw new EngineError(
      'INVALID_ARGUMENT',
      `copyPicture() takes sides of 1 to ${MAX_SIDE} px, got ${printed(side)}`,
    )
  }
  const { result: pixels, verdict } = device.judged('copyPicture()', () => {
    const { gpu } = device
    const size = 4 * width * height
    const buffer = gpu.createBuffer({ size, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
    const encoder = gpu.createCommandEncoder()
    const pass = encoder.beginComputePass()
    const region = { buffer, offset: 0, size }
    TextureCopies.of(device).readExternal(pass, { kind: 'external', external, width, height }, region)
    pass.end()
    gpu.queue.submit([encoder.finish()])
    return buffer
  })
  const accepted = verdict.catch((error) => {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_ARGUMENT') throw error
    throw new EngineError(
      'INVALID_BUFFER',
      `${error.message.replace(/\s+/g, ' ')}; import the GPUExternalTexture from this engine's device in the same task as the call: it ends with that task, and with its VideoFrame`,
      error.details,
      { cause: error },
    )
  })
  // Heard or not: a caller may look at the pixels alone.
  accepted.catch(() => undefined)
  return { pixels, accepted }
}
