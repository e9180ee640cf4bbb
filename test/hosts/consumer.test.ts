import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** A program of a user, in strict TypeScript that checks our declarations, too, without any @types of its own. */
const PROGRAM = `import { DeepFaceFlow, FaceError, type CreateOptions, type FlowResult } from 'deepfaceflow'
import { conv2d, Engine, GraphBuilder, inputTensor, outputTensor, type Plan } from 'deepfaceflow/engine'

declare const device: GPUDevice
const options: CreateOptions = { device }
const faceFlow: DeepFaceFlow = await DeepFaceFlow.create(options)
const result: FlowResult = await faceFlow.flow('a.jpg', 'b.jpg')
const engine = await Engine.open({ device })
const graph = new GraphBuilder('one layer')
const x = inputTensor(graph, 'x', { n: 1, h: 8, w: 8, c: 3 })
outputTensor(graph, 'y', conv2d(graph, 'conv', x, { weight: 'w', outChannels: 4, kernel: 3, stride: 1, padding: 1 }))
const plan: Plan = await engine.compile(graph.build())
const buffer: GPUBuffer = plan.inputBuffer('x')
export const all = [result.flow.length, buffer.size, FaceError.name] as const
// @ts-expect-error: the types are there, not any
export const wrong: string = result.flow
`

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-consumer-'))
  const installed = join(folder, 'node_modules/deepfaceflow')
  const { config } = ts.readConfigFile('tsconfig.build.json', ts.sys.readFile)
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, '.', {
    outDir: join(installed, 'dist'),
    emitDeclarationOnly: true,
  })
  ts.createProgram(fileNames, options).emit()
  for (const part of ['package.json', 'types']) await cp(part, join(installed, part), { recursive: true })
  // As npm would lay out the dependencies; nothing else is to be found from here.
  await mkdir(join(folder, 'node_modules/@webgpu'))
  await symlink(resolve('node_modules/@webgpu/types'), join(folder, 'node_modules/@webgpu/types'))
  await writeFile(join(folder, 'program.ts'), PROGRAM)
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }')
}, 120_000)

afterAll(() => rm(folder, { recursive: true }))

const { ModuleKind, ModuleResolutionKind } = ts
const RESOLUTIONS = {
  node16: [ModuleKind.Node16, ModuleResolutionKind.Node16],
  nodenext: [ModuleKind.NodeNext, ModuleResolutionKind.NodeNext],
  bundler: [ModuleKind.ESNext, ModuleResolutionKind.Bundler],
} as const

const LIBRARIES = { 'no DOM': ['lib.es2022.d.ts'], 'the DOM': ['lib.es2022.d.ts', 'lib.dom.d.ts'] }

for (const [name, [module, moduleResolution]] of Object.entries(RESOLUTIONS)) {
  it.each(Object.entries(LIBRARIES))(`a program compiles with ${name} resolution and %s`, (_, lib) => {
    const program = ts.createProgram([join(folder, 'program.ts')], {
      target: ts.ScriptTarget.ES2022,
      module,
      moduleResolution,
      lib,
      types: [],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    })
    const found = ts.getPreEmitDiagnostics(program)
    expect(
      ts.formatDiagnostics(found, {
        getCanonicalFileName: (file) => file,
        getCurrentDirectory: () => folder,
        getNewLine: () => '\n',
      }),
    ).toBe('')
  })
}
