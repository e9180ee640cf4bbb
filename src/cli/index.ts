import { DeepFaceFlow } from '../index.js'
import { main } from './main.js'

/** Entry point of the `deepfaceflow` command. */
await main(process.argv.slice(2), (options) => DeepFaceFlow.create(options))
