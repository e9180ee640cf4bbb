import { copyCall } from './copy.js'
import { tensorInput } from './infer.js'
import { inputAt } from './lowering.js'
import { type OpDefinition, tensorOf } from './op.js'

/** Changes the element type of a tensor in memory, for readers that want the other one. */
export const convertStorageOp: OpDefinition<Record<string, never>> = {
  kind: 'convertStorage',
  inputs: [1, 1],
  attributes: {},
  readsSegments: true,
  loads: [0],
  infer(context) {
    return tensorInput('convertStorage', context, 0)
  },
  flops: () => 0,
  lower(context) {
    const source = inputAt(context, 0)
    return [copyCall(source, context.output, { batches: tensorOf(source).n })]
  },
}
