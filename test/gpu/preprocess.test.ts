// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${...} is the syntax under test
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { preprocess, type ShaderParams } from '../../src/gpu/shader/preprocess.js'

/** Preprocesses main.wgsl from files held in memory. */
function run(files: Record<string, string> | string, params: ShaderParams = {}) {
  const all: Record<string, string> = typeof files === 'string' ? { 'main.wgsl': files } : files
  return preprocess('main.wgsl', params, (file) => {
    const text = all[file]
    if (text === undefined) throw new Error(`no such file ${file}`)
    return text
  })
}

const code = (files: Record<string, string> | string, params?: ShaderParams) => run(files, params).code.trim()

function errorOf(call: () => unknown): EngineError {
  try {
    call()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('parameters and interpolation', () => {
  it('interpolates expressions of numbers, booleans and strings anywhere in a line', () => {
    const text = '#param N\n#param T\n#param F\nlet a${N}: ${T} = ${N * 4 + 1}u; // ${F}'
    expect(code(text, { N: 3, T: 'vec4<f32>', F: true })).toBe('let a3: vec4<f32> = 13u; // true')
  })

  it('takes a comment after the name and the same declaration in file and include', () => {
    const files = { 'main.wgsl': '#param N // rows\n#include "a.wgsl"\n${N}', 'a.wgsl': '  # param N\na${N}' }
    expect(code(files, { N: 2 })).toBe('a2\n2')
  })

  it('throws on a missing parameter, naming file, line and parameter', () => {
    const files = { 'main.wgsl': '#include "inc.wgsl"', 'inc.wgsl': '\n#param TILE' }
    const error = errorOf(() => run(files, {}))
    expect(error.code).toBe('INVALID_SHADER')
    expect(error.message).toContain('inc.wgsl:2')
    expect(error.message).toContain('TILE')
    expect(error.details).toMatchObject({ parameter: 'TILE', kernel: 'main.wgsl' })
  })

  it('throws on an unknown parameter, naming what is declared', () => {
    const error = errorOf(() => run('#param N', { N: 1, M: 2 }))
    expect(error.message).toMatch(/main\.wgsl.*unknown parameter M.*declares N/)
  })

  it.each([
    ['NaN', { N: Number.NaN }],
    ['infinity', { N: Number.POSITIVE_INFINITY }],
    ['a name that is no identifier', { 'N-1': 2 }],
  ])('throws on %s', (_, params) => {
    expect(errorOf(() => run('#param N', params)).code).toBe('INVALID_SHADER')
  })
})

describe('expressions', () => {
  const value = (expression: string, params: ShaderParams = {}) => {
    const declared = Object.keys(params).map((name) => `#param ${name}\n`)
    return code(`${declared.join('')}\${${expression}}`, params)
  }

  it.each([
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['10 - 4 - 3', '3'],
    ['7 / 2', '3'],
    ['-7 / 2', '-3'],
    ['7 % 4', '3'],
    ['2.5 * 2', '5'],
    ['1 / 2.5', '0.4'],
    ['1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3', 'true'],
    ['1 == 1 || 1 / 0 == 1', 'true'],
    ['!(1 != 2)', 'false'],
    ['- -3', '3'],
    ['"a" == \'a\'', 'true'],
    ['true && !false', 'true'],
  ])('%s is %s', (expression, expected) => {
    expect(value(expression)).toBe(expected)
  })

  it.each([
    ['1 +', 'ends too early'],
    ['(1', "missing ')'"],
    ['1 2', "unexpected '2'"],
    ['1 / 0', 'division by zero'],
    ['1 % 0', 'remainder by zero'],
    ['"a" + 1', 'needs numbers'],
    ['"a" == 1', 'different types'],
    ['true < 2', 'needs numbers'],
    ['A + 1', "unknown parameter 'A'"],
    ['true || A', "unknown parameter 'A'"],
    ['1 & 2', "cannot read '& 2'"],
    ['!"a"', 'cannot be the string'],
  ])('%s fails: %s', (expression, reason) => {
    const error = errorOf(() => value(expression))
    expect(error.message).toContain('main.wgsl:1')
    expect(error.message).toContain(reason)
  })

  it('names a parameter used before its declaration, or by a file that does not see it', () => {
    expect(errorOf(() => run('${N}\n#param N', { N: 1 })).message).toContain('main.wgsl:1')
  })

  it('rejects an interpolation without an end', () => {
    expect(errorOf(() => run('let a = ${1 + 2;')).message).toMatch(/main\.wgsl:1: an interpolation/)
  })
})

describe('#if', () => {
  const text = '#param K\n#if K == 1\none\n#elif K == 2\ntwo\n#elif K == 3\nthree\n#else\nmany\n#endif\nend'

  it.each([
    [1, 'one\nend'],
    [2, 'two\nend'],
    [3, 'three\nend'],
    [4, 'many\nend'],
  ])('takes the first branch that holds: %i', (K, expected) => {
    expect(code(text, { K })).toBe(expected)
  })

  it('nests, and evaluates nothing in a branch that is not taken', () => {
    const nested =
      '#param A\n#if A\n#if !A\nno\n#else\nyes\n#endif\n#else\n#if UNKNOWN\n${UNKNOWN}\n#endif\n#endif'
    expect(code(nested, { A: true })).toBe('yes')
  })

  it('counts any number but 0 as true', () => {
    expect(code('#param N\n#if N\nyes\n#endif', { N: 0 })).toBe('')
    expect(code('#param N\n#if N\nyes\n#endif', { N: 2 })).toBe('yes')
  })

  it.each([
    ['#if 1\na', /main\.wgsl:1: #if is never closed/],
    ['#endif', /main\.wgsl:1: #endif without #if/],
    ['#else', /#else without #if/],
    ['#elif 1', /#elif without #if/],
    ['#if 1\n#else\n#else\n#endif', /main\.wgsl:3: #else after #else/],
    ['#if 1\n#else\n#elif 1\n#endif', /#elif after #else/],
    ['#if\n#endif', /#if needs a condition/],
    ['#if 1\n#endif x', /unexpected 'x' after #endif/],
    ['#if 1\n#endfor\n#endif', /#endfor without #for; the open block is the #if of line 1/],
    ['#if "text"\n#endif', /a condition cannot be the string "text"/],
    ['#if 1\n#param A\n#endif', /#param A stands inside a block/],
    ['#ifdef A', /unknown directive '#ifdef'/],
  ])('%j fails', (source, message) => {
    expect(errorOf(() => run(source)).message).toMatch(message)
  })
})

describe('#for', () => {
  it('unrolls with an exclusive end, nested, over expressions', () => {
    const text = '#param N\n#for i in 0..N / 2\n#for j in i..2\nacc${i * 4 + j}\n#endfor\n#endfor'
    expect(code(text, { N: 4 })).toBe('acc0\nacc1\nacc5')
  })

  it('emits nothing for an empty range and takes negative bounds', () => {
    expect(code('#for i in 3..3\nx\n#endfor')).toBe('')
    expect(code('#for i in -1..1\n${i}\n#endfor')).toBe('-1\n0')
  })

  it('lets #if see the loop variable, and forgets it afterwards', () => {
    expect(code('#for i in 0..3\n#if i > 0\n+\n#endif\n${i}\n#endfor')).toBe('0\n+\n1\n+\n2')
    expect(errorOf(() => run('#for i in 0..1\n#endfor\n${i}')).message).toMatch(
      /main\.wgsl:3: unknown parameter 'i'/,
    )
  })

  it.each([
    ['#for i in 0..2', /#for is never closed/],
    ['#for i 0..2\n#endfor', /#for needs/],
    ['#for i in 0..2.5\n#endfor', /not an integer/],
    ['#for i in 0..5000\n#endfor', /limit is 4096/],
    ['#for i in 0..2\n#for i in 0..2\n#endfor\n#endfor', /main\.wgsl:2: loop variable i hides/],
    ['#for i in 0..2\n#include "a.wgsl"\n#endfor', /stands inside a #for/],
    ['#endfor', /#endfor without #for/],
  ])('%j fails', (source, message) => {
    expect(errorOf(() => run(source)).message).toMatch(message)
  })
})

describe('#include', () => {
  it('includes each file once, also in a cycle', () => {
    const files = {
      'main.wgsl': '#include "include/a.wgsl"\n#include "include/b.wgsl"\nmain',
      'include/a.wgsl': 'a\n#include "include/b.wgsl"',
      'include/b.wgsl': 'b\n#include "include/a.wgsl"\n#include "main.wgsl"',
    }
    expect(code(files)).toBe('a\nb\nmain')
  })

  it('asks for the parameters of an include only where it is included', () => {
    const files = { 'main.wgsl': '#param A\n#if A\n#include "a.wgsl"\n#endif', 'a.wgsl': '#param B\n${B}' }
    expect(code(files, { A: true, B: 7 })).toBe('7')
    expect(code(files, { A: false })).toBe('')
    expect(errorOf(() => run(files, { A: false, B: 7 })).message).toContain('unknown parameter B')
  })

  it('reports a missing file at the line that includes it', () => {
    const error = errorOf(() => run('a\n#include "gone.wgsl"'))
    expect(error.message).toMatch(/main\.wgsl:2: #include "gone\.wgsl" failed: no such file/)
    expect(errorOf(() => run('#include gone.wgsl')).message).toMatch(/needs a "file" in quotes/)
  })
})

describe('output', () => {
  it('hoists enable, requires and diagnostic lines of taken code to the top, each once', () => {
    const files = {
      'main.wgsl':
        '#param H\nfn main() {}\n#include "a.wgsl"\n#if H\nenable f16; // halves\n#endif\n#if !H\nenable no;\n#endif',
      'a.wgsl':
        'enable subgroups;\ndiagnostic(off, subgroup_uniformity);\nenable subgroups;\nstruct A { enabled: u32 }',
    }
    const shader = run(files, { H: true })
    expect(shader.code.split('\n')).toEqual([
      'enable subgroups;',
      'diagnostic(off, subgroup_uniformity);',
      'enable f16; // halves',
      'fn main() {}',
      'struct A { enabled: u32 }',
    ])
    expect(shader.lines[2]).toEqual({ file: 'main.wgsl', line: 5 })
  })

  it('maps every line to its file and line', () => {
    const files = { 'main.wgsl': 'a\n#include "i.wgsl"\n#for k in 0..2\nb\n#endfor\nc', 'i.wgsl': '\nx' }
    const shader = run(files)
    const places = shader.lines.map(({ file, line }) => `${file}:${line}`)
    expect(shader.code.split('\n')).toEqual(['a', '', 'x', 'b', 'b', 'c'])
    expect(places).toEqual([
      'main.wgsl:1',
      'i.wgsl:1',
      'i.wgsl:2',
      'main.wgsl:4',
      'main.wgsl:4',
      'main.wgsl:6',
    ])
  })

  it('reads files with CRLF line ends', () => {
    expect(code('#param N\r\n#if N == 1\r\nyes\r\n#endif\r\n', { N: 1 })).toBe('yes')
  })
})

describe('bounds', () => {
  const lines = (count: number, make: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => make(i)).join('\n')
  const nested = (count: number, open: string, close: string, inner = '') =>
    `${`${open}\n`.repeat(count)}${inner}\n${`${close}\n`.repeat(count)}`
  const loops = (count: number, inner: string) =>
    `${lines(count, (i) => `#for i${i} in 0..4096`)}\n${inner}\n${lines(count, () => '#endfor')}`
  const chain = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [
      i === 0 ? 'main.wgsl' : `${i}.wgsl`,
      `#include "${i + 1}.wgsl"`,
    ]),
  )

  it.each<[string, Record<string, string> | string, RegExp, ShaderParams?]>([
    [
      '20,000 parentheses',
      `#if ${'('.repeat(20_000)}1${')'.repeat(20_000)}\n#endif`,
      /main.wgsl:1: a directive has 40005 characters/,
    ],
    [
      '1,000 parentheses',
      `#if ${'('.repeat(1000)}1${')'.repeat(1000)}\n#endif`,
      /main.wgsl:1: an expression nests deeper than 64/,
    ],
    [
      '20,000 signs in a line of code',
      `let a = \${${'-'.repeat(20_000)}1};`,
      /an expression has 20001 characters/,
    ],
    ['1,000 negations', `let a = \${${'!'.repeat(1000)}1};`, /an expression nests deeper than 64/],
    [
      '20,000 sums in a line of code',
      `let a = \${${'1+'.repeat(20_000)}1};`,
      /an expression has 40001 characters/,
    ],
    ['20,000 #if', nested(20_000, '#if 1', '#endif'), /main.wgsl:65: #if nests deeper than 64 blocks/],
    [
      'a directive of 10 MB',
      `#if ${'1'.repeat(10_000_000)}\n#endif`,
      /main.wgsl:1: the file has 10000011 characters/,
    ],
    [
      'a directive of 1 MB',
      `#if ${' '.repeat(1_000_000)}1\n#endif`,
      /main.wgsl:1: a directive has 1000005 characters/,
    ],
    ['nested loops', loops(6, 'let a = 1;'), /expands to more than 500000 lines/],
    ['nested loops of nothing', loops(60, ''), /expands to more than 500000 lines/],
    ['a loop of conditions', loops(1, '#if 0\n#endif\n'.repeat(1000)), /expands to more than 500000 lines/],
    [
      '#for with 50,000 blanks',
      `#for i in ${' '.repeat(50_000)}\n#endfor`,
      /a directive has 50010 characters/,
    ],
    ['#for with 4,000 blanks', `#for i in ${' '.repeat(4_000)}\n#endfor`, /#for needs 'name in FROM..TO'/],
    ['enable with 500,000 blanks', `enable${' '.repeat(500_000)}\n#if`, /#if needs a condition/],
    [
      'diagnostic with 500,000 parentheses',
      `diagnostic${'('.repeat(250_000)}${')'.repeat(250_000)}\n#if`,
      /#if needs a condition/,
    ],
    ['20,000 includes', chain, /more than 256 files are included/],
    [
      'a long parameter many times',
      `#param A\n${'${A}'.repeat(1000)}`,
      /expands to more than 8388608 characters/,
      { A: 'x'.repeat(100_000) },
    ],
  ])('%s', (_, files, message, params = {}) => {
    const before = process.cpuUsage()
    const error = errorOf(() => run(files, params))
    expect(error.code).toBe('INVALID_SHADER')
    expect(error.message).toMatch(message)
    expect(error.message.length).toBeLessThan(300)
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(3)
  })
})
