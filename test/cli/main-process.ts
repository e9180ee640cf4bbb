import { pbkdf2 } from 'node:crypto'
import { main } from '../../src/cli/main.js'
import { FakeFaceFlow } from '../support/fake-face-flow.js'
import { mouthOpening, syntheticResult } from '../support/synthetic.js'

/*
 * The command line as a process of its own, with a prepared result instead of networks. DFF_TEST_DELAY: ms
 * that each computation takes. DFF_TEST_NATIVE: it is native code that cannot be interrupted, as a decoder is.
 */
const faceFlow = new FakeFaceFlow(await syntheticResult(mouthOpening))
const delay = Number(process.env.DFF_TEST_DELAY ?? 0)
faceFlow.onCall = () => {
  process.stderr.write('computing\n')
  if (process.env.DFF_TEST_NATIVE !== undefined) {
    return new Promise((resolve) => pbkdf2('a', 'b', 200_000_000, 64, 'sha512', () => resolve()))
  }
  return new Promise((resolve) => setTimeout(resolve, delay))
}
await main(process.argv.slice(2), {
  open: async (options) => {
    faceFlow.options = options
    return faceFlow
  },
  describeNetwork: async (options) => faceFlow.network(options),
  isSoftware: async () => true,
})
