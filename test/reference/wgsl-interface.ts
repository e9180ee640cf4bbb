/// <reference path="./wgsl-reflect.d.ts" />
import {
  ArrayInfo,
  type MemberInfo,
  ResourceType,
  StructInfo,
  WgslReflect,
} from 'wgsl_reflect/wgsl_reflect.module.js'
import type { KernelBinding, UniformField, UniformFieldType } from '../../src/gpu/shader/interface.js'

/** What a kernel asks of its caller, by wgsl_reflect, a parser of the whole language. */
export function referenceInterface(code: string) {
  const module = new WgslReflect(code)
  const [entry] = module.entry.compute
  const bindings = [...module.uniforms, ...module.storage].map((variable): KernelBinding => {
    const { name, binding } = variable
    const isUniform = variable.resourceType === ResourceType.Uniform
    const access = isUniform ? 'read' : ((variable.access || 'read') as 'read' | 'read_write')
    return { name, group: 0, binding, kind: isUniform ? 'uniform' : 'storage', access }
  })
  const fields = new Map<string, UniformField>()
  const visit = (members: readonly MemberInfo[], prefix: string, base: number): void => {
    for (const member of members) {
      const { type } = member
      const offset = base + member.offset
      if (type instanceof StructInfo) {
        visit(type.members, `${prefix}${member.name}.`, offset)
        continue
      }
      const element = type instanceof ArrayInfo ? type.format : type
      const field = { offset, type: element.getTypeName() as UniformFieldType, size: member.size }
      const array = type instanceof ArrayInfo && { array: { count: type.count, stride: type.stride } }
      fields.set(prefix + member.name, { ...field, ...array })
    }
  }
  const [block] = module.uniforms
  if (block?.type instanceof StructInfo) visit(block.type.members, '', 0)
  return {
    entryPoint: entry?.name,
    workgroupSize: entry?.workgroupSize,
    bindings: bindings.sort((a, b) => a.binding - b.binding),
    uniform: block && { name: block.name, size: block.size, fields },
  }
}
