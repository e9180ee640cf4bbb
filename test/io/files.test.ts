import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { OBJLoader } from '@loaders.gl/obj'
import { PLYLoader } from '@loaders.gl/ply'
import { unzipSync } from 'fflate'
import validator from 'gltf-validator'
import { parse as parseNpy } from 'npyjs'
import sharp from 'sharp'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FlowResult } from '../../src/face/types.js'
import { decodeFlo, encodeFlo } from '../../src/io/flo.js'
import { encodeGlb, encodeObj, encodePly } from '../../src/io/mesh.js'
import { decodeNpy, encodeNpy } from '../../src/io/npy.js'
import { readPairs } from '../../src/io/pairs-csv.js'
import { PRODUCT_GROUPS, PRODUCT_NAMES } from '../../src/io/product-list.js'
import { writeProducts } from '../../src/io/products.js'
import { vertexColours } from '../../src/io/texture.js'
import { type FileSystem, removePendingFiles, writeFileAtomic } from '../../src/platform/node/atomic.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { makeTemporaryFolder } from '../../src/platform/node/temporary-folder.js'
import { mouthOpening, syntheticResult, together, turn } from '../support/synthetic.js'

let folder: string
let result: FlowResult
beforeAll(async () => {
  result = await syntheticResult(together(turn, mouthOpening))
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('npy', () => {
  it('is read back, by this package and by another', () => {
    const bytes = encodeNpy(result.flow, [224, 224, 3])
    const own = decodeNpy(bytes)
    expect(own.shape).toEqual([224, 224, 3])
    expect(sameBytes(own.data, result.flow)).toBe(true)
    const other = parseNpy(bytes.slice().buffer)
    expect(other.shape).toEqual([224, 224, 3])
    expect(other.fortranOrder).toBe(false)
    expect(sameBytes(other.data as Float32Array, result.flow)).toBe(true)
  })

  it('starts the numbers at a multiple of 64, as the format asks', () => {
    const bytes = encodeNpy(new Uint8Array(5), [5])
    expect((bytes.length - 5) % 64).toBe(0)
    expect(decodeNpy(bytes)).toEqual({ data: new Uint8Array(5), shape: [5] })
  })

  it('refuses what is cut or foreign', () => {
    const bytes = encodeNpy(new Float32Array(6), [2, 3])
    expect(() => decodeNpy(bytes.subarray(0, bytes.length - 1), 'x.npy')).toThrow(
      /x\.npy: has 23 bytes.*2x3 need 24/,
    )
    expect(() => decodeNpy(new Uint8Array(20), 'x.npy')).toThrow(/not an npy file/)
    expect(() => encodeNpy(new Float32Array(6), [2, 2])).toThrow(/do not fill/)
  })
})

describe('flo', () => {
  it('keeps the 2D flow and marks pixels off the face as unknown', () => {
    const bytes = encodeFlo(result.flow, result.mask, 224, 224)
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('PIEH')
    const back = decodeFlo(bytes)
    expect(sameBytes(back.mask, result.mask)).toBe(true)
    const i = 120 * 224 + 100
    expect([back.flow[2 * i], back.flow[2 * i + 1]]).toEqual([result.flow[3 * i], result.flow[3 * i + 1]])
    expect(() => decodeFlo(bytes.subarray(0, 100), 'x.flo')).toThrow(
      /x\.flo: 100 bytes do not hold a 224x224/,
    )
  })
})

describe('products', () => {
  it('writes every file, result.json last, and they open', async () => {
    const names = await writeProducts(result, join(folder, 'out'), {
      only: PRODUCT_GROUPS,
      names: { a: 'x', b: 'y' },
    })
    expect(names.at(-1)).toBe('result.json')
    for (const name of PRODUCT_NAMES) expect(names).toContain(name)
    expect((await readdir(join(folder, 'out'))).sort()).toEqual([...names].sort())
    const read = (name: string) => readFile(join(folder, 'out', name))

    const json = JSON.parse(await readFile(join(folder, 'out', 'result.json'), 'utf8'))
    expect(json.inputs).toEqual({ a: 'x', b: 'y', registered: false })
    expect(json.faces.a.landmarks68).toHaveLength(68)
    expect(json.statistics.facePixels).toBe(result.mask.reduce((s, v) => s + v, 0))
    expect(json.files).toEqual(names)

    const report = await validator.validateBytes(new Uint8Array(await read('motion.glb')))
    expect(report.issues.messages).toEqual([])
    expect(report.info.totalVertexCount).toBe(468)
    expect(report.info.hasMorphTargets).toBe(true)
    expect(report.info.hasTextures).toBe(true)
    expect(report.info.animationCount).toBe(1)

    const obj = await OBJLoader.parse?.(toArrayBuffer(await read('mesh_a.obj')), {})
    expect(obj?.attributes.POSITION?.value.length).toBeGreaterThanOrEqual(468 * 3)
    const ply = await PLYLoader.parse?.(toArrayBuffer(await read('mesh_b.ply')), {})
    expect(ply?.attributes.POSITION?.value).toEqual(result.meshB)
    expect(ply?.indices?.value.length).toBe(result.triangles.length)

    const photo = decodeNpy(await read('photo_flow.npy'))
    expect(photo.shape).toEqual([576, 720, 3])
    for (const name of names.filter((n) => n.endsWith('.png'))) {
      const image = await decodePhoto(await read(name))
      expect(image.width, name).toBeGreaterThanOrEqual(224)
    }
  })

  it('writes the chosen files only, and result.json', async () => {
    expect(await writeProducts(result, folder, { only: ['flow.npy', 'meshes'] })).toEqual([
      'flow.npy',
      'mesh_a.obj',
      'mesh_a.mtl',
      'mesh_a.jpg',
      'mesh_b.ply',
      'motion.glb',
      'result.json',
    ])
    await expect(writeProducts(result, folder, { only: ['flow'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('no product is called "flow"; choose from data, meshes'),
    })
  })

  it.each<[string, unknown[], RegExp]>([
    ['no folder', [undefined], /^folder is the name of the folder/],
    ['a number for a folder', [5], /^folder is the name of the folder/],
    ['an empty name', [''], /^folder is the name of the folder/],
    ['a name for options', ['x', 'flow.npy'], /^writeProducts\(\): options are an object, got "flow\.npy/],
    ['a name for names', ['x', { only: 'flow.npy' }], /^only is an array of names, got flow\.npy/],
    ['an unknown axis', ['x', { up: 'z' }], /^there is no axis "z" for up; choose from template, y/],
  ])('%s: told exactly', async (_what, args, message) => {
    const write = writeProducts as (...args: unknown[]) => Promise<string[]>
    const refused = { name: 'FaceError', code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }
    await expect(write(result, ...args)).rejects.toMatchObject(refused)
    await expect(write(Promise.resolve(result), folder)).rejects.toMatchObject({
      message: 'result is what flow() or flowRegistered() resolves to (await it)',
    })
    await expect(readPairs(5 as unknown as string)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('leaves out what needs the backward flow when there is none', async () => {
    const { backwardFlow, occlusion, confidence, ...forward } = result
    expect([backwardFlow, occlusion, confidence].every((field) => field !== undefined)).toBe(true)
    const names = await writeProducts(forward, folder, { only: ['data', 'occlusion.png'] })
    expect(names).not.toContain('confidence.npy')
    expect(names).not.toContain('occlusion.png')
    expect(names).toContain('flow.npy')
  })

  it('writes the same bytes for the same result', async () => {
    const [first, second] = [join(folder, '1'), join(folder, '2')]
    const names = await writeProducts(result, first)
    await writeProducts(result, second)
    for (const name of names) {
      const same = sameBytes(await readFile(join(first, name)), await readFile(join(second, name)))
      expect(same, name).toBe(true)
    }
  })

  it('stops at a full disk with nothing half-written', async () => {
    const fs = fullDiskAfter(3)
    await expect(writeProducts(result, folder, { fs })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(
        /: the disk is full \(ENOSPC\); free some space or choose another folder/,
      ),
    })
    expect(fs.left()).toHaveLength(3)
    expect(fs.left().some((name) => name.endsWith('.tmp'))).toBe(false)
  })

  it('takes photo space like any other file, each one alone', async () => {
    expect(await writeProducts(result, folder, { only: ['photo_flow.npy'] })).toEqual([
      'photo_flow.npy',
      'result.json',
    ])
    const { a: _a, b: _b, rigidPhoto: _r, ...registered } = result
    await expect(writeProducts(registered, folder, { only: ['photo_mask.png'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('photo-space flow needs photos'),
    })
  })

  it('writes masks as one channel', async () => {
    await writeProducts(result, folder, { only: ['mask.png', 'photo_mask.png'] })
    for (const [name, width, height] of [
      ['mask.png', 224, 224],
      ['photo_mask.png', 720, 576],
    ] as const) {
      const image = sharp(join(folder, name))
      expect(await image.metadata(), name).toMatchObject({ width, height, channels: 1, depth: 'uchar' })
      expect(new Set(await image.raw().toBuffer()), name).toEqual(new Set([0, 255]))
    }
  })

  it('writes half precision, and says where it is coarse', async () => {
    const notes: string[] = []
    const onNote = (text: string) => notes.push(text)
    await writeProducts(result, folder, { half: true, onNote, only: ['flow.npy', 'photo_flow.npy'] })
    const bytes = await readFile(join(folder, 'flow.npy'))
    expect(bytes.length).toBe(128 + 2 * result.flow.length)
    expect(bytes.toString('latin1', 0, 80)).toContain("'descr': '<f2'")
    const { data } = decodeNpy(bytes)
    const worst = result.flow.reduce(
      (most, v, i) => Math.max(most, Math.abs(v - (data[i] as number)) / Math.max(1, Math.abs(v))),
      0,
    )
    expect(worst).toBeGreaterThan(0)
    expect(worst).toBeLessThanOrEqual(2 ** -11)
    expect(notes).toEqual([])
    const far = { ...result, b: { ...result.b, toTemplate: { ...result.b.toTemplate, tx: -900 } } }
    await writeProducts(far, folder, { half: true, onNote, only: ['photo_flow.npy'] })
    expect(notes).toEqual([
      expect.stringMatching(/^photo_flow\.npy: motion of up to \d+ px is rounded by up to /),
    ])
  })

  it('writes all fields into one archive', async () => {
    await writeProducts(result, folder, { only: ['fields.npz'] })
    const files = unzipSync(await readFile(join(folder, 'fields.npz')))
    expect(Object.keys(files).sort()).toEqual(
      ['confidence.npy', 'flow.npy', 'flow_backward.npy', 'mask.npy', 'occlusion.npy'].sort(),
    )
    const flow = parseNpy((files['flow.npy'] as Uint8Array).slice().buffer)
    expect(sameBytes(flow.data as Float32Array, result.flow)).toBe(true)
    expect(decodeNpy(files['mask.npy'] as Uint8Array)).toMatchObject({ shape: [224, 224] })
  })

  it('writes an OBJ whose material and texture lie beside it, where the photo shows the vertices', async () => {
    const names = await writeProducts(result, folder, { only: ['mesh_a.obj'] })
    expect(names).toEqual(['mesh_a.obj', 'mesh_a.mtl', 'mesh_a.jpg', 'result.json'])
    const lines = (await readFile(join(folder, 'mesh_a.obj'), 'utf8')).split('\n')
    expect(lines).toContain('mtllib mesh_a.mtl')
    const material = await readFile(join(folder, 'mesh_a.mtl'), 'utf8')
    expect(material).toContain('map_Kd mesh_a.jpg')
    const name = /^newmtl (.*)$/m.exec(material)?.[1]
    expect(lines.indexOf(`usemtl ${name}`)).toBeLessThan(lines.findIndex((line) => line.startsWith('f ')))
    expect(lines).toContain(`usemtl ${name}`)

    const texture = await decodePhoto(join(folder, 'mesh_a.jpg'))
    const uv = lines
      .filter((line) => line.startsWith('vt '))
      .map((line) => line.split(' ').slice(1).map(Number))
    const colours = vertexColours(result.registeredA, result.meshA)
    const differences = uv.map(([u = 0, v = 0], i) => {
      const x = Math.min(texture.width - 1, Math.floor(u * texture.width))
      const y = Math.min(texture.height - 1, Math.floor((1 - v) * texture.height))
      return Math.abs((texture.data[4 * (y * texture.width + x)] as number) - (colours[3 * i] as number))
    })
    expect(differences.sort((a, b) => a - b)[234]).toBeLessThan(12)
  })

  it('turns the meshes upright on request: y up, the face looks along z', async () => {
    const vertices = async (file: string) => {
      const mesh = await OBJLoader.parse?.(toArrayBuffer(await readFile(file)), {})
      return mesh?.attributes.POSITION?.value as Float32Array
    }
    await writeProducts(result, join(folder, 'template'), { only: ['meshes'] })
    await writeProducts(result, join(folder, 'y'), { only: ['meshes'], up: 'y' })
    const [down, up] = [
      await vertices(join(folder, 'template', 'mesh_a.obj')),
      await vertices(join(folder, 'y', 'mesh_a.obj')),
    ]
    const wanted = down.map((v, i) => (i % 3 === 0 ? v : i % 3 === 1 ? 224 - v : -v))
    expect(up.every((v, i) => Math.abs(v - (wanted[i] as number)) < 1e-4)).toBe(true)
    expect(facing(down)).toBeLessThan(0)
    expect(facing(up)).toBeGreaterThan(0)
    const ply = await PLYLoader.parse?.(toArrayBuffer(await readFile(join(folder, 'y', 'mesh_b.ply'))), {})
    expect(ply?.attributes.POSITION?.value[1]).toBeCloseTo(224 - (result.meshB[1] as number), 4)
  })

  it('writes a glTF that any viewer shows: a scene to begin with, the photo as base colour, unlit where known', async () => {
    await writeProducts(result, folder, { only: ['motion.glb'] })
    const bytes = await readFile(join(folder, 'motion.glb'))
    const json = JSON.parse(bytes.toString('utf8', 20, 20 + bytes.readUInt32LE(12)))
    expect(json.scene).toBe(0)
    expect(json.extensionsUsed).toEqual(['KHR_materials_unlit'])
    expect(json.extensionsRequired).toBeUndefined()
    const [material] = json.materials
    expect(material.pbrMetallicRoughness.baseColorTexture).toEqual({ index: 0 })
    expect(material.pbrMetallicRoughness.baseColorFactor ?? [1, 1, 1, 1]).toEqual([1, 1, 1, 1])
    expect(material.extensions).toEqual({ KHR_materials_unlit: {} })
    expect(material.emissiveTexture).toBeUndefined()
  })

  it('does not write into a folder that another process writes into', async () => {
    const held = JSON.stringify({
      pid: process.ppid,
      host: hostname(),
      started: null,
      since: 'now',
      token: '',
    })
    await writeFile(join(folder, '.deepfaceflow.lock'), held)
    await expect(writeProducts(result, folder, { only: ['flow.npy'] })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/another deepfaceflow writes there \(process \d+ on .*remove .*\.lock/),
    })
    expect(await readdir(folder)).toEqual(['.deepfaceflow.lock'])
  })

  it('refuses an OBJ whose triangles point nowhere', () => {
    const mesh = { vertices: new Float32Array(9), triangles: Uint16Array.of(0, 1, 3) }
    expect(() => encodeObj(mesh, new Float32Array(6), [])).toThrow(/beyond its 3 vertices/)
  })

  describe('refuses a mesh file with a number that is not finite', () => {
    const triangles = Uint16Array.of(0, 1, 2)
    const [mesh, uv] = [{ vertices: new Float32Array(9), triangles }, new Float32Array(6)]
    const broken = (length: number) => new Float32Array(length).fill(Number.NaN, length - 1)
    const bad = { vertices: broken(9), triangles }
    const motion = { name: 'A to B', targets: [{ name: 'B', vertices: mesh.vertices }], times: [0, 1] }
    const weights = Float32Array.of(0, 1)
    const pose = { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], shift: [0, 0, 0] as const }
    const glb = (change: object) => encodeGlb(mesh, uv, new Uint8Array(), { ...motion, weights, ...change })

    it.each([
      ['OBJ', 'mesh', 2, async () => encodeObj(bad, uv, [])],
      ['OBJ', 'texture coordinates', 2, async () => encodeObj(mesh, broken(6), [])],
      ['PLY', 'mesh', 2, async () => encodePly(bad, new Uint8Array(9), [])],
      ['glTF', 'mesh', 2, () => encodeGlb(bad, uv, new Uint8Array(), null)],
      ['glTF', 'texture coordinates', 2, () => encodeGlb(mesh, broken(6), new Uint8Array(), null)],
      ['glTF', 'mesh B', 2, () => glb({ targets: [{ name: 'B', vertices: broken(9) }] })],
      ['glTF', 'times', 1, () => glb({ times: [0, Number.POSITIVE_INFINITY] })],
      ['glTF', 'weights', 1, () => glb({ weights: broken(2) })],
      ['glTF', 'pose of key 1', 11, () => glb({ poses: [pose, { ...pose, shift: [0, 0, Number.NaN] }] })],
    ])('%s: %s', async (_, name, index, make) => {
      await expect(make()).rejects.toMatchObject({ code: 'NUMERIC_OVERFLOW', details: { name, index } })
    })
  })
})

describe('writeFileAtomic', () => {
  it('replaces a file and leaves no temporary one', async () => {
    const file = join(folder, 'a.txt')
    await writeFileAtomic(file, 'one')
    await writeFileAtomic(file, 'two')
    expect(await readFile(file, 'utf8')).toBe('two')
    expect(await readdir(folder)).toEqual(['a.txt'])
  })

  it('says what is in the way', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(writeProducts(result, join(folder, 'file', 'out'))).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/something else is in the way \(ENOTDIR\)/),
    })
    await expect(writeFileAtomic(join(folder, 'missing', 'a.txt'), 'x')).rejects.toMatchObject({
      message: expect.stringMatching(/the folder does not exist \(ENOENT\)/),
    })
    await mkdir(join(folder, 'taken'))
    await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each([
    ['EACCES', 'not writable'],
    ['EROFS', 'the file system is read-only'],
  ])('names a folder that refuses with %s', async (code, what) => {
    const locked = join(folder, 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    const failing: FileSystem = {
      // Root may write anywhere, so the refusal itself is simulated.
      write: () => Promise.reject(Object.assign(new Error('denied'), { code })),
      rename: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      mkdir: () => Promise.resolve([]),
    }
    await expect(writeFileAtomic(join(locked, 'a'), 'x', failing)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(`locked.*${what} \\(${code}\\); choose another folder with -o`),
    })
  })

  it('temporary folders go with their use, and with the process', async () => {
    vi.stubEnv('TMPDIR', folder)
    const [used, left] = [makeTemporaryFolder('a-'), makeTemporaryFolder('b-')]
    for (const { path } of [used, left]) await writeFile(join(path, 'kept'), 'x')
    await used.remove()
    expect(await readdir(folder)).toEqual([basename(left.path)])
    removePendingFiles()
    expect(await readdir(folder)).toEqual([])
    await left.remove()
    vi.unstubAllEnvs()
  })

  it('removes the temporary file of a write that a signal interrupts', async () => {
    let release = () => {}
    let started = () => {}
    const entered = new Promise<void>((resolve) => {
      started = resolve
    })
    const slow: FileSystem = {
      async write(path) {
        await writeFile(path, 'half')
        started()
        await new Promise<void>((resolve) => {
          release = resolve
        })
      },
      rename: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      mkdir: () => Promise.resolve([]),
    }
    const writing = writeFileAtomic(join(folder, 'a.txt'), 'whole', slow)
    await entered
    expect(await readdir(folder)).toHaveLength(1)
    removePendingFiles()
    expect(await readdir(folder)).toEqual([])
    release()
    await writing
  })
})

/** Sum of the z of the triangles' normals; an OBJ loader gives the corners of the triangles in order. */
function facing(corners: Float32Array): number {
  let sum = 0
  for (let i = 0; i + 8 < corners.length; i += 9) {
    const at = (k: number) => corners[i + k] as number
    sum += (at(3) - at(0)) * (at(7) - at(1)) - (at(4) - at(1)) * (at(6) - at(0))
  }
  return sum
}

/** A file system in memory that has room for `capacity` files. */
function fullDiskAfter(capacity: number): FileSystem & { left(): string[] } {
  const files = new Set<string>()
  return {
    async write(path) {
      files.add(path)
      if (files.size > capacity) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    },
    async rename(from, to) {
      files.delete(from)
      files.add(to)
    },
    async remove(path) {
      files.delete(path)
    },
    mkdir: () => Promise.resolve([]),
    left: () => [...files],
  }
}

/** Equality of large arrays in one step: vitest's own comparison takes seconds on them. */
function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)
  return bytes(a).equals(bytes(b))
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
