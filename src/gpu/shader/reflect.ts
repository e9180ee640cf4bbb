import { EngineError } from '../../errors.js'
import {
  DeclarationError,
  type Declarations,
  readDeclarations,
  type Type,
  type Variable,
} from './declarations.js'
import type {
  KernelBinding,
  KernelInterface,
  UniformField,
  UniformFieldType,
  UniformLayout,
} from './interface.js'
import { sourceAt } from './locate.js'
import type { PreprocessedShader } from './preprocess.js'
import { canonical, layoutOf, type PlacedMember } from './type-layout.js'

/**
 * Bytes at which structs and array elements in a uniform start. Dawn does without (`uniform_buffer_standard_layout`), other
 * implementations of WebGPU refuse such code.
 */
const UNIFORM_ALIGNMENT = 16

const FIELD_TYPES: ReadonlySet<string> = new Set([
  'u32',
  'i32',
  'f32',
  ...['vec2', 'vec3', 'vec4'].flatMap((vector) => [`${vector}u`, `${vector}i`, `${vector}f`]),
])

/**
 * Reads entry point, workgroup size, bindings and the uniform layout from WGSL.
 *
 * @throws EngineError INVALID_SHADER if the code does not parse or does something that the engine has no use
 *   for: none or several compute entry points, groups other than 0, textures, a uniform that is no struct or that only
 *   some implementations of WebGPU lay out
 */
export function reflectKernel(shader: PreprocessedShader): KernelInterface {
  const { file } = shader
  const fail = (message: string): never => {
    throw new EngineError('INVALID_SHADER', `${file}: ${message}`, { file, params: shader.params })
  }

  const module = parse(shader)
  const [entry, ...further] = module.entries
  if (!entry || further.length > 0)
    return fail(`a kernel has one @compute entry point, this one has ${module.entries.length}`)
  const [x, y = 1, z = 1] = entry.workgroupSize
  if (x === undefined || ![x, y, z].every((size) => Number.isInteger(size) && size > 0))
    return fail(`entry point ${entry.name} has no constant @workgroup_size`)

  const other = module.variables.find(({ space }) => space !== 'uniform' && space !== 'storage')
  if (other) return fail(`variable ${other.name} is neither a uniform nor a storage buffer`)
  const [override] = module.overrides
  if (override !== undefined) return fail(`override ${override}: use a #param instead`)

  const variables = [...module.variables].sort((a, b) => a.binding - b.binding)
  const bindings = new Map<string, KernelBinding>()
  const taken = new Map<number, string>()
  for (const variable of variables) {
    const binding = readBinding(variable, fail)
    const other = taken.get(binding.binding)
    if (other !== undefined)
      return fail(`${other} and ${binding.name} both have @binding(${binding.binding})`)
    taken.set(binding.binding, binding.name)
    bindings.set(binding.name, binding)
  }

  const [block, second] = module.variables.filter(({ space }) => space === 'uniform')
  if (second) return fail('a kernel has at most one uniform block')
  const uniform = block && readUniform(block, module, fail)
  return {
    file,
    entryPoint: entry.name,
    workgroupSize: [x, y, z],
    bindings,
    ...(uniform && { uniform }),
  }
}

function parse(shader: PreprocessedShader): Declarations {
  try {
    return readDeclarations(shader.code)
  } catch (error) {
    if (!(error instanceof DeclarationError)) throw error
    const where = sourceAt(shader, error.line)
    const message = where
      ? `${where.file}:${where.line}: ${error.message}\n    ${where.text}`
      : `${shader.file}: ${error.message}`
    throw new EngineError(
      'INVALID_SHADER',
      message,
      { file: shader.file, params: shader.params },
      { cause: error },
    )
  }
}

function readBinding(variable: Variable, fail: (message: string) => never): KernelBinding {
  const { name, group, binding, space } = variable
  if (group !== 0) return fail(`variable ${name} is in @group(${group}); kernels use group 0 only`)
  if (space === 'uniform') return { name, group, binding, kind: 'uniform', access: 'read' }
  const access = variable.access || 'read'
  if (access !== 'read' && access !== 'read_write')
    return fail(`storage buffer ${name} has access '${access}'; use read or read_write`)
  return { name, group, binding, kind: 'storage', access }
}

