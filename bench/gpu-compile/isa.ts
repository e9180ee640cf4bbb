/** Reads what RADV prints about a compiled shader: statistics and GCN/RDNA assembly. Pure. */

export interface ShaderStatistics {
  readonly vgprs: number
  readonly sgprs: number
  readonly spilledVgprs: number
  readonly spilledSgprs: number
  readonly ldsBytes: number
  readonly scratchBytes: number
  /** Waves that fit a SIMD beside each other: occupancy. On RDNA in waves of 32 lanes: one of 64 counts two. */
  readonly wavesPerSimd: number
  readonly codeBytes: number
  /** The compiler's estimate of cycles a wave keeps its SIMD; loops weighted by a guess. */
  readonly inverseThroughput: number
  /** Instructions by unit, the whole shader. */
  readonly valu: number
  readonly salu: number
  readonly vmem: number
  readonly smem: number
}

const FIELDS: Readonly<Record<keyof ShaderStatistics, string>> = {
  vgprs: 'VGPRs',
  sgprs: 'SGPRs',
  spilledVgprs: 'Spilled VGPRs',
  spilledSgprs: 'Spilled SGPRs',
  ldsBytes: 'LDS size',
  scratchBytes: 'Scratch size',
  wavesPerSimd: 'Subgroups per SIMD',
  codeBytes: 'Code size',
  inverseThroughput: 'Inverse Throughput',
  valu: 'VALU',
  salu: 'SALU',
  vmem: 'VMEM',
  smem: 'SMEM',
}

