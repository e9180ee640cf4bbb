import { readFile } from 'node:fs/promises'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'

interface Export {
  readonly name: string
  readonly declaration: ts.Declaration
  readonly comment: string
  readonly throws: boolean
}

/** What an entry point exports, with the comment that stands at its declaration. */
function exportsOf(program: ts.Program, file: string): Export[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${file} is no module`)
  return checker.getExportsOfModule(module).map((found) => {
    const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
    const declaration = symbol.declarations?.[0]
    if (!declaration) throw new Error(`${found.name} has no declaration`)
    const tags = symbol.getJsDocTags(checker)
    const text = tags.map((tag) => ts.displayPartsToString(tag.text))
    return {
      name: found.name,
      declaration,
      comment: [ts.displayPartsToString(symbol.getDocumentationComment(checker)), ...text].join('\n'),
      throws: tags.some(({ name }) => name === 'throws'),
    }
  })
}

const ARRAYS = /\b(Float32|Float64|Uint8|Uint32|Int32)Array\b|\bRgba\b/

/** What a doc comment says arrays are by: units, lengths, shapes, coordinate frame. */
const MEASURE =
  /\bpx\b|pixel|\d ?x ?\d|\bx (\d|c|w|h|n)\b|width|length|bytes?\b|RGBA|xyz|\(x, y|\bdx\b|vertex|vertices|values|numbers|[HVN]x\w|shape|frame|bits/i

const LEVELS = ['index', 'engine'] as const
let program: ts.Program
const exported = new Map<string, Export[]>()
const pages = new Map<string, string>()

beforeAll(async () => {
  const { config } = ts.readConfigFile('tsconfig.build.json', ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.')
  program = ts.createProgram(
    LEVELS.map((level) => `src/${level}.ts`),
    options,
  )
  for (const level of LEVELS) {
    exported.set(level, exportsOf(program, `src/${level}.ts`))
    pages.set(level, await readFile(`docs/api/${level}.md`, 'utf8'))
  }
}, 60_000)

const of = (level: string): Export[] => exported.get(level) as Export[]
const isFunction = ({ declaration }: Export): boolean => ts.isFunctionDeclaration(declaration)

describe.each(LEVELS)('the API reference of src/%s.ts', (level) => {
  it('has every export (npm run docs writes it)', () => {
    const titles = new Set(
      [...(pages.get(level) as string).matchAll(/^#+ (?:\w+ )?`?([\w$\\]+)/gm)].map((match) =>
        (match[1] as string).replaceAll('\\', ''),
      ),
    )
    expect(of(level).length).toBeGreaterThan(50)
    expect(
      of(level)
        .filter(({ name }) => !titles.has(name))
        .map(({ name }) => name),
    ).toEqual([])
  })

  it('has a comment for every export', () => {
    expect(
      of(level)
        .filter(({ comment }) => comment.trim().length < 10)
        .map(({ name }) => name),
    ).toEqual([])
  })

  it('tells the errors of functions that throw', () => {
    const silent = of(level).filter(
      (found) =>
        isFunction(found) && !found.throws && /\bthrow new \w+Error\(/.test(found.declaration.getText()),
    )
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  it('tells units, shapes or frames where functions take or give arrays', () => {
    const vague = of(level).filter((found) => {
      if (!ts.isFunctionDeclaration(found.declaration)) return false
      const { parameters, type } = found.declaration
      const signature = [...parameters, type].map((part) => part?.getText() ?? '').join(' ')
      return ARRAYS.test(signature) && !MEASURE.test(found.comment)
    })
    expect(vague.map(({ name }) => name)).toEqual([])
  })
})
