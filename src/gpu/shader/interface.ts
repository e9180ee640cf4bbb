export interface KernelBinding {
  /** Name of the WGSL variable. */
  readonly name: string
  readonly group: 0
  readonly binding: number
  readonly kind: 'uniform' | 'storage'
  readonly access: 'read' | 'read_write'
}

/** Types that a uniform field may have. */
export type UniformFieldType = 'u32' | 'i32' | 'f32' | `vec${2 | 3 | 4}${'u' | 'i' | 'f'}`

export interface UniformField {
  /** Bytes from the start of the uniform block. */
  readonly offset: number
  readonly type: UniformFieldType
  /** Bytes, all array elements together. */
  readonly size: number
  /** Array elements and the bytes from one to the next; absent for a field that is no array. */
  readonly array?: { readonly count: number; readonly stride: number }
}

export interface UniformLayout {
  readonly name: string
  /** Bytes, rounded up as WGSL does. */
  readonly size: number
  /** By path: 'width', or 'input.offset' for a field of a nested struct. */
  readonly fields: ReadonlyMap<string, UniformField>
}

/** What a kernel asks of its caller, read from the WGSL itself. */
export interface KernelInterface {
  /** The kernel file, for messages. */
  readonly file: string
  readonly entryPoint: string
  readonly workgroupSize: [number, number, number]
  /** By WGSL variable name, in order of binding number. */
  readonly bindings: ReadonlyMap<string, KernelBinding>
  readonly uniform?: UniformLayout
}
