import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import {
  encodeSafetensors,
  parseSafetensors,
  readSafetensors,
  type TensorToWrite,
} from '../../src/weights/safetensors.js'
import { parameterCount } from '../../src/weights/weight-file.js'
import { writeSafetensors } from '../../src/weights/write-safetensors.js'
import { quantisedNetwork } from '../../tools/quantised-network.js'

const tensors: TensorToWrite[] = [
  { name: 'half', dtype: 'F16', shape: [3], values: [0.5, -2, 65504] },
  { name: 'conv.weight', dtype: 'F32', shape: [2, 1, 1, 2], values: [1, 2, 3, 0.1] },
  { name: 'faces', dtype: 'I32', shape: [1, 3], values: [0, 468, -1] },
  { name: 'empty', dtype: 'F32', shape: [0, 4], values: [] },
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** File with a header of our own making and `dataBytes` of zeros. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true)
  bytes.set(json, 8)
  return bytes
}

async function refusal(action: () => unknown): Promise<EngineError> {
  try {
    await action()
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError)
    return error as EngineError
  }
  throw new Error('nothing was refused')
}

describe('round trip', () => {
  it('keeps names, shapes, values and metadata, whatever the order', async () => {
    const read = await parseSafetensors(await encodeSafetensors(tensors, { network: 'test' }), 'x')
    expect(read.metadata.network).toBe('test')
    expect(read.note('sha256')).toBe(read.hash)
    expect([...read.tensor('half', [3])]).toEqual([0.5, -2, 65504])
    expect([...read.tensor('conv.weight', [2, 1, 1, 2])]).toEqual([1, 2, 3, Math.fround(0.1)])
    expect([...read.indices('faces', [1, 3])]).toEqual([0, 468, -1])
    expect(read.tensor('empty', [0, 4])).toHaveLength(0)
    expect(read.has('half')).toBe(true)
    expect(read.has('other')).toBe(false)
  })

  it('holds for any tensors (property)', async () => {
    const tensor = fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 20 })
      .map((values) => ({ dtype: 'F32' as const, shape: [values.length], values }))
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), tensor), async (entries) => {
        // JSON.parse and object literals treat this key in a way of their own.
        const named = Object.entries(entries)
          .filter(([name]) => name !== '__proto__' && name !== '__metadata__')
          .map(([name, t]) => ({ name, ...t }))
        const read = await parseSafetensors(await encodeSafetensors(named, {}), 'x')
        for (const { name, shape, values } of named) {
          expect(read.tensor(name, shape)).toEqual(Float32Array.from(values))
        }
        expect(read.entries()).toHaveLength(named.length)
      }),
      { numRuns: 50 },
    )
  })

  it('writes whole files only, and leaves nothing behind when it cannot', async () => {
    const path = join(folder, 'a.safetensors')
    await writeSafetensors(path, tensors, {})
    expect((await readSafetensors(path)).entries()).toHaveLength(4)
    await expect(writeSafetensors(join(folder, 'no/such/b'), tensors, {})).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
    })
    expect(await readdir(folder)).toEqual(['a.safetensors'])
  })
})

