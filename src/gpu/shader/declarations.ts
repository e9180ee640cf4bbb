import { evaluate } from './expression.js'

/**
 * Reads the declarations of a WGSL module: what a kernel asks of its caller stands there. Function bodies, which are nearly
 * all of the code, are stepped over; the device's compiler says what is wrong in them. Tests hold this against a parser of
 * the whole language.
 */

export interface Declarations {
  readonly structs: ReadonlyMap<string, readonly Member[]>
  /** By name: what an alias stands for. */
  readonly aliases: ReadonlyMap<string, Type>
  readonly variables: readonly Variable[]
  readonly overrides: readonly string[]
  readonly entries: readonly Entry[]
}

/** A type as written: `array<vec4<f32>, 8>` is `array` of `vec4` of `f32`, and 8. */
export interface Type {
  readonly name: string
  /** Types and numbers between its angle brackets. */
  readonly parameters: readonly (Type | number)[]
}

export interface Member {
  readonly name: string
  readonly type: Type
  /** Values of `@size` and `@align`. */
  readonly size?: number
  readonly align?: number
}

/** A variable of the module that has a binding. */
export interface Variable {
  readonly name: string
  readonly group: number
  readonly binding: number
  /** `uniform`, `storage`; `handle` for textures and samplers. */
  readonly space: string
  readonly access: string
  readonly type: Type
}

/** A function marked `@compute`. */
export interface Entry {
  readonly name: string
  /** One to three; NaN where an argument is no constant. Empty without `@workgroup_size`. */
  readonly workgroupSize: readonly number[]
}

/** A fault with its line, from 1. */
export class DeclarationError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message)
  }
}

interface Token {
  readonly text: string
  readonly line: number
}

type Attributes = ReadonlyMap<string, readonly string[]>

