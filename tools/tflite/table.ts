import type { ByteBuffer } from 'flatbuffers'

/**
 * One table of a FlatBuffer, its fields addressed by their position in the schema.
 *
 * The TFLite schema exists on npm in no package, and generated code for its 150 tables would dwarf the six
 * that a weight converter reads: vtables, indirection and vectors are left to the `flatbuffers` library and
 * only the field positions are named, in model.ts.
 */
export class Table {
  constructor(
    private readonly buffer: ByteBuffer,
    private readonly position: number,
  ) {}

  static root(buffer: ByteBuffer): Table {
    return new Table(buffer, buffer.readInt32(buffer.position()) + buffer.position())
  }

  /** Absolute position of a field, or 0 where the writer left it at its default. */
  private at(field: number): number {
    const offset = this.buffer.__offset(this.position, 4 + 2 * field)
    return offset === 0 ? 0 : this.position + offset
  }

  int8(field: number, fallback = 0): number {
    const at = this.at(field)
    return at === 0 ? fallback : this.buffer.readInt8(at)
  }

  int32(field: number, fallback = 0): number {
    const at = this.at(field)
    return at === 0 ? fallback : this.buffer.readInt32(at)
  }

  string(field: number): string {
    const at = this.at(field)
    return at === 0 ? '' : String(this.buffer.__string(at))
  }

  table(field: number): Table | undefined {
    const at = this.at(field)
    return at === 0 ? undefined : new Table(this.buffer, this.buffer.__indirect(at))
  }

  tables(field: number): Table[] {
    return this.vector(field, 4, (at) => new Table(this.buffer, this.buffer.__indirect(at)))
  }

  int32s(field: number): number[] {
    return this.vector(field, 4, (at) => this.buffer.readInt32(at))
  }

  /** A view (no copy) of a vector of bytes; empty where the field is absent. */
  bytes(field: number): Uint8Array {
    const at = this.at(field)
    if (at === 0) return new Uint8Array()
    const length = this.buffer.__vector_len(at)
    const start = this.buffer.__vector(at)
    return this.buffer.bytes().subarray(start, start + length)
  }

  private vector<T>(field: number, stride: number, read: (at: number) => T): T[] {
    const at = this.at(field)
    if (at === 0) return []
    const length = this.buffer.__vector_len(at)
    const start = this.buffer.__vector(at)
    return Array.from({ length }, (_, i) => read(start + stride * i))
  }
}
