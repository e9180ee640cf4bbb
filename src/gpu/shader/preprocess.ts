import { EngineError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import { asCondition, describe, ExpressionError, evaluate, type Value } from './expression.js'

/** Values for the parameters that a kernel file and its includes declare with `#param`. */
export type ShaderParams = Readonly<Record<string, Value>>

/** Where a line of preprocessed code came from. Lines count from 1. */
export interface SourceLine {
  readonly file: string
  readonly line: number
}

export interface PreprocessedShader {
  /** The kernel file, relative to the kernel root. */
  readonly file: string
  readonly params: ShaderParams
  readonly code: string
  /** One entry for each line of `code`. */
  readonly lines: readonly SourceLine[]
}

type Node =
  | { kind: 'text'; at: SourceLine; text: string }
  | { kind: 'param'; at: SourceLine; name: string }
  | { kind: 'include'; at: SourceLine; file: string }
  | { kind: 'if'; at: SourceLine; branches: Branch[] }
  | { kind: 'for'; at: SourceLine; variable: string; from: string; to: string; body: Node[] }

/** `condition` is undefined for `#else`. */
interface Branch {
  at: SourceLine
  condition: string | undefined
  body: Node[]
}

/**
 * Bounds on kernels, which may be a user's: each far beyond what any kernel needs, and small enough that what exceeds it is
 * told within a second. Characters of a file, of a directive and
 * of the expanded code; open blocks of a file and over all includes; files; lines, directives and rounds of loops.
 */
const MAX_FILE = 2 ** 20
const MAX_DIRECTIVE = 4096
const MAX_CODE = 2 ** 23
const MAX_DEPTH = 64
const MAX_NESTING = 256
const MAX_FILES = 256
const MAX_STEPS = 500_000
const MAX_ITERATIONS = 4096
const NAME = /^[A-Za-z_]\w*$/
/** WGSL wants these before everything else in a module, wherever the file that needs them is included. */
const MODULE_DIRECTIVE = /^\s*(?:(?:enable|requires)\s[^;]*|diagnostic\s*\([^;]*);\s*(?:\/\/.*)?$/

function fail(at: SourceLine, message: string, details: Record<string, unknown> = {}): never {
  throw new EngineError('INVALID_SHADER', `${at.file}:${at.line}: ${message}`, { ...at, ...details })
}

/** Cuts a trailing `// comment` off a directive, but not out of a string. */
function withoutComment(text: string): string {
  const match = /^(?:[^"'/]|"[^"]*"|'[^']*'|\/(?!\/))*/.exec(text)
  return (match?.[0] ?? text).trim()
}

/** Parses one file to a tree of directives and text. */
function parse(file: string, source: string): Node[] {
  if (source.length > MAX_FILE)
    fail({ file, line: 1 }, `the file has ${source.length} characters, at most ${MAX_FILE} can be`)
  const root: Node[] = []
  const open: (Extract<Node, { kind: 'if' | 'for' }> & { sawElse?: boolean })[] = []
  let body = root

  const close = (): Node[] => {
    open.pop()
    const outer = open.at(-1)
    if (!outer) return root
    return outer.kind === 'for' ? outer.body : (outer.branches.at(-1)?.body ?? root)
  }

  source.split(/\r?\n/).forEach((text, index) => {
    const at = { file, line: index + 1 }
    const directive = /^\s*#\s*([A-Za-z]*)(.*)$/.exec(text)
    if (!directive) {
      body.push({ kind: 'text', at, text })
      return
    }
    if (text.length > MAX_DIRECTIVE)
      fail(at, `a directive has ${text.length} characters, at most ${MAX_DIRECTIVE} can be`)
    const keyword = directive[1] ?? ''
    const rest = withoutComment(directive[2] ?? '')
    const inner = open.at(-1)
    const needs = (what: string): void => {
      if (rest === '') fail(at, `#${keyword} needs ${what}`)
    }
    const opens = (): void => {
      if (open.length >= MAX_DEPTH) fail(at, `#${keyword} nests deeper than ${MAX_DEPTH} blocks`)
    }
    const nothing = (): void => {
      if (rest !== '') fail(at, `unexpected '${rest}' after #${keyword}`)
    }
    switch (keyword) {
      case 'param':
        if (!NAME.test(rest)) fail(at, `#param needs one name, got '${rest}'`)
        if (inner) fail(at, `#param ${rest} stands inside a block; declare parameters at the top of the file`)
        body.push({ kind: 'param', at, name: rest })
        return
      case 'include': {
        const quoted = /^"([^"]+)"$/.exec(rest)?.[1]
        if (quoted === undefined) fail(at, `#include needs a "file" in quotes, got '${rest}'`)
        if (open.some((block) => block.kind === 'for')) fail(at, `#include "${quoted}" stands inside a #for`)
        body.push({ kind: 'include', at, file: quoted })
        return
      }
      case 'if': {
        needs('a condition')
        opens()
        const node = { kind: 'if' as const, at, branches: [{ at, condition: rest, body: [] as Node[] }] }
        body.push(node)
        open.push(node)
        body = node.branches[0]?.body ?? root
        return
      }
      case 'elif':
      case 'else': {
        if (inner?.kind !== 'if') fail(at, `#${keyword} without #if`)
        if (inner.sawElse) fail(at, `#${keyword} after #else`)
        if (keyword === 'elif') needs('a condition')
        else nothing()
        inner.sawElse = keyword === 'else'
        const branch: Branch = { at, condition: keyword === 'elif' ? rest : undefined, body: [] }
        inner.branches.push(branch)
        body = branch.body
        return
      }
      case 'for': {
        opens()
        const [head = '', variable = ''] = /^([A-Za-z_]\w*)\s+in\s/.exec(rest) ?? []
        const dots = rest.indexOf('..', head.length)
        const [from, to] = [rest.slice(head.length, dots).trim(), rest.slice(dots + 2).trim()]
        if (head === '' || dots < 0 || from === '' || to === '')
          fail(at, `#for needs 'name in FROM..TO', got '${rest.slice(0, 80)}'`)
        const node = { kind: 'for' as const, at, variable, from, to, body: [] as Node[] }
        body.push(node)
        open.push(node)
        body = node.body
        return
      }
      case 'endif':
      case 'endfor': {
        nothing()
        const wanted = keyword.slice(3)
        if (inner?.kind !== wanted) {
          const opened = inner ? `; the open block is the #${inner.kind} of line ${inner.at.line}` : ''
          fail(at, `#${keyword} without #${wanted}${opened}`)
        }
        body = close()
        return
      }
      default:
        fail(at, `unknown directive '#${keyword}'`)
    }
  })

  const unclosed = open.at(-1)
  if (unclosed) fail(unclosed.at, `#${unclosed.kind} is never closed by #end${unclosed.kind}`)
  return root
}

function checkParams(file: string, params: ShaderParams): void {
  for (const [name, value] of Object.entries(params)) {
    const at = { file, line: 1 }
    if (!NAME.test(name)) fail(at, `parameter name '${name}' is not an identifier`, { parameter: name })
    const usable = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
    if (!usable) fail(at, `parameter ${name} has the unusable value ${describe(value)}`, { parameter: name })
  }
}

/**
 * Expands a kernel file into one WGSL module.
 *
 * @param file kernel file relative to the kernel root; `#include` paths are relative to the same root
 * @param params a value for every parameter that the file and its includes declare, and no other
 * @param load returns a file's text; what it throws passes through
 * @throws EngineError INVALID_SHADER with file:line, and the parameter's name where one is to blame
 */
export function preprocess(
  file: string,
  params: ShaderParams,
  load: (file: string) => string,
): PreprocessedShader {
  checkParams(file, params)
  const included = new Set<string>([file])
  const names = new Map<string, Value>()
  const hoisted = new Map<string, SourceLine>()
  const body: { text: string; at: SourceLine }[] = []

  let steps = 0
  let characters = 0
  const spend = (at: SourceLine, length: number): void => {
    characters += length
    if (++steps > MAX_STEPS)
      fail(at, `the kernel expands to more than ${MAX_STEPS} lines, directives and rounds of loops`)
    if (characters > MAX_CODE) fail(at, `the kernel expands to more than ${MAX_CODE} characters`)
  }
  const compute = (text: string, at: SourceLine): Value => {
    try {
      return evaluate(text, names)
    } catch (error) {
      if (error instanceof ExpressionError) fail(at, error.message)
      throw error
    }
  }
  const condition = (text: string, at: SourceLine): boolean => {
    const value = compute(text, at)
    if (typeof value === 'string') fail(at, `a condition cannot be the string ${describe(value)}`)
    return asCondition(value)
  }
  const bound = (text: string, at: SourceLine): number => {
    const value = compute(text, at)
    if (typeof value !== 'number' || !Number.isInteger(value))
      fail(at, `#for bound '${text}' is ${describe(value)}, not an integer`)
    return value
  }
  const interpolate = (text: string, at: SourceLine): string => {
    if (!text.includes('${')) return text
    return text.replace(/\$\{([^}]*)(\}?)/g, (_, expression: string, end: string) => {
      if (end === '') fail(at, "an interpolation is never closed by '}'")
      const value = String(compute(expression, at))
      spend(at, value.length)
      return value
    })
  }

  let depth = 0
  const emit = (nodes: readonly Node[], opener?: SourceLine): void => {
    if (++depth > MAX_NESTING)
      fail(opener ?? { file, line: 1 }, `blocks and includes nest deeper than ${MAX_NESTING}`)
    for (const node of nodes) {
      spend(node.at, 0)
      switch (node.kind) {
        case 'text': {
          const text = interpolate(node.text, node.at)
          spend(node.at, text.length)
          if (MODULE_DIRECTIVE.test(text)) hoisted.set(text.trim(), node.at)
          else body.push({ text, at: node.at })
          break
        }
        case 'param': {
          const value = params[node.name]
          if (value === undefined)
            fail(node.at, `parameter ${node.name} has no value; kernel ${file} was given ${list(params)}`, {
              parameter: node.name,
              kernel: file,
            })
          names.set(node.name, value)
          break
        }
        case 'include':
          if (included.has(node.file)) break
          included.add(node.file)
          if (included.size > MAX_FILES) fail(node.at, `more than ${MAX_FILES} files are included`)
          emit(parse(node.file, loadFrom(node, load)), node.at)
          break
        case 'if': {
          const taken = node.branches.find(
            (branch) => branch.condition === undefined || condition(branch.condition, branch.at),
          )
          if (taken) emit(taken.body, taken.at)
          break
        }
        case 'for': {
          const { variable, at } = node
          if (names.has(variable))
            fail(at, `loop variable ${variable} hides a parameter or an outer loop variable`)
          const from = bound(node.from, at)
          const to = bound(node.to, at)
          if (to - from > MAX_ITERATIONS)
            fail(at, `#for unrolls ${to - from} times; the limit is ${MAX_ITERATIONS}`)
          for (let i = from; i < to; i++) {
            spend(at, 0)
            names.set(variable, i)
            emit(node.body, at)
          }
          names.delete(variable)
          break
        }
        default:
          node satisfies never
      }
    }
    depth--
  }

  emit(parse(file, load(file)))

  for (const name of Object.keys(params)) {
    if (!names.has(name)) {
      const declared = [...names.keys()].join(', ') || 'none'
      fail({ file, line: 1 }, `unknown parameter ${name}; the kernel declares ${declared}`, {
        parameter: name,
      })
    }
  }
  const all = [...[...hoisted].map(([text, at]) => ({ text, at })), ...body]
  return { file, params, code: all.map((line) => line.text).join('\n'), lines: all.map((line) => line.at) }
}

function list(params: ShaderParams): string {
  return Object.keys(params).join(', ') || 'no parameters'
}

function loadFrom(node: { file: string; at: SourceLine }, load: (file: string) => string): string {
  try {
    return load(node.file)
  } catch (error) {
    const reason = messageOf(error)
    return fail(node.at, `#include "${node.file}" failed: ${reason}`)
  }
}
