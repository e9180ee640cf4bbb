import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { DeepFaceFlowError, EngineError } from '../src/errors.js'
import { COEFFICIENT_NETWORK } from '../src/nets/coefficients.js'
import { DEPTH_NETWORK } from '../src/nets/depth-from-motion.js'
import { OCCLUSION_NETWORK } from '../src/nets/occlusion.js'
import { packageFacts } from '../src/platform/node/package-root.js'
import { floatToHalf, halvesToFloats } from '../src/weights/float16.js'
import type { DType } from '../src/weights/format.js'
import { readSafetensors, type TensorToWrite } from '../src/weights/safetensors.js'
import { parameterCount, type WeightFile } from '../src/weights/weight-file.js'
import { writeSafetensors } from '../src/weights/write-safetensors.js'
import { assetPart, type PartName, readAssets, readSelfieSegmentation } from './mediapipe/assets.js'
import { checkAttentionRegions } from './mediapipe/attention-check.js'
import { canonicalFace } from './mediapipe/canonical-face.js'
import {
  ATTENTION_MESH_LAYERS,
  DETECTOR_LAYERS,
  type LayerMap,
  MESH_LAYERS,
  SELFIE_LAYERS,
} from './mediapipe/layers.js'
import { networkWeights } from './mediapipe/network-weights.js'
import { quantisedNetwork } from './quantised-network.js'
import { parseTflite, type TfliteModel } from './tflite/model.js'
import {
  modelShapes,
  trainedCoefficients,
  trainedDepth,
  trainedNetwork,
  trainedOcclusion,
  tunedMeshRegressor,
} from './trained-network.js'

interface NetworkSource {
  readonly network: string
  readonly part: PartName
  readonly layers: readonly LayerMap[]
  /** What else of the graph our network takes for granted. */
  readonly check?: (model: TfliteModel) => void
}

const NETWORKS: readonly NetworkSource[] = [
  { network: 'face-detector', part: 'detector', layers: DETECTOR_LAYERS },
  { network: 'mesh-regressor', part: 'mesh', layers: MESH_LAYERS },
  {
    network: 'mesh-regressor-attention',
    part: 'attentionMesh',
    layers: ATTENTION_MESH_LAYERS,
    check: checkAttentionRegions,
  },
]

const MODEL_SHAPES = 'arkit-shapes'
const TUNED_REGRESSOR = 'registered-mesh-regressor'
const ORIGINAL_REGRESSOR = join(packageFacts().root, 'weights', 'mesh-regressor.safetensors')

const dtypeOption = () =>
  new Option('--dtype <type>', 'element type of the floats').choices(['f16', 'f32']).default('f16')

const program = new Command('convert-weights').description('Makes the weight files of weights/')

program
  .command('tflite')
  .description("detector, both mesh regressors and the canonical face, from MediaPipe's npm package")
  .option('--assets <path>', 'asset file or unpacked package; fetched with npm pack where absent')
  .option('--out <folder>', 'where the files go', 'weights')
  .addOption(dtypeOption())
  .action(async (options: { assets?: string; out: string; dtype: string }) => {
    const assets = await readAssets(options.assets)
    await mkdir(options.out, { recursive: true })
    for (const { network, part, layers, check } of NETWORKS) {
      const { bytes, provenance } = assetPart(assets, part)
      const model = parseTflite(bytes, network)
      check?.(model)
      const tensors = networkWeights(model, layers, dtypeOf(options.dtype))
      await writeAndVerify(join(options.out, `${network}.safetensors`), tensors, { network, ...provenance })
    }
    const { bytes, provenance } = assetPart(assets, 'geometry')
    await writeAndVerify(join(options.out, 'canonical-face.safetensors'), canonicalFace(bytes), provenance)
  })

program
  .command('selfie')
  .description(
    "selfie segmentation, the matte of photos that are animated, from MediaPipe's npm package for it",
  )
  .option('--assets <path>', 'the .tflite file or unpacked package; fetched with npm pack where absent')
  .option('--out <folder>', 'where the file goes', 'weights')
  .addOption(dtypeOption())
  .action(async (options: { assets?: string; out: string; dtype: string }) => {
    const { bytes, provenance } = await readSelfieSegmentation(options.assets)
    const network = 'selfie-segmentation'
    const tensors = networkWeights(parseTflite(bytes, network), SELFIE_LAYERS, dtypeOf(options.dtype))
    await mkdir(options.out, { recursive: true })
    await writeAndVerify(join(options.out, `${network}.safetensors`), tensors, { network, ...provenance })
  })

