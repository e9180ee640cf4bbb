import type { NetworkChoice } from '../lib/networks.js'

/** What a process is asked to run. */
export interface PeerRequest {
  readonly peer: PeerName
  readonly adapter: string
  readonly choice: NetworkChoice
  /** Processor threads of engines that run on the CPU. */
  readonly threads: number
}

export const PEERS = {
  ours: { title: 'deepfaceflow', gpu: true, nodeArgs: [] },
  // V8's optimising WebAssembly compiler takes a minute and more over this module; the baseline code only drives the GPU.
  'ort-webgpu': { title: 'onnxruntime-web WebGPU', gpu: true, nodeArgs: ['--liftoff-only'] },
  tfjs: { title: 'tfjs-backend-webgpu', gpu: true, nodeArgs: [] },
  'ort-node': { title: 'onnxruntime-node CPU', gpu: false, nodeArgs: [] },
  'ort-wasm': { title: 'onnxruntime-web WASM', gpu: false, nodeArgs: [] },
} as const satisfies Record<string, { title: string; gpu: boolean; nodeArgs: readonly string[] }>

export type PeerName = keyof typeof PEERS

/** DFFNet in one engine. Inputs and weights are given when it is opened; a run computes the flow and reads it back. */
export interface Peer {
  readonly version: string
  /** Adapter, or what else it runs on. */
  readonly device: string
  /** Full-resolution flow, dense [y][x][3], in the network's unit. */
  run(): Promise<Float32Array>
}

/** Dense [n][y][x][c] inputs of `dffnetGraph`. */
export interface PeerInputs {
  readonly images: Float32Array
  readonly encoding: Float32Array
  readonly size: number
  readonly encodingChannels: number
}

/** [n][y][x][c] -> [n][c][y][x] */
export function toChannelsFirst(data: Float32Array, pixels: number, channels: number): Float32Array {
  const out = new Float32Array(data.length)
  const entry = pixels * channels
  for (let first = 0; first < data.length; first += entry) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++) out[first + c * pixels + p] = data[first + p * channels + c] ?? 0
    }
  }
  return out
}

/** [c][y][x] -> [y][x][c] */
export function toChannelsLast(data: Float32Array, pixels: number, channels: number): Float32Array {
  const out = new Float32Array(data.length)
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < pixels; p++) out[p * channels + c] = data[c * pixels + p] ?? 0
  }
  return out
}