function readUniform(
  variable: Variable,
  module: Declarations,
  fail: (message: string) => never,
): UniformLayout {
  const fields = new Map<string, UniformField>()
  const visit = (members: readonly PlacedMember[], prefix: string, base: number): void => {
    for (const [index, member] of members.entries()) {
      const path = prefix + member.name
      const offset = base + member.offset
      const obstacle = uniformObstacle(member, offset, members[index + 1])
      if (obstacle) fail(`uniform field ${path} ${obstacle}`)
      if (member.layout.members) visit(member.layout.members, `${path}.`, offset)
      else fields.set(path, readField(path, member, offset, module, fail))
    }
  }
  if (!module.structs.has(canonical(variable.type, module).name)) {
    return fail(`uniform ${variable.name} is no struct`)
  }
  const layout = layoutOf(variable.type, module)
  if (!layout?.members) return fail(`uniform ${variable.name} has a member of unknown size`)
  visit(layout.members, '', 0)
  return { name: variable.name, size: layout.size, fields }
}

/** What WGSL's rules for the uniform address space forbid of a member that storage buffers may have. */
function uniformObstacle(
  { offset: own, layout }: PlacedMember,
  offset: number,
  next: PlacedMember | undefined,
): string | undefined {
  const { array, members, size } = layout
  if (array && array.stride % UNIFORM_ALIGNMENT !== 0)
    return `has elements every ${array.stride} bytes; in a uniform they must stand every ${UNIFORM_ALIGNMENT} (take vec4s)`
  if (!array && !members) return undefined
  if (offset % UNIFORM_ALIGNMENT !== 0)
    return `starts at byte ${offset}; structs and arrays in a uniform start at multiples of ${UNIFORM_ALIGNMENT}: put them first`
  const room = Math.ceil(size / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT
  if (members && next && next.offset - own < room)
    return `is a struct of ${size} bytes; in a uniform what follows it (${next.name}) must be ${room} bytes on: fill it up`
  return undefined
}

function readField(
  path: string,
  { type, layout }: PlacedMember,
  offset: number,
  module: Declarations,
  fail: (message: string) => never,
): UniformField {
  const name = fieldType(canonical(layout.array?.element ?? type, module))
  if (!FIELD_TYPES.has(name))
    return fail(`uniform field ${path} has the unsupported type ${layout.array ? `array of ${name}` : name}`)
  const field = { offset, type: name as UniformFieldType, size: layout.size }
  const { array } = layout
  return array ? { ...field, array: { count: array.count, stride: array.stride } } : field
}

/** `vec4f` for `vec4<f32>`. */
function fieldType({ name, parameters }: Type): string {
  const [element] = parameters
  return typeof element === 'object' && name.startsWith('vec') ? `${name}${element.name[0]}` : name
}

/**
 * Compares the bindings that a caller is about to set with those of the kernel.
 *
 * @throws EngineError INVALID_SHADER naming what the WGSL lacks and what TypeScript lacks
 */
export function checkBindings(iface: KernelInterface, given: readonly string[]): void {
  const missing = [...iface.bindings.keys()].filter((name) => !given.includes(name))
  const surplus = given.filter((name) => !iface.bindings.has(name))
  if (missing.length === 0 && surplus.length === 0) return
  const parts = [
    missing.length > 0 && `the WGSL declares ${missing.join(', ')}, which TypeScript does not bind`,
    surplus.length > 0 && `TypeScript binds ${surplus.join(', ')}, which the WGSL does not declare`,
  ].filter(Boolean)
  const sides = `WGSL: ${[...iface.bindings.keys()].join(', ') || 'none'}; TypeScript: ${given.join(', ') || 'none'}`
  throw new EngineError('INVALID_SHADER', `${iface.file}: bindings differ: ${parts.join('; ')} (${sides})`, {
    file: iface.file,
    missing,
    surplus,
  })
}
export { packUniform, type UniformValues } from './uniform.js'
