import { computesInSoftware, DeepFaceFlow, describeNetwork } from '../index.js'
import { main } from './main.js'

/** Entry point of the `deepfaceflow` command. */
await main(process.argv.slice(2), {
  open: (options) => DeepFaceFlow.create(options),
  describeNetwork: ({ weights, depth, extent }) => describeNetwork(weights, depth, extent),
  isSoftware: ({ adapter }) => computesInSoftware(adapter),
})
