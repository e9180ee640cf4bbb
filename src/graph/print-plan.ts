import type { Location, PlanSpec } from './plan.js'

/** Sums over a plan. */
export interface PlanTotals {
  readonly steps: number
  readonly flops: number
  readonly slotBytes: number
}

/** Dispatches, floating-point operations and bytes of memory slots of a plan. */
export function planTotals(spec: PlanSpec): PlanTotals {
  return {
    steps: spec.steps.length,
    flops: spec.steps.reduce((sum, step) => sum + step.flops, 0),
    slotBytes: spec.slotBytes.reduce((sum, bytes) => sum + bytes, 0),
  }
}

/** The plan as a table: one line a step. */
export function printPlan(spec: PlanSpec): string {
  const rows = spec.steps.map((step, index) => [
    String(index),
    step.name,
    step.kernel.replace(/\.wgsl$/, ''),
    step.variant,
    step.shapes,
    step.workgroups.join('x'),
    (step.flops / 1e6).toFixed(1),
    (step.bytes / 1024).toFixed(0),
    [...new Set(Object.values(step.bindings).map(printLocation))].join(' '),
  ])
  const header = ['#', 'step', 'kernel', 'variant', 'shapes', 'groups', 'MFLOP', 'KiB', 'buffers']
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const totals = planTotals(spec)
  return [
    line(header),
    ...rows.map(line),
    `${spec.name}: ${totals.steps} steps, ${(totals.flops / 1e9).toFixed(3)} GFLOP, ${spec.slotBytes.length} slots, ` +
      `${(totals.slotBytes / 2 ** 20).toFixed(2)} MiB, ${spec.storage}, ${spec.schedule} schedule`,
  ].join('\n')
}

function printLocation(location: Location): string {
  switch (location.kind) {
    case 'slot':
      return `s${location.slot}`
    case 'input':
    case 'output':
      return `${location.kind}:${location.name}`
    case 'packed':
      return 'w'
    default:
      return location satisfies never
  }
}
