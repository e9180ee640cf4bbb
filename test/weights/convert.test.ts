import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { depthFromMotionShapes } from '../../src/nets/depth-from-motion.js'
import { floatsToHalves } from '../../src/weights/float16.js'
import { elementsOf } from '../../src/weights/format.js'
import {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  type TensorToWrite,
} from '../../src/weights/safetensors.js'
import { checkAttentionRegions } from '../../tools/mediapipe/attention-check.js'
import { canonicalFace } from '../../tools/mediapipe/canonical-face.js'
import { ATTENTION_MESH_LAYERS, DETECTOR_LAYERS, MESH_LAYERS } from '../../tools/mediapipe/layers.js'
import { networkWeights } from '../../tools/mediapipe/network-weights.js'
import { parseTflite } from '../../tools/tflite/model.js'
import { dffnetShapes, trainedDepth, trainedNetwork } from '../../tools/trained-network.js'
import { tfliteFile } from './tflite-fixture.js'

const run = promisify(execFile)
const count = (n: number) => Array.from({ length: n }, (_, i) => i)
const thrown = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('layer maps', () => {
  it.each([
    ['detector', DETECTOR_LAYERS],
    ['mesh', MESH_LAYERS],
    ['attention mesh', ATTENTION_MESH_LAYERS],
  ])('%s: no name twice on either side', (_, layers) => {
    expect(new Set(layers.map((l) => l.layer)).size).toBe(layers.length)
    expect(new Set(layers.map((l) => l.source)).size).toBe(layers.length)
  })
})

describe('TFLite constants', () => {
  const constants = [
    // 2 outputs, 1x2 kernel, 3 inputs
    { name: 'conv2d/Kernel', shape: [2, 1, 2, 3], values: Float32Array.from(count(12)) },
    { name: 'conv2d/Bias', shape: [2], values: floatsToHalves([0.5, -1]) },
    // 2x1 kernel, 3 channels
    { name: 'depthwise_conv2d/Kernel', shape: [1, 2, 1, 3], values: floatsToHalves(count(6)) },
    { name: 'depthwise_conv2d/Bias', shape: [3], values: Float32Array.of(1, 2, 3) },
    { name: 'p_re_lu/Alpha', shape: [1, 1, 2], values: Float32Array.of(0.1, 0.2) },
    { name: 'multiply_by_constant/Constant', shape: [1], values: Float32Array.of(0.25) },
  ]
  const layers = [
    { layer: 'stem', source: 'conv2d', kind: 'conv' },
    { layer: 'block1.depthwise', source: 'depthwise_conv2d', kind: 'depthwise' },
    { layer: 'stem.prelu', source: 'p_re_lu', kind: 'prelu' },
  ] as const

  it('come under our names in our layouts, f16 and f32 alike', () => {
    const tensors = networkWeights(parseTflite(tfliteFile(constants), 'test'), layers, 'F32')
    const byName = Object.fromEntries(
      tensors.map((t) => [t.name, { shape: t.shape, values: [...Array.from(t.values)] }]),
    )
    expect(byName).toEqual({
      'stem.weight': { shape: [2, 3, 1, 2], values: [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11] },
      'stem.bias': { shape: [2], values: [0.5, -1] },
      'block1.depthwise.weight': { shape: [3, 1, 2, 1], values: [0, 3, 1, 4, 2, 5] },
      'block1.depthwise.bias': { shape: [3], values: [1, 2, 3] },
      'stem.prelu.slope': { shape: [2], values: [Math.fround(0.1), Math.fround(0.2)] },
    })
  })

  it('must all be there, and none may be left', () => {
    const model = (of: typeof constants) => parseTflite(tfliteFile(of), 'test')
    expect(() => networkWeights(model(constants.slice(1)), layers, 'F16')).toThrow(
      thrown('INVALID_INPUT', /no constant conv2d\/Kernel for layer stem/),
    )
    expect(() => networkWeights(model(constants), layers.slice(0, 2), 'F16')).toThrow(
      thrown('INVALID_INPUT', /no layer takes: p_re_lu\/Alpha/),
    )
    const short = constants.with(1, { name: 'conv2d/Bias', shape: [3], values: Float32Array.of(1) })
    expect(() => networkWeights(model(short), layers, 'F16')).toThrow(
      thrown('INVALID_INPUT', /conv2d\/Bias has 1 values for shape \[3\]/),
    )
  })

  it('refuses other files and operators that it does not know', () => {
    expect(() => parseTflite(new Uint8Array(64), 'photo')).toThrow(
      thrown('INVALID_INPUT', /photo: not a TFLite/),
    )
    expect(() => parseTflite(new Uint8Array(3), 'x')).toThrow(thrown('INVALID_INPUT', /not a TFLite/))
    expect(() => parseTflite(tfliteFile([], [{ builtin: 150 }]), 'x')).toThrow(
      thrown('INVALID_INPUT', /builtin operator 150/),
    )
    const [operator] = parseTflite(tfliteFile([], [{ builtin: 32, custom: 'Magic' }]), 'x').operators
    expect(operator).toEqual({ kind: 'CUSTOM:Magic', inputs: [], outputs: [], options: {} })
  })

  it('checks the regions of the attention graph', () => {
    expect(() => checkAttentionRegions(parseTflite(tfliteFile(constants), 'x'))).toThrow(
      thrown('INVALID_INPUT', /has 0 regions, 3 are known/),
    )
    const custom = { builtin: 32, custom: 'Landmarks2TransformMatrix' }
    expect(() => checkAttentionRegions(parseTflite(tfliteFile([], [custom, custom, custom]), 'x'))).toThrow(
      thrown('INVALID_INPUT', /region lips .* has left_rotation_idx undefined, expected 61/),
    )
  })
})