describe('weights of 8 bits', () => {
  const whole = { name: 'w', dtype: 'I8', shape: [2, 3, 1], values: [1, -2, 127, -127, 0, 3] } as const
  const scale = (shape: readonly number[], values: readonly number[]) =>
    ({ name: 'w.scale', dtype: 'F32', shape, values }) as const

  it.each([
    ['one', [1, 1, 1], [0.5], [0.5, -1, 63.5, -63.5, 0, 1.5]],
    ['first axis', [2, 1, 1], [0.5, 2], [0.5, -1, 63.5, -254, 0, 6]],
    ['second axis', [1, 3, 1], [0.5, 2, 4], [0.5, -4, 508, -63.5, 0, 12]],
    ['each', [2, 3, 1], [1, 2, 3, 4, 5, 6], [1, -4, 381, -508, 0, 18]],
  ])(
    'are multiplied by their scales, %s, which are no tensors of their own',
    async (_, shape, scales, expected) => {
      const read = await parseSafetensors(await encodeSafetensors([whole, scale(shape, scales)], {}), 'x')
      expect([...read.tensor('w', [2, 3, 1])]).toEqual(expected)
      expect(read.entries().map(({ name }) => name)).toEqual(['w'])
      expect(parameterCount(read)).toBe(6)
    },
  )

  const entry = { dtype: 'I8', shape: [2, 2], data_offsets: [0, 4] }
  it.each([
    ['none', file({ w: entry }, 4), /"w" is I8 and has no scales, tensor "w.scale"/],
    [
      'another number',
      file({ w: entry, 'w.scale': { dtype: 'F32', shape: [3, 1], data_offsets: [4, 16] } }, 16),
      /"w.scale" has shape \[3,1\]; scales of \[2,2\] have as many dimensions, each 1 or the same/,
    ],
    [
      'fewer dimensions',
      file({ w: entry, 'w.scale': { dtype: 'F32', shape: [2], data_offsets: [4, 12] } }, 12),
      /"w.scale" has shape \[2\]/,
    ],
    [
      'integers',
      file({ w: entry, 'w.scale': { dtype: 'I32', shape: [2, 1], data_offsets: [4, 12] } }, 12),
      /"w.scale" holds scales in I32; they are F32 or F16/,
    ],
  ])('are refused with scales that do not fit: %s', async (_, bytes, message) => {
    const error = await refusal(() => parseSafetensors(bytes, 'w.safetensors'))
    expect(error.code).toBe('INVALID_WEIGHTS')
    expect(error.message).toMatch(message)
  })

  it('are refused where a scale is no number', async () => {
    const bytes = await encodeSafetensors(
      [{ ...whole, values: [1, 1, 1, 1, 1, 1] }, scale([2, 1, 1], [1, 2])],
      {},
    )
    const at = new TextDecoder('latin1').decode(bytes).indexOf('"sha256":"')
    bytes.set(new TextEncoder().encode('"sha255":"'), at)
    // Scales come first, for they are the larger elements: 8 bytes, then 6 of whole numbers.
    new DataView(bytes.buffer).setFloat32(bytes.length - 14, Number.NaN, true)
    const read = await parseSafetensors(bytes, 'x')
    expect((await refusal(() => read.tensor('w', [2, 3, 1]))).message).toMatch(/"w" holds NaN at element 0/)
  })

  it('are not written where they do not fit', async () => {
    for (const values of [[0.5], [128], [Number.NaN]]) {
      const error = await refusal(() =>
        encodeSafetensors([{ name: 'w', dtype: 'I8', shape: [1], values }, scale([1], [1])], {}),
      )
      expect(error).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/does not fit I8/),
      })
    }
    expect((await refusal(() => encodeSafetensors([whole], {}))).message).toMatch(/has no scales/)
    const foreign = { name: 'w', dtype: 'BF16', shape: [1], values: [1] } as unknown as TensorToWrite
    expect((await refusal(() => encodeSafetensors([foreign], {}))).message).toMatch(
      /"w": dtype "BF16" cannot be written; choose from F32, F16, I32, U8, I8/,
    )
  })

  it('lie within half a step of what they were made of (property)', async () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
    )
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.infiniteStream(fc.float({ min: -10, max: 10, noNaN: true })),
        async (shape, stream) => {
          const values = Float32Array.from(
            { length: shape[0] * shape[1] * shape[2] },
            () => stream.next().value as number,
          )
          const source = await parseSafetensors(
            await encodeSafetensors([{ name: 'w', dtype: 'F32', shape, values }], {}),
            'x',
          )
          const read = await parseSafetensors(await encodeSafetensors(quantisedNetwork(source), {}), 'y')
          const largest = Math.max(...values.map(Math.abs))
          read.tensor('w', shape).forEach((value, i) => {
            expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual((largest / 127) * 0.501)
          })
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('content hash', () => {
  it('is asked for by the caller', async () => {
    const bytes = await encodeSafetensors(tensors, {})
    const { hash } = await parseSafetensors(bytes, 'x')
    expect((await parseSafetensors(bytes, 'x', { hash })).hash).toBe(hash)
    const error = await refusal(() => parseSafetensors(bytes, 'x', { hash: '00' }))
    expect(error.code).toBe('INVALID_WEIGHTS')
    expect(error.message).toMatch(/the caller states, 00/)
  })

  it('notices a changed value and a changed name', async () => {
    const changed = await encodeSafetensors(tensors, {})
    changed[changed.length - 1] = 0x11
    expect((await refusal(() => parseSafetensors(changed, 'x'))).message).toMatch(/its own metadata/)

    const renamed = await encodeSafetensors(tensors, {})
    const at = new TextDecoder('latin1').decode(renamed).indexOf('faces')
    renamed[at] = 'F'.charCodeAt(0)
    expect((await refusal(() => parseSafetensors(renamed, 'x'))).message).toMatch(/content hash/)
  })

  it('does not depend on metadata or on the order of the header', async () => {
    const a = file(
      {
        a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
        b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      },
      8,
    )
    const b = file(
      {
        __metadata__: { x: 'y' },
        b: { data_offsets: [4, 8], shape: [1], dtype: 'F32' },
        a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
      },
      8,
    )
    expect((await parseSafetensors(a, 'x')).hash).toBe((await parseSafetensors(b, 'x')).hash)
  })
})

describe('refuses damaged files with INVALID_WEIGHTS, the file and a remedy', async () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] }
  const whole = await encodeSafetensors(tensors, {})
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(), /too few for a header/],
    ['cut in the header', whole.slice(0, 40), /truncated/],
    ['cut in the data', whole.slice(0, -4), /truncated/],
    ['longer than its tensors', file({ a: entry }, 12), /4 bytes after its last tensor/],
    ['a photo', new Uint8Array(4096).fill(0xd8), /no safetensors file/],
    ['header no JSON', file('{"a":', 8), /not JSON/],
    ['header no object', file('[]', 0), /no JSON object/],
    ['metadata no strings', file({ __metadata__: { a: 1 } }, 0), /metadata/],
    ['entry no object', file({ a: 3 }, 0), /"a" by no object/],
    [
      'unknown dtype',
      file({ a: { ...entry, dtype: 'BF16' } }, 8),
      /dtype BF16; F32, F16, I32, U8, I8 can be read/,
    ],
    ['negative shape', file({ a: { ...entry, shape: [-2] } }, 8), /no valid shape/],
    ['range of another size', file({ a: { ...entry, shape: [3] } }, 8), /needs 12 bytes, its range has 8/],
    ['range with one end', file({ a: { ...entry, data_offsets: [0] } }, 8), /no valid byte range/],
    [
      'overlap',
      file({ a: entry, b: { ...entry, data_offsets: [4, 12] } }, 12),
      /begins at byte 4, the one before ends at 8/,
    ],
    ['gap', file({ a: { ...entry, data_offsets: [4, 12] } }, 12), /begins at byte 4/],
  ]
  it.each(cases)('%s', async (_, bytes, message) => {
    const error = await refusal(() => parseSafetensors(bytes, 'w.safetensors'))
    expect(error.code).toBe('INVALID_WEIGHTS')
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^w\.safetensors: .*; fetch or convert the file again$/)
    expect(error.details.file).toBe('w.safetensors')
  })

  it('missing', async () => {
    await expect(readSafetensors(join(folder, 'none'))).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message: expect.stringMatching(/none: cannot be read \(ENOENT\); check the path/),
    })
  })

  it('never crashes on random damage (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const damaged = whole.slice()
        damaged[at] = byte
        try {
          await parseSafetensors(damaged, 'x')
        } catch (error) {
          expect((error as EngineError).code).toBe('INVALID_WEIGHTS')
        }
      }),
    )
  })
})