const TOKEN = /[A-Za-z_]\w*|\d[\w.]*|[^\s\w]/g
const NAME = /^[A-Za-z_]\w*$/
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Blank where comments are, line for line. */
function withoutComments(code: string): string {
  let kept = ''
  let end = 0
  let depth = 0
  const blank = (text: string) => text.replace(/[^\n]/g, ' ')
  for (const { 0: token, index } of code.matchAll(/\/\/[^\n]*|\/\*|\*\//g)) {
    if (token === '/*' || token === '*/') {
      if (token === '*/' && depth === 0) continue
      const text = code.slice(end, index)
      kept += depth === 0 ? text : blank(text)
      depth += token === '/*' ? 1 : -1
      kept += '  '
    } else {
      if (depth > 0) continue
      kept += code.slice(end, index) + blank(token)
    }
    end = index + token.length
  }
  return kept + code.slice(end)
}

/** @throws DeclarationError */
export function readDeclarations(code: string): Declarations {
  return new Reader(tokensOf(withoutComments(code))).module()
}

function tokensOf(code: string): Token[] {
  return code
    .split('\n')
    .flatMap((text, index) => [...text.matchAll(TOKEN)].map((match) => ({ text: match[0], line: index + 1 })))
}

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0
  readonly #constants = new Map<string, number>()
  readonly #structs = new Map<string, readonly Member[]>()
  readonly #aliases = new Map<string, Type>()
  readonly #variables: Variable[] = []
  readonly #overrides: string[] = []
  readonly #entries: Entry[] = []

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  module(): Declarations {
    while (this.#at < this.#tokens.length) this.#declaration()
    return {
      structs: this.#structs,
      aliases: this.#aliases,
      variables: this.#variables,
      overrides: this.#overrides,
      entries: this.#entries,
    }
  }

  #declaration(): void {
    const attributes = this.#attributes()
    const { text } = this.#next('a declaration')
    switch (text) {
      case ';':
        return
      case 'enable':
      case 'requires':
      case 'diagnostic':
      case 'const_assert':
        this.#until([';'])
        return
      case 'alias': {
        const name = this.#name()
        this.#expect('=')
        this.#aliases.set(name, this.#type())
        this.#expect(';')
        return
      }
      case 'const': {
        const name = this.#name()
        this.#until(['='])
        this.#constants.set(name, this.#number(this.#until([';'])))
        return
      }
      case 'override':
        this.#overrides.push(this.#name())
        this.#until([';'])
        return
      case 'struct':
        this.#struct()
        return
      case 'var':
        this.#variable(attributes)
        return
      case 'fn':
        this.#function(attributes)
        return
      default:
        throw this.#fault(`a declaration cannot begin with '${text}'`, this.#at - 1)
    }
  }

  #attributes(): Attributes {
    const attributes = new Map<string, readonly string[]>()
    while (this.#takes('@')) {
      const name = this.#name()
      attributes.set(name, this.#takes('(') ? this.#arguments() : [])
    }
    return attributes
  }

  /** Texts between commas, up to the parenthesis that closes. */
  #arguments(): string[] {
    const given: string[] = []
    while (!this.#takes(')')) {
      given.push(this.#until([',', ')'], true))
      this.#takes(',')
    }
    return given
  }

  #struct(): void {
    const name = this.#name()
    this.#expect('{')
    const members: Member[] = []
    while (!this.#takes('}')) {
      const attributes = this.#attributes()
      const member = this.#name()
      this.#expect(':')
      const [size, align] = ['size', 'align'].map((key) => {
        const value = attributes.get(key)?.[0]
        return value === undefined ? undefined : this.#number(value)
      })
      const type = this.#type()
      members.push({
        name: member,
        type,
        ...(size !== undefined && { size }),
        ...(align !== undefined && { align }),
      })
      if (!this.#takes(',') && this.#peek() !== '}') throw this.#fault(`',' or '}' is missing`, this.#at)
    }
    this.#structs.set(name, members)
  }

  #variable(attributes: Attributes): void {
    const [space = 'handle', access = ''] = this.#takes('<') ? this.#until(['>']).split(',') : []
    const name = this.#name()
    const type = this.#takes(':') ? this.#type() : { name: '', parameters: [] }
    this.#until([';'])
    const numberOf = (key: string): number | undefined => {
      const value = attributes.get(key)?.[0]
      return value === undefined ? undefined : this.#number(value)
    }
    const [group, binding] = [numberOf('group'), numberOf('binding')]
    if (group === undefined || binding === undefined) return
    this.#variables.push({ name, group, binding, space, access, type })
  }

  #function(attributes: Attributes): void {
    const name = this.#name()
    this.#expect('(')
    let depth = 1
    for (const start = this.#at - 1; depth > 0; ) {
      const { text } = this.#next("')'")
      if (text === '(') depth++
      else if (text === ')') depth--
      else if (text === '{' || text === ';') throw this.#fault(`')' is missing`, start)
    }
    this.#until(['{'], true)
    this.#expect('{')
    this.#close('{')
    if (!attributes.has('compute')) return
    const size = attributes.get('workgroup_size') ?? []
    this.#entries.push({ name, workgroupSize: size.map((text) => this.#number(text)) })
  }

  #type(): Type {
    const name = this.#name()
    const parameters: (Type | number)[] = []
    if (this.#takes('<')) {
      while (!this.#takes('>')) {
        parameters.push(
          NAME.test(this.#peek()) && !this.#constants.has(this.#peek())
            ? this.#type()
            : this.#number(this.#until([',', '>'], true)),
        )
        this.#takes(',')
      }
    }
    return { name, parameters }
  }

  /** Of a constant expression; NaN for what is none, or is no number. */
  #number(expression: string): number {
    try {
      const value = evaluate(expression.replace(/\b(\d+)[iu]\b/g, '$1'), this.#constants)
      return typeof value === 'number' ? value : Number.NaN
    } catch {
      return Number.NaN
    }
  }

  /** Steps over what a bracket that was just taken encloses. */
  #close(opening: string): void {
    const start = this.#at - 1
    const closing = CLOSING[opening] as string
    for (let depth = 1; depth > 0; ) {
      const token = this.#tokens[this.#at++]
      if (token === undefined) throw this.#fault(`'${opening}' is not closed`, start)
      if (token.text === opening) depth++
      else if (token.text === closing) depth--
    }
  }

  /**
   * Steps to the first of the ends that stands outside of brackets, and over it unless `stay`.
   * @returns what stands before it
   */
  #until(ends: readonly string[], stay = false): string {
    const start = this.#at
    const parts: string[] = []
    for (;;) {
      const { text } = this.#next(ends.map((end) => `'${end}'`).join(' or '), start)
      if (ends.includes(text)) break
      parts.push(text)
      if (!(text in CLOSING)) continue
      const from = this.#at
      this.#close(text)
      parts.push(...this.#tokens.slice(from, this.#at).map((token) => token.text))
    }
    if (stay) this.#at--
    return parts.join('')
  }

  #peek(): string {
    return this.#tokens[this.#at]?.text ?? ''
  }

  #takes(text: string): boolean {
    if (this.#peek() !== text) return false
    this.#at++
    return true
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#fault(`'${text}' is missing before '${this.#peek()}'`, this.#at)
  }

  #name(): string {
    const text = this.#peek()
    if (!NAME.test(text)) throw this.#fault(`a name is missing before '${text}'`, this.#at)
    this.#at++
    return text
  }

  #next(wanted: string, start = this.#at): Token {
    const token = this.#tokens[this.#at]
    if (token === undefined) throw this.#fault(`${wanted} is missing`, start)
    this.#at++
    return token
  }

  #fault(message: string, at: number): DeclarationError {
    return new DeclarationError(message, (this.#tokens[at] ?? this.#tokens.at(-1))?.line ?? 1)
  }
}
