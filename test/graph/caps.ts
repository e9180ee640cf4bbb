import type { AdapterCaps } from '../../src/platform/caps.js'

/** Capabilities of an adapter that is not there, for the pure parts of the engine. */
export function fakeCaps(overrides: Partial<AdapterCaps> = {}): AdapterCaps {
  return {
    name: 'test adapter',
    vendor: 'test',
    architecture: 'test',
    description: 'test adapter',
    backend: 'vulkan',
    software: true,
    subgroups: true,
    subgroupMinSize: 4,
    subgroupMaxSize: 4,
    f16: false,
    timestamps: false,
    limits: {
      maxStorageBufferBindingSize: 2 ** 30,
      maxUniformBufferBindingSize: 65536,
      maxBufferSize: 2 ** 30,
      maxComputeWorkgroupStorageSize: 32768,
      maxComputeInvocationsPerWorkgroup: 256,
      maxComputeWorkgroupSizeX: 256,
      maxComputeWorkgroupSizeY: 256,
      maxComputeWorkgroupSizeZ: 64,
      maxComputeWorkgroupsPerDimension: 65535,
      maxStorageBuffersPerShaderStage: 8,
      minStorageBufferOffsetAlignment: 256,
      minUniformBufferOffsetAlignment: 256,
    },
    ...overrides,
  }
}