/** @throws Error naming the field that the text lacks */
export function parseStatistics(text: string): ShaderStatistics {
  const values = Object.entries(FIELDS).map(([key, title]) => {
    const value = new RegExp(`^${title}: (\\d+)$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`the compiler's statistics have no "${title}"`)
    return [key, Number(value)] as const
  })
  return Object.fromEntries(values) as unknown as ShaderStatistics
}

export interface Instruction {
  readonly opcode: string
  /** Number of the basic block it stands in. */
  readonly block: number
  /** Block that a branch goes to. */
  readonly target: number | undefined
}

/** Instructions of a disassembly in order; both halves of a dual-issue instruction, each as one. */
export function parseAssembly(text: string): Instruction[] {
  const instructions: Instruction[] = []
  let block = 0
  let inside = false
  for (const line of text.split('\n')) {
    const label = /^BB(\d+):/.exec(line)
    if (label) {
      inside = true
      block = Number(label[1])
      continue
    }
    if (!inside || !/^\s+[a-z]/.test(line)) continue
    const code = line.split(';')[0]?.trim() ?? ''
    for (const part of code.split('::')) {
      const opcode = /^\s*([a-z][a-z0-9_]*)/.exec(part)?.[1]
      if (opcode === undefined) continue
      const target = /^s_c?branch/.test(opcode) ? /\bBB(\d+)/.exec(part)?.[1] : undefined
      instructions.push({ opcode, block, target: target === undefined ? undefined : Number(target) })
    }
  }
  return instructions
}

/** Lanes of a wave as the width of the execution mask shows it; undefined where the code does not touch the mask. */
export function waveSizeOf(text: string): 32 | 64 | undefined {
  if (/saveexec_b64|\bexec\b/.test(text)) return 64
  return /\bexec_lo\b/.test(text) ? 32 : undefined
}

export type InstructionClass = 'valu' | 'salu' | 'vmem' | 'lds' | 'smem' | 'branch' | 'barrier' | 'wait'

export function classify(opcode: string): InstructionClass {
  if (opcode.startsWith('v_')) return 'valu'
  if (opcode.startsWith('ds_')) return 'lds'
  if (/^(buffer|global|flat|scratch|image|tbuffer)_/.test(opcode)) return 'vmem'
  if (/^s_(buffer_)?load|^s_(buffer_)?store|^s_dcache/.test(opcode)) return 'smem'
  if (/^s_c?branch|^s_endpgm|^s_setpc|^s_call/.test(opcode)) return 'branch'
  if (/^s_barrier/.test(opcode)) return 'barrier'
  if (/^s_(wait|nop|delay|clause|sleep|inst_prefetch|set_inst_prefetch|sendmsg|icache)/.test(opcode))
    return 'wait'
  return 'salu'
}

const FUSED =
  /^v_(dual_)?(pk_)?(fma|fmac|fmamk|fmaak|mad|mac|madmk|madak|fma_mix|dot2|dot2c)_?(mix|mixlo|mixhi)?_?(legacy_)?(f16|f32|f32_f16|f32_bf16)/

/** Multiply-adds of floats; integer ones (addresses) are not what a convolution is for. */
export function isMultiplyAdd(opcode: string): boolean {
  return FUSED.test(opcode)
}

/** Counts of a stretch of code. */
export interface InstructionMix {
  readonly total: number
  readonly byClass: Readonly<Record<InstructionClass, number>>
  readonly multiplyAdds: number
  /** Halves of dual-issue instructions. */
  readonly dual: number
  /** Bytes a lane reads from workgroup memory and from buffers. */
  readonly ldsBytesPerLane: number
  readonly vmemBytesPerLane: number
}

export function mixOf(instructions: readonly Instruction[]): InstructionMix {
  const byClass = { valu: 0, salu: 0, vmem: 0, lds: 0, smem: 0, branch: 0, barrier: 0, wait: 0 }
  let multiplyAdds = 0
  let dual = 0
  let ldsBytesPerLane = 0
  let vmemBytesPerLane = 0
  for (const { opcode } of instructions) {
    const kind = classify(opcode)
    byClass[kind]++
    if (isMultiplyAdd(opcode)) multiplyAdds++
    if (opcode.startsWith('v_dual_')) dual++
    if (kind === 'lds') ldsBytesPerLane += bytesOf(opcode)
    if (kind === 'vmem') vmemBytesPerLane += bytesOf(opcode)
  }
  return { total: instructions.length, byClass, multiplyAdds, dual, ldsBytesPerLane, vmemBytesPerLane }
}

/** `..._b128`, `..._dwordx4`, `ds_read2_b64`: bytes a lane moves. */
function bytesOf(opcode: string): number {
  const pairs = /^ds_(read2|write2|load_2addr|store_2addr)/.test(opcode) ? 2 : 1
  const bits = /_[bui](8|16|32|64|96|128)$/.exec(opcode.replace(/_d16(_hi)?/, ''))?.[1]
  if (bits !== undefined) return (Number(bits) / 8) * pairs
  const words = /_dwordx(\d)/.exec(opcode)?.[1]
  if (words !== undefined) return Number(words) * 4
  if (/_(ubyte|sbyte|byte)/.test(opcode)) return 1
  if (/_(ushort|sshort|short)/.test(opcode)) return 2
  return 4 * pairs
}

export interface Loop {
  /** Its instructions in the kernel's. */
  readonly first: number
  readonly last: number
  readonly mix: InstructionMix
}

/**
 * The loop where a kernel spends its time: of the innermost loops (a branch back with no other branch back inside
 * it), the one with the most multiply-adds, or the most vector instructions where none has any. Undefined: no loop.
 */
export function hottestLoop(instructions: readonly Instruction[]): Loop | undefined {
  const starts = new Map<number, number>()
  instructions.forEach(({ block }, index) => {
    if (!starts.has(block)) starts.set(block, index)
  })
  const loops = instructions.flatMap(({ target }, end) => {
    const start = target === undefined ? undefined : starts.get(target)
    return start !== undefined && start <= end ? [{ start, end }] : []
  })
  return hottestLoopOf(loops, (start, end) => mixOf(instructions.slice(start, end + 1)))
}

/** The same of loops given by their first and last instruction. */
export function hottestLoopOf(
  loops: readonly { readonly start: number; readonly end: number }[],
  mixBetween: (start: number, end: number) => InstructionMix,
): Loop | undefined {
  const innermost = loops.filter(
    (loop) =>
      !loops.some(
        (other) =>
          other.start >= loop.start &&
          other.end <= loop.end &&
          other.end - other.start < loop.end - loop.start,
      ),
  )
  let best: Loop | undefined
  for (const { start, end } of innermost) {
    const mix = mixBetween(start, end)
    const isBetter =
      best === undefined ||
      mix.multiplyAdds > best.mix.multiplyAdds ||
      (mix.multiplyAdds === best.mix.multiplyAdds && mix.byClass.valu > best.mix.byClass.valu)
    if (isBetter) best = { first: start, last: end, mix }
  }
  return best
}
