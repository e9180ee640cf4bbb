/** Plots as SVG text, without a plotting library: bars and lines are all that the reports need. */

const COLOURS = ['#2f6f9f', '#c8553d', '#588b4b', '#8d6cab', '#b8902d', '#5b5b5b']
/** Width of a character, px, on the wide side. */
const CHARACTER = 7.3
const FONT = 'font-family="system-ui, sans-serif" font-size="12"'

interface BarChart {
  readonly title: string
  readonly unit: string
  readonly series: readonly string[]
  /** One bar per series; undefined leaves its place empty. */
  readonly bars: readonly { readonly label: string; readonly values: readonly (number | undefined)[] }[]
  /** A line across all bars. */
  readonly limit?: { readonly value: number; readonly label: string }
  readonly logarithmic?: boolean
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.0+$/, '')

/** Horizontal bars, grouped by label. */
export function barChart(chart: BarChart): string {
  const { bars, series, limit, logarithmic = false } = chart
  const values = bars.flatMap((bar) => bar.values.flatMap((value) => (value === undefined ? [] : [value])))
  const most = Math.max(...values, limit?.value ?? 0) * (logarithmic ? 1.6 : 1.12)
  const least = logarithmic
    ? Math.min(...values.filter((value) => value > 0), limit?.value ?? Number.POSITIVE_INFINITY) / 1.6
    : 0
  const left = 24 + CHARACTER * Math.max(...bars.map(({ label }) => label.length))
  const width = 900
  const barHeight = 14
  const groupHeight = barHeight * series.length + 10
  const top = 58
  const height = top + groupHeight * bars.length + 34
  const x = (value: number): number => {
    const at = logarithmic ? Math.log(value / least) / Math.log(most / least) : value / most
    return left + (width - left - 30) * at
  }
  const parts: string[] = []
  let at = left
  series.forEach((name, i) => {
    parts.push(`<rect x="${at}" y="30" width="12" height="12" fill="${COLOURS[i % COLOURS.length]}"/>`)
    parts.push(`<text x="${at + 18}" y="40">${escaped(name)}</text>`)
    at += 44 + CHARACTER * name.length
  })
  bars.forEach((bar, row) => {
    const y = top + row * groupHeight
    const middle = y + (barHeight * series.length) / 2 + 4
    parts.push(`<text x="${left - 8}" y="${middle}" text-anchor="end">${escaped(bar.label)}</text>`)
    bar.values.forEach((value, i) => {
      if (value === undefined) return
      const end = x(value)
      const at = y + i * barHeight
      const colour = COLOURS[i % COLOURS.length]
      parts.push(
        `<rect x="${left}" y="${at}" width="${Math.max(1, end - left).toFixed(1)}" height="${barHeight - 2}" fill="${colour}"/>`,
      )
      parts.push(`<text x="${(end + 4).toFixed(1)}" y="${at + 10}" font-size="10">${short(value)}</text>`)
    })
  })
  if (limit !== undefined) {
    const at = x(limit.value).toFixed(1)
    const bottom = height - 24
    parts.push(
      `<line x1="${at}" y1="${top - 6}" x2="${at}" y2="${bottom}" stroke="#333" stroke-dasharray="4 3"/>`,
    )
    parts.push(`<text x="${at}" y="${bottom + 14}" text-anchor="middle">${escaped(limit.label)}</text>`)
  }
  return frame(width, height, chart.title, `${chart.unit}${logarithmic ? ', logarithmic' : ''}`, parts)
}

interface LineChart {
  readonly title: string
  readonly x: { readonly label: string; readonly values: readonly number[] }
  readonly y: string
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[]
  readonly limit?: { readonly value: number; readonly label: string }
}

/** Lines over a numeric axis; the ordinate is logarithmic. */
export function lineChart({ title, x, y, series, limit }: LineChart): string {
  const width = 760
  const height = 380
  const [left, right, top, bottom] = [60, 200, 40, 44]
  const all = [...series.flatMap(({ values }) => values), ...(limit === undefined ? [] : [limit.value])]
  const [low, high] = [Math.min(...all) / 1.3, Math.max(...all) * 1.3]
  const first = x.values[0] ?? 0
  const span = (x.values.at(-1) ?? 1) - first
  const atX = (value: number): number => left + ((width - left - right) * (value - first)) / span
  const atY = (value: number): number =>
    height - bottom - ((height - top - bottom) * Math.log(value / low)) / Math.log(high / low)
  const parts: string[] = []
  for (const value of x.values) {
    parts.push(
      `<text x="${atX(value).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle">${value}</text>`,
    )
  }
  for (let tick = 10 ** Math.ceil(Math.log10(low)); tick <= high; tick *= 10) {
    const at = atY(tick).toFixed(1)
    parts.push(`<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" stroke="#ddd"/>`)
    parts.push(`<text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end">${tick}</text>`)
  }
  if (limit !== undefined) {
    const at = atY(limit.value).toFixed(1)
    parts.push(
      `<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" stroke="#333" stroke-dasharray="4 3"/>`,
    )
    parts.push(`<text x="${left + 4}" y="${Number(at) - 5}">${escaped(limit.label)}</text>`)
  }
  series.forEach(({ name, values }, i) => {
    const colour = COLOURS[i % COLOURS.length]
    const points = values.map(
      (value, k) => `${atX(x.values[k] as number).toFixed(1)},${atY(value).toFixed(1)}`,
    )
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const point of points) {
      const [cx, cy] = point.split(',')
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`)
    }
    const last = points.at(-1)?.split(',')
    parts.push(
      `<text x="${Number(last?.[0]) + 8}" y="${Number(last?.[1]) + 4}" fill="${colour}">${escaped(name)}</text>`,
    )
  })
  parts.push(
    `<text x="${left + (width - left - right) / 2}" y="${height - 8}" text-anchor="middle">${escaped(x.label)}</text>`,
  )
  return frame(width, height, title, y, parts)
}

function frame(width: number, height: number, title: string, unit: string, parts: readonly string[]): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" ${FONT}>\n` +
    `<title>${escaped(title)}</title>\n` +
    `<rect width="${width}" height="${height}" fill="white"/>\n` +
    `<text x="14" y="18" font-size="14" font-weight="600">${escaped(title)} (${escaped(unit)})</text>\n` +
    `${parts.join('\n')}\n</svg>\n`
  )
}
