import { describe, expect, it } from 'vitest'
import { convCandidates, convVariants, selectConvVariant } from '../../src/ops/conv/select.js'
import type { ConvShape } from '../../src/ops/conv/variants.js'
import type { AdapterCaps } from '../../src/platform/caps.js'

function caps(lanes: number, vendor = ''): AdapterCaps {
  return {
    name: 'test adapter',
    vendor,
    architecture: '',
    description: '',
    backend: 'vulkan',
    software: lanes === 4 || lanes === 8,
    subgroups: lanes > 0,
    subgroupMinSize: lanes,
    subgroupMaxSize: lanes,
    f16: false,
    timestamps: false,
    limits: {} as AdapterCaps['limits'],
  }
}

/** A 3x3 convolution of stride 1, which is its own Winograd window. */
function conv3x3(size: number, inPlanes: number, outPlanes: number): ConvShape {
  return {
    batches: 1,
    inPlanes,
    outPlanes,
    channels: [4 * inPlanes, 4 * outPlanes],
    gridHeight: size,
    gridWidth: size,
    phases: 1,
    taps: [3, 3],
    stride: [1, 1],
    winograd: { tile: 4, inPlanes, outPlanes },
  }
}

/** Transposed 4x4 of stride 2: four phases of 2x2 taps. */
function transposed(size: number, inPlanes: number, outPlanes: number): ConvShape {
  return {
    ...conv3x3(size, inPlanes, outPlanes),
    phases: 4,
    taps: [2, 2],
    winograd: { tile: 4, inPlanes, outPlanes: outPlanes * 4 },
  }
}

const name = (shape: ConvShape, lanes: number, schedule: 'software' | 'hardware' = 'software') =>
  selectConvVariant(shape, caps(lanes), schedule).name

describe('selection on software adapters', () => {
  it('takes Winograd where it saves most multiplications', () => {
    expect(name(conv3x3(28, 59, 24), 4)).toBe('winograd-7x32')
    expect(name(conv3x3(28, 59, 24), 8)).toBe('winograd-4x32')
    expect(name(conv3x3(56, 8, 12), 4)).toBe('winograd-7x16')
    expect(name(conv3x3(56, 8, 12), 0)).toBe('winograd-8x8')
    // Few planes share the transforms: with 8 lanes the product does not make up for them.
    const first = { ...conv3x3(112, 1, 8), winograd: { tile: 4, inPlanes: 4, outPlanes: 8 } } as const
    const large = { ...first, taps: [7, 7], stride: [2, 2] } as const
    expect([name(large, 4), name(large, 8)]).toEqual(['winograd-7x32', 'broadcast-4x16'])
    expect([name(conv3x3(112, 8, 4), 4), name(conv3x3(112, 8, 4), 8)]).toEqual([
      'winograd-7x16',
      'broadcast-4x16',
    ])
    expect(name(conv3x3(56, 14, 8), 8)).toBe('winograd-4x32')
  })

  it('stays direct where tiles would be mostly padding, or windows do not fit', () => {
    expect(name(conv3x3(4, 96, 96), 4)).toBe('broadcast-4x16')
    expect(name({ ...conv3x3(28, 24, 48), winograd: undefined }, 4)).toBe('broadcast-7x16')
    expect(name({ ...conv3x3(28, 24, 48), winograd: undefined }, 8)).toBe('broadcast-4x16')
    expect(name({ ...conv3x3(28, 24, 48), winograd: undefined }, 0)).toBe('matrix-8x8')
  })

  it('wants a larger saving where the direct kernel is good', () => {
    expect(name(transposed(112, 13, 4), 4)).toBe('winograd-7x32')
    expect(name(transposed(112, 13, 4), 8)).toBe('broadcast-4x16')
  })

  it('keeps three taps of a row together for a single plane of outputs', () => {
    expect(name(conv3x3(224, 7, 1), 4)).toBe('row-7x4')
    expect(name(conv3x3(224, 7, 1), 8)).toBe('row-7x4')
    expect(name({ ...conv3x3(224, 7, 1), stride: [2, 2], winograd: undefined }, 4)).toBe('broadcast-8x4')
    expect(name(conv3x3(4, 96, 1), 4)).toBe('broadcast-4x16')
  })

  it('spreads lanes over channels for single pixels', () => {
    expect(name({ ...conv3x3(1, 24, 351), winograd: undefined }, 4)).toBe('channels-1x4')
  })

  it('uses no broadcast where the number of lanes is not fixed', () => {
    const varying = { ...caps(8), subgroupMinSize: 4 }
    expect(selectConvVariant(conv3x3(28, 24, 48), varying, 'software').name).toBe('winograd-8x8')
  })
})

