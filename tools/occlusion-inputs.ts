import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { TEMPLATE_SIZE } from '../src/geometry/types.js'
import { GraphBuilder } from '../src/graph/graph.js'
import { loadNetworkFiles, SHIPPED_NETWORKS } from '../src/face/network-files.js'
import { EDGE_NUMBERS, OPENING_GAPS } from '../src/face/register/openings.js'
import { registeredFlowConfig, registeredFlowWeights } from '../src/face/registered-pair.js'
import { decodeNpy, encodeNpy } from '../src/io/npy.js'
import { REGISTERED_INPUTS, registeredFlows } from '../src/nets/registered-flow.js'
import { registeredRoiTransform } from '../src/nets/registered-meshes.js'
import { packImageTransform } from '../src/ops/image/image-input.js'
import { outputTensor } from '../src/ops/tensor/border.js'
import { Engine } from '../src/runtime/engine.js'

/**
 * npx tsx tools/occlusion-inputs.ts: what the occlusion network gets to see of the pairs of training sets, by the networks that ship, for
 * the training package's `train-occlusion`. Parts that are there already are kept, so that an interrupted call goes on where it stopped.
 */
const program = new Command('occlusion-inputs')
  .requiredOption('--sets <folders...>', 'sets of shards, as the training package writes them')
  .requiredOption('--out <folder>', 'for a folder of parts each')
  .option('--pairs <count>', 'of each set at most', '1000000')
  .option('--weights <name>', 'the network whose flows are looked at', SHIPPED_NETWORKS[0])
  .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
  .parse()
const options = program.opts<{
  sets: string[]
  out: string
  pairs: string
  weights: string
  adapter?: string
}>()

/** Pairs of one part. */
const PART = 32
const FRAME = TEMPLATE_SIZE ** 2
const HALF = TEMPLATE_SIZE / 2
const CHANNELS = 16

const engine = await Engine.open(options.adapter === undefined ? {} : { adapter: options.adapter })
const files = await loadNetworkFiles(options.weights)
const config = { ...registeredFlowConfig(files), openings: OPENING_GAPS }
const graph = new GraphBuilder('occlusion inputs')
const { forward, occlusion } = registeredFlows(graph, config)
outputTensor(graph, 'inputs', occlusion.inputs)
outputTensor(graph, 'flow', forward.flow)
outputTensor(graph, 'mask', forward.meshMask)
outputTensor(graph, 'meshes', forward.meshes)
const plan = await engine.compile(graph.build(), { weights: registeredFlowWeights(files) })
const constant = {
  [REGISTERED_INPUTS.roi]: packImageTransform(registeredRoiTransform(config)),
  [REGISTERED_INPUTS.openings]: new Float32Array(2 * EDGE_NUMBERS),
}
try {
  // Part by part of every set, so that an early end leaves as many pairs of each.
  let open = true
  for (let part = 0; open; part++) {
    open = false
    for (const folder of options.sets) open = (await writePart(folder, part)) || open
  }
} finally {
  plan.dispose()
  engine.dispose()
}

/** @returns whether the set has this part */
async function writePart(folder: string, part: number): Promise<boolean> {
  const first = part * PART
  const shards = (await readdir(folder)).filter((name) => name.startsWith('shard-') && !name.endsWith('.part')).sort()
  const counts = await Promise.all(shards.map(async (shard) => JSON.parse(await readFile(join(folder, shard, 'meta.json'), 'utf8')).count as number))
  let start = 0
  const shard = counts.findIndex((count) => first < (start += count))
  if (shard < 0 || first + PART > Number(options.pairs)) return false
  const within = first - (start - (counts[shard] as number))
  const name = `${shards[shard]}-${String(within).padStart(3, '0')}`
  const target = join(options.out, basename(folder))
  await mkdir(target, { recursive: true })
  const done = join(target, `${name}.inputs.npy`)
  if (await access(done).then(() => true, () => false)) return true
  const count = Math.min(PART, (counts[shard] as number) - within)
  const read = async (frames: string) => {
    const { data } = decodeNpy(await readFile(join(folder, shards[shard] as string, `${frames}.npy`)), frames)
    return data.subarray(within * FRAME * 3, (within + count) * FRAME * 3)
  }
  const [i1, i2] = [await read('i1'), await read('i2')]
  const inputs = new Float32Array(count * HALF ** 2 * CHANNELS)
  const flows = new Float32Array(count * FRAME * 3)
  const masks = new Uint8Array(count * FRAME)
  const meshes = new Float32Array(count * 2 * 468 * 3)
  const began = Date.now()
  for (let pair = 0; pair < count; pair++) {
    const found = await plan.compute({
      ...constant,
      [REGISTERED_INPUTS.i1]: rgba(i1, pair),
      [REGISTERED_INPUTS.i2]: rgba(i2, pair),
    })
    inputs.set(found.inputs as Float32Array, pair * HALF ** 2 * CHANNELS)
    flows.set(found.flow as Float32Array, pair * FRAME * 3)
    masks.set((found.mask as Float32Array).map((v) => v > 0 ? 1 : 0), pair * FRAME)
    meshes.set(found.meshes as Float32Array, pair * 2 * 468 * 3)
  }
  const side = TEMPLATE_SIZE
  await writeFile(join(target, `${name}.mask.npy`), encodeNpy(masks, [count, side, side]))
  await writeFile(join(target, `${name}.meshes.npy`), encodeNpy(meshes, [count, 2, 468, 3]))
  await writeFile(join(target, `${name}.flow.npy`), encodeNpy(flows, [count, side, side, 3], true))
  await writeFile(`${done}.part`, encodeNpy(inputs, [count, HALF, HALF, CHANNELS], true))
  await rename(`${done}.part`, done)
  process.stdout.write(`${done}: ${((Date.now() - began) / 1000 / count).toFixed(2)} s a pair\n`)
  return true
}

function rgba(rgb: ArrayLike<number>, pair: number): Uint8Array {
  const out = new Uint8Array(FRAME * 4).fill(255)
  for (let i = 0; i < FRAME; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = rgb[(pair * FRAME + i) * 3 + c] as number
  }
  return out
}
