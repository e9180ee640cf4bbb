import { BufferUsage, MapMode, ShaderStage } from '../../src/gpu/constants.js'
import { entryOf, type Order } from './reordered.js'

/**
 * Finds races whatever order an adapter runs invocations in: kernels note who read and who wrote each element of workgroup memory
 * since the last barrier, and of every buffer they write since the dispatch began. Two invocations that meet at one element, one of
 * them writing, are counted. Atomics of buffers are left alone.
 */
export interface Races {
  /** The kernel file. */
  readonly file: string
  /** Of workgroup memory: two invocations of a workgroup wrote, or one read what another wrote, between two barriers. */
  readonly shared: number
  /** Of buffers: two invocations of a dispatch wrote the same element, which is harmless where they write the same. */
  readonly written: number
  /** Of buffers: an invocation read what another one of the dispatch wrote. */
  readonly read: number
}

/** Binding of the notes, beyond those of all kernels. */
const NOTES = 30
const HEADER_WORDS = 4
/** Of workgroup memory, for all workgroups of a dispatch: those beyond are not watched. */
const SHARED_WORDS = 2 ** 18

const RACES = `
@group(0) @binding(${NOTES}) var<storage, read_write> notes: array<atomic<u32>>;
var<private> noteMe: u32;
var<private> noteEpoch: u32;
var<private> noteShared: u32;
var<private> noteId: u32;
// Invocations that a storageBarrier has put in order: 1, or a workgroup.
var<private> noteGrain: u32;
const NOTE_IDS = 0x3ffu;
const ALL_IDS = 0xffffffffu;

fn noteOther(note: u32, ids: u32, epoch: u32, me: u32) -> bool {
  if (note == 0u || (note & ~ids) != epoch) { return false; }
  if (ids == ALL_IDS) { return (note - 1u) / noteGrain != (me - 1u) / noteGrain; }
  return (note & ids) != me;
}
// Three words: the last writer, the readers of the largest and of the smallest number.
fn noteReads(place: u32, ids: u32, epoch: u32, me: u32, found: u32) {
  if (place + 2u >= arrayLength(&notes)) { return; }
  atomicMax(&notes[place + 1u], epoch | me);
  atomicMax(&notes[place + 2u], epoch | (ids - me));
  if (noteOther(atomicLoad(&notes[place]), ids, epoch, me)) { atomicAdd(&notes[found], 1u); }
}
fn noteWrites(place: u32, ids: u32, epoch: u32, me: u32, both: u32, found: u32) {
  if (place + 2u >= arrayLength(&notes)) { return; }
  if (noteOther(atomicMax(&notes[place], epoch | me), ids, epoch, me)) { atomicAdd(&notes[both], 1u); }
  let most = atomicLoad(&notes[place + 1u]);
  let least = atomicLoad(&notes[place + 2u]);
  let other = select(0u, epoch | (ids - (least & ids)), least != 0u && (least & ~ids) == epoch);
  if (noteOther(most, ids, epoch, me) || noteOther(other, ids, epoch, me)) { atomicAdd(&notes[found], 1u); }
}
fn sharedRead(first: u32, at: u32) -> u32 {
  noteReads(noteShared + 3u * (first + at), NOTE_IDS, noteEpoch, noteMe, 0u);
  return at;
}
fn sharedWrite(first: u32, at: u32) -> u32 {
  noteWrites(noteShared + 3u * (first + at), NOTE_IDS, noteEpoch, noteMe, 0u, 0u);
  return at;
}
fn sharedChange(first: u32, at: u32) -> u32 {
  return sharedWrite(first, sharedRead(first, at));
}
// Of a counter: additions may meet one another, but neither loads nor stores.
fn sharedAdd(first: u32) -> u32 {
  noteReads(noteShared + 3u * first, NOTE_IDS, noteEpoch, noteMe, 0u);
  noteWrites(noteShared + 3u * first + 3u, NOTE_IDS, noteEpoch, noteMe, 3u, 0u);
  return 0u;
}
fn sharedLoad(first: u32) -> u32 {
  noteReads(noteShared + 3u * first, NOTE_IDS, noteEpoch, noteMe, 0u);
  noteReads(noteShared + 3u * first + 3u, NOTE_IDS, noteEpoch, noteMe, 0u);
  return 0u;
}
fn sharedStore(first: u32) -> u32 {
  noteWrites(noteShared + 3u * first, NOTE_IDS, noteEpoch, noteMe, 0u, 0u);
  return 0u;
}
fn nextEpoch() { noteEpoch += 1024u; }
fn bufferRead(first: u32, at: u32) -> u32 {
  noteReads(first + 3u * at, ALL_IDS, 0u, noteId, 2u);
  return at;
}
fn bufferWrite(first: u32, at: u32) -> u32 {
  noteWrites(first + 3u * at, ALL_IDS, 0u, noteId, 1u, 2u);
  return at;
}
fn bufferChange(first: u32, at: u32) -> u32 {
  return bufferWrite(first, bufferRead(first, at));
}
`

/** Where the bracket closes that opens at `open`. */
function closing(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '[') depth++
    else if (text[i] === ']' && --depth === 0) return i
  }
  throw new Error('a bracket does not close')
}