describe('selection on hardware', () => {
  it('fits the tile to the channels, and its accumulators to the registers that a maker is known for', () => {
    const chosen = (shape: ConvShape, vendor: string) =>
      selectConvVariant(shape, caps(32, vendor), 'hardware').name
    for (const vendor of ['amd', 'apple', 'nvidia']) {
      expect(chosen(conv3x3(56, 24, 32), vendor)).toBe('gemm-64x64')
      expect(chosen(conv3x3(160, 13, 8), vendor)).toBe('gemm-128x32')
      expect(chosen(conv3x3(224, 13, 4), vendor)).toBe('gemm-256x16')
    }
    for (const vendor of ['intel', 'qualcomm', 'arm', '']) {
      expect(chosen(conv3x3(56, 24, 32), vendor)).toBe('gemm-64x32')
      expect(chosen(conv3x3(112, 13, 8), vendor)).toBe('gemm-64x32')
      expect(chosen(conv3x3(112, 13, 4), vendor)).toBe('gemm-128x16')
    }
    expect(name(conv3x3(224, 7, 1), 32, 'hardware')).toBe('matrix-4x4')
  })

  it('keeps every default within 32 accumulators where registers are not known', () => {
    for (const size of [1, 4, 7, 14, 28, 56, 112]) {
      for (const outPlanes of [1, 3, 8, 24, 48, 96, 256]) {
        for (const shape of [conv3x3(size, 24, outPlanes), transposed(size, 24, outPlanes)]) {
          const variant = selectConvVariant(shape, caps(32, 'intel'), 'hardware')
          const accumulators = {
            direct: () => variant.kind === 'direct' && 4 * variant.pixels * variant.planes,
            gemm: () => variant.kind === 'gemm' && 4 * variant.pixels * variant.planes,
            lanes: () => variant.kind === 'lanes' && 4 * variant.pixels,
            winograd: () => variant.kind === 'winograd' && 4 * variant.tiles * variant.planes,
            row: () => 0,
          }[variant.kind]()
          expect(Number(accumulators), variant.name).toBeGreaterThan(0)
          expect(Number(accumulators), variant.name).toBeLessThanOrEqual(32)
        }
      }
    }
  })

  it('lets lanes share sums where pixels or channels are too few for tiles', () => {
    // One pixel: each output plane a workgroup. 16 pixels fill the smallest tile.
    expect(name({ ...conv3x3(1, 3, 128), taps: [1, 468], winograd: undefined }, 32, 'hardware')).toBe(
      'lanes-1x4',
    )
    expect(name(conv3x3(2, 96, 96), 32, 'hardware')).toBe('lanes-4x4')
    expect(name(conv3x3(4, 96, 96), 32, 'hardware')).toBe('gemm-16x64k4')
    expect(name(conv3x3(4, 96, 256), 32, 'hardware')).toBe('gemm-16x64k4')
    expect(name(transposed(4, 96, 48), 32, 'hardware')).toBe('gemm-16x64k4')
    // One plane of few channels: as few pixels a workgroup as it takes to have workgroups enough.
    expect(name(conv3x3(4, 256, 1), 32, 'hardware')).toBe('lanes-1x4')
    expect(name(conv3x3(56, 28, 1), 32, 'hardware')).toBe('lanes-8x4')
    expect(name(conv3x3(112, 13, 1), 32, 'hardware')).toBe('matrix-4x4')
    expect(name(conv3x3(7, 96, 96), 32, 'hardware')).toMatch(/^gemm/)
  })

  it('splits the sum of a large tile only where a small one is dearer', () => {
    const chosen = (shape: ConvShape) => selectConvVariant(shape, caps(32, 'amd'), 'hardware')
    const wide = chosen({ ...conv3x3(112, 2, 4), taps: [7, 7], stride: [2, 2], winograd: undefined })
    expect(wide).toMatchObject({ name: 'gemm-128x16', splits: 1 })
  })

  it('loads no steps side by side that lie in one plane', () => {
    const names = (inPlanes: number) =>
      convVariants(conv3x3(4, inPlanes, 96), caps(32), 'hardware').map((variant) => variant.name)
    expect(names(3)).not.toContain('gemm-16x64k4')
    expect(names(4)).toContain('gemm-16x64k4')
  })

  it('leaves no lane to padding where three channels meet several taps', () => {
    const image = {
      ...conv3x3(112, 1, 8),
      channels: [3, 32],
      taps: [7, 7],
      stride: [2, 2],
      winograd: undefined,
    } as const
    expect(selectConvVariant(image, caps(32), 'hardware')).toMatchObject({ triples: true, steps: 3 })
    const one = { ...image, taps: [1, 1], stride: [1, 1] } as const
    expect(selectConvVariant(one, caps(32), 'hardware')).toMatchObject({ triples: false })
  })

  it('takes Winograd where the bytes of its transforms weigh little', () => {
    const chosen = (shape: ConvShape) => selectConvVariant(shape, caps(32, 'amd'), 'hardware').name
    expect(chosen(conv3x3(28, 84, 64))).toBe('winograd-gemm-64x64')
    expect(name(conv3x3(28, 84, 64), 32, 'hardware')).toBe('winograd-gemm-32x64')
    // Weights of 36 positions against few pixels, few channels, transposed: its windows are mostly empty.
    expect(chosen(conv3x3(14, 128, 128))).toBe('gemm-64x64')
    expect(chosen(conv3x3(160, 8, 8))).toBe('gemm-128x32')
    expect(chosen(transposed(56, 49, 16))).toBe('gemm-64x64')
  })

  it('splits the sum of small maps, and only there', () => {
    const splits = (shape: ConvShape) => {
      const variant = selectConvVariant(shape, caps(32), 'hardware')
      return variant.kind === 'gemm' ? variant.splits : 0
    }
    expect(splits(conv3x3(7, 48, 48))).toBeGreaterThan(8)
    expect(splits(conv3x3(14, 48, 48))).toBeGreaterThan(4)
    expect(splits(conv3x3(112, 24, 32))).toBe(1)
    // Adding up the parts would take longer than the sum.
    expect(splits({ ...conv3x3(12, 32, 32), taps: [1, 1], winograd: undefined })).toBe(1)
    expect(splits({ ...conv3x3(7, 1, 16), taps: [1, 1] })).toBe(1)
  })
})