describe('odd headers', () => {
  it('may name a tensor like a property of every object', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
      const written = await encodeSafetensors([{ name, dtype: 'F32', shape: [2], values: [1, 2] }], {})
      const read = await parseSafetensors(written, 'file')
      expect(read.entries().map((entry) => entry.name)).toEqual([name])
      expect([...read.tensor(name, [2])]).toEqual([1, 2])
      expect((await refusal(() => read.note(name))).code).toBe('INVALID_WEIGHTS')
    }
  })

  it('of any depth and any kind of values are refused by a typed error', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const object = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    const entry = (dtype: string, shape = '[1]', offsets = '[0,4]') =>
      `{"x":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`
    const headers = [
      deep,
      object,
      entry(deep),
      entry(object),
      entry('{"toString":1}'),
      entry('"toString"'),
      entry('"__proto__"'),
      entry('"F32"', deep),
      entry('"F32"', '[1e308,1e308]'),
      entry('"F32"', '[1]', deep),
      `{"__proto__":${deep}}`,
      `{"__metadata__":{"__proto__":${object}}}`,
      `{"__metadata__":{"sha256":"${'0'.repeat(64)}"}}`,
    ]
    for (const header of headers) {
      const { code, message } = await refusal(() => parseSafetensors(file(header, 4), 'file'))
      expect(code).toBe('INVALID_WEIGHTS')
      expect(message.length).toBeLessThan(400)
    }
    const keys = fc.constantFrom(
      '__proto__',
      '__metadata__',
      'x',
      'dtype',
      'shape',
      'data_offsets',
      'toString',
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown[]>(null, true, 0, 4, -1, 1e300, 'F32', 'U8', ''),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.array(fc.tuple(keys, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(tree, async (header) => {
        try {
          await parseSafetensors(file(header, 4), 'file')
        } catch (error) {
          expect(error).toBeInstanceOf(EngineError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})

describe('refuses tensors that are not what the network needs', async () => {
  const read = await parseSafetensors(await encodeSafetensors(tensors, {}), 'w.safetensors')
  it.each([
    ['missing', () => read.tensor('none', [1]), /"none" is missing/],
    ['other shape', () => read.tensor('half', [1, 3]), /"half" has shape \[3\], the network needs \[1,3\]/],
    ['integers for floats', () => read.tensor('faces', [1, 3]), /integers/],
    ['floats for integers', () => read.indices('half', [3]), /F16 where I32/],
    ['no such note', () => read.note('network'), /metadata "network" is missing/],
  ] as const)('%s', async (_, action, message) => {
    const error = await refusal(action)
    expect(error.code).toBe('INVALID_WEIGHTS')
    expect(error.message).toMatch(message)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('%d in a file', async (value) => {
    const bytes = file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, 8)
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, value, true)
    const error = await refusal(async () => (await parseSafetensors(bytes, 'x')).tensor('a', [2]))
    expect(error.message).toMatch(`holds ${value} at element 1`)
  })
})

describe('refuses to write', () => {
  const one = { name: 'a', dtype: 'F16', shape: [1] } as const
  it.each([
    [
      'another number of values than the shape has',
      [{ ...one, values: [1, 2] }],
      /2 values, its shape \[1\] needs 1/,
    ],
    [
      'a name twice',
      [
        { ...one, values: [1] },
        { ...one, values: [1] },
      ],
      /"a" is taken/,
    ],
    ['what f16 cannot hold', [{ ...one, values: [65520] }], /65520 at element 0 does not fit F16/],
    ['NaN', [{ ...one, dtype: 'F32', values: [Number.NaN] }], /NaN/],
  ] as const)('%s', async (_, bad, message) => {
    const error = await refusal(() => encodeSafetensors(bad, {}))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(message)
  })
})

describe('shipped files', () => {
  it.each([
    ['face-detector', 101_390],
    ['mesh-regressor', 604_685],
    ['registered-mesh-regressor', 604_685],
    ['mesh-regressor-attention', 1_189_277],
  ])('%s: hash, provenance, licence, parameters', async (name, parameters) => {
    const read = await readSafetensors(`weights/${name}.safetensors`)
    expect(read.note('sha256')).toBe(read.hash)
    expect(read.note('network')).toBe(name)
    expect(read.note('source')).toBe('@mediapipe/face_mesh@0.4.1657299874')
    expect(read.note('licence')).toMatch(/^Apache-2\.0/)
    const count = read.entries().reduce((sum, e) => sum + e.shape.reduce((p, n) => p * n, 1), 0)
    expect(count).toBe(parameters)
  })

  it('canonical face: our axes, every triangle of existing vertices, eyes upright', async () => {
    const read = await readSafetensors('weights/canonical-face.safetensors')
    const positions = read.tensor('positions', [468, 3])
    const uv = read.tensor('uv', [468, 2])
    const triangles = read.indices('triangles', [898, 3])
    expect(Math.min(...triangles)).toBe(0)
    expect(Math.max(...triangles)).toBe(467)
    expect(new Set(triangles).size).toBe(468)
    const at = (vertex: number, axis: number) => positions[3 * vertex + axis] as number
    const [forehead, chin, noseTip, leftOfPicture, rightOfPicture] = [10, 152, 1, 33, 263] as const
    expect(at(forehead, 1)).toBeLessThan(at(chin, 1))
    expect(at(noseTip, 2)).toBeLessThan(at(forehead, 2))
    expect(at(leftOfPicture, 0)).toBeCloseTo(-at(rightOfPicture, 0), 5)
    expect(at(leftOfPicture, 0)).toBeLessThan(0)
    expect(uv[2 * forehead + 1]).toBeLessThan(uv[2 * chin + 1] as number)
  })

  it('is the length of header and data', async () => {
    const bytes = await readFile('weights/face-detector.safetensors')
    await writeFile(join(folder, 'cut'), bytes.subarray(0, bytes.length / 2))
    await expect(readSafetensors(join(folder, 'cut'))).rejects.toMatchObject({ code: 'INVALID_WEIGHTS' })
  })
})
