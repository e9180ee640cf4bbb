export type Cell = string | number | undefined

/** Text left, numbers right, columns as wide as they need to be; `-` for what is not there. */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => header.map((_, column) => formatCell(row[column])))
  const widths = header.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => (row[column] as string).length)),
  )
  const isNumeric = header.map((_, column) =>
    rows.every((row) => row[column] === undefined || typeof row[column] === 'number'),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] as number
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(header), ...texts.map(line)].join('\n')
}

/** Three significant digits, more only for whole numbers. */
export function formatCell(cell: Cell): string {
  if (cell === undefined) return '-'
  if (typeof cell === 'string') return cell
  if (!Number.isFinite(cell)) return '-'
  const magnitude = Math.abs(cell)
  if (Number.isInteger(cell) || magnitude >= 100) return cell.toFixed(0)
  if (magnitude >= 10) return cell.toFixed(1)
  if (magnitude >= 1) return cell.toFixed(2)
  return cell
    .toPrecision(3)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')
}
