import { describe, expect, it } from 'vitest'
import {
  classify,
  hottestLoop,
  isMultiplyAdd,
  mixOf,
  parseAssembly,
  parseStatistics,
  waveSizeOf,
} from '../../bench/gpu-compile/isa.js'
import { faults } from '../../bench/gpu-compile/verdict.js'
import { compiledPipeline, familyResult } from './samples.js'

// A set-up block, an outer loop around two inner ones, the last of which does the arithmetic.
const ASSEMBLY = `disasm:
BB0:
	s_load_b128 s[8:11], s[2:3], null                           ; f4080201 f8000000
	v_lshl_add_u32 v0, s0, 4, v0                                ; d6460000 04010800
	v_mov_b32_e32 v9, 0                                         ; 7e120280
BB1:
	s_add_u32 s4, s4, 1                                         ; 80048104
BB2:
	buffer_load_b128 v[136:139], v92, s[36:39], 0 offen         ; e05c0000
	s_waitcnt vmcnt(0)                                          ; bf8903f7
	s_cbranch_scc1 BB2                                          ; bfa20016
BB3:
	ds_load_b128 v[4:7], v3 offset:16                           ; dbfc0010
	v_fmac_f32_e32 v9, s80, v128                                ; 56130050
	v_dual_fmac_f32 v1, v2, v3 :: v_dual_add_f32 v4, v5, v6     ; c9000000
	v_fma_f32 v1, v2, v3, v4                                    ; d6130001
	s_cbranch_scc0 BB3                                          ; bfa10000
BB4:
	s_cbranch_vccnz BB1                                         ; bfa40000
	s_cbranch_execz BB5                                         ; bfa50000
	v_add_f32_e32 v1, v1, v2                                    ; 06020501
BB5:
	buffer_store_b128 v[40:43], v0, s[16:19], 0 offen           ; e0740000
	s_endpgm                                                    ; bfb00000
`

const STATISTICS = `Compute Shader:
*** SHADER STATS ***
SGPRs: 128
VGPRs: 192
Spilled SGPRs: 0
Spilled VGPRs: 3
Code size: 8168
LDS size: 1024
Scratch size: 12
Subgroups per SIMD: 8
Inverse Throughput: 45943
VALU: 1180
SALU: 284
VMEM: 24
SMEM: 37
`

