/**
 * Preprocessed WGSL of our kernels as OpenCL C, for compilers that take no WGSL and no Vulkan SPIR-V. A translation line by line
 * of what the kernels use, not of WGSL: what it does not know, the OpenCL compiler refuses. Only compiled, never run. Pure.
 */

/** Words that mean something else in OpenCL C. */
const RESERVED = ['half', 'local', 'global', 'constant', 'private', 'kernel', 'event']

const SCALARS: Readonly<Record<string, string>> = {
  f32: 'float',
  u32: 'uint',
  i32: 'int',
  bool: 'int',
  f16: 'half',
}

const TYPES = ['float', 'uint', 'int', 'half']

/** Overloads that WGSL has and OpenCL C spells otherwise. */
const PRELUDE = [
  '#pragma OPENCL EXTENSION cl_khr_fp16 : enable',
  'typedef float4 mat4[4];',
  'typedef half4 half_mat4[4];',
  '#define OVERLOAD __attribute__((overloadable)) __attribute__((always_inline))',
  '#define f32(x) ((float)(x))',
  '#define u32(x) ((uint)(x))',
  '#define i32(x) ((int)(x))',
  '#define inverseSqrt rsqrt',
  '#define workgroupBarrier() barrier(CLK_LOCAL_MEM_FENCE)',
  '#define atomicMin(p, v) atomic_min(p, v)',
  '#define atomicMax(p, v) atomic_max(p, v)',
  '#define atomicAdd(p, v) atomic_add(p, v)',
  '#define atomicLoad(p) (*(p))',
  '#define atomicStore(p, v) (*(p) = (v))',
  'OVERLOAD float4 unpack4x8unorm(uint x) { return convert_float4(as_uchar4(x)) / 255.0f; }',
  'OVERLOAD float2 unpack2x16float(uint x) { return (float2)(vload_half(0, (half*)&x), vload_half(1, (half*)&x)); }',
  'OVERLOAD uint pack2x16float(float2 x) { uint y; vstore_half2(x, 0, (half*)&y); return y; }',
  'OVERLOAD float wabs(float x) { return fabs(x); }',
  ...[2, 3, 4].map((n) => `OVERLOAD float${n} wabs(float${n} x) { return fabs(x); }`),
  'OVERLOAD int wabs(int x) { return (int)abs(x); }',
  ...[2, 3, 4].flatMap((n) => [
    `OVERLOAD int${n} wabs(int${n} x) { return convert_int${n}(abs(x)); }`,
    ...TYPES.flatMap((type) => {
      const vector = `${type}${n}`
      // A condition has elements of the size of what it chooses from.
      const choice = type === 'half' ? `convert_short${n}(c)` : 'c'
      const from = TYPES.map(
        (other) => `OVERLOAD ${vector} ${maker(type, n)}(${other}${n} x) { return convert_${vector}(x); }`,
      )
      return [
        ...from,
        `OVERLOAD ${vector} ${maker(type, n)}() { return (${vector})(0); }`,
        `OVERLOAD ${vector} ${maker(type, n)}(${type} x) { return (${vector})(x); }`,
        ...parts(n).map((sizes) => {
          const args = sizes.map((size, i) => `${type}${size === 1 ? '' : size} x${i}`)
          return `OVERLOAD ${vector} ${maker(type, n)}(${args.join(', ')}) { return (${vector})(${sizes.map((_, i) => `x${i}`).join(', ')}); }`
        }),
        `OVERLOAD ${vector} wselect(${vector} f, ${vector} t, int c) { return c ? t : f; }`,
        `OVERLOAD ${vector} wselect(${vector} f, ${vector} t, int${n} c) { return ${choice} ? t : f; }`,
      ]
    }),
  ]),
  ...['float', 'uint', 'int'].map(
    (type) => `OVERLOAD ${type} wselect(${type} f, ${type} t, int c) { return c ? t : f; }`,
  ),
]

