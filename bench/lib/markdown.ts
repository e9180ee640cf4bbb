import { type Cell, formatCell } from './table.js'

export function markdownTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const isNumeric = header.map((_, i) =>
    rows.every((row) => row[i] === undefined || typeof row[i] === 'number'),
  )
  return [
    line(header),
    line(isNumeric.map((numeric) => (numeric ? '---:' : '---'))),
    ...rows.map((row) => line(header.map((_, i) => formatCell(row[i])))),
  ].join('\n')
}

/**
 * Replaces what stands between `<!-- generated: NAME -->` and `<!-- end -->`.
 * @throws Error naming a part that the page has no place for
 */
export function fillPage(page: string, parts: Readonly<Record<string, string>>): string {
  let filled = page
  for (const [name, text] of Object.entries(parts)) {
    const start = `<!-- generated: ${name} -->`
    const at = filled.indexOf(start)
    const end = filled.indexOf('<!-- end -->', at)
    if (at < 0 || end < 0) throw new Error(`the page has no place for "${name}"`)
    filled = `${filled.slice(0, at + start.length)}\n\n${text}\n\n${filled.slice(end)}`
  }
  return filled
}
