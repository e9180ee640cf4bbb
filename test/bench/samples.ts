import type { CompiledPipeline, FamilyResult } from '../../bench/gpu-compile/compile.js'
import type { ShaderStatistics } from '../../bench/gpu-compile/isa.js'
import type { LayerCost } from '../../bench/lib/layers.js'
import type { Peaks } from '../../bench/lib/peaks.js'
import { fakeCaps } from '../graph/caps.js'

export function compiledPipeline(statistics: Partial<ShaderStatistics>): CompiledPipeline {
  return {
    kernel: 'conv_direct.wgsl',
    variant: 'test',
    id: 'conv_direct.wgsl()',
    workgroupSize: [64, 1, 1],
    uses: [{ a: 1, step: 'conv1', flops: 1e9 }],
    waveSize: 64,
    laneUse: 1,
    statistics: {
      vgprs: 64,
      sgprs: 64,
      spilledVgprs: 0,
      spilledSgprs: 0,
      ldsBytes: 0,
      scratchBytes: 0,
      wavesPerSimd: 16,
      codeBytes: 1000,
      inverseThroughput: 1000,
      valu: 100,
      salu: 10,
      vmem: 4,
      smem: 4,
      ...statistics,
    },
  }
}

export function familyResult(family: string, pipelines: readonly CompiledPipeline[]): FamilyResult {
  return { family, driver: 'test', caps: fakeCaps(), pipelines }
}

export function layer(fields: Partial<LayerCost>): LayerCost {
  return {
    name: 'layer',
    op: 'conv2d',
    kernel: 'conv_direct',
    variant: 'test',
    steps: 1,
    shapes: '',
    flops: 1e9,
    bytes: 1e6,
    wallMs: 20,
    cpuMs: 40,
    gpuMs: 10,
    ...fields,
  }
}

export const PEAKS: Peaks = {
  gflops: 200,
  gflopsPerCpuSecond: 50,
  fmaVariant: 'test',
  gbytes: 10,
  gbytesPerCpuSecond: 5,
  dispatchUs: 10,
  submitUs: 100,
  readbackMs: 1,
}
