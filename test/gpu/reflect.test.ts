import { describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import {
  checkBindings,
  packUniform,
  reflectKernel,
  type UniformValues,
} from '../../src/gpu/shader/reflect.js'

const reflect = (code: string) => reflectKernel(preprocess('kernel.wgsl', {}, () => code))
const MAIN = '@compute @workgroup_size(1) fn main() {}'

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof EngineError && error.code === 'INVALID_SHADER') return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

const KERNEL = `
struct Slice { offset: u32, stride: vec2<u32> }
struct Params {
  input: Slice,
  width: u32,
  scale: f32,
  mean: vec3<f32>,
  shift: i32,
  offsets: array<vec4<i32>, 2>,
}
const ROWS = 4u;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage> unused: array<f32>;
@compute @workgroup_size(8, ROWS)
fn conv(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = x[id.x] * params.scale; }
`

const VALUES: UniformValues = {
  input: { offset: 7, stride: [1, 2] },
  width: 224,
  scale: 0.5,
  mean: [1, 2, 3],
  shift: -4,
  offsets: [1, 2, 3, 4, -5, 6, 7, 8],
}

const uniformOf = (members: string) => `struct V { x: u32 }
struct W { x: vec2<u32> }
struct N { x: u32, v: V }
struct P { ${members} }
@group(0) @binding(0) var<uniform> p: P;
${MAIN}`

