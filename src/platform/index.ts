/**
 * What the engine and the face level need of where they run: files, hashing, pictures, adapters, waiting. Everything below
 * `io/` and `cli/` takes it from here, so that another platform replaces this one module.
 */
export {
  type AdapterChoice,
  type AdapterSource,
  capsOfDevice,
  chooseAdapter,
  enumerateAdapters,
  type FoundAdapter,
  type InstanceOptions,
} from './node/adapters.js'
export { type FileSystem, makeOutputFolder, outputFailed, writeFileAtomic } from './node/atomic.js'
export { cacheFolder } from './node/cache-folder.js'
export { fileExists, joinPath, readBytes, readText, replaceFile, shippedWeights } from './node/files.js'
export { sha256 } from './node/hash.js'
export { emitWarning, environment, processors, turnOfEventLoop } from './node/host.js'
export {
  cropAndResize,
  decodePhoto,
  decodePng16,
  drawSvg,
  encodeGreyPng,
  encodeJpeg,
  encodePng,
  encodePng16,
  resizePicture,
} from './node/image.js'
export { KernelSource } from './node/kernel-source.js'
export { packageFacts } from './node/package-root.js'
export { photoFile, photoName } from './node/photo-input.js'
export { HARDWARE_PACE, paced, SOFTWARE_PACE } from './node/polling.js'
