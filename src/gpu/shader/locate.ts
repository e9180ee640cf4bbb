import type { PreprocessedShader, SourceLine } from './preprocess.js'

/** A line of preprocessed code with the place in the kernel sources that it came from. */
export interface LocatedLine extends SourceLine {
  /** The line after preprocessing. */
  readonly text: string
}

/** Maps a line of preprocessed code (from 1) to its source; undefined if there is no such line. */
export function sourceAt(shader: PreprocessedShader, line: number): LocatedLine | undefined {
  const source = shader.lines[line - 1]
  const text = shader.code.split('\n')[line - 1]
  return source && text !== undefined ? { ...source, text } : undefined
}

/** The parts of a GPUCompilationMessage that a report needs. */
export interface ShaderMessage {
  readonly message: string
  readonly type: string
  /** From 1; 0 where the message has no place. */
  readonly lineNum: number
  readonly linePos: number
}

/** One compile message as `file:line:column: type: text`, the preprocessed line and a caret below it. */
export function formatMessage(shader: PreprocessedShader, message: ShaderMessage): string {
  const where = sourceAt(shader, message.lineNum)
  if (!where) return `${shader.file}: ${message.type}: ${message.message}`
  const column = Math.max(1, message.linePos)
  const caret = `${where.text.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`
  const head = `${where.file}:${where.line}:${column}: ${message.type}: ${message.message}`
  return `${head}\n    ${where.text}\n    ${caret}`
}
