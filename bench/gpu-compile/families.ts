/** GPU families as RADV_FORCE_FAMILY (AMD) and ocloc (Intel) name them. */
export interface Family {
  readonly name: string
  readonly compiler: 'radv' | 'igc'
  /** A family's architecture and a card that has it. */
  readonly title: string
  /** True where the occupancy that a kernel states is demanded; else it is reported only. */
  readonly demanded: boolean
}

export const FAMILIES: readonly Family[] = [
  { name: 'navi21', compiler: 'radv', title: 'RDNA 2 (Radeon RX 6800)', demanded: true },
  { name: 'navi31', compiler: 'radv', title: 'RDNA 3 (Radeon RX 7900)', demanded: true },
  { name: 'gfx1201', compiler: 'radv', title: 'RDNA 4 (Radeon RX 9070)', demanded: true },
  // GCN holds 10 waves of 64 lanes a SIMD and a quarter of the registers: the same tiles fit fewer waves.
  { name: 'vega20', compiler: 'radv', title: 'GCN 5 (Radeon VII)', demanded: false },
  // Occupancy is given; integer and scalar instructions share the unit of multiply-adds, so their share is lower.
  { name: 'tgllp', compiler: 'igc', title: 'Xe-LP (Iris Xe, Tiger Lake)', demanded: false },
  { name: 'skl', compiler: 'igc', title: 'Gen9 (HD 530, Skylake)', demanded: false },
]

/** Kernels whose loops are multiply-adds: four waves hide the latency of their loads behind each other's arithmetic. */
const CONVOLUTION_WAVES = 4
/** Kernels that wait for memory want more waves to wait for. */
const OTHER_WAVES = 8

/** Kernels whose work is a product of matrices. */
export function isConvolution(kernel: string): boolean {
  return /^(conv|winograd)/.test(kernel)
}

/** Waves a SIMD that a kernel is to have on RDNA. */
export function statedWaves(kernel: string): number {
  return isConvolution(kernel) ? CONVOLUTION_WAVES : OTHER_WAVES
}