function maker(type: string, n: number | string): string {
  return `make_${type}${n}`
}

/** Ways to make a vector of `n` of two and more parts. */
function parts(n: number): number[][] {
  const all = (rest: number): number[][] =>
    rest === 0
      ? [[]]
      : [1, 2, 3].flatMap((size) => (size > rest ? [] : all(rest - size).map((more) => [size, ...more])))
  return all(n).filter((sizes) => sizes.length > 1)
}

interface Global {
  readonly name: string
  /** Parameter that passes it on to a function. */
  readonly parameter: string
  /** Declaration in the kernel, for workgroup memory. */
  readonly local?: string
}

const BUILTINS: Readonly<Record<string, string>> = {
  global_invocation_id: 'uint3 NAME = (uint3)(get_global_id(0), get_global_id(1), get_global_id(2));',
  workgroup_id: 'uint3 NAME = (uint3)(get_group_id(0), get_group_id(1), get_group_id(2));',
  num_workgroups: 'uint3 NAME = (uint3)(get_num_groups(0), get_num_groups(1), get_num_groups(2));',
  local_invocation_id: 'uint3 NAME = (uint3)(get_local_id(0), get_local_id(1), get_local_id(2));',
  local_invocation_index: 'uint NAME = get_local_linear_id();',
}

/**
 * @param code of a kernel after preprocessing, with entry point `main`
 * @returns OpenCL C 3.0 with the kernel `main_kernel`
 * @throws Error for a builtin of the entry point that OpenCL C lacks here
 */
