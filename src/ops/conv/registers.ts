import type { AdapterCaps } from '../../platform/caps.js'

/**
 * Makers whose compilers keep 64 accumulators and the operands of a round in registers: AMD's by what it makes of these
 * kernels, NVIDIA's and Apple's by their 255 and 128 registers of an invocation. Intel's spills them.
 */
const MANY_REGISTERS: ReadonlySet<string> = new Set(['amd', 'apple', 'nvidia'])

/** Whether invocations may hold more than 128 values; see bench:gpu-compile. */
export function hasManyRegisters({ vendor }: Pick<AdapterCaps, 'vendor'>): boolean {
  return MANY_REGISTERS.has(vendor.toLowerCase())
}
