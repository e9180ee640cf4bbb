/// <reference path="./wgsl-reflect.d.ts" />
import {
  ArrayInfo,
  type MemberInfo,
  ResourceType,
  StructInfo,
  type TypeInfo,
  type VariableInfo,
  WgslReflect,
} from 'wgsl_reflect/wgsl_reflect.module.js'
import { EngineError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import type {
  KernelBinding,
  KernelInterface,
  UniformField,
  UniformFieldType,
  UniformLayout,
} from './interface.js'
import { sourceAt } from './locate.js'
import type { PreprocessedShader } from './preprocess.js'

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
  const entries = module.entry.compute
  const [entry] = entries
  if (!entry || entries.length > 1)
    return fail(`a kernel has one @compute entry point, this one has ${entries.length}`)
  const workgroupSize = entry.workgroupSize
  if (!workgroupSize?.every((size) => Number.isInteger(size) && size > 0))
    return fail(`entry point ${entry.name} has no constant @workgroup_size`)

  const others = [...module.textures, ...module.samplers, ...module.immediates]
  if (others[0]) return fail(`variable ${others[0].name} is neither a uniform nor a storage buffer`)
  if (module.overrides[0]) return fail(`override ${module.overrides[0].name}: use a #param instead`)

  const variables = [...module.uniforms, ...module.storage].sort((a, b) => a.binding - b.binding)
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

  if (module.uniforms.length > 1) return fail('a kernel has at most one uniform block')
  const [block] = module.uniforms
  const uniform = block && readUniform(block, fail)
  return {
    file,
    entryPoint: entry.name,
    workgroupSize,
    bindings,
    ...(uniform && { uniform }),
  }
}

/**
 * The code without what function bodies say, line for line: unrolled, they are nearly all of it, they tell nothing of
 * the interface, and the parser takes ten times as long over them as over the rest. Left as it is where braces do not
 * match; the parser then says so.
 */
function declarations(code: string): string {
  let kept = ''
  let end = 0
  let depth = 0
  let comments = 0
  let inFunction = false
  for (const { 0: token, index } of code.matchAll(/\/\/.*|\/\*|\*\/|[{}]|\bfn\b/g)) {
    if (token === '/*') comments++
    else if (token === '*/') comments--
    else if (comments > 0) continue
    else if (token === 'fn') inFunction = true
    else if (token === '{' && depth++ === 0 && inFunction) {
      kept += code.slice(end, index + 1)
      end = index + 1
    } else if (token === '}' && --depth === 0 && inFunction) {
      kept += code.slice(end, index).replace(/[^\n]+/g, '')
      end = index
      inFunction = false
    }
  }
  return depth === 0 && comments === 0 ? kept + code.slice(end) : code
}

function parse(shader: PreprocessedShader): WgslReflect {
  try {
    return new WgslReflect(declarations(shader.code))
  } catch (error) {
    // The parser reports 'reason. Line: n', with n in preprocessed code.
    const text = messageOf(error)
    const match = /^(.*?)\.*\s*Line:\s*(\d+)/s.exec(text)
    const where = match && sourceAt(shader, Number(match[2]))
    const message = where
      ? `${where.file}:${where.line}: ${match[1]}\n    ${where.text}`
      : `${shader.file}: ${text}`
    throw new EngineError(
      'INVALID_SHADER',
      message,
      { file: shader.file, params: shader.params },
      { cause: error },
    )
  }
}

function readBinding(variable: VariableInfo, fail: (message: string) => never): KernelBinding {
  const { name, group, binding } = variable
  if (group !== 0) return fail(`variable ${name} is in @group(${group}); kernels use group 0 only`)
  if (variable.resourceType === ResourceType.Uniform)
    return { name, group, binding, kind: 'uniform', access: 'read' }
  const access = variable.access || 'read'
  if (access !== 'read' && access !== 'read_write')
    return fail(`storage buffer ${name} has access '${access}'; use read or read_write`)
  return { name, group, binding, kind: 'storage', access }
}

function readUniform(variable: VariableInfo, fail: (message: string) => never): UniformLayout {
  const fields = new Map<string, UniformField>()
  const visit = (members: readonly MemberInfo[], prefix: string, base: number): void => {
    for (const [index, member] of members.entries()) {
      const path = prefix + member.name
      const offset = base + member.offset
      const obstacle = uniformObstacle(member, offset, members[index + 1])
      if (obstacle) fail(`uniform field ${path} ${obstacle}`)
      if (member.type instanceof StructInfo) visit(member.type.members, `${path}.`, offset)
      else fields.set(path, readField(path, member.type, offset, member.size, fail))
    }
  }
  if (!(variable.type instanceof StructInfo)) return fail(`uniform ${variable.name} is no struct`)
  visit(variable.type.members, '', 0)
  return { name: variable.name, size: variable.size, fields }
}

/** What WGSL's rules for the uniform address space forbid of a member that storage buffers may have. */
function uniformObstacle(
  member: MemberInfo,
  offset: number,
  next: MemberInfo | undefined,
): string | undefined {
  const { type } = member
  if (type instanceof ArrayInfo && type.stride % UNIFORM_ALIGNMENT !== 0)
    return `has elements every ${type.stride} bytes; in a uniform they must stand every ${UNIFORM_ALIGNMENT} (take vec4s)`
  if (!(type instanceof StructInfo || type instanceof ArrayInfo)) return undefined
  if (offset % UNIFORM_ALIGNMENT !== 0)
    return `starts at byte ${offset}; structs and arrays in a uniform start at multiples of ${UNIFORM_ALIGNMENT}: put them first`
  const room = Math.ceil(member.size / UNIFORM_ALIGNMENT) * UNIFORM_ALIGNMENT
  if (type instanceof StructInfo && next && next.offset - member.offset < room)
    return `is a struct of ${member.size} bytes; in a uniform what follows it (${next.name}) must be ${room} bytes on: fill it up`
  return undefined
}

function readField(
  path: string,
  type: TypeInfo,
  offset: number,
  size: number,
  fail: (message: string) => never,
): UniformField {
  const element = type instanceof ArrayInfo ? type.format : type
  const name = element.getTypeName()
  if (!FIELD_TYPES.has(name))
    return fail(`uniform field ${path} has the unsupported type ${type.getTypeName()}`)
  const field = { offset, type: name as UniformFieldType, size }
  return type instanceof ArrayInfo ? { ...field, array: { count: type.count, stride: type.stride } } : field
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