program
  .command('pytorch')
  .description(
    "a network of ours, from the trainer's export: a DFFNet, depth from motion, the occlusion network, coefficients, or 3DMeshReg from tune-regressor",
  )
  .argument('<input>', 'safetensors file with state-dict names')
  .argument('<output>', 'file to write; may be the input')
  .addOption(dtypeOption())
  .action(async (input: string, output: string, options: { dtype: string }) => {
    const source = await readSafetensors(input)
    const dtype = dtypeOf(options.dtype)
    await writeAndVerify(output, await trainedTensors(source, dtype), source.metadata)
  })

program
  .command('quantise')
  .description('a weight file of this package in 8 bits, for downloads; errors that it states are left out')
  .argument('<input>', 'safetensors file in f16 or f32')
  .argument('<output>', 'file to write')
  .action(async (input: string, output: string) => {
    const source = await readSafetensors(input)
    const { epe: _measured, sha256: hash, ...notes } = source.metadata
    await writeSafetensors(output, quantisedNetwork(source), {
      ...notes,
      quantised_from: hash ?? source.hash,
    })
    await compareQuantised(output, source)
  })

async function trainedTensors(source: WeightFile, dtype: DType): Promise<TensorToWrite[]> {
  switch (source.metadata.network) {
    case TUNED_REGRESSOR:
      return tunedMeshRegressor(source, await readSafetensors(ORIGINAL_REGRESSOR), dtype)
    case DEPTH_NETWORK:
      return trainedDepth(source, dtype)
    case COEFFICIENT_NETWORK:
      return trainedCoefficients(source, dtype)
    case OCCLUSION_NETWORK:
      return trainedOcclusion(source, dtype)
    case MODEL_SHAPES:
      return modelShapes(source, dtype)
    default:
      return trainedNetwork(source, dtype)
  }
}

function dtypeOf(option: string): DType {
  return option === 'f32' ? 'F32' : 'F16'
}

/** Writes, reads back through the library's own reader, compares every value, and prints the table. */
async function writeAndVerify(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeSafetensors(path, tensors, metadata)
  const file = await readSafetensors(path)
  const rows = tensors.map(({ name, dtype, shape, values }) => {
    const stored = dtype === 'I32' ? file.indices(name, shape) : file.tensor(name, shape)
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const [i, value] of stored.entries()) {
      if (value !== rounded(values[i] ?? Number.NaN, dtype)) {
        throw new EngineError(
          'OUTPUT_FAILED',
          `${path}: ${name}[${i}] reads back as ${value}, written was ${values[i]}`,
        )
      }
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
    return { name, dtype, shape: shape.join(' x '), values: stored.length, min: short(low), max: short(high) }
  })
  console.log(`\n${path}`)
  printTable(rows)
  console.log(`${tensors.length} tensors, ${parameterCount(file)} values, read back; sha256 ${file.hash}`)
}

/** Reads back what was quantised and prints how far it is from its source. */
async function compareQuantised(path: string, source: WeightFile): Promise<void> {
  const file = await readSafetensors(path)
  const rows = source.entries().map(({ name, shape }) => {
    const [before, now] = [source.tensor(name, shape), file.tensor(name, shape)]
    const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0)
    const relative = Math.sqrt(
      squares(now.map((value, i) => value - (before[i] as number))) / squares(before),
    )
    // 8 bits leave a hundredth of what a Gaussian's width is; ten times of that is no rounding any more.
    if (relative > 0.1) {
      throw new EngineError('OUTPUT_FAILED', `${path}: ${name} is off by ${short(100 * relative)} %`)
    }
    const dtype = file.entries().find((entry) => entry.name === name)?.dtype ?? ''
    return { name, dtype, shape: shape.join(' x '), 'error %': short(100 * relative) }
  })
  console.log(`\n${path}`)
  printTable(rows)
  console.log(`${rows.length} tensors, ${parameterCount(file)} values, read back; sha256 ${file.hash}`)
}

function rounded(value: number, dtype: DType): number {
  if (dtype === 'F16') return halvesToFloats(Uint16Array.of(floatToHalf(value)))[0] ?? Number.NaN
  return dtype === 'F32' ? Math.fround(value) : value
}

const short = (value: number) => String(Number(value.toPrecision(4)))

function printTable(rows: readonly Readonly<Record<string, string | number>>[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const width = (c: string) => Math.max(c.length, ...rows.map((row) => String(row[c]).length))
  const line = (cells: readonly string[]) => console.log(`  ${cells.join('  ').trimEnd()}`)
  const widths = columns.map(width)
  line(columns.map((c, i) => c.padEnd(widths[i] ?? 0)))
  for (const row of rows) line(columns.map((c, i) => String(row[c]).padEnd(widths[i] ?? 0)))
}

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof DeepFaceFlowError)) throw error
  console.error(`error: ${error.message}`)
  process.exitCode = 1
}
