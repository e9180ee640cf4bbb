import type { Rgba } from '../geometry/types.js'
import { drawShapes, resizePicture, type Shape } from '../platform/index.js'
import { blank, NO_VALUE, paste, type Rgb } from './canvas.js'
import { barLegend, wheelLegend } from './maps.js'
import { textShape, textWidth, wrapText } from './text.js'

/** Sheets of captioned tiles: every picture of the package is one tile or several. */

/** Explains the colours of a tile, drawn inside it. */
export type Legend =
  /** Colour wheel in the lower left corner; `full` is the length of full saturation. */
  | { readonly kind: 'wheel'; readonly full: string }
  /** Bar at the right edge with labels from top to bottom. */
  | {
      readonly kind: 'bar'
      readonly colour: (value: number) => Rgb
      readonly low: number
      readonly high: number
      readonly labels: readonly string[]
    }

export interface Tile {
  /** Square image. */
  readonly image: Rgba
  /** `exact` keeps the pixels of a map, `smooth` is for photos. */
  readonly kind: 'smooth' | 'exact'
  readonly title: string
  /** Smaller text under the title. */
  readonly note?: string
  readonly legend?: Legend
  /** Over the image, in the image's own pixels; cut off at its borders. */
  readonly overlay?: readonly Shape[]
}

export interface SheetOptions {
  /** Side of a tile, px. */
  readonly tileSize: number
  readonly columns: number
  /** Heading of the sheet. */
  readonly heading?: string
  /** Lines under the tiles. */
  readonly footer?: readonly string[]
}

const GAP = 12
const TITLE_SIZE = 15
const NOTE_SIZE = 11.5
const NOTE_LINE = 15
const TITLE_COLOUR = '#f2f3f5'
const NOTE_COLOUR = '#aeb4bf'

/** Draws the tiles in rows, left to right, with captions under them. */
export async function drawSheet(tiles: readonly Tile[], options: SheetOptions): Promise<Rgba> {
  const { tileSize, heading, footer = [] } = options
  const columns = Math.min(options.columns, tiles.length)
  const width = columns * tileSize + (columns + 1) * GAP
  const notes = tiles.map((tile) => (tile.note ? wrapText(tile.note, NOTE_SIZE, tileSize) : []))
  const caption = TITLE_SIZE + 8 + NOTE_LINE * Math.max(...notes.map((lines) => lines.length))
  const top = heading ? 44 : GAP
  const rowHeight = tileSize + caption + GAP
  const rows = Math.ceil(tiles.length / columns)
  const footerTop = top + rows * rowHeight
  const footerLines = footer.flatMap((line) => wrapText(line, 12.5, width - 2 * GAP))
  const height = footerTop + (footerLines.length > 0 ? footerLines.length * 18 + GAP : 0)

  const sheet = blank(width, height)
  const shapes: Shape[] = []
  if (heading) shapes.push(textShape(heading, GAP, 29, { size: 20, fill: TITLE_COLOUR }))
  for (const [i, tile] of tiles.entries()) {
    const x = GAP + (i % columns) * (tileSize + GAP)
    const y = top + Math.floor(i / columns) * rowHeight
    paste(sheet, await atSize(tile, tileSize), x, y)
    if (tile.overlay) {
      shapes.push({ shapes: tile.overlay, x, y, scale: tileSize / tile.image.width, clip: tile.image })
    }
    if (tile.legend) shapes.push(...drawLegend(sheet, tile.legend, x, y, tileSize))
    const line = y + tileSize + TITLE_SIZE + 3
    shapes.push(textShape(tile.title, x, line, { size: TITLE_SIZE, fill: TITLE_COLOUR }))
    for (const [k, text] of (notes[i] ?? []).entries()) {
      shapes.push(textShape(text, x, line + (k + 1) * NOTE_LINE, { size: NOTE_SIZE, fill: NOTE_COLOUR }))
    }
  }
  for (const [k, text] of footerLines.entries()) {
    shapes.push(textShape(text, GAP, footerTop + 14 + k * 18, { size: 12.5, fill: NOTE_COLOUR }))
  }
  return drawShapes(sheet, shapes)
}

/** Photos stand in several pictures, and enlarging them smoothly is dear: kept by image and size. */
const enlarged = new WeakMap<Rgba, Map<number, Promise<Rgba>>>()

async function atSize({ image, kind }: Tile, size: number): Promise<Rgba> {
  if (image.width === size && image.height === size) return image
  if (kind === 'exact') return await resizePicture(image, size, size, kind)
  const sizes = enlarged.get(image) ?? new Map<number, Promise<Rgba>>()
  enlarged.set(image, sizes)
  const known = sizes.get(size) ?? resizePicture(image, size, size, kind)
  sizes.set(size, known)
  return await known
}

/** Pastes the legend's colours into the sheet; returns its text. */
function drawLegend(sheet: Rgba, legend: Legend, x: number, y: number, tileSize: number): Shape[] {
  const size = Math.max(10.5, tileSize / 32)
  const margin = Math.round(tileSize / 40)
  switch (legend.kind) {
    case 'wheel': {
      const diameter = 2 * Math.round(tileSize * 0.09)
      const left = x + margin
      const bottom = y + tileSize - margin
      const disc = wheelLegend(diameter)
      const boxWidth = Math.max(diameter, Math.ceil(textWidth(legend.full, size))) + 4
      paste(
        sheet,
        blank(boxWidth, diameter + Math.ceil(size) + 6, NO_VALUE),
        left - 2,
        bottom - diameter - Math.ceil(size) - 4,
      )
      paste(sheet, disc, left, bottom - diameter - Math.ceil(size) - 2)
      return [textShape(legend.full, left, bottom - 3, { size })]
    }
    case 'bar': {
      const width = Math.round(tileSize / 36)
      const height = Math.round(tileSize * 0.42)
      const left = x + tileSize - margin - width
      const top = y + margin + Math.ceil(size / 2)
      paste(sheet, barLegend(width, height, legend.low, legend.high, legend.colour), left, top)
      return legend.labels.map((label, i) => {
        const share = i / (legend.labels.length - 1)
        return textShape(label, left - 4, top + share * height + size * 0.36, { size, anchor: 'end' })
      })
    }
    default:
      return legend satisfies never
  }
}
