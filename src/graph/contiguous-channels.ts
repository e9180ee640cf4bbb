import { lowerChannelMap } from './channel-map.js'
import { tensorInput } from './infer.js'
import { inputAt } from './lowering.js'
import { type OpDefinition, tensorOf } from './op.js'
import { channelsOf, physicalChannels, tensorType } from './tensor.js'

/** Removes the padding between the parts of a concatenation. */
export const contiguousChannelsOp: OpDefinition<Record<string, never>> = {
  kind: 'contiguousChannels',
  inputs: [1, 1],
  attributes: {},
  readsSegments: true,
  infer(context) {
    const source = tensorInput('contiguousChannels', context, 0)
    return tensorType(source.n, source.h, source.w, channelsOf(source))
  },
  flops: () => 0,
  lower: (context) => lowerChannelMap(context, physicalChannels(tensorOf(inputAt(context, 0)))),
}
