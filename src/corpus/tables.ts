import type { SchemaElement } from 'hyparquet'
import type { ParquetWriter } from 'hyparquet-writer'
import { outputFailed } from '../platform/node/atomic.js'

/** Types of columns: plain values, which may be missing, and lists. */
export type ColumnType = 'text' | 'int' | 'float' | 'double' | 'bool' | 'floats' | 'doubles' | 'texts'

/** A table's columns in their order, by name. */
export type Columns<Row> = { readonly [name in keyof Row & string]: ColumnType }

const PHYSICAL: Readonly<Record<ColumnType, SchemaElement['type']>> = {
  text: 'BYTE_ARRAY',
  texts: 'BYTE_ARRAY',
  int: 'INT32',
  float: 'FLOAT',
  floats: 'FLOAT',
  double: 'DOUBLE',
  doubles: 'DOUBLE',
  bool: 'BOOLEAN',
}

/** Rows that wait in memory; each such part is a row group. */
const ROW_GROUP = 5000

/** A Parquet file that is written row by row. Equal rows give equal bytes. */
export class TableWriter<Row extends object> {
  readonly #rows: Row[] = []
  #count = 0

  private constructor(
    private readonly file: string,
    private readonly columns: Columns<Row>,
    private readonly writer: ParquetWriter,
  ) {}

  /** @throws FaceError OUTPUT_FAILED */
  static async create<Row extends object>(file: string, columns: Columns<Row>): Promise<TableWriter<Row>> {
    // Loaded when it is asked for: commands without tables do without it.
    const { fileWriter, ParquetWriter } = await import('hyparquet-writer')
    try {
      const writer = new ParquetWriter({ writer: fileWriter(file), schema: schemaOf(columns) })
      return new TableWriter(file, columns, writer)
    } catch (cause) {
      throw outputFailed(file, cause)
    }
  }

  get count(): number {
    return this.#count
  }

  /** @throws FaceError OUTPUT_FAILED */
  async add(row: Row): Promise<void> {
    this.#rows.push(row)
    this.#count++
    if (this.#rows.length >= ROW_GROUP) await this.#flush()
  }

  /** @throws FaceError OUTPUT_FAILED */
  async end(): Promise<void> {
    if (this.#rows.length > 0) await this.#flush()
    try {
      await this.writer.finish()
    } catch (cause) {
      throw outputFailed(this.file, cause)
    }
  }

  async #flush(): Promise<void> {
    const columnData = Object.keys(this.columns).map((name) => ({
      name,
      data: this.#rows.map((row) => (row as Record<string, unknown>)[name] ?? null),
    }))
    try {
      await this.writer.write({ columnData, rowGroupSize: ROW_GROUP })
    } catch (cause) {
      throw outputFailed(this.file, cause)
    }
    this.#rows.length = 0
  }
}

function schemaOf(columns: Readonly<Record<string, ColumnType>>): SchemaElement[] {
  const names = Object.keys(columns)
  return [
    { name: 'schema', num_children: names.length },
    ...names.flatMap((name) => columnSchema(name, columns[name] as ColumnType)),
  ]
}

function columnSchema(name: string, type: ColumnType): SchemaElement[] {
  const physical = PHYSICAL[type] as NonNullable<SchemaElement['type']>
  const leaf = (called: string, repetition: 'OPTIONAL' | 'REQUIRED'): SchemaElement => ({
    name: called,
    type: physical,
    repetition_type: repetition,
    ...(physical === 'BYTE_ARRAY' && { converted_type: 'UTF8' as const }),
  })
  if (!type.endsWith('s')) return [leaf(name, 'OPTIONAL')]
  // The form of lists that the format prescribes.
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    leaf('element', 'REQUIRED'),
  ]
}
