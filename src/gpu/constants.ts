/**
 * The WebGPU flag constants as plain numbers. Node has no such globals unless a program installs them, and an
 * engine that is linked into another program should not.
 */
export const BufferUsage = {
  MAP_READ: 0x0001,
  MAP_WRITE: 0x0002,
  COPY_SRC: 0x0004,
  COPY_DST: 0x0008,
  UNIFORM: 0x0040,
  STORAGE: 0x0080,
  INDIRECT: 0x0100,
  QUERY_RESOLVE: 0x0200,
} as const

export const TextureUsage = {
  COPY_SRC: 0x01,
  COPY_DST: 0x02,
  TEXTURE_BINDING: 0x04,
  STORAGE_BINDING: 0x08,
} as const

export const MapMode = { READ: 1, WRITE: 2 } as const

export const ShaderStage = { COMPUTE: 4 } as const
