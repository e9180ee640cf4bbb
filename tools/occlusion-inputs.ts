import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { loadNetworkFiles, SHIPPED_NETWORKS } from '../src/face/network-files.js'
import { EDGE_NUMBERS, OPENING_GAPS } from '../src/face/register/openings.js'
import { registeredFlowConfig, registeredFlowWeights } from '../src/face/registered-pair.js'
import { TEMPLATE_SIZE } from '../src/geometry/types.js'
import { GraphBuilder } from '../src/graph/graph.js'
import { decodeNpy, encodeNpy } from '../src/io/npy.js'
import { REGISTERED_INPUTS, registeredFlows } from '../src/nets/registered-flow.js'
import { registeredRoiTransform } from '../src/nets/registered-meshes.js'
import { packImageTransform } from '../src/ops/image/image-input.js'
import { outputTensor } from '../src/ops/tensor/border.js'
import { Engine } from '../src/runtime/engine.js'

/**
 * npx tsx tools/occlusion-inputs.ts: what the occlusion network gets to see of the pairs of training sets, by the networks that
 * ship; for the training package's `train-occlusion`. Of each part of a set, SHARD-FIRST, it writes below OUT/SET `.inputs.npy`
 * (n x 112 x 112 x 16 f16), `.flow.npy` (n x 224 x 224 x 3 f16, px) and `.mask.npy` (n x 224 x 224 u8, 1 on the mesh). Parts that are
 * there are kept, so that an interrupted call goes on where it stopped.
 */
const program = new Command('occlusion-inputs')
  .requiredOption('--sets <folders...>', 'sets of shards, as the training package writes them')
  .requiredOption('--out <folder>', 'for a folder of parts each')
  .option('--pairs <count>', 'of each set, at most', (value) => Number(value), Number.POSITIVE_INFINITY)
  .option('--weights <name>', 'the network whose flows are looked at', SHIPPED_NETWORKS[0])
  .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
  .parse()
const options = program.opts<{
  sets: string[]
  out: string
  pairs: number
  weights: string
  adapter?: string
}>()

/** Pairs of one part. */
const PART = 32
const PIXELS = TEMPLATE_SIZE ** 2
const HALF = TEMPLATE_SIZE / 2
const CHANNELS = 16

/** Some pairs of a shard. */
interface Part {
  readonly shard: string
  readonly first: number
  readonly count: number
}

const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
const files = await loadNetworkFiles(options.weights)
const config = { ...registeredFlowConfig(files), openings: OPENING_GAPS }
const graph = new GraphBuilder('occlusion inputs')
const { forward, occlusion } = registeredFlows(graph, config)
outputTensor(graph, 'inputs', occlusion.inputs)
outputTensor(graph, 'flow', forward.flow)
outputTensor(graph, 'mask', forward.meshMask)
const plan = await engine.compile(graph.build(), { weights: registeredFlowWeights(files) })
const constant = {
  [REGISTERED_INPUTS.roi]: packImageTransform(registeredRoiTransform(config)),
  // Shards have no landmarks of lids and lips.
  [REGISTERED_INPUTS.openings]: new Float32Array(2 * EDGE_NUMBERS),
}
try {
  const sets = await Promise.all(options.sets.map(async (set) => ({ set, parts: await partsOf(set) })))
  // The first part of every set, then the second ones: what is there after an interruption has as many of each.
  for (let i = 0; sets.some(({ parts }) => i < parts.length); i++) {
    for (const { set, parts } of sets) {
      const part = parts[i]
      if (part !== undefined) await writePart(set, part)
    }
  }
} finally {
  plan.dispose()
  engine.dispose()
}

async function partsOf(set: string): Promise<Part[]> {
  const shards = (await readdir(set)).filter((name) => /^shard-\d+$/.test(name)).sort()
  const parts: Part[] = []
  for (const shard of shards) {
    const { count } = JSON.parse(await readFile(join(set, shard, 'meta.json'), 'utf8')) as { count: number }
    for (let first = 0; first < count; first += PART) {
      parts.push({ shard, first, count: Math.min(PART, count - first) })
    }
  }
  return parts.slice(0, options.pairs / PART)
}

async function writePart(set: string, { shard, first, count }: Part): Promise<void> {
  const folder = join(options.out, basename(set))
  const file = (name: string) => join(folder, `${shard}-${String(first).padStart(3, '0')}.${name}.npy`)
  if (await isThere(file('inputs'))) return
  const [i1, i2] = [
    await readFrames(join(set, shard, 'i1.npy')),
    await readFrames(join(set, shard, 'i2.npy')),
  ]
  const inputs = new Float32Array(count * HALF ** 2 * CHANNELS)
  const flow = new Float32Array(count * PIXELS * 3)
  const mask = new Uint8Array(count * PIXELS)
  for (let pair = 0; pair < count; pair++) {
    const seen = (await plan.compute({
      ...constant,
      [REGISTERED_INPUTS.i1]: rgba(i1, first + pair),
      [REGISTERED_INPUTS.i2]: rgba(i2, first + pair),
    })) as Record<'inputs' | 'flow' | 'mask', Float32Array>
    inputs.set(seen.inputs, pair * HALF ** 2 * CHANNELS)
    flow.set(seen.flow, pair * PIXELS * 3)
    mask.set(
      seen.mask.map((value) => (value > 0 ? 1 : 0)),
      pair * PIXELS,
    )
  }
  await mkdir(folder, { recursive: true })
  await writeFile(file('flow'), encodeNpy(flow, [count, TEMPLATE_SIZE, TEMPLATE_SIZE, 3], true))
  await writeFile(file('mask'), encodeNpy(mask, [count, TEMPLATE_SIZE, TEMPLATE_SIZE]))
  // Last, and at once: where it is, the part is complete.
  await writeFile(`${file('inputs')}.part`, encodeNpy(inputs, [count, HALF, HALF, CHANNELS], true))
  await rename(`${file('inputs')}.part`, file('inputs'))
  process.stdout.write(`${file('inputs')}\n`)
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

async function readFrames(path: string): Promise<ArrayLike<number>> {
  return decodeNpy(await readFile(path), path).data
}

/** One frame of n x 224 x 224 x 3. */
function rgba(frames: ArrayLike<number>, index: number): Uint8Array {
  const out = new Uint8Array(PIXELS * 4).fill(255)
  for (let i = 0; i < PIXELS; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = frames[(index * PIXELS + i) * 3 + c] as number
  }
  return out
}
