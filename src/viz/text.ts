import type { Outline, Shape } from '../platform/index.js'
import { GLYPHS, UNITS_PER_EM } from './glyphs.js'

/*
 * Text as outlines. What draws text does it with the machine's fonts: a bare machine has none and captions
 * would vanish, and any two machines would differ. Outlines need no font.
 */

export interface TextStyle {
  /** Font size, px. */
  readonly size: number
  /** Default white. */
  readonly fill?: string
  /** Which point of the line (x, y) is; default `start`. */
  readonly anchor?: 'start' | 'middle' | 'end'
}

/** Width of a line in px. Characters without an outline are shown as `?`. */
export function textWidth(text: string, size: number): number {
  let units = 0
  for (const character of text) units += glyph(character)[0]
  return (units / UNITS_PER_EM) * size
}

/** One line of text; (x, y) lies on the base line. */
export function textShape(text: string, x: number, y: number, style: TextStyle): Shape {
  const { size, fill = '#ffffff', anchor = 'start' } = style
  const width = textWidth(text, size)
  const start = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2
  const scale = size / UNITS_PER_EM
  let advance = 0
  const shapes: Outline[] = []
  for (const character of text) {
    const [units, path] = glyph(character)
    if (path !== '') shapes.push({ path, fill, x: advance })
    advance += units
  }
  return { shapes, x: rounded(start, 2), y, scale: rounded(scale, 6) }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))

function glyph(character: string): readonly [advance: number, path: string] {
  return GLYPHS[character] ?? GLYPHS['?'] ?? [0, '']
}

/** Breaks text at spaces into lines no wider than `width` px. */
export function wrapText(text: string, size: number, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && textWidth(longer, size) > width) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  lines.push(line)
  return lines
}