describe('reflectKernel', () => {
  const iface = reflect(KERNEL)

  it('reads entry point, workgroup size and every declared binding in order', () => {
    expect(iface.entryPoint).toBe('conv')
    expect(iface.workgroupSize).toEqual([8, 4, 1])
    expect([...iface.bindings.values()]).toEqual([
      { name: 'params', group: 0, binding: 0, kind: 'uniform', access: 'read' },
      { name: 'x', group: 0, binding: 1, kind: 'storage', access: 'read' },
      { name: 'unused', group: 0, binding: 2, kind: 'storage', access: 'read' },
      { name: 'y', group: 0, binding: 3, kind: 'storage', access: 'read_write' },
    ])
  })

  it('reads declarations between functions, whatever these hold', () => {
    const helper =
      'fn helper(a: vec2<u32>) -> u32 {\n  for (;;) { if (a.x > 1u) { break; } } // }\n  return a.y;\n}\n'
    const [structs, rest] = KERNEL.split('const ROWS')
    expect(reflect(`${helper}${structs}${helper.replace('helper', 'other')}const ROWS${rest}`)).toEqual(iface)
  })

  it('reads the uniform layout by the rules of WGSL', () => {
    expect(iface.uniform?.name).toBe('params')
    expect(iface.uniform?.size).toBe(80)
    expect(Object.fromEntries(iface.uniform?.fields ?? [])).toEqual({
      'input.offset': { offset: 0, type: 'u32', size: 4 },
      'input.stride': { offset: 8, type: 'vec2u', size: 8 },
      width: { offset: 16, type: 'u32', size: 4 },
      scale: { offset: 20, type: 'f32', size: 4 },
      mean: { offset: 32, type: 'vec3f', size: 12 },
      shift: { offset: 44, type: 'i32', size: 4 },
      offsets: { offset: 48, type: 'vec4i', size: 32, array: { count: 2, stride: 16 } },
    })
  })

  it.each([
    ['fn f() {}', /one @compute entry point, this one has 0/],
    [`${MAIN}\n@compute @workgroup_size(1) fn other() {}`, /this one has 2/],
    [`@group(1) @binding(0) var<storage> x: array<f32>;\n${MAIN}`, /x is in @group\(1\)/],
    [
      `@group(0) @binding(1) var<storage> x: array<f32>;\n@group(0) @binding(1) var<storage> y: array<f32>;\n${MAIN}`,
      /both have @binding\(1\)/,
    ],
    [`@group(0) @binding(0) var t: texture_2d<f32>;\n${MAIN}`, /t is neither/],
    [`@group(0) @binding(0) var<uniform> n: u32;\n${MAIN}`, /uniform n is no struct/],
    [
      uniformOf('a: u32, b: V'),
      /uniform field b starts at byte 4; structs and arrays in a uniform start at multiples/,
    ],
    [uniformOf('a: u32, b: W'), /field b starts at byte 8;/],
    [
      uniformOf('a: V, b: u32'),
      /field a is a struct of 4 bytes; .* what follows it \(b\) must be 16 bytes on/,
    ],
    [uniformOf('a: N'), /field a\.v starts at byte 4;/],
    [uniformOf('a: array<u32, 4>'), /field a has elements every 4 bytes/],
    [uniformOf('a: array<vec2<f32>, 4>'), /field a has elements every 8 bytes/],
    [
      `struct P { m: mat4x4<f32> }\n@group(0) @binding(0) var<uniform> p: P;\n${MAIN}`,
      /field m .*unsupported type/,
    ],
    [`override N: u32 = 4;\n${MAIN}`, /override N/],
    ['// fn {\nfn f() {\n  if (true) { /* } */ }\n}\nstruct { a: u32 }', /kernel\.wgsl:5: .*\n {4}struct \{/],
    ['fn main( {\n let x = ; }', /kernel\.wgsl:1: .*\n {4}fn main\( \{/],
  ])('refuses %j', (code, message) => {
    expect(messageOf(() => reflect(code))).toMatch(message)
  })
})

describe('packUniform', () => {
  const iface = reflect(KERNEL)

  it('puts every value where WGSL reads it', () => {
    const bytes = packUniform(iface, VALUES)
    const words = new Uint32Array(bytes)
    const floats = new Float32Array(bytes)
    const ints = new Int32Array(bytes)
    expect(bytes.byteLength).toBe(80)
    expect([words[0], words[2], words[3], words[4]]).toEqual([7, 1, 2, 224])
    expect([floats[5], ...floats.slice(8, 11)]).toEqual([0.5, 1, 2, 3])
    expect(ints[11]).toBe(-4)
    expect([...ints.slice(12)]).toEqual([1, 2, 3, 4, -5, 6, 7, 8])
  })

  it('packs nothing for a kernel without a uniform', () => {
    expect(packUniform(reflect(MAIN), {}).byteLength).toBe(0)
    expect(messageOf(() => packUniform(reflect(MAIN), { a: 1 }))).toMatch(/a to a kernel without a uniform/)
  })

  it.each([
    [
      'a missing field',
      { width: undefined },
      /kernel\.wgsl: WGSL field width: u32 of uniform params gets no value/,
    ],
    [
      'a surplus field',
      { height: 1 },
      /TypeScript gives height to uniform params, whose WGSL fields are input\.offset/,
    ],
    ['a surplus nested field', { input: { offset: 1, stride: [1, 1], x: 2 } }, /TypeScript gives input\.x/],
    ['a fraction for u32', { width: 1.5 }, /WGSL field width: u32 .*cannot hold TypeScript's 1\.5/],
    ['a negative u32', { width: -1 }, /width: u32/],
    ['an i32 out of range', { shift: 2 ** 31 }, /shift: i32/],
    ['NaN', { scale: Number.NaN }, /scale: f32/],
    ['a short vector', { mean: [1, 2] }, /mean: vec3f .*\[1,2\]/],
    ['a number for a vector', { mean: 1 }, /mean: vec3f/],
    ['a vector for a number', { scale: [1, 2] }, /scale: f32/],
    ['a short array', { offsets: [1, 2, 3, 4] }, /offsets: array<vec4i, 2>/],
  ])('refuses %s and names both sides', (_, change, message) => {
    const values = Object.fromEntries(
      Object.entries({ ...VALUES, ...change }).filter(([, value]) => value !== undefined),
    ) as UniformValues
    expect(messageOf(() => packUniform(iface, values))).toMatch(message)
  })
})

describe('checkBindings', () => {
  const iface = reflect(KERNEL)

  it("accepts the kernel's own set in any order", () => {
    expect(() => checkBindings(iface, ['y', 'x', 'params', 'unused'])).not.toThrow()
  })

  it('names what each side lacks', () => {
    const message = messageOf(() => checkBindings(iface, ['params', 'x', 'y', 'bias']))
    expect(message).toMatch(/kernel\.wgsl: bindings differ: the WGSL declares unused/)
    expect(message).toMatch(/TypeScript binds bias/)
  })
})
