/**
 * GPUs of the model. Rates are the makers' peak figures at boost clock, with one multiply-add per lane and clock: the
 * second issue slot of RDNA 3 and 4 is left out, since the compiler fills it for few of our instructions.
 */
export interface Gpu {
  readonly name: string
  readonly kind: 'integrated' | 'discrete'
  readonly tflops: number
  readonly gbytes: number
  /** Float lanes; with the clock they make the rate. */
  readonly lanes: number
  /** Lanes of a wave (warp, SIMD group) that run one instruction. */
  readonly wave: number
  /** Family whose compiled code stands for it. */
  readonly compiledAs: 'navi21' | 'navi31' | 'tgllp'
  /** Bytes a clock that 32 lanes get from workgroup memory, and from the first cache; see bench/roofline/model.ts. */
  readonly localBytes?: number
  readonly source: string
}

const TECHPOWERUP = 'https://www.techpowerup.com/gpu-specs'

export const GPUS: readonly Gpu[] = [
  {
    name: 'Steam Deck (Van Gogh, RDNA 2)',
    kind: 'integrated',
    tflops: 1.64,
    gbytes: 88,
    lanes: 512,
    wave: 64,
    compiledAs: 'navi21',
    source: 'https://www.steamdeck.com/en/tech',
  },
  {
    name: 'Intel Iris Xe MAX (96 EU)',
    kind: 'integrated',
    tflops: 2.53,
    gbytes: 68.3,
    lanes: 768,
    wave: 8,
    compiledAs: 'tgllp',
    // 64 bytes for the 64 lanes of a subslice (The Architecture of Intel Processor Graphics Gen11); Xe-LP doubles both.
    localBytes: 32,
    source: `${TECHPOWERUP}/iris-xe-max-graphics.c3664`,
  },
  {
    name: 'Apple M1 (8 cores)',
    kind: 'integrated',
    tflops: 2.6,
    gbytes: 68.3,
    lanes: 1024,
    wave: 32,
    compiledAs: 'navi21',
    source: 'https://www.apple.com/newsroom/2020/11/apple-unleashes-m1/',
  },
  {
    name: 'AMD Radeon 780M (RDNA 3)',
    kind: 'integrated',
    tflops: 4.15,
    gbytes: 89.6,
    lanes: 768,
    wave: 64,
    compiledAs: 'navi31',
    source: `${TECHPOWERUP}/radeon-780m.c4020`,
  },
  {
    name: 'NVIDIA GTX 1650',
    kind: 'discrete',
    tflops: 2.98,
    gbytes: 128,
    lanes: 896,
    wave: 32,
    compiledAs: 'navi21',
    source: `${TECHPOWERUP}/geforce-gtx-1650.c3366`,
  },
  {
    name: 'NVIDIA RTX 3060',
    kind: 'discrete',
    tflops: 12.7,
    gbytes: 360,
    lanes: 3584,
    wave: 32,
    compiledAs: 'navi21',
    source: `${TECHPOWERUP}/geforce-rtx-3060.c3682`,
  },
  {
    name: 'AMD RX 6800 XT (navi21)',
    kind: 'discrete',
    tflops: 20.7,
    gbytes: 512,
    lanes: 4608,
    wave: 64,
    compiledAs: 'navi21',
    source: `${TECHPOWERUP}/radeon-rx-6800-xt.c3694`,
  },
  {
    name: 'AMD RX 7900 XTX (navi31)',
    kind: 'discrete',
    tflops: 30.7,
    gbytes: 960,
    lanes: 6144,
    wave: 64,
    compiledAs: 'navi31',
    source: `${TECHPOWERUP}/radeon-rx-7900-xtx.c3941`,
  },
  {
    name: 'NVIDIA RTX 4090',
    kind: 'discrete',
    tflops: 82.6,
    gbytes: 1008,
    lanes: 16384,
    wave: 32,
    compiledAs: 'navi21',
    source: `${TECHPOWERUP}/geforce-rtx-4090.c3889`,
  },
]

/** The two machines that the performance targets name. */
export const TARGET_GPUS: readonly (Gpu & { readonly targetMs: number })[] = [
  {
    name: 'target: integrated, 2.5 TFLOPS',
    kind: 'integrated',
    tflops: 2.5,
    gbytes: 68,
    lanes: 768,
    wave: 64,
    compiledAs: 'navi21',
    source: 'the performance target; bandwidth and lanes of Intel Iris Xe MAX',
    targetMs: 16,
  },
  {
    name: 'target: discrete, 20 TFLOPS',
    kind: 'discrete',
    tflops: 20,
    gbytes: 512,
    lanes: 4608,
    wave: 64,
    compiledAs: 'navi21',
    source: 'the performance target; bandwidth and lanes of AMD RX 6800 XT',
    targetMs: 4,
  },
]

/**
 * Time that one more dispatch costs on the GPU: drain, barrier, launch. An assumption of the size that GPU vendors'
 * profilers show; `PER_CALL_US` is the pessimistic other end.
 */
export const DISPATCH_US = { integrated: 8, discrete: 4 }

/**
 * Whole cost of a WebGPU dispatch in a sequence on Vulkan, API included, 24 to 36 us over four vendors:
 * J. Maczan, Characterizing WebGPU Dispatch Overhead for LLM Inference, arXiv:2604.02344 (2026). There every operation is
 * encoded when it runs; our plans are encoded before and run in one pass.
 */
export const PER_CALL_US = 30
