import { GLYPHS, UNITS_PER_EM } from './glyphs.js'

/*
 * Text as SVG outlines. librsvg draws <text> with the machine's fonts: a bare machine has none and captions
 * would vanish, and any two machines would differ. Outlines need no font.
 */

export interface TextStyle {
  /** Font size, px. */
  readonly size: number
  /** SVG colour; default white. */
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

/** One line of text as SVG elements; (x, y) lies on the base line. */
export function svgText(text: string, x: number, y: number, style: TextStyle): string {
  const { size, fill = '#ffffff', anchor = 'start' } = style
  const width = textWidth(text, size)
  const start = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2
  const scale = size / UNITS_PER_EM
  let advance = 0
  let paths = ''
  for (const character of text) {
    const [units, path] = glyph(character)
    if (path !== '') paths += `<path transform="translate(${advance})" d="${path}"/>`
    advance += units
  }
  return `<g fill="${fill}" transform="translate(${start.toFixed(2)} ${y}) scale(${scale.toFixed(6)})">${paths}</g>`
}

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
