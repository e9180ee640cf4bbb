/** Limits of an adapter that kernels and plans depend on. Names and units are those of WebGPU. */
export interface AdapterLimits {
  readonly maxStorageBufferBindingSize: number
  readonly maxUniformBufferBindingSize: number
  readonly maxBufferSize: number
  readonly maxComputeWorkgroupStorageSize: number
  readonly maxComputeInvocationsPerWorkgroup: number
  readonly maxComputeWorkgroupSizeX: number
  readonly maxComputeWorkgroupSizeY: number
  readonly maxComputeWorkgroupSizeZ: number
  readonly maxComputeWorkgroupsPerDimension: number
  readonly maxStorageBuffersPerShaderStage: number
  readonly minStorageBufferOffsetAlignment: number
  readonly minUniformBufferOffsetAlignment: number
}

/**
 * What a plan may assume about the adapter. Plain data without a device, so that kernel selection is a pure
 * function that can be tested for adapters that are not here.
 */
export interface AdapterCaps {
  /** Printable: description with vendor and architecture. */
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  readonly description: string
  /** Graphics API below WebGPU: vulkan, metal, d3d12, ... */
  readonly backend: string
  /** True for adapters that run on the CPU (SwiftShader, lavapipe, WARP). */
  readonly software: boolean
  readonly subgroups: boolean
  readonly subgroupMinSize: number
  readonly subgroupMaxSize: number
  readonly f16: boolean
  readonly timestamps: boolean
  readonly limits: AdapterLimits
}

/** Limits that a device is asked for and that caps report. */
export const LIMIT_NAMES = [
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
  'minStorageBufferOffsetAlignment',
  'minUniformBufferOffsetAlignment',
] as const satisfies readonly (keyof AdapterLimits)[]

/** The parts of GPUAdapter and GPUDevice that capabilities are read from. */
export interface CapsSource {
  readonly info: GPUAdapterInfo
  readonly features: ReadonlySet<string>
  readonly limits: GPUSupportedLimits
}

const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|softpipe|microsoft basic render|warp/i

/** Reads the capabilities of an adapter, or of a device (whose features and limits may be fewer). */
export function readCaps(source: CapsSource, backend: string): AdapterCaps {
  const { info, features } = source
  const maker = [info.vendor, info.architecture].filter(Boolean).join(' ')
  const title = info.description || info.device
  const subgroups = features.has('subgroups')
  const limits = {} as Record<keyof AdapterLimits, number>
  for (const limit of LIMIT_NAMES) limits[limit] = source.limits[limit]
  return {
    name: title && maker ? `${title} (${maker})` : title || maker || 'unnamed adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    backend,
    software: info.isFallbackAdapter === true || SOFTWARE_NAMES.test(`${title} ${info.device} ${maker}`),
    subgroups,
    subgroupMinSize: subgroups ? (info.subgroupMinSize ?? 0) : 0,
    subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 0) : 0,
    f16: features.has('shader-f16'),
    timestamps: features.has('timestamp-query'),
    limits,
  }
}
