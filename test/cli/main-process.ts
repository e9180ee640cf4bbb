import { main } from '../../src/cli/main.js'
import { FakeFaceFlow } from '../support/fake-face-flow.js'
import { mouthOpening, syntheticResult } from '../support/synthetic.js'

/*
 * The command line as a process of its own, with a prepared result instead of networks. DFF_TEST_DELAY: ms
 * that each computation takes.
 */
const faceFlow = new FakeFaceFlow(await syntheticResult(mouthOpening))
const delay = Number(process.env.DFF_TEST_DELAY ?? 0)
faceFlow.onCall = () => {
  process.stderr.write('computing\n')
  return new Promise((resolve) => setTimeout(resolve, delay))
}
await main(process.argv.slice(2), {
  open: async (options) => {
    faceFlow.options = options
    return faceFlow
  },
  describeNetwork: async (options) => faceFlow.network(options),
})