/** Every `name[index]` of a text with the index handed through a function, by what is done with the element. */
function watchElements(text: string, name: string, kind: string, first: string): string {
  const pattern = new RegExp(`(?<![\\w.&])${name}\\[`)
  let done = ''
  let rest = text
  for (let match = pattern.exec(rest); match; match = pattern.exec(rest)) {
    const open = match.index + match[0].length - 1
    const close = closing(rest, open)
    const after = rest.slice(close + 1).match(/^(?:\.\w+|\[[^\]]*\])?\s*([-+*/]?=)(?!=)/)?.[1]
    const access = after === undefined ? 'Read' : after === '=' ? 'Write' : 'Change'
    const index = watchElements(rest.slice(open + 1, close), name, kind, first)
    done += `${rest.slice(0, open)}[${kind}${access}(${first}, ${index})]`
    rest = rest.slice(close + 1)
  }
  return done + rest
}

/** A kernel that notes its races, and in another order if one is given. */
export function watched(source: string, order?: Order): string {
  const entry = entryOf(source)
  let { code } = entry
  const count = entry.size[0] * entry.size[1] * entry.size[2]
  const constants = new Map(
    [...code.matchAll(/^const (\w+) = (\d+)u;/gm)].map(([, name = '', value]) => [name, Number(value)]),
  )
  let shared = 0
  for (const [, name = '', type = ''] of [...code.matchAll(/^var<workgroup> (\w+): (.*);$/gm)]) {
    const first = `${shared}u`
    const length = type.match(/^array<.*, (\w+)>$/)?.[1]
    if (length !== undefined) {
      code = watchElements(code, name, 'shared', first)
      shared += constants.get(length) ?? Number.parseInt(length, 10)
    } else if (type.startsWith('atomic')) {
      code = code
        .replaceAll(`atomicStore(&${name}, `, `atomicStore(&${name}, sharedStore(${first}) + `)
        .replaceAll(`atomicAdd(&${name}, `, `atomicAdd(&${name}, sharedAdd(${first}) + `)
        .replaceAll(`atomicLoad(&${name})`, `(atomicLoad(&${name}) + sharedLoad(${first}))`)
      shared += 2
    } else {
      // A variable that one invocation sets and `workgroupUniformLoad`, which is a barrier before and after, hands to all.
      code = code.replaceAll(new RegExp(`\\b${name} = `, 'g'), `${name} = sharedStore(${first}) + `)
      shared += 1
    }
  }
  code = code.replaceAll('workgroupBarrier();', 'workgroupBarrier(); nextEpoch();')
  code = code.replaceAll('storageBarrier();', `storageBarrier(); noteGrain = ${count}u;`)
  code = code.replaceAll(/workgroupUniformLoad\(&(\w+)\);/g, 'workgroupUniformLoad(&$1); nextEpoch();')
  const written = [...code.matchAll(/var<storage, read_write> (\w+): array<(.*)>;/g)]
    .filter(([, , type]) => !type?.startsWith('atomic'))
    .map(([, name = '']) => name)
  let end = `${HEADER_WORDS}u`
  for (const name of written) {
    code = watchElements(code, name, 'buffer', `(${end})`)
    end += ` + 3u * arrayLength(&${name})`
  }
  const before = `
  let place = (group.z * groups.y + group.y) * groups.x + group.x;
  noteMe = index + 1u;
  noteEpoch = 1024u;
  noteGrain = 1u;
  noteId = place * ${count}u + index + 1u;
  noteShared = ${end} + place * ${3 * shared}u;`
  return code + RACES + entry.main(before, order)
}

/** Notes of the dispatches of a device whose kernels are `watched`. */
export class Watch {
  readonly #notes: { readonly file: string; readonly notes: GPUBuffer }[] = []

  /** To be made before kernels are compiled. */
  constructor(private readonly device: GPUDevice) {
    const { createBindGroupLayout, createBindGroup, createBuffer } = device
    const files = new WeakMap<GPUBindGroupLayout, string>()
    device.createBindGroupLayout = (descriptor) => {
      const own: GPUBindGroupLayoutEntry = {
        binding: NOTES,
        visibility: ShaderStage.COMPUTE,
        buffer: { type: 'storage' },
      }
      const entries = [...descriptor.entries, own]
      const layout = createBindGroupLayout.call(device, { ...descriptor, entries })
      files.set(layout, `${descriptor.label}`)
      return layout
    }
    device.createBindGroup = (descriptor) => {
      const bytes = [...descriptor.entries].reduce((sum, { resource }) => {
        const { buffer } = resource as GPUBufferBinding
        return sum + ((buffer.usage & BufferUsage.STORAGE) === 0 ? 0 : buffer.size)
      }, 0)
      const notes = createBuffer.call(device, {
        size: 4 * (HEADER_WORDS + SHARED_WORDS) + 3 * bytes,
        usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC,
      })
      this.#notes.push({ file: files.get(descriptor.layout) ?? '', notes })
      return createBindGroup.call(device, {
        ...descriptor,
        entries: [...descriptor.entries, { binding: NOTES, resource: { buffer: notes } }],
      })
    }
  }

  /** What was found since the last call, by dispatch. */
  async races(): Promise<Races[]> {
    const taken = this.#notes.splice(0)
    const staging = this.device.createBuffer({
      size: Math.max(16, 16 * taken.length),
      usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
    })
    const encoder = this.device.createCommandEncoder()
    for (const [i, { notes }] of taken.entries()) encoder.copyBufferToBuffer(notes, 0, staging, 16 * i, 16)
    this.device.queue.submit([encoder.finish()])
    await staging.mapAsync(MapMode.READ)
    const counts = new Uint32Array(staging.getMappedRange())
    const races = taken.map(({ file }, i) => {
      const [shared = 0, written = 0, read = 0] = counts.subarray(4 * i, 4 * i + 3)
      return { file, shared, written, read }
    })
    staging.unmap()
    for (const buffer of [staging, ...taken.map(({ notes }) => notes)]) buffer.destroy()
    return races
  }
}
