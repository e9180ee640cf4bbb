import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/**
 * The floors of src/, docs/architecture.md: every import runs down. A room is a folder or a file at the top; rooms of one
 * floor do not know each other.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts', 'realms.ts'],
  ['option-names.ts'],
  ['geometry'],
  ['platform'],
  ['weights', 'gpu'],
  ['graph'],
  ['ops'],
  ['nets', 'runtime'],
  ['products'],
  ['face'],
  ['animate'],
  ['expression'],
  ['viz'],
  ['io'],
  ['corpus'],
  ['engine.ts', 'index.browser.ts'],
  ['index.ts'],
  ['cli'],
]

/** Where the platform may be named: its own folder, the files of `io` that only Node has, the command. */
const NODE_FILES = [
  /^platform\/node\//,
  /^cli\//,
  /^corpus\//,
  /^io\/(animation-folder|animation-video|batch-summary|bound-log|demo|flow-png|frame-files|frames|json-lines|pairs-csv|products|provenance|result-folder|seal|video-files|video-overlay-files)\.ts$/,
  /^weights\/write-safetensors\.ts$/,
]

const ROOT = resolve(import.meta.dirname, '../src')

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .map((file) => file.replaceAll('\\', '/'))

/** The code without comments, whose prose may name anything. */
function codeOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

const importsOf = (file: string): string[] => importsIn(codeOf(file), file)

function importsIn(code: string, file: string): string[] {
  return [...code.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(file), match[1] as string))
      .replaceAll('\\', '/')
      .replace(/\.js$/, '.ts'),
  )
}

const graph = new Map(files.map((file) => [file, importsOf(file).filter((target) => files.includes(target))]))

const roomOf = (file: string): string => file.split('/')[0] as string
const floorOf = (file: string): number => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)))

test('every file stands in a room that has a floor', () => {
  expect(files.length).toBeGreaterThan(150)
  expect(files.filter((file) => floorOf(file) < 0)).toEqual([])
})

test('imports run down', () => {
  const up: string[] = []
  for (const [file, targets] of graph) {
    for (const target of targets) {
      const same = roomOf(file) === roomOf(target)
      if (!same && floorOf(target) >= floorOf(file)) up.push(`${file} -> ${target}`)
    }
  }
  expect(up).toEqual([])
})

test('the command sees the library as its users do', () => {
  const deep = [...graph]
    .filter(([file]) => roomOf(file) === 'cli')
    .flatMap(([file, targets]) =>
      targets.filter((t) => roomOf(t) !== 'cli' && t !== 'index.ts').map((t) => `${file} -> ${t}`),
    )
  expect(deep).toEqual([])
})

test('no circles', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      circles.push([...path.slice(start), file].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(circles).toEqual([])
})

test('only the platform names Node', () => {
  const named = files.filter(
    (file) =>
      !NODE_FILES.some((pattern) => pattern.test(file)) &&
      /'node:|from 'sharp'|\bprocess\.\w|(?<![\w.])Buffer\.\w|\bsetImmediate\b/.test(codeOf(file)),
  )
  expect(named).toEqual([])
})

test('what Node has of its own is taken through the seam', () => {
  const around = [...graph].flatMap(([file, targets]) =>
    roomOf(file) === 'platform' || file === 'index.ts' || NODE_FILES.some((pattern) => pattern.test(file))
      ? []
      : targets
          .filter((target) => target.startsWith('platform/node/'))
          .map((target) => `${file} -> ${target}`),
  )
  expect(around).toEqual([])
})

test('only the platform for browsers names the DOM', () => {
  const named = files.filter(
    (file) =>
      !file.startsWith('platform/browser/') &&
      /\b(navigator|caches|localStorage)\.\w|\bnew (OffscreenCanvas|Image|ImageData|Path2D|Worker)\b|(?<![\w.])(fetch|createImageBitmap)\(/.test(
        codeOf(file),
      ),
  )
  expect(named).toEqual([])
})

test('the code for browsers reaches nothing that only Node has', () => {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    // The build exchanges the seam.
    const code = file === 'platform/index.ts' ? "from './browser/index.js'" : codeOf(file)
    for (const target of importsIn(code.replace(/import type [^']*'[^']+'/g, ''), file)) visit(target)
  }
  for (const entry of ['index.browser.ts', 'engine.ts']) visit(entry)
  expect([...reached].filter((file) => NODE_FILES.some((pattern) => pattern.test(file)))).toEqual([])
})
