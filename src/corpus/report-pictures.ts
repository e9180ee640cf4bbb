import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { decodeNpy } from '../io/npy.js'
import { decodePhoto, drawShapes, type Shape } from '../platform/index.js'
import { blank, paste, type Rgb } from '../viz/canvas.js'
import { depthMap, depthScale, flowMap, flowScale } from '../viz/maps.js'
import { textShape } from '../viz/text.js'
import { drawSheet, type Tile } from '../viz/tiles.js'
import type { Example, Histogram } from './report-figures.js'
import type { StoredSample } from './tar-reader.js'

const N = TEMPLATE_SIZE
const COLUMNS = 4
const GAP = 16
const PLOT = { width: 300, height: 110 } as const
const CAPTION = 24
const AXIS = 22
const CELL = PLOT.height + CAPTION + AXIS + GAP
const GREY = '#aeb4bf'
const BAR: Rgb = [88, 152, 235]
const FIELD: Rgb = [32, 35, 41]
const LIMIT: Rgb = [240, 120, 90]
const REASON = { height: 20, label: 150, number: 70 } as const

/** Histograms in rows of four, and a bar for each reason of leaving something out. */
export async function drawHistograms(
  histograms: readonly Histogram[],
  rejected: Readonly<Record<string, number>>,
): Promise<Rgba> {
  const width = COLUMNS * (PLOT.width + GAP) + GAP
  const reasons = Object.entries(rejected).sort(([, a], [, b]) => b - a)
  const top = GAP + Math.ceil(histograms.length / COLUMNS) * CELL
  const sheet = blank(width, top + CAPTION + REASON.height * Math.max(1, reasons.length) + GAP)
  const shapes: Shape[] = []
  for (const [i, histogram] of histograms.entries()) {
    const [x, y] = [GAP + (i % COLUMNS) * (PLOT.width + GAP), GAP + Math.floor(i / COLUMNS) * CELL]
    shapes.push(...drawHistogram(sheet, histogram, x, y))
  }
  shapes.push(textShape('left out, by reason', GAP, top + 15, { size: 15 }))
  if (reasons.length === 0)
    shapes.push(textShape('nothing', GAP, top + CAPTION + 14, { size: 12, fill: GREY }))
  const most = Math.max(1, ...reasons.map(([, count]) => count))
  const full = width - 2 * GAP - REASON.label - REASON.number
  for (const [i, [why, count]] of reasons.entries()) {
    const y = top + CAPTION + i * REASON.height
    shapes.push(textShape(why, GAP, y + 14, { size: 12, fill: GREY }))
    const length = Math.max(1, Math.round((full * count) / most))
    paste(sheet, blank(length, REASON.height - 6, BAR), GAP + REASON.label, y + 3)
    shapes.push(textShape(String(count), GAP + REASON.label + length + 6, y + 14, { size: 12 }))
  }
  return await drawShapes(sheet, shapes)
}

function drawHistogram(
  sheet: Rgba,
  { title, unit, low, high, counts, limits }: Histogram,
  x: number,
  y: number,
): Shape[] {
  const top = y + CAPTION
  paste(sheet, blank(PLOT.width, PLOT.height, FIELD), x, top)
  const most = Math.max(1, ...counts)
  const step = PLOT.width / counts.length
  for (const [i, count] of counts.entries()) {
    const height = count === 0 ? 0 : Math.max(1, Math.round((PLOT.height * count) / most))
    if (height > 0)
      paste(
        sheet,
        blank(Math.ceil(step) - 1, height, BAR),
        x + Math.round(i * step),
        top + PLOT.height - height,
      )
  }
  for (const limit of limits) {
    const at = Math.round((PLOT.width * (limit - low)) / (high - low))
    if (at >= 0 && at < PLOT.width) paste(sheet, blank(1, PLOT.height, LIMIT), x + at, top)
  }
  const total = counts.reduce((sum, count) => sum + count, 0)
  const axis = top + PLOT.height + 15
  return [
    textShape(unit === '' ? title : `${title}, ${unit}`, x, y + 15, { size: 15 }),
    textShape(`${total} in all`, x + PLOT.width, y + 15, { size: 12, fill: GREY, anchor: 'end' }),
    textShape(String(low), x, axis, { size: 12, fill: GREY }),
    textShape(String(Number(((low + high) / 2).toFixed(3))), x + PLOT.width / 2, axis, {
      size: 12,
      fill: GREY,
      anchor: 'middle',
    }),
    textShape(String(high), x + PLOT.width, axis, { size: 12, fill: GREY, anchor: 'end' }),
  ]
}

/** A tile for each pair: A and B above, flow and depth change below. Null where there is none. */
export async function drawExamples(examples: readonly Example[]): Promise<Rgba | null> {
  if (examples.length === 0) return null
  const tiles: Tile[] = []
  for (const { row, sample } of examples) {
    tiles.push({
      image: await quarters(sample),
      kind: 'exact',
      title: shortened(row.entry),
      note: `track ${row.track}, ${row.frame_a} to ${row.frame_b}, flow ${row.mean_flow.toFixed(1)} px, depth ${row.mean_depth_change.toFixed(1)} px`,
    })
  }
  return await drawSheet(tiles, {
    tileSize: N,
    columns: 5,
    heading: 'Pairs: A, B; flow by direction, depth change (red: nearer)',
  })
}

async function quarters(sample: StoredSample): Promise<Rgba> {
  const file = (start: string): Uint8Array => {
    const found = sample.files.find(({ extension }) => extension.startsWith(start))
    return found?.bytes ?? new Uint8Array()
  }
  const [a, b, maskPicture] = [
    await decodePhoto(file('i1.'), 'I1'),
    await decodePhoto(file('i2.'), 'I2'),
    await decodePhoto(file('mask.'), 'mask'),
  ]
  const flow = decodeNpy(file('flow.npy'), 'flow').data as Float32Array
  const mask = Uint8Array.from({ length: N * N }, (_, i) =>
    (maskPicture.data[4 * i] as number) > 127 ? 1 : 0,
  )
  const image = blank(2 * N, 2 * N)
  const pictures = [
    a,
    b,
    flowMap(flow, mask, flowScale(flow, mask)),
    depthMap(flow, mask, depthScale(flow, mask)),
  ]
  for (const [i, picture] of pictures.entries()) paste(image, picture, (i % 2) * N, Math.floor(i / 2) * N)
  return image
}

function shortened(text: string): string {
  return text.length > 28 ? `${text.slice(0, 27)}…` : text
}
