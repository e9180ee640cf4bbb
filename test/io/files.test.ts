import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OBJLoader } from '@loaders.gl/obj'
import { PLYLoader } from '@loaders.gl/ply'
import validator from 'gltf-validator'
import { parse as parseNpy } from 'npyjs'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FlowResult } from '../../src/face/types.js'
import { decodeFlo, encodeFlo } from '../../src/io/flo.js'
import { encodeObj } from '../../src/io/mesh.js'
import { decodeNpy, encodeNpy } from '../../src/io/npy.js'
import { PRODUCT_NAMES, writeProducts } from '../../src/io/products.js'
import { type FileSystem, removePendingFiles, writeFileAtomic } from '../../src/platform/node/atomic.js'
import { decodePhoto } from '../../src/platform/node/image.js'
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
      photoSpace: true,
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
      'mesh_b.ply',
      'motion.glb',
      'result.json',
    ])
    await expect(writeProducts(result, folder, { only: ['flow'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('no product is called "flow"; choose from data, meshes'),
    })
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

  it('refuses an OBJ whose triangles point nowhere', () => {
    const mesh = { vertices: new Float32Array(9), triangles: Uint16Array.of(0, 1, 3) }
    expect(() => encodeObj(mesh, new Float32Array(6), [])).toThrow(/beyond its 3 vertices/)
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

  it('names a folder without write permission', async () => {
    const locked = join(folder, 'locked')
    await mkdir(locked)
    await chmod(locked, 0o500)
    const failing: FileSystem = {
      // Root may write anywhere, so the refusal itself is simulated.
      write: () => Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' })),
      rename: () => Promise.resolve(),
      remove: () => Promise.resolve(),
      mkdir: () => Promise.resolve(),
    }
    await expect(writeFileAtomic(join(locked, 'a'), 'x', failing)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/locked.*not writable \(EACCES\); choose another folder with -o/),
    })
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
      mkdir: () => Promise.resolve(),
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
    mkdir: () => Promise.resolve(),
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
