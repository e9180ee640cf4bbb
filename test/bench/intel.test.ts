import { describe, expect, it } from 'vitest'
import { readGen } from '../../bench/gpu-compile/gen-isa.js'
import { openClOf } from '../../bench/gpu-compile/opencl.js'
import { pipelinesOf } from '../../bench/gpu-compile/pipelines.js'
import { SHIPPED } from '../../bench/lib/networks.js'
import { fakeCaps } from '../graph/caps.js'

const WGSL = `
alias Stored4 = vec4<f32>;
struct View { offset: u32, size: vec2<u32> }
struct Uniforms { x: View, count: u32 }
@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored4>;
var<workgroup> tile: array<vec4<f32>, 64>;
const limit = 3u; // of rounds
fn late(at: u32) -> vec4<f32> { return early(at) + tile[at]; }
fn early(x: u32) -> vec4<f32> { return y[x + u.x.offset]; }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var half = vec4<f32>(0.0);
  for (var i = 0u; i < limit; i++) { half = fma(x[i], late(i), half); }
  workgroupBarrier();
  y[id.x] = Stored4(select(half, vec4<f32>(1.0), id.x > u.count));
}
`

describe('kernels as OpenCL C', () => {
  const code = openClOf(WGSL)

  it('pass functions the globals that they name, themselves or through others, but for those that a parameter hides', () => {
    expect(code).toMatch(
      /float4 early\(__constant Uniforms\* restrict u_, __global float4\* restrict y, uint x\);/,
    )
    expect(code).toMatch(
      /float4 late\([^)]*restrict u_,[^)]*restrict y,[^)]*__local float4\* restrict tile, uint at\) \{/,
    )
    expect(code).toMatch(/late\(u_, y, tile, i\)/)
    expect(code).toContain('(early(u_, y, at)'.slice(1))
  })

  it('have one kernel of the size of the workgroup, with workgroup memory of its own', () => {
    expect(code).toContain('__attribute__((reqd_work_group_size(64, 1, 1)))')
    expect(code).toMatch(/__kernel void main_kernel\([^)]*\) \{\n {2}__local float4 tile\[64\];/)
    expect(code).toContain('uint local_ = get_local_linear_id();')
    expect(code).toContain('__auto_type half_ = make_float4(0.0);')
    expect(code).toContain('wselect(half_, make_float4(1.0), id.x > u.count)')
  })

  it('leave nothing of WGSL in any kernel of the shipped plan', async () => {
    const caps = fakeCaps({ software: false, vendor: 'intel', subgroupMinSize: 8, subgroupMaxSize: 32 })
    const pipelines = await pipelinesOf([SHIPPED], caps, 'f32', false)
    expect(pipelines.length).toBeGreaterThan(40)
    for (const { info, code: wgsl } of pipelines) {
      const translated = openClOf(wgsl)
      expect(translated, info.id).not.toMatch(/\bfn \w|\blet \w|@group|vec\d<|\barray<|->/)
      expect(translated.match(/__kernel void main_kernel/g), info.id).toHaveLength(1)
    }
  })
})

const ASSEMBLY = `//.simd16
        mov (16|M0)              r10.0<1>:f    0x0:f                               {Compacted}
_0_042:
(W)     add (1|M0)               r6.2<1>:d     r6.3<0;1,0>:d     1:w
        send.dc1 (16|M0)         r46      r41     null    0x0            0x048050FE           {$1} // wr:2+0, rd:8; untyped surface read with xyzw
        send.dc1 (16|M0)         r46      r41     null    0x0            0x04805002           {$1} // wr:2+0, rd:8; untyped surface read with xyzw
        mad (16|M0)              r10.0<1>:f    r10.0<8;1>:f      r12.0<8;1>:f      r14.0<1>:f
        mad (8|M0)               r10.0<1>:f    r10.0<8;1>:f      r12.0<8;1>:f      r14.0<1>:f
        mad (16|M0)              r20.0<1>:d    r10.0<8;1>:d      r12.0<8;1>:d      r14.0<1>:d
        send.gtwy (1|M0)         null     r78     null    0x0            0x02000004           {$6} // wr:1+0, rd:0; signal barrier
        while (16|M0)                        _0_042
        send.dc1 (16|M0)         null     r79     r16     0x200          0x04025002           {$7} // wr:2+8, rd:0; untyped surface write with xyzw
`

describe("what Intel's compiler prints", () => {
  it('counts by the lanes that instructions keep busy, messages by where they go', () => {
    const { lanes, loop, whole } = readGen(ASSEMBLY, '')
    expect(lanes).toBe(16)
    // One of 16 lanes and one of 8; the integer one and the scalar one are no multiply-adds of floats.
    expect(loop?.mix.multiplyAdds).toBe(1.5)
    expect(loop?.mix.byClass).toMatchObject({ valu: 3, lds: 1, vmem: 1, barrier: 1, branch: 1 })
    expect(loop?.mix).toMatchObject({ ldsBytesPerLane: 16, vmemBytesPerLane: 16 })
    expect(whole.vmemBytesPerLane).toBe(32)
  })

  it('tells spills by the log', () => {
    const log =
      'warning: kernel main_kernel  compiled SIMD8 allocated 128 regs and spilled around 57\nBuild succeeded.'
    expect(readGen(ASSEMBLY, log)).toMatchObject({
      lanes: 8,
      statistics: { spilledVgprs: 57, scratchBytes: 57 * 32 },
    })
    expect(readGen(ASSEMBLY, 'Build succeeded.').statistics.spilledVgprs).toBe(0)
  })
})
