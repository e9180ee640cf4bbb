import { computesInSoftware, DeepFaceFlow, describeNetwork } from '../index.js'
import { main } from './main.js'

/** Entry point of the `deepfaceflow` command. */
await main(process.argv.slice(2), {
  open: (options) => DeepFaceFlow.create(options),
  describeNetwork: ({ weights, depth }) => describeNetwork(weights, depth),
  isSoftware: ({ adapter }) => computesInSoftware(adapter),
})
