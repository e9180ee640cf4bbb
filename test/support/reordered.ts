/**
 * Software adapters run the invocations of a workgroup in one fixed order, a few at a time, from barrier to barrier; GPUs run them
 * at once and in any order. These put another order into the text of a kernel: every invocation takes the place of another one.
 */
export interface Order {
  readonly name: 'reversed' | 'shuffled'
  /** Place that takes the work of invocation `at` of `count` neighbours: WGSL. */
  place(at: string, count: number): string
  /** The workgroup that takes the work of workgroup `group` of `groups`: WGSL. */
  readonly group: string
}

export const REVERSED: Order = {
  name: 'reversed',
  place: (at, count) => `(${count - 1}u - ${at})`,
  group: 'groups - 1u - group',
}

export const SHUFFLED: Order = {
  name: 'shuffled',
  // Neighbours, which lanes of one SIMD register are, come to stand far apart.
  place: (at, count) => `((${at} * ${farStep(count)}u + ${count >> 1}u) % ${count}u)`,
  group: '(group + (groups + 1u) / 2u) % groups',
}

/** A step through a ring of `count` places that comes to each of them and leads far. */
function farStep(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  for (let step = Math.floor(0.62 * count); step > 1; step--) if (divisor(step, count) === 1) return step
  return 1
}

const ENTRY = /@compute\s+@workgroup_size\(([^)]*)\)\s*fn main\(((?:[^()]|\([^()]*\))*)\)\s*\{/
const PARAMETER = /@builtin\((\w+)\)\s*(\w+)\s*:\s*([\w<>]+)/g

/** Text of an entry point, whose body is a function called from a new one. */
export interface Entry {
  readonly size: readonly [number, number, number]
  /** The kernel without its entry point: `body` takes what the entry point took. */
  readonly code: string
  /** The new entry point. @param before WGSL that may use `index` and `local` (u32 and vec3 of the invocation), `group` and `groups` */
  main(before: string, order?: Order): string
}

/** @throws Error for a kernel whose entry point is not read */
export function entryOf(code: string): Entry {
  const [head, sides = '', parameters = ''] = code.match(ENTRY) ?? []
  if (head === undefined) throw new Error('no entry point was found')
  const [x = Number.NaN, y = 1, z = 1] = sides.split(',').map((side) => Number.parseInt(side, 10))
  const taken = [...parameters.matchAll(PARAMETER)].map(([, builtin = '', name = '', type = '']) => ({
    builtin,
    name,
    type,
  }))
  const own = taken.map(({ name, type }) => `${name}: ${type}`).join(', ')
  const values: Record<string, string> = {
    global_invocation_id: `group * vec3<u32>(${x}u, ${y}u, ${z}u) + local`,
    workgroup_id: 'group',
    num_workgroups: 'groups',
    local_invocation_id: 'local',
    local_invocation_index: 'index',
    subgroup_invocation_id: 'lane',
  }
  const usesLanes = taken.some(({ builtin }) => builtin === 'subgroup_invocation_id')
  return {
    size: [x, y, z],
    code: code.replace(head, `fn body(${own}) {`),
    main: (before, order) => {
      const count = x * y * z
      // Lanes of a subgroup share what a row of invocations reads: they stay in their row.
      const index =
        order === undefined
          ? 'at'
          : usesLanes
            ? `at / ${x}u * ${x}u + ${order.place(`(at % ${x}u)`, x)}`
            : order.place('at', count)
      return `
@compute @workgroup_size(${x}, ${y}, ${z})
fn main(
  @builtin(workgroup_id) at_group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) at: u32,${usesLanes ? '\n  @builtin(subgroup_invocation_id) lane: u32,' : ''}
) {
  let group = ${order === undefined ? 'at_group' : order.group.replaceAll(/\bgroup\b/g, 'at_group')};
  let index = ${index};
  let local = vec3<u32>(index % ${x}u, index / ${x}u % ${y}u, index / ${x * y}u);
${before}
  body(${taken.map(({ builtin }) => values[builtin]).join(', ')});
}
`
    },
  }
}

/** A kernel whose invocations and workgroups come in another order. */
export function reordered(code: string, order: Order): string {
  const entry = entryOf(code)
  return entry.code + entry.main('', order)
}

/** Changes the text of every kernel that a device compiles from now on. */
export function rewriteKernels(device: GPUDevice, rewrite: (code: string, file: string) => string): void {
  const original = device.createShaderModule
  device.createShaderModule = (descriptor) =>
    original.call(device, { ...descriptor, code: rewrite(descriptor.code, `${descriptor.label}`) })
}

/** Functions that leave the range of f32 for arguments within it. */
const OVERFLOWING = /\b(exp|pow|inverseSqrt|tanh)\(/

/**
 * A kernel to whose functions numbers beyond 2^126, which WGSL divides by as an adapter likes, and infinity are NaN. Software adapters
 * give the largest float instead, or divide by infinity as IEEE 754 does.
 */
export function withoutInfinities(code: string): string {
  const found = code.match(OVERFLOWING)
  if (found?.index === undefined) return code
  const open = found.index + found[0].length
  let end = open
  for (let depth = 1; depth > 0; end++) depth += code[end] === '(' ? 1 : code[end] === ')' ? -1 : 0
  const call = `${found[0]}${withoutInfinities(code.slice(open, end - 1))})`
  return `${code.slice(0, found.index)}(4.0 * ${call} - 4.0 * ${call} + ${call})${withoutInfinities(code.slice(end))}`
}

/** NaN as f32 and as two f16, and the largest u32. */
const POISON = 0xffffffff
/** Words behind the end of every buffer: reads there are no longer cut to the last element. */
const BEHIND = 64

/** Fills every storage buffer that a device makes from now on with NaN, and makes each longer than it was asked for. */
export function poisonBuffers(device: GPUDevice, usage: number): void {
  const original = device.createBuffer
  device.createBuffer = (descriptor) => {
    if ((descriptor.usage & usage) === 0 || descriptor.mappedAtCreation === true)
      return original.call(device, descriptor)
    const size = descriptor.size + 4 * BEHIND
    const buffer = original.call(device, { ...descriptor, size, mappedAtCreation: true })
    new Uint32Array(buffer.getMappedRange()).fill(POISON)
    buffer.unmap()
    return buffer
  }
}
