/** What `platform/index.ts` exports, for browsers. */
export type { AdapterChoice, AdapterSource, FoundAdapter, InstanceOptions } from '../adapter-choice.js'
export type { Outline, Shape } from '../shapes.js'
export type { DownloadProgress, ReadOptions, ShippedFiles } from '../shipped-files.js'
export { capsOfDevice, chooseAdapter, enumerateAdapters } from './adapters.js'
export {
  cacheFolder,
  fileExists,
  packageFacts,
  readBytes,
  readStored,
  shippedWeights,
  storePath,
  writeStored,
} from './files.js'
export { sha256 } from './hash.js'
export {
  emitWarning,
  environment,
  HARDWARE_PACE,
  paced,
  processors,
  SOFTWARE_PACE,
  turnOfEventLoop,
} from './host.js'
export {
  cropAndResize,
  decodePhoto,
  drawShapes,
  encodeGreyPng,
  encodeJpeg,
  encodePng,
  resizePicture,
  stillOf,
} from './image.js'
export { KernelSource, selfTestResults } from './kernel-source.js'
export { photoName } from './photo-input.js'
