import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from './chromium.js'

const run = promisify(execFile)

export interface Project {
  readonly folder: string
  remove(): Promise<void>
}

/** A project of a user, with the packed tarball installed in it and the packages that it depends on. */
export async function installedProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'dff-web-'))
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  // Built already: the script of this test does it.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  })
  const [packed] = JSON.parse(stdout) as [{ filename: string }]
  await run('tar', ['xzf', packed.filename], { cwd: folder })
  await cp(join(folder, 'package'), join(modules, 'deepfaceflow'), { recursive: true })
  await rm(join(folder, 'package'), { recursive: true })
  await rm(join(folder, packed.filename))
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(ROOT, 'package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
  }
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Runs one graph, and reads a network's files; of both entry points. */
export const PROGRAM = `
import { DeepFaceFlow, loadTemplate } from 'deepfaceflow'
import { conv2d, Engine, GraphBuilder, inputTensor, loadNetworkFiles, outputTensor } from 'deepfaceflow/engine'

export async function check(source, network = 'dffnet-m-small') {
  const files = await loadNetworkFiles(network, 'motion', source)
  const graph = new GraphBuilder('one layer')
  const x = inputTensor(graph, 'x', { n: 1, h: 8, w: 8, c: 3 })
  const layer = { weight: 'w', outChannels: 4, kernel: 3, stride: 1, padding: 1 }
  outputTensor(graph, 'y', conv2d(graph, 'conv', x, layer))
  const engine = await Engine.open()
  const weights = { tensor: (name, shape) => new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5) }
  const plan = await engine.compile(graph.build(), { weights })
  const { y } = await plan.compute({ x: new Float32Array(8 * 8 * 3).fill(1) })
  engine.dispose()
  return { hash: files.info.hash, corner: y[0], middle: y[4 * (8 * 4 + 4)], size: (await loadTemplate()).size, create: typeof DeepFaceFlow.create }
}
`