describe('canonical face', () => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
  const float = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)]
  const message = (vertices: number, triangles: number) => {
    const mesh = [
      ...[1, 0, 2, 1].flatMap((v, i) => (i % 2 ? [v] : [v << 3])),
      ...count(vertices * 5).flatMap((i) => [(3 << 3) | 5, ...float(i)]),
      ...count(triangles * 3).flatMap((i) => [4 << 3, ...varint(i % vertices)]),
    ]
    return Uint8Array.from([(1 << 3) | 2, ...varint(mesh.length), ...mesh, 3 << 3, 1])
  }

  it('turns y and z, keeps uv and winding', () => {
    const [positions, uv, triangles] = canonicalFace(message(468, 898))
    expect([positions?.shape, uv?.shape, triangles?.shape]).toEqual([
      [468, 3],
      [468, 2],
      [898, 3],
    ])
    expect(Array.from(positions?.values ?? []).slice(3, 6)).toEqual([5, -6, -7])
    expect(Array.from(uv?.values ?? []).slice(2, 4)).toEqual([8, 9])
    expect(Array.from(triangles?.values ?? []).slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('refuses other counts and other bytes', () => {
    expect(() => canonicalFace(message(467, 898))).toThrow(thrown('INVALID_INPUT', /2335 vertex floats/))
    expect(() => canonicalFace(Uint8Array.of(0x0b))).toThrow(thrown('INVALID_INPUT', /wire type 3/))
  })
})

describe('trained networks', () => {
  it('as shipped: every tensor is one of the architecture', async () => {
    const shipped = await readSafetensors('weights/dffnet-m.safetensors')
    const names = (list: readonly { readonly name: string }[]) => list.map((t) => t.name).sort()
    expect(names(trainedNetwork(shipped, 'F16'))).toEqual(names(shipped.entries()))
  })

  it('are checked against the architecture they state', async () => {
    const narrow = [...dffnetShapes(0.05, 4, true)].map(([name, shape]): TensorToWrite => {
      const values = new Float32Array(elementsOf(shape))
      return { name, dtype: 'F16', shape, values }
    })
    const stated = { architecture: 'dffnet', a: '0.05', prior: '4', fine_matching: '1' }
    const refused = async (metadata: Record<string, string>, of = narrow) => {
      const file = await parseSafetensors(await encodeSafetensors(of, { ...stated, ...metadata }), 'w')
      return () => trainedNetwork(file, 'F16')
    }
    expect(await refused({})).not.toThrow()
    expect(await refused({ a: '1' })).toThrow(
      thrown('INVALID_WEIGHTS', /"conv1.weight" has shape \[16,3,7,7\]/),
    )
    expect(await refused({ prior: '0' })).toThrow(thrown('INVALID_WEIGHTS', /pncc1.weight/))
    expect(await refused({ a: 'wide' })).toThrow(thrown('INVALID_WEIGHTS', /"wide" is no number/))
    expect(await refused({ architecture: 'raft' })).toThrow(thrown('INVALID_WEIGHTS', /"raft" is not known/))
    expect(await refused({}, narrow.slice(1))).toThrow(thrown('INVALID_WEIGHTS', /conv1.weight" is missing/))
    const extra = { name: 'conv9.bias', dtype: 'F16', shape: [1], values: [0] } as const
    expect(await refused({}, [...narrow, extra])).toThrow(thrown('INVALID_WEIGHTS', /conv9.bias: no layer/))
  })
})

describe('trained depth from motion', () => {
  it('is checked against the lengths of its biases and its prior', async () => {
    const tensors = (prior: boolean, axes: 1 | 3 = 1) =>
      [...depthFromMotionShapes({ components: 3, hidden: 2, axes }, prior, 468)].map(
        ([name, shape]): TensorToWrite => {
          return { name, dtype: 'F16', shape, values: new Float32Array(elementsOf(shape)) }
        },
      )
    const converted = async (prior: string, of: readonly TensorToWrite[]) => {
      const bytes = await encodeSafetensors(of, { network: 'depth-from-motion', prior })
      const file = await parseSafetensors(bytes, 'w')
      return () => trainedDepth(file, 'F16')
    }
    expect((await converted('4', tensors(true)))()).toHaveLength(8)
    expect((await converted('0', tensors(false)))()).toHaveLength(8)
    const all = (await converted('4', tensors(true, 3)))()
    expect(all.find(({ name }) => name === 'depth.4.weight')?.shape).toEqual([3 * 468, 2])
    const mixed = [...tensors(true).slice(0, -1), ...tensors(true, 3).slice(-1)]
    expect(await converted('4', mixed)).toThrow(
      thrown('INVALID_WEIGHTS', /depth.4.weight" has shape \[468,2\]/),
    )
    expect(await converted('0', tensors(true))).toThrow(
      thrown('INVALID_WEIGHTS', /depth.1.weight" has shape/),
    )
    expect(await converted('4', tensors(true).slice(1))).toThrow(thrown('INVALID_WEIGHTS', /is missing/))
  })
})

describe('command', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'convert-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  const convert = (...args: string[]) =>
    run(process.execPath, ['--import', 'tsx', 'tools/convert-weights.ts', ...args])

  it('converts, prints the table and the hash of what it wrote', async () => {
    const output = join(folder, 'dffnet.safetensors')
    const { stdout } = await convert('pytorch', 'weights/dffnet-m.safetensors', output)
    expect(stdout).toMatch(/conv1\.weight +F16 +32 x 3 x 7 x 7 +4704/)
    expect(stdout).toContain(`read back; sha256 ${(await readSafetensors(output)).hash}`)
  })

  it('takes a tuned 3DMeshReg as well, to the same bytes', async () => {
    const shipped = 'weights/registered-mesh-regressor.safetensors'
    const output = join(folder, 'tuned.safetensors')
    const { stdout } = await convert('pytorch', shipped, output)
    expect(stdout).toContain(`read back; sha256 ${(await readSafetensors(shipped)).hash}`)
    expect(await readFile(output)).toEqual(await readFile(shipped))
  })

  it('says in one line what is wrong, and writes nothing', async () => {
    const assets = join(folder, 'assets.data')
    await writeFile(assets, 'no assets')
    await expect(convert('tflite', '--assets', assets, '--out', join(folder, 'out'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^error: .*assets\.data: 9 bytes where .* has 3986256; use that version\n$/,
      ),
    })
    await expect(convert('pytorch', assets, join(folder, 'x'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: .*truncated, or no safetensors file.*\n$/),
    })
    expect((await readdir(folder)).sort()).toEqual(['assets.data', 'dffnet.safetensors', 'tuned.safetensors'])
  })
})