describe('forced variants', () => {
  it('are taken where they fit, and ignored where they do not', () => {
    const shape = conv3x3(28, 24, 48)
    for (const schedule of ['software', 'hardware'] as const) {
      for (const variant of convVariants(shape, caps(4), schedule)) {
        expect(selectConvVariant(shape, caps(4), schedule, variant.name)).toEqual(variant)
      }
    }
    expect(selectConvVariant(shape, caps(0), 'software', 'broadcast-7x16').name).toBe('winograd-8x8')
    expect(selectConvVariant(shape, caps(4), 'software', 'gemm-64x64').name).toBe('winograd-7x32')
  })

  it('have names of their own', () => {
    for (const lanes of [0, 4, 8, 32]) {
      for (const schedule of ['software', 'hardware'] as const) {
        const names = convVariants(conv3x3(28, 24, 48), caps(lanes), schedule).map((variant) => variant.name)
        expect(new Set(names).size).toBe(names.length)
      }
    }
  })
})

describe('candidates for timing', () => {
  const shapes = [
    conv3x3(4, 96, 96),
    conv3x3(28, 59, 24),
    conv3x3(224, 7, 1),
    conv3x3(4, 96, 1),
    transposed(112, 13, 4),
    { ...conv3x3(1, 24, 351), winograd: undefined },
  ]

  it('are variants of the shape, and the default is among them', () => {
    for (const shape of shapes) {
      for (const lanes of [0, 4, 8, 32]) {
        for (const schedule of ['software', 'hardware'] as const) {
          const all = convVariants(shape, caps(lanes), schedule).map((variant) => variant.name)
          const candidates = convCandidates(shape, caps(lanes), schedule).map((variant) => variant.name)
          expect(all).toEqual(expect.arrayContaining(candidates))
          expect(candidates).toContain(name(shape, lanes, schedule))
        }
      }
    }
  })

  it('fill whole waves on hardware', () => {
    for (const shape of shapes) {
      for (const variant of convCandidates(shape, caps(32), 'hardware')) {
        const invocations = {
          direct: () => variant.kind === 'direct' && variant.workgroup[0] * variant.workgroup[1],
          gemm: () => variant.kind === 'gemm' && variant.threads[0] * variant.threads[1],
          winograd: () =>
            variant.kind === 'winograd' && (variant.shared?.threads.reduce((a, b) => a * b) ?? 0),
          lanes: () => variant.kind === 'lanes' && variant.workgroup,
          row: () => 0,
        }[variant.kind]()
        expect(Number(invocations) % 32).toBe(0)
        expect(Number(invocations)).toBeGreaterThan(0)
      }
    }
  })

  it('hold Winograd where it saves multiplications, splits where tiles are few, broadcasts where lanes are 32', () => {
    const names = (shape: ConvShape, lanes = 32) =>
      convCandidates(shape, caps(lanes), 'hardware').map((variant) => variant.name)
    expect(names(conv3x3(28, 59, 24))).toContain('winograd-gemm-64x64')
    expect(names(conv3x3(28, 59, 24))).toContain('broadcast-4x32')
    expect(names(conv3x3(28, 59, 24), 0)).not.toContain('broadcast-4x32')
    expect(names(conv3x3(4, 96, 96)).filter((one) => one.startsWith('winograd'))).toEqual([])
    expect(names(conv3x3(7, 48, 48))).toContain('gemm-64x64-split4')
    expect(names(conv3x3(112, 24, 32))).not.toContain('gemm-64x64-split32')
    expect(names(conv3x3(4, 96, 1))).toContain('gemm-64x4-split8')
  })
})