export function openClOf(code: string): string {
  let text = code.replace(/\/\/.*$/gm, '').replace(/^\s*(enable|requires)\s[^;]*;/gm, '')
  for (const word of RESERVED)
    text = text.replace(new RegExp(`(?<![.\\w<])${word}\\b(?!\\s*\\()`, 'g'), `${word}_`)
  for (const [, alias, type] of text.matchAll(/^alias (\w+) = ([^;]+);/gm)) {
    text = text
      .replace(new RegExp(`^alias ${alias} =[^;]+;`, 'm'), '')
      .replace(new RegExp(`\\b${alias}\\b`, 'g'), `${type}`)
  }
  text = text.replace(/,\s*\)/g, ')')
  const globals: Global[] = []
  const keep = (name: string, parameter: string, local?: string): string => {
    globals.push({ name, parameter, ...(local !== undefined && { local }) })
    return ''
  }
  text = text
    .replace(/@group\(0\) @binding\(\d+\) var<uniform> (\w+): (\w+);/g, (_, name, type) =>
      keep(name, `__constant ${type}* restrict ${name}_`),
    )
    .replace(
      /@group\(0\) @binding\(\d+\) var<storage, (read|read_write)> (\w+): ([^;]+);/g,
      (_, access, name, type) => {
        const element = /^array<(.*)>$/.exec(type)?.[1]
        const constant = access === 'read' ? 'const ' : ''
        return element === undefined
          ? keep(name, `__global ${constant}${typeOf(type)}* restrict ${name}_`)
          : keep(name, `__global ${constant}${typeOf(element)}* restrict ${name}`)
      },
    )
    .replace(/var<workgroup> (\w+): ([^;]+);/g, (_, name, type) => {
      const [, element = type, count = ''] = /^array<(.*),\s*([^,]+)>$/.exec(type) ?? []
      return keep(
        name,
        `__local ${typeOf(element)}* restrict ${name}`,
        `__local ${typeOf(element)} ${name}[${count}];`,
      )
    })
  const pointers = globals.flatMap(({ name, parameter }) => (parameter.endsWith(`${name}_`) ? [name] : []))
  const functions = functionsOf(text, globals)
  for (const { name, used } of functions) {
    const passed = used
      .map((global) => (pointers.includes(global.name) ? `${global.name}_` : global.name))
      .join(', ')
    text = text.replace(new RegExp(`(?<!fn )\\b${name}\\(\\s*(\\)?)`, 'g'), (_, end) =>
      end ? `${name}(${passed})` : `${name}(${passed}${passed === '' ? '' : ', '}`,
    )
  }
  // C wants everything declared before it is used.
  const structs: string[] = []
  const prototypes: string[] = []
  const makers: string[] = []
  text = text
    .replace(/\bstruct (\w+) \{([^}]*)\}/g, (_, name, body) => {
      structs.push(`typedef struct {\n${members(body)}} ${name};`)
      makers.push(name)
      return ''
    })
    .replace(/\bfn (\w+)\(([^{]*?)\)\s*(?:->\s*([^{]+?))?\s*\{/g, (whole, name, list, result) => {
      if (name === 'main') return whole
      const head = `__attribute__((always_inline)) ${result ? typeOf(result) : 'void'} ${name}(${parameterList(functions.find((f) => f.name === name)?.used ?? [], list)})`
      prototypes.push(`${head};`)
      return `${head} {`
    })
    .replace(/@compute @workgroup_size\(([^)]*)\)\s*fn main\(([\s\S]*?)\)\s*\{/, (_, size, list) =>
      kernelHead(globals, size, list),
    )
    .replace(/^const (\w+)(?:: \w+)? = ([^;]+);/gm, '#define $1 ($2)')
    .replace(/\b(?:let|var) (\w+): ([^=;]+?)(\s*=|;)/g, (_, name, type, end) => declaration(name, type, end))
    .replace(/\b(?:let|var) (\w+)\b/g, '__auto_type $1')
    .replace(/bitcast<(\w+)>\(/g, (_, type) => `as_${typeOf(type)}(`)
    .replace(/bitcast<(vec\d<\w+>)>\(/g, (_, type) => `as_${typeOf(type)}(`)
    .replace(/\bvec(\d)<(\w+)>\(/g, (_, n, type) => `${maker(SCALARS[type] ?? type, n)}(`)
    .replace(/\bvec(\d)<(\w+)>/g, (_, n, type) => `${SCALARS[type] ?? type}${n}`)
    .replace(/\bselect\(/g, 'wselect(')
    .replace(/\babs\(/g, 'wabs(')
  for (const name of makers) text = text.replace(new RegExp(`\\b${name}\\(`, 'g'), `${maker(name, '')}(`)
  const head = [
    ...PRELUDE,
    ...makers.map((name) => `#define ${maker(name, '')}(...) ((${name}){__VA_ARGS__})`),
    ...pointers.map((name) => `#define ${name} (*${name}_)`),
    ...ordered(structs),
    ...prototypes,
  ]
  return `${head.join('\n')}\n${text}`
}

interface Function {
  readonly name: string
  /** Globals that it or what it calls names, and that its own parameters do not hide. */
  readonly used: readonly Global[]
}

function functionsOf(text: string, globals: readonly Global[]): Function[] {
  const bodies = new Map<string, { readonly body: string; readonly parameters: readonly string[] }>()
  for (const match of text.matchAll(/\bfn (\w+)\(([^{]*?)\)\s*(?:->\s*[^{]+?)?\s*\{/g)) {
    const [head, name = '', list = ''] = match
    const start = match.index + head.length
    let [end, depth] = [start, 1]
    for (; depth > 0 && end < text.length; end++) depth += text[end] === '{' ? 1 : text[end] === '}' ? -1 : 0
    const parameters = [...list.matchAll(/(\w+)\s*:/g)].map(([, parameter]) => parameter as string)
    if (name !== 'main') bodies.set(name, { body: text.slice(start, end), parameters })
  }
  const names = (word: string, body: string): boolean => new RegExp(`(?<![.\\w])${word}\\b`).test(body)
  // WGSL has no recursion.
  const usedBy = (name: string): Set<Global> => {
    const { body, parameters } = bodies.get(name) ?? { body: '', parameters: [] }
    const own = globals.filter((global) => !parameters.includes(global.name) && names(global.name, body))
    const called = [...bodies.keys()].filter((other) => other !== name && names(other, body))
    return new Set([...own, ...called.flatMap((other) => [...usedBy(other)])])
  }
  return [...bodies.keys()].map((name) => {
    const used = usedBy(name)
    return { name, used: globals.filter((global) => used.has(global)) }
  })
}

/** Structs after those that they contain. */
function ordered(structs: readonly string[]): string[] {
  const nameOf = (struct: string): string => /(\w+);$/.exec(struct)?.[1] ?? ''
  const depth = (struct: string): number =>
    1 +
    Math.max(
      0,
      ...structs
        .filter((other) => other !== struct && new RegExp(`\\b${nameOf(other)} `).test(struct))
        .map(depth),
    )
  return [...structs].sort((a, b) => depth(a) - depth(b))
}

function typeOf(wgsl: string): string {
  const type = wgsl.trim()
  const atomic = /^atomic<(\w+)>$/.exec(type)?.[1]
  if (atomic !== undefined) return `volatile ${typeOf(atomic)}`
  const [, n, element] = /^vec(\d)<(\w+)>$/.exec(type) ?? []
  if (n !== undefined && element !== undefined) return `${SCALARS[element] ?? element}${n}`
  if (type === 'mat4x4<f32>') return 'mat4'
  if (type === 'mat4x4<f16>') return 'half_mat4'
  return SCALARS[type] ?? type
}

function declaration(name: string, type: string, end: string): string {
  const [, element, count] = /^array<(.*),\s*([^,]+)>$/.exec(type.trim()) ?? []
  const declared = element === undefined ? `${typeOf(type)} ${name}` : `${typeOf(element)} ${name}[${count}]`
  // WGSL starts at zero.
  const zero =
    element !== undefined || /^(float|u?int)\d?$/.test(typeOf(type))
      ? ` = ${element === undefined ? '0' : '{0}'};`
      : ';'
  return `${declared}${end === ';' ? zero : end}`
}

function members(body: string): string {
  return body
    .split(/,\s*(?=\w+\s*:)|,\s*$/)
    .map((member) => member.trim())
    .filter((member) => member !== '')
    .map((member) => {
      const [, name = '', type = ''] = /^(?:@\w+\([^)]*\)\s*)?(\w+)\s*:\s*([\s\S]+?),?$/.exec(member) ?? []
      return `  ${declaration(name, type, ' =').replace(/ =$/, '')};\n`
    })
    .join('')
}

function parameterList(globals: readonly Global[], list: string): string {
  const own = list
    .split(/,\s*(?=\w+\s*:)/)
    .map((parameter) => parameter.trim().replace(/,$/, ''))
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [, name = '', type = ''] = /^(\w+)\s*:\s*([\s\S]+)$/.exec(parameter) ?? []
      return `${typeOf(type)} ${name}`
    })
  return [...globals.map(({ parameter }) => parameter), ...own].join(', ')
}

function kernelHead(globals: readonly Global[], size: string, list: string): string {
  const sides = size.split(',').map((side) => side.trim())
  const all = [0, 1, 2].map((axis) => sides[axis] || '1').join(', ')
  const builtins = [...list.matchAll(/@builtin\((\w+)\) (\w+):/g)].map(([, builtin = '', name = '']) => {
    const declared = BUILTINS[builtin]
    if (declared === undefined) throw new Error(`OpenCL C lacks ${builtin}`)
    return `  ${declared.replace('NAME', name)}`
  })
  const parameters = globals.filter(({ local }) => local === undefined).map(({ parameter }) => parameter)
  return [
    `__attribute__((reqd_work_group_size(${all})))`,
    `__kernel void main_kernel(${parameters.join(', ')}) {`,
    ...globals.flatMap(({ local }) => (local === undefined ? [] : [`  ${local}`])),
    ...builtins,
    '',
  ].join('\n')
}
