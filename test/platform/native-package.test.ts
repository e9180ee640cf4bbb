import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { describeLoadFailure } from '../../src/platform/node/native-package.js'

const here = `${process.platform}-${process.arch}`

describe('why a native package does not load', () => {
  it.each([
    [
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /x/dawn.node)",
      /older than p needs/,
    ],
    [
      "/lib64/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by /x/dawn.node)",
      /older than p needs/,
    ],
    [
      'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /x)',
      /glibc.*Alpine/,
    ],
    ['Error relocating /x/dawn.node: fcntl64: symbol not found', /glibc.*Alpine/],
    ['/x/dawn.node: invalid ELF header', /comes from another platform; remove it/],
    ['/x/dawn.node: file too short', /node_modules is damaged/],
    [
      'dlopen(/x/dawn.node, 0x1): tried: (mach-o file, but is an incompatible architecture) wrong architecture',
      /another platform/,
    ],
    ['libstdc++.so.6: cannot open shared object file: No such file or directory', /install the library/],
    [
      "Cannot find module '../dist/dawn.node'\nRequire stack:\n- /x/index.js\n- /y.js",
      /npm install --include=optional p/,
    ],
    ['something new', /remove node_modules and run npm install again/],
  ])('%s', (message, remedy) => {
    const text = describeLoadFailure('p', new Error(message))
    expect(text).toMatch(remedy)
    expect(text).toContain(message.split('\n')[0])
    expect(text).not.toMatch(/\n|Require stack/)
  })

  it('says where there is no binary for the platform', () => {
    const text = describeLoadFailure('p', 'x', ['plan9-mips'])
    expect(text).toContain(
      `does not load on ${here} (x); there is no binary for this platform, only for plan9-mips`,
    )
  })
})

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Runs a program in which the dynamic linker refuses the add-ons of a package. @returns the error that it meets */
async function withoutAddOn(addOn: string, program: string): Promise<Record<string, unknown>> {
  const message =
    'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by it)'
  const refuse = `const open = process.dlopen
process.dlopen = (module, file, ...rest) => {
  if (file.includes(${JSON.stringify(addOn)})) throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' })
  return open.call(process, module, file, ...rest)
}`
  const code = `import { DeepFaceFlow, decodePhoto, demoPhotos, listAdapters } from './src/index.ts'
import { Engine } from './src/engine.ts'
try { ${program} } catch ({ name, code, message, cause }) {
  console.log(JSON.stringify({ name, code, message, cause: cause?.message }))
}`
  const args = [TSX, `data:text/javascript,${encodeURIComponent(refuse)}`].flatMap((url) => ['--import', url])
  const all = [...args, '--input-type=module', '--eval', code]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, all)
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Record<string, unknown>
}

describe.runIf(process.platform === 'linux')('on a system that its binaries do not run on', () => {
  it.each([
    'await Engine.open()',
    "await Engine.open({ adapter: 'nvidia' })",
    'await DeepFaceFlow.create()',
    'await listAdapters()',
  ])('Dawn is told by NO_ADAPTER: %s', async (program) => {
    const error = await withoutAddOn('dawn.node', program)
    expect(error).toMatchObject({ name: 'EngineError', code: 'NO_ADAPTER' })
    expect(error.message).toMatch(
      /^the npm package webgpu does not load on .* \(Error loading .*\); webgpu is built for glibc.*; or pass your own GPUDevice$/,
    )
    expect(error.cause).toMatch(/^Error loading shared library/)
  })

  it('sharp is told by the first picture, and the engine works', async () => {
    const program = `const engine = await Engine.open(); engine.dispose(); await decodePhoto(demoPhotos()[0])`
    const error = await withoutAddOn('sharp', program)
    expect(error).toMatchObject({ name: 'FaceError', code: 'MISSING_DEPENDENCY' })
    expect(error.message).toMatch(
      /^the npm package sharp does not load on .*Error loading shared library.*; sharp is built for glibc.*\)$/,
    )
    expect(error.cause).toMatch(/Could not load the "sharp" module/)
  })
})
