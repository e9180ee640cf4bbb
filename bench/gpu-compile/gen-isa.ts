import {
  hottestLoopOf,
  type InstructionClass,
  type InstructionMix,
  type Loop,
  type ShaderStatistics,
} from './isa.js'

/**
 * Reads what Intel's graphics compiler prints: its log and Gen assembly. Pure. Instructions count by the lanes that they keep
 * busy, over those of the thread: a whole one counts 1, one of a single lane as much as one of 8, the width of the unit.
 */
export interface GenReport {
  readonly statistics: ShaderStatistics
  /** Lanes of a thread, the SIMD width that the compiler chose. */
  readonly lanes: 8 | 16 | 32
  readonly whole: InstructionMix
  readonly loop?: Loop
}

interface GenInstruction {
  readonly opcode: string
  readonly lanes: number
  readonly floats: boolean
  readonly label?: string
  readonly target?: string
  readonly note: string
  /** Surface of a message: 0xfe is workgroup memory. */
  readonly surface?: number
}

/** Lanes of a unit, and bytes of a register. */
const UNIT = 8
const REGISTER = 32
/** Hardware threads of an execution unit, each with registers of its own: they do not limit one another. */
const THREADS = 7

/**
 * @param assembly the dump of the widest compilation that was kept
 * @param log of ocloc, which tells spills
 */
export function readGen(assembly: string, log: string): GenReport {
  const code = parseGen(assembly)
  const width = Number(/compiled SIMD(\d+)/.exec(log)?.[1] ?? /simd(\d+)/.exec(assembly)?.[1] ?? 8)
  const lanes = width === 16 || width === 32 ? width : 8
  const whole = mixOf(code, lanes)
  const loop = hottestLoopOf(loopsOf(code), (start, end) => mixOf(code.slice(start, end + 1), lanes))
  const spilled = Number(/spilled around (\d+)/.exec(log)?.[1] ?? 0)
  const registers = [...assembly.matchAll(/\br(\d+)\.0\b/g)].map(([, number]) => Number(number))
  return {
    lanes,
    whole,
    ...(loop !== undefined && { loop }),
    statistics: {
      vgprs: Math.max(0, ...registers.filter((number) => number < 128)) + 1,
      sgprs: 0,
      spilledVgprs: spilled,
      spilledSgprs: 0,
      ldsBytes: 0,
      scratchBytes: spilled * REGISTER,
      wavesPerSimd: THREADS,
      codeBytes: code.length * 16,
      inverseThroughput: 0,
      valu: Math.round(whole.byClass.valu),
      salu: 0,
      vmem: whole.byClass.vmem,
      smem: 0,
    },
  }
}

function parseGen(assembly: string): GenInstruction[] {
  const instructions: GenInstruction[] = []
  let label: string | undefined
  for (const line of assembly.split('\n')) {
    const named = /^([A-Za-z_]\w*):/.exec(line)?.[1]
    if (named !== undefined) {
      label = named
      continue
    }
    const [, opcode, lanes, rest = ''] =
      /^\s*(?:\([^)]*\)\s+)*([a-z][\w.]*)\s+(?:\((\d+)\|M\d+\))?\s*(.*)$/.exec(line) ?? []
    if (opcode === undefined || line.startsWith('//')) continue
    const target = /^(while|jmpi)/.test(opcode) ? /(_\w+)/.exec(rest)?.[1] : undefined
    const surface = /0x[0-9A-F]+\s+0x([0-9A-F]{8})/i.exec(rest)?.[1]
    instructions.push({
      opcode,
      lanes: Number(lanes ?? 1),
      floats: /^[^,]*<\d+>:h?f\b/.test(rest),
      note: /\/\/ (.*)$/.exec(line)?.[1] ?? '',
      ...(label !== undefined && { label }),
      ...(target !== undefined && { target }),
      ...(surface !== undefined && { surface: Number.parseInt(surface, 16) & 0xff }),
    })
    label = undefined
  }
  return instructions
}

function loopsOf(code: readonly GenInstruction[]): { start: number; end: number }[] {
  const starts = new Map(
    code.flatMap(({ label }, index) => (label === undefined ? [] : [[label, index] as const])),
  )
  return code.flatMap(({ target }, end) => {
    const start = target === undefined ? undefined : starts.get(target)
    return start !== undefined && start <= end ? [{ start, end }] : []
  })
}

function classOf({ opcode, note, surface }: GenInstruction): InstructionClass {
  if (/^send/.test(opcode)) {
    if (/barrier/.test(note)) return 'barrier'
    if (/fence|end of thread/.test(note)) return 'wait'
    return surface === 0xfe ? 'lds' : 'vmem'
  }
  if (/^(sync|nop|wait)/.test(opcode)) return 'wait'
  if (/^(if|else|endif|while|jmpi|goto|join|break|cont|halt|ret|call|brc|brd)/.test(opcode)) return 'branch'
  return 'valu'
}

function mixOf(code: readonly GenInstruction[], lanes: number): InstructionMix {
  const byClass = { valu: 0, salu: 0, vmem: 0, lds: 0, smem: 0, branch: 0, barrier: 0, wait: 0 }
  let multiplyAdds = 0
  let ldsBytesPerLane = 0
  let vmemBytesPerLane = 0
  for (const instruction of code) {
    const kind = classOf(instruction)
    const weight = kind === 'valu' ? Math.max(UNIT, instruction.lanes) / lanes : 1
    byClass[kind] += weight
    if (kind === 'valu' && instruction.opcode === 'mad' && instruction.floats) multiplyAdds += weight
    const [, sent = 0, read = 0] = /wr:\d+h?\+(\d+), rd:(\d+)/.exec(instruction.note) ?? []
    const bytes = ((Number(sent) + Number(read)) * REGISTER) / lanes
    if (kind === 'lds') ldsBytesPerLane += bytes
    if (kind === 'vmem') vmemBytesPerLane += bytes
  }
  return { total: code.length, byClass, multiplyAdds, dual: 0, ldsBytesPerLane, vmemBytesPerLane }
}
