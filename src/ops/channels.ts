import type { GraphBuilder, Value } from '../graph/graph.js'
import { channelsOf, physicalChannels, planesOf, type TensorType, tensorType } from '../graph/tensor.js'
import { shapeError, tensorInput, wholeNumber } from './infer.js'
import { inputAt, linearGrid } from './lowering.js'
import { type KernelCall, type LowerContext, type OpDefinition, tensorOf, view } from './op.js'

const NO_CHANNEL = 0xffffffff

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
function lowerChannelMap(context: LowerContext<unknown>, places: readonly number[]): KernelCall[] {
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

const withChannels = (type: TensorType, channels: number): TensorType =>
  tensorType(type.n, type.h, type.w, channels)

/** Removes the padding between the parts of a concatenation. */
export const contiguousChannelsOp: OpDefinition<Record<string, never>> = {
  kind: 'contiguousChannels',
  readsSegments: true,
  infer(context) {
    const source = tensorInput('contiguousChannels', context, 0)
    return withChannels(source, channelsOf(source))
  },
  flops: () => 0,
  lower: (context) => lowerChannelMap(context, physicalChannels(tensorOf(inputAt(context, 0)))),
}

export interface ChannelSliceAttrs {
  readonly start: number
  readonly count: number
}

export const channelSliceOp: OpDefinition<ChannelSliceAttrs> = {
  kind: 'channelSlice',
  readsSegments: true,
  infer(context) {
    const source = tensorInput('channelSlice', context, 0)
    const start = wholeNumber('channelSlice', context, 'start', context.attrs.start, 0)
    const count = wholeNumber('channelSlice', context, 'count', context.attrs.count, 1)
    const channels = channelsOf(source)
    if (start + count > channels) {
      throw shapeError('channelSlice', context, `channels ${start}..${start + count - 1} of ${channels}`)
    }
    return withChannels(source, count)
  },
  flops: () => 0,
  lower: (context) => {
    const { start, count } = context.attrs
    const places = physicalChannels(tensorOf(inputAt(context, 0)))
    return lowerChannelMap(context, places.slice(start, start + count))
  },
}

export interface ChannelPadAttrs {
  /** Channels of the output; those behind the input's are zero. */
  readonly channels: number
}

export const channelPadOp: OpDefinition<ChannelPadAttrs> = {
  kind: 'channelPad',
  readsSegments: true,
  infer(context) {
    const source = tensorInput('channelPad', context, 0)
    const channels = channelsOf(source)
    return withChannels(
      source,
      wholeNumber('channelPad', context, 'channels', context.attrs.channels, channels),
    )
  },
  flops: () => 0,
  lower: (context) => lowerChannelMap(context, physicalChannels(tensorOf(inputAt(context, 0)))),
}

export interface ChannelGatherAttrs {
  /** The input channel of each output channel, in any order, also several times. */
  readonly channels: readonly number[]
}

export const channelGatherOp: OpDefinition<ChannelGatherAttrs> = {
  kind: 'channelGather',
  readsSegments: true,
  infer(context) {
    const source = tensorInput('channelGather', context, 0)
    const { channels } = context.attrs
    const available = channelsOf(source)
    const wrong = channels.find((c) => !Number.isInteger(c) || c < 0 || c >= available)
    if (wrong !== undefined) {
      throw shapeError('channelGather', context, `there is no channel ${wrong} among ${available}`)
    }
    if (channels.length === 0) throw shapeError('channelGather', context, 'needs at least one channel')
    return withChannels(source, channels.length)
  },
  flops: () => 0,
  lower: (context) => {
    const places = physicalChannels(tensorOf(inputAt(context, 0)))
    return lowerChannelMap(
      context,
      context.attrs.channels.map((c) => places[c] ?? NO_CHANNEL),
    )
  },
}

/** Copies a concatenation into channels without padding between its parts; the plan adds it where needed. */
export function contiguousChannels(graph: GraphBuilder, name: string, input: Value): Value {
  return graph.add(contiguousChannelsOp, name, {}, [input])
}

/**
 * Channels `start` .. `start + count - 1`.
 * @throws EngineError INVALID_GRAPH if the input has fewer
 */
export function channelSlice(
  graph: GraphBuilder,
  name: string,
  input: Value,
  start: number,
  count: number,
): Value {
  return graph.add(channelSliceOp, name, { start, count }, [input])
}

/**
 * Zero channels behind the input's, `channels` in all.
 * @throws EngineError INVALID_GRAPH if the input has more
 */
export function channelPad(graph: GraphBuilder, name: string, input: Value, channels: number): Value {
  return graph.add(channelPadOp, name, { channels }, [input])
}

/**
 * Channels of the input in any order.
 * @throws EngineError INVALID_GRAPH if it lacks one of them
 */
export function channelGather(
  graph: GraphBuilder,
  name: string,
  input: Value,
  channels: readonly number[],
): Value {
  return graph.add(channelGatherOp, name, { channels }, [input])
}
