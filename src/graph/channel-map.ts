import { inputAt, linearGrid } from './lowering.js'
import { type KernelCall, type LowerContext, tensorOf, view } from './op.js'
import { planesOf } from './tensor.js'

/** Place of a lane that stays zero. */
export const NO_CHANNEL = 0xffffffff

/** The table of channel_map.wgsl: the place in the source of each lane of the output. */
function placeTable(places: readonly number[], planes: number): Uint32Array {
  const table = new Uint32Array(planes * 4).fill(NO_CHANNEL)
  table.set(places)
  return table
}

/** The places as runs `start+count`, so that the key of a long table stays short. */
function describePlaces(places: readonly number[]): string {
  const runs: { start: number; count: number }[] = []
  for (const place of places) {
    const last = runs.at(-1)
    if (last !== undefined && place === last.start + last.count) last.count++
    else runs.push({ start: place, count: 1 })
  }
  return runs.map(({ start, count }) => `${start}+${count}`).join(',')
}

/**
 * @param places position in the source (plane * 4 + lane) of the output's first channels; channels behind
 * them are zero
 */
export function lowerChannelMap(context: LowerContext<unknown>, places: readonly number[]): KernelCall[] {
  const source = inputAt(context, 0)
  const type = tensorOf(context.output)
  const planes = planesOf(type)
  const first = places[0] ?? 0
  const aligned = first % 4 === 0 && places.every((place, i) => place === first + i)
  const key = `places:${planes}:${describePlaces(places)}`
  return [
    {
      kernel: 'channel_map.wgsl',
      variant: aligned ? 'aligned' : 'table',
      params: { ALIGNED: aligned, F16: context.storage === 'f16' },
      uniforms: {
        source: view(source),
        destination: view(context.output),
        firstPlane: aligned ? first / 4 : 0,
        available: places.length,
      },
      bindings: {
        source,
        destination: context.output,
        ...(!aligned && { places: { kind: 'packed', key, pack: () => placeTable(places, planes) } as const }),
      },
      workgroups: linearGrid(type.h * type.w, planes * type.n),
    },
  ]
}
