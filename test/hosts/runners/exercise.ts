import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { Engine, GraphBuilder, inputTensor, leakyRelu, outputTensor } from '../../../src/engine.js'
import { DeepFaceFlow, decodeNpy, encodeNpy, writeProducts } from '../../../src/index.js'

/** Fails unless this runs in a context of its own: what follows would show nothing. */
export function assertOtherRealm(): void {
  assert.throws(
    () => process.dlopen({ exports: {} }, '/nothing/here.node'),
    (error) => !(error instanceof Error),
  )
}

/** A plan on arrays of this realm and of the main one. */
export async function exerciseEngine(): Promise<void> {
  const engine = await Engine.open()
  const graph = new GraphBuilder('one op')
  outputTensor(graph, 'y', leakyRelu(graph, 'act', inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 3 }), 0.5))
  const plan = await engine.compile(graph.build())
  for (const type of [Float32Array, runInThisContext('Float32Array') as typeof Float32Array]) {
    const { y } = await plan.compute({ x: new type(48).fill(-2) })
    assert.deepEqual([...(y as Float32Array)], Array<number>(48).fill(-1))
  }
  engine.dispose()
}

/** Floats of the main realm stay floats: by the class alone they were taken for bytes. */
export function exerciseArrays(): void {
  const Other = runInThisContext('Float32Array') as typeof Float32Array
  const { data, shape } = decodeNpy(encodeNpy(new Other([0.25, -3]), [2]))
  assert.deepEqual([[...data], shape], [[0.25, -3], [2]])
}

/** Files through sharp, a registered pair, files of results; and an error of the driver's own making. */
export async function exerciseFaces(frames: readonly [string, string]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-realm-'))
  const faceFlow = await DeepFaceFlow.create({ weights: 'dffnet-m-small' })
  try {
    const [a, b] = [await readFile(frames[0]), frames[1]]
    const result = await faceFlow.flowRegistered(a, b, { backward: false })
    assert.ok(result.photometric.after < result.photometric.before)
    await writeProducts(result, folder, {
      names: { a: 'a', b: 'b' },
      only: ['flow.npy', 'warped_b.png', 'motion.glb'],
    })
    const { data, shape } = decodeNpy(await readFile(join(folder, 'flow.npy')))
    assert.deepEqual(shape, [224, 224, 3])
    assert.deepEqual(data.subarray(0, 9000), result.flow.subarray(0, 9000))
    assert.ok(existsSync(join(folder, 'warped_b.png')))
    await assert.rejects(faceFlow.flowRegistered(new Uint8Array(100), b), { code: 'INVALID_INPUT' })
    await assert.rejects(faceFlow.flowRegistered('nothing.png', b), { code: 'INVALID_INPUT' })
  } finally {
    faceFlow.dispose()
    await rm(folder, { recursive: true })
  }
  await assert.rejects(DeepFaceFlow.create({ adapter: 'no such adapter' }), { code: 'NO_ADAPTER' })
}
