/**
 * What the engine and the face level need of where they run: files, hashing, pictures, adapters, waiting. Everything above
 * takes it from here. The build for browsers puts `browser/index.ts` in the place of this module, which exports the same
 * (tools/build-browser.js, test/platform/seam.test.ts).
 */
export type { AdapterChoice, AdapterSource, FoundAdapter, InstanceOptions } from './adapter-choice.js'
export { capsOfDevice, chooseAdapter, enumerateAdapters } from './node/adapters.js'
export { cacheFolder } from './node/cache-folder.js'
export { fileExists, readBytes, readStored, shippedWeights, storePath, writeStored } from './node/files.js'
export { sha256 } from './node/hash.js'
export { emitWarning, environment, processors, turnOfEventLoop } from './node/host.js'
export {
  cropAndResize,
  decodePhoto,
  drawShapes,
  encodeGreyPng,
  encodeJpeg,
  encodePng,
  resizePicture,
  stillOf,
} from './node/image.js'
export { KernelSource, selfTestResults } from './node/kernel-source.js'
export { packageFacts } from './node/package-root.js'
export { photoName } from './node/photo-input.js'
export { HARDWARE_PACE, paced, SOFTWARE_PACE } from './node/polling.js'
export type { Outline, Shape } from './shapes.js'
export type { DownloadProgress, ReadOptions, ShippedFiles } from './shipped-files.js'
