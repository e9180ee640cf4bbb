import type { DeviceContext, Load } from '../lib/context.js'

/** Text of one section, and the plots it shows, by file name. */
export interface Part {
  readonly markdown: string
  readonly plots: Readonly<Record<string, string>>
}

/** Names that drivers give themselves are long: the part before the first version or bracket. */
export function shortAdapter(name: string): string {
  if (/swiftshader/i.test(name)) return 'SwiftShader'
  const mesa = /Mesa (\d+\.\d+)/.exec(name)?.[1]
  if (/llvmpipe/i.test(name)) return `lavapipe${mesa === undefined ? '' : ` (Mesa ${mesa})`}`
  return name
}

/** Where and when, as a line below a table. */
export function provenance(context: DeviceContext, load: Load): string {
  const others =
    load.otherCores === undefined ? '' : `, other processes on ${load.otherCores.toFixed(1)} cores`
  return (
    `*${shortAdapter(context.driver)}, ${context.schedule} schedule, ${context.storage}; ${context.cpu}, ` +
    `${context.cores} cores, load average ${load.loadAverage.toFixed(1)}${others}; commit ${context.commit}.*`
  )
}
