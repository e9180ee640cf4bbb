import type { Declarations, Type } from './declarations.js'

/** Sizes and places of types in memory (WGSL, "Memory Layout"). */

export interface Layout {
  readonly size: number
  readonly align: number
  /** Of arrays: elements, and bytes from one to the next. */
  readonly array?: { readonly element: Type; readonly count: number; readonly stride: number }
  /** Of structs. */
  readonly members?: readonly PlacedMember[]
}

export interface PlacedMember {
  readonly name: string
  readonly type: Type
  readonly offset: number
  readonly layout: Layout
}

const SCALARS: Readonly<Record<string, number>> = { u32: 4, i32: 4, f32: 4, f16: 2 }
const SUFFIXES: Readonly<Record<string, string>> = { u: 'u32', i: 'i32', f: 'f32', h: 'f16' }

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to

/** What an alias stands for, and `vec3u` for `vec3<u32>`. */
export function canonical(type: Type, { aliases }: Declarations): Type {
  let named = type
  for (let known = aliases.get(named.name); known !== undefined; known = aliases.get(named.name))
    named = known
  const short = /^(vec[234]|mat[234]x[234])([uifh])$/.exec(named.name)
  if (!short) return named
  return {
    name: short[1] as string,
    parameters: [{ name: SUFFIXES[short[2] as string] as string, parameters: [] }],
  }
}

/** @returns undefined for types that have no size: runtime arrays, textures, unknown ones */
export function layoutOf(type: Type, module: Declarations): Layout | undefined {
  const { name, parameters } = canonical(type, module)
  const scalar = SCALARS[name]
  if (scalar !== undefined) return { size: scalar, align: scalar }
  const members = module.structs.get(name)
  if (members !== undefined) return structLayout(members, module)
  const [first, second] = parameters
  if (typeof first !== 'object') return undefined
  const element = layoutOf(first, module)
  if (element === undefined) return undefined
  const [, columns, rows] = /^(?:vec|mat([234])x)([234])$/.exec(name) ?? []
  if (rows !== undefined) {
    const column = vector(Number(rows), element.size)
    const width = Number(columns ?? 1)
    return columns === undefined
      ? column
      : { size: width * roundUp(column.size, column.align), align: column.align }
  }
  if (name !== 'array' || typeof second !== 'number' || !(second > 0)) return undefined
  const stride = roundUp(element.size, element.align)
  return {
    size: second * stride,
    align: element.align,
    array: { element: first, count: second, stride },
  }
}

function vector(lanes: number, bytes: number): Layout {
  return { size: lanes * bytes, align: (lanes === 3 ? 4 : lanes) * bytes }
}

function structLayout(
  members: readonly { name: string; type: Type; size?: number; align?: number }[],
  module: Declarations,
): Layout | undefined {
  const placed: PlacedMember[] = []
  let end = 0
  let align = 1
  for (const { name, type, size, align: wanted } of members) {
    const layout = layoutOf(type, module)
    if (layout === undefined) return undefined
    const own = wanted ?? layout.align
    const offset = roundUp(end, own)
    placed.push({ name, type, offset, layout })
    end = offset + (size ?? layout.size)
    align = Math.max(align, own)
  }
  return { size: roundUp(end, align), align, members: placed }
}
