import { EngineError } from '../src/errors.js'
import { coefficientMeshFeatures, coefficientShapes, READ_COEFFICIENTS } from '../src/nets/coefficients.js'
import { depthFromMotionConfig, depthFromMotionShapes } from '../src/nets/depth-from-motion.js'
import { occlusionShapes } from '../src/nets/occlusion.js'
import type { DType } from '../src/weights/format.js'
import type { TensorToWrite } from '../src/weights/safetensors.js'
import type { WeightFile } from '../src/weights/weight-file.js'

const CORRELATION_CHANNELS = 13 ** 2

/**
 * Tensors of a trained DFFNet, checked one by one against the architecture that the file's metadata states
 * (`architecture`, `a`, `prior`, `fine_matching`): nothing missing, nothing unknown, every shape right, every value finite.
 * Layouts stay PyTorch's, which are the engine's: convolution OIHW, transposed convolution IOHW.
 * @throws EngineError INVALID_WEIGHTS
 */
export function trainedNetwork(file: WeightFile, dtype: DType): TensorToWrite[] {
  if (file.note('architecture') !== 'dffnet') {
    throw new EngineError(
      'INVALID_WEIGHTS',
      `${file.name}: architecture "${file.note('architecture')}" is not known; export a DFFNet`,
      { file: file.name },
    )
  }
  const shapes = dffnetShapes(
    numberNote(file, 'a'),
    numberNote(file, 'prior'),
    file.metadata.fine_matching === '1',
  )
  return checkedTensors(file, shapes, 'a DFFNet', dtype)
}

/**
 * Tensors of a 3DMeshReg that the trainer tuned (its `tune-regressor`), checked one by one against those of the network that
 * it started from: same names, same shapes, every value finite.
 * @param original weights/mesh-regressor.safetensors
 * @throws EngineError INVALID_WEIGHTS
 */
export function tunedMeshRegressor(file: WeightFile, original: WeightFile, dtype: DType): TensorToWrite[] {
  const shapes = new Map(original.entries().map((entry) => [entry.name, entry.shape]))
  return checkedTensors(file, shapes, '3DMeshReg', dtype)
}

/**
 * Tensors of depth from motion, checked one by one against what the lengths of its biases and the metadata (`prior`) ask for.
 * @throws EngineError INVALID_WEIGHTS
 */
export function trainedDepth(file: WeightFile, dtype: DType): TensorToWrite[] {
  const shapes = depthFromMotionShapes(
    depthFromMotionConfig(file.entries(), 468),
    file.note('prior') !== '0',
    468,
  )
  return checkedTensors(file, shapes, 'depth from motion', dtype)
}

/**
 * Tensors of the network that reads coefficients, checked one by one against what the length of the mesh's bias asks for.
 * @throws EngineError INVALID_WEIGHTS
 */
export function trainedCoefficients(file: WeightFile, dtype: DType): TensorToWrite[] {
  const shapes = coefficientShapes(coefficientMeshFeatures(file.entries()), 468)
  return checkedTensors(file, shapes, 'the coefficient network', dtype)
}

/**
 * Tensors of the occlusion network, checked one by one.
 * @throws EngineError INVALID_WEIGHTS
 */
export function trainedOcclusion(file: WeightFile, dtype: DType): TensorToWrite[] {
  return checkedTensors(file, occlusionShapes(), 'the occlusion network', dtype)
}

/**
 * The deformations behind the coefficients, on the mesh's 468 vertices.
 * @throws EngineError INVALID_WEIGHTS
 */
export function modelShapes(file: WeightFile, dtype: DType): TensorToWrite[] {
  const shapes = new Map<string, readonly number[]>([
    ['neutral', [468, 3]],
    ['shapes', [READ_COEFFICIENTS.length, 468, 3]],
  ])
  return checkedTensors(file, shapes, 'the shapes', dtype)
}

function checkedTensors(
  file: WeightFile,
  shapes: ReadonlyMap<string, readonly number[]>,
  network: string,
  dtype: DType,
): TensorToWrite[] {
  const unknown = file.entries().filter((entry) => !shapes.has(entry.name))
  if (unknown.length > 0) {
    throw new EngineError(
      'INVALID_WEIGHTS',
      `${file.name}: ${unknown.map((entry) => entry.name).join(', ')}: no layer of ${network} has this name`,
      { file: file.name, tensor: unknown[0]?.name },
    )
  }
  return [...shapes].map(([name, shape]) => ({ name, dtype, shape, values: file.tensor(name, shape) }))
}

/** Fine matching by decoder level: displacements that are tried, channels for the decoder. */
const FINE_MATCHING: Readonly<Record<number, { readonly displacements: number; readonly channels: number }>> =
  {
    3: { displacements: 7 ** 2, channels: 32 },
    4: { displacements: 5 ** 2, channels: 16 },
  }

/** Names and shapes of all weights of DFFNet at width `a` with `prior` channels beside the PNCC. */
export function dffnetShapes(
  a: number,
  prior: number,
  fineMatching: boolean,
): Map<string, readonly number[]> {
  const c = (k: number) => Math.max(16, 16 * Math.round((k * a) / 16))
  const encoding = 3 + prior
  const shapes = new Map<string, readonly number[]>()
  const conv = (name: string, kernel: number, inputs: number, outputs: number) => {
    shapes.set(`${name}.weight`, [outputs, inputs, kernel, kernel])
    shapes.set(`${name}.bias`, [outputs])
  }
  conv('conv1', 7, 3, c(64))
  conv('conv2', 5, c(64), c(128))
  conv('conv3', 5, c(128), c(256))
  conv('pncc1', 7, encoding, c(32))
  conv('pncc2', 5, c(32), c(64))
  conv('pncc3', 5, c(64), c(128))
  conv('redir', 1, c(256), c(32))
  conv('conv3_1', 3, CORRELATION_CHANNELS + c(32) + c(128), c(256))
  conv('conv4', 3, c(256), c(512))
  conv('conv4_1', 3, c(512), c(512))
  conv('conv5', 3, c(512), c(512))
  conv('conv5_1', 3, c(512), c(512))
  conv('conv6', 3, c(512), c(1024))
  conv('conv6_1', 3, c(1024), c(1024))
  const skips = [c(512), c(512), c(256), c(128), c(64), 6 + encoding]
  let width = c(1024)
  for (const [level, skip] of skips.entries()) {
    const up = c(512 / 2 ** level)
    conv(`predict.${level}`, 3, width, 3)
    shapes.set(`up.${level}.weight`, [width, up, 4, 4])
    shapes.set(`up.${level}.bias`, [up])
    const match = fineMatching ? FINE_MATCHING[level] : undefined
    if (match !== undefined) conv(`match.${level}`, 3, match.displacements + 3, match.channels)
    width = up + skip + 3 + (match?.channels ?? 0)
  }
  conv(`predict.${skips.length}`, 3, width, 3)
  return shapes
}

function numberNote(file: WeightFile, key: string): number {
  const value = Number(file.note(key))
  if (!Number.isFinite(value)) {
    throw new EngineError(
      'INVALID_WEIGHTS',
      `${file.name}: metadata ${key} "${file.note(key)}" is no number`,
      {
        file: file.name,
      },
    )
  }
  return value
}
