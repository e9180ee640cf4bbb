/**
 * The expression language of shader directives: parameters, loop variables, integers, quoted strings and the
 * operators ! && || == != < > <= >= + - * / % with parentheses. Integer division truncates, as in WGSL.
 */
export type Value = number | boolean | string

/** A fault in an expression; the preprocessor adds file and line. */
export class ExpressionError extends Error {}

type Evaluate = () => Value

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|("[^"]*"|'[^']*')|(&&|\|\||[=!<>]=|[()!<>+\-*/%]))/y

/** Longest expression, and how deep parentheses and signs may nest: far more than a kernel needs, far less than the stack. */
const MAX_LENGTH = 4096
const MAX_DEPTH = 64

/** Binding strength of binary operators, loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['+', '-'],
  ['*', '/', '%'],
]

function tokenize(text: string): string[] {
  if (text.length > MAX_LENGTH)
    throw new ExpressionError(`an expression has ${text.length} characters, at most ${MAX_LENGTH} can be`)
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  const end = text.trimEnd().length
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match)
      throw new ExpressionError(`cannot read '${text.slice(at).trim()}' in expression '${text.trim()}'`)
    tokens.push(match[0].trim())
  }
  return tokens
}

function asNumber(value: Value, operator: string): number {
  if (typeof value !== 'number')
    throw new ExpressionError(`'${operator}' needs numbers, got ${describe(value)}`)
  return value
}

/** Booleans as they are; numbers by being non-zero, so that 0/1 parameters work as flags. */
export function asCondition(value: Value): boolean {
  if (typeof value === 'string')
    throw new ExpressionError(`a condition cannot be the string ${describe(value)}`)
  return value !== 0 && value !== false
}

export function describe(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}

function divide(left: number, right: number): number {
  if (right === 0) throw new ExpressionError('division by zero')
  const quotient = left / right
  return Number.isInteger(left) && Number.isInteger(right) ? Math.trunc(quotient) : quotient
}

function remainder(left: number, right: number): number {
  if (right === 0) throw new ExpressionError('remainder by zero')
  return left % right
}

function equal(left: Value, right: Value): boolean {
  if (typeof left !== typeof right)
    throw new ExpressionError(`cannot compare ${describe(left)} with ${describe(right)}: different types`)
  return left === right
}

function binary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  const numeric = (f: (a: number, b: number) => Value): Evaluate => {
    return () => f(asNumber(left(), operator), asNumber(right(), operator))
  }
  switch (operator) {
    case '||':
      return () => asCondition(left()) || asCondition(right())
    case '&&':
      return () => asCondition(left()) && asCondition(right())
    case '==':
      return () => equal(left(), right())
    case '!=':
      return () => !equal(left(), right())
    case '<':
      return numeric((a, b) => a < b)
    case '>':
      return numeric((a, b) => a > b)
    case '<=':
      return numeric((a, b) => a <= b)
    case '>=':
      return numeric((a, b) => a >= b)
    case '+':
      return numeric((a, b) => a + b)
    case '-':
      return numeric((a, b) => a - b)
    case '*':
      return numeric((a, b) => a * b)
    case '/':
      return numeric(divide)
    case '%':
      return numeric(remainder)
    default:
      throw new ExpressionError(`unknown operator '${operator}'`)
  }
}

/**
 * Evaluates an expression. Every name in it must be known, also on the side that && and || do not evaluate.
 *
 * @throws ExpressionError on syntax, unknown names and operands of the wrong type
 */
export function evaluate(text: string, names: ReadonlyMap<string, Value>): Value {
  const tokens = tokenize(text)
  let next = 0
  let depth = 0

  const unary = (): Evaluate => {
    if (++depth > MAX_DEPTH) throw new ExpressionError(`an expression nests deeper than ${MAX_DEPTH}`)
    try {
      return operand()
    } finally {
      depth--
    }
  }

  const operand = (): Evaluate => {
    const token = tokens[next++]
    if (token === undefined) throw new ExpressionError(`expression '${text.trim()}' ends too early`)
    if (token === '!') {
      const negated = unary()
      return () => !asCondition(negated())
    }
    if (token === '-') {
      const negated = unary()
      return () => -asNumber(negated(), '-')
    }
    if (token === '(') {
      const inner = level(0)
      if (tokens[next++] !== ')') throw new ExpressionError(`missing ')' in '${text.trim()}'`)
      return inner
    }
    if (/^\d/.test(token)) return () => Number(token)
    if (/^["']/.test(token)) return () => token.slice(1, -1)
    if (token === 'true' || token === 'false') return () => token === 'true'
    if (!/^[A-Za-z_]/.test(token)) throw new ExpressionError(`unexpected '${token}' in '${text.trim()}'`)
    const value = names.get(token)
    if (value === undefined) {
      const known = [...names.keys()].join(', ') || 'none'
      throw new ExpressionError(`unknown parameter '${token}' (declared here: ${known})`)
    }
    return () => value
  }

  const level = (strength: number): Evaluate => {
    const operators = LEVELS[strength]
    if (!operators) return unary()
    let left = level(strength + 1)
    for (let token = tokens[next]; token !== undefined && operators.includes(token); token = tokens[next]) {
      next++
      left = binary(token, left, level(strength + 1))
    }
    return left
  }

  const result = level(0)
  if (next < tokens.length) throw new ExpressionError(`unexpected '${tokens[next]}' in '${text.trim()}'`)
  return result()
}
