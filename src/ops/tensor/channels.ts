import { list, whole } from '../../graph/arguments.js'
import { lowerChannelMap, NO_CHANNEL } from '../../graph/channel-map.js'
import { contiguousChannelsOp } from '../../graph/contiguous-channels.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt } from '../../graph/lowering.js'
import { type OpDefinition, tensorOf } from '../../graph/op.js'
import {
  channelsOf,
  isContiguous,
  physicalChannels,
  type TensorType,
  tensorType,
} from '../../graph/tensor.js'

const withChannels = (type: TensorType, channels: number): TensorType =>
  tensorType(type.n, type.h, type.w, channels)

export interface ChannelSliceAttrs {
  readonly start: number
  readonly count: number
}

export const channelSliceOp: OpDefinition<ChannelSliceAttrs> = {
  kind: 'channelSlice',
  inputs: [1, 1],
  attributes: { start: whole(0), count: whole() },
  readsSegments: true,
  precise: 'asFirst',
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
  inputs: [1, 1],
  attributes: { channels: whole() },
  readsSegments: true,
  precise: 'asFirst',
  infer(context) {
    const source = tensorInput('channelPad', context, 0)
    const channels = channelsOf(source)
    return withChannels(
      source,
      wholeNumber('channelPad', context, 'channels', context.attrs.channels, channels),
    )
  },
  flops: () => 0,
  // Whole planes: lanes of padding mean nothing.
  asResidual: (_, input) => (isContiguous(input) && channelsOf(input) % 4 === 0 ? 1 : undefined),
  lower: (context) => lowerChannelMap(context, physicalChannels(tensorOf(inputAt(context, 0)))),
}

export interface ChannelGatherAttrs {
  /** The input channel of each output channel, in any order, also several times. */
  readonly channels: readonly number[]
}

export const channelGatherOp: OpDefinition<ChannelGatherAttrs> = {
  kind: 'channelGather',
  inputs: [1, 1],
  attributes: { channels: list(whole(0)) },
  readsSegments: true,
  precise: 'asFirst',
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
  return addNode(graph, contiguousChannelsOp, name, {}, [input])
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
  return addNode(graph, channelSliceOp, name, { start, count }, [input])
}

/**
 * Zero channels behind the input's, `channels` in all.
 * @throws EngineError INVALID_GRAPH if the input has more
 */
export function channelPad(graph: GraphBuilder, name: string, input: Value, channels: number): Value {
  return addNode(graph, channelPadOp, name, { channels }, [input])
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
  return addNode(graph, channelGatherOp, name, { channels }, [input])
}