describe('what RADV prints', () => {
  it('gives the statistics by name', () => {
    expect(parseStatistics(STATISTICS)).toEqual({
      vgprs: 192,
      sgprs: 128,
      spilledVgprs: 3,
      spilledSgprs: 0,
      ldsBytes: 1024,
      scratchBytes: 12,
      wavesPerSimd: 8,
      codeBytes: 8168,
      inverseThroughput: 45943,
      valu: 1180,
      salu: 284,
      vmem: 24,
      smem: 37,
    })
    expect(() => parseStatistics(STATISTICS.replace('LDS size', 'LDS'))).toThrow('"LDS size"')
  })

  it('gives the instructions, both halves of a dual-issue one, and branch targets', () => {
    const instructions = parseAssembly(ASSEMBLY)
    expect(instructions.map(({ opcode }) => opcode)).toContain('v_dual_add_f32')
    expect(instructions.filter(({ target }) => target !== undefined).map(({ target }) => target)).toEqual([
      2, 3, 1, 5,
    ])
    const { byClass, total, multiplyAdds, dual } = mixOf(instructions)
    expect(total).toBe(18)
    expect(byClass).toMatchObject({ valu: 7, vmem: 2, lds: 1, smem: 1, salu: 1, branch: 5, wait: 1 })
    expect([multiplyAdds, dual]).toEqual([3, 2])
  })

  it('takes the innermost loop with the most multiply-adds', () => {
    const loop = hottestLoop(parseAssembly(ASSEMBLY))
    expect(loop).toMatchObject({ first: 7, last: 12 })
    expect(loop?.mix).toMatchObject({ multiplyAdds: 3, ldsBytesPerLane: 16, vmemBytesPerLane: 0 })
    expect(loop?.mix.byClass.valu).toBe(4)
  })

  it('finds no loop in straight code', () => {
    expect(hottestLoop(parseAssembly('BB0:\n\tv_add_f32 v0, v1, v2 ; 0\n\ts_endpgm ; 0\n'))).toBeUndefined()
  })

  it('tells units apart', () => {
    const units = [
      'v_cmp_lt_f32',
      's_buffer_load_dwordx4',
      'ds_read_b128',
      'global_load_dwordx4',
      's_barrier',
      's_add_i32',
      's_cbranch_scc0',
      's_waitcnt',
    ]
    expect(units.map(classify)).toEqual(['valu', 'smem', 'lds', 'vmem', 'barrier', 'salu', 'branch', 'wait'])
  })

  it('counts float multiply-adds only', () => {
    const yes = [
      'v_fma_f32',
      'v_fmac_f32_e32',
      'v_dual_fmac_f32',
      'v_fmaak_f32',
      'v_mad_f32',
      'v_mac_f32_e32',
      'v_pk_fma_f16',
      'v_fma_mix_f32',
    ]
    const no = ['v_mul_f32_e32', 'v_add_f32', 'v_mad_u64_u32', 'v_mad_u32_u24', 'v_max_f32']
    expect(yes.filter((opcode) => !isMultiplyAdd(opcode))).toEqual([])
    expect(no.filter(isMultiplyAdd)).toEqual([])
  })

  it('sees the size of a wave in its execution mask', () => {
    expect(waveSizeOf('s_and_saveexec_b64 s[6:7], s[6:7]')).toBe(64)
    expect(waveSizeOf('s_mov_b64 exec, s[6:7]')).toBe(64)
    expect(waveSizeOf('s_and_b32 exec_lo, exec_lo, s6')).toBe(32)
    expect(waveSizeOf('v_add_f32 v0, v1, v2')).toBeUndefined()
  })
})

describe('faults', () => {
  it('are spills everywhere and low occupancy where it is demanded', () => {
    const slow = compiledPipeline({ wavesPerSimd: 2 })
    const spilling = compiledPipeline({ spilledVgprs: 4, scratchBytes: 16, wavesPerSimd: 8 })
    expect(faults(familyResult('navi21', [compiledPipeline({ wavesPerSimd: 4 })]))).toEqual([])
    expect(faults(familyResult('navi21', [slow])).map(({ what }) => what)).toEqual([
      '2 waves a SIMD, states 4',
    ])
    expect(faults(familyResult('vega20', [slow]))).toEqual([])
    expect(faults(familyResult('vega20', [spilling]))).toHaveLength(1)
  })

  it('are too few multiply-adds in a loop that carries FLOPs, where there is assembly to count in', () => {
    const mix = mixOf(
      parseAssembly(`BB0:\n${'\tv_fma_f32 v0, v1, v2, v0 ; 0\n'.repeat(2)}\tv_add_f32 v0, v1, v2 ; 0\n`),
    )
    const weak = { ...compiledPipeline({}), whole: mix, loop: { first: 0, last: 0, mix } }
    const light = { ...weak, id: 'light', uses: [{ a: 1, step: 'corr', flops: 1e7 }] }
    expect(faults(familyResult('navi21', [weak, light]))).toMatchObject([
      { pipeline: weak.id, what: expect.stringMatching(/66\.7 %/) },
    ])
    expect(faults(familyResult('vega20', [weak]))).toEqual([])
    expect(faults(familyResult('navi21', [compiledPipeline({})]))).toEqual([])
  })

  it('are idle lanes in kernels that carry FLOPs', () => {
    const idle = { ...compiledPipeline({ wavesPerSimd: 8 }), laneUse: 0.25 }
    expect(faults(familyResult('navi21', [idle]))[0]?.what).toMatch(/25 %/)
  })
})
