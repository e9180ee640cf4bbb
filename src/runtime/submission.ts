import { MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import { isBuiltIn } from '../realms.js'
import { type BorderFacts, type CheckedData, type CheckedSlice, mapOf } from './device-data.js'
import { type Executor, PASS, type Region } from './executor.js'
import type { Contents, Targets } from './input-data.js'
import { copyOut, type PlanOutputs, type ReadbackEntry, readbackBytes } from './readback.js'
import { TextureCopies } from './texture-copies.js'

/** Inputs of a run, and the outputs that it computes where these are not all. */
export interface Run {
  readonly contents: Contents
  readonly computed?: readonly string[]
  readonly targets: Targets
}

/** A plan's part in a submission: a run, reading, or both. */
export interface Part {
  readonly executor: Executor
  readonly run?: Run
  readonly entries: readonly ReadbackEntry[]
}

/** A part with the buffer that it is read through. */
interface StagedPart extends Part {
  readonly staging?: GPUBuffer
}

/**
 * One command buffer for all parts, in their order, submitted before this returns.
 * @returns the device's verdict
 */
export function submitParts(
  label: string,
  parts: readonly StagedPart[],
): { readonly verdict: Promise<void> } {
  const { device } = (parts[0] as Part).executor
  return device.judged(label, () => {
    for (const { executor, run } of parts) if (run !== undefined) writeArrays(executor, run.contents)
    const encoder = device.gpu.createCommandEncoder()
    for (const { executor, run, entries, staging } of parts) {
      if (run !== undefined) encodeRun(encoder, executor, run)
      for (const { name, offset, copiedBytes } of entries) {
        const output = executor.output(name)
        encoder.copyBufferToBuffer(output.buffer, output.offset, staging as GPUBuffer, offset, copiedBytes)
      }
    }
    device.gpu.queue.submit([encoder.finish()])
  })
}

/** Arrays of the caller, into the plan's inputs. */
export function writeArrays(executor: Executor, contents: Contents): void {
  for (const [name, bytes] of contents) {
    const { buffer, offset } = executor.input(name)
    if (isBuiltIn(bytes, 'Uint8Array')) executor.device.gpu.queue.writeBuffer(buffer, offset, bytes)
  }
}

/** A run in one compute pass: what is on the device already is copied to the inputs, and results to where they are wanted. */
export function encodeRun(encoder: GPUCommandEncoder, executor: Executor, run: Run): void {
  for (const [name, source] of run.contents) {
    if (isSlice(source)) copyRows(encoder, source, executor.input(name), 'to plan')
  }
  const pass = encoder.beginComputePass(PASS)
  dispatchRun(pass, executor, run)
  pass.end()
  for (const [name, target] of run.targets) {
    if (isSlice(target)) copyRows(encoder, target, executor.output(name), 'from plan')
  }
}

/** The part of a run that stands in a compute pass: textures are read and written by kernels. */
export function dispatchRun(
  pass: GPUComputePassEncoder,
  executor: Executor,
  { contents, computed, targets }: Run,
): void {
  const textures = TextureCopies.of(executor.device)
  for (const [name, source] of contents) {
    if ('texture' in source) textures.read(pass, source.texture, executor.input(name))
    if ('external' in source) textures.readExternal(pass, source, executor.input(name))
  }
  executor.dispatch(pass, computed)
  for (const [name, target] of targets) {
    if (!('texture' in target)) continue
    const map = mapOf(executor.spec.outputs.get(name) as BorderFacts)
    if (map !== undefined) textures.write(pass, target.texture, executor.output(name), map)
  }
}

function isSlice(data: Uint8Array | CheckedData): data is CheckedSlice {
  return 'rows' in data
}

function copyRows(
  encoder: GPUCommandEncoder,
  { buffer, offset, rows, rowBytes, bytesPerRow }: CheckedSlice,
  plan: Region,
  way: 'to plan' | 'from plan',
): void {
  for (let row = 0; row < rows; row++) {
    const [outside, inside] = [offset + row * bytesPerRow, plan.offset + row * rowBytes]
    if (way === 'to plan') encoder.copyBufferToBuffer(buffer, outside, plan.buffer, inside, rowBytes)
    else encoder.copyBufferToBuffer(plan.buffer, inside, buffer, outside, rowBytes)
  }
}

/** A part whose results the caller waits for. */
export interface ReadPart extends Part {
  readonly into: Readonly<PlanOutputs> | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Submits before it returns; each part is read through a buffer of its own, all in one wait.
 * @param before settles when results of earlier calls have been given
 * @param explained what a refusal of the submission means
 * @param submitted told of the verdict at once
 */
export async function readParts(
  label: string,
  parts: readonly ReadPart[],
  before: Promise<unknown>,
  explained: (verdict: Promise<void>) => Promise<void>,
  submitted: (verdict: Promise<void>) => void,
): Promise<PlanOutputs[]> {
  const { device } = (parts[0] as Part).executor
  const staged: (ReadPart & { readonly staging: GPUBuffer })[] = []
  try {
    const created: Promise<void>[] = []
    for (const part of parts) {
      const { result, verdict } = stagingOf(device, part.executor)
      staged.push({ ...part, staging: result })
      created.push(verdict)
    }
    const verdict = explained(submitParts(label, staged).verdict)
    submitted(verdict)
    const mapped = staged.map(({ staging, entries }) =>
      device.wait(`${label}: reading`, () => staging.mapAsync(MapMode.READ, 0, readbackBytes(entries))),
    )
    // All have settled before the buffers are handed on; of several errors the first tells most.
    const settled = await Promise.allSettled([...created, verdict, ...mapped])
    const failed = settled.find((result) => result.status === 'rejected')
    await before
    if (failed !== undefined) throw failed.reason
    return staged.map(({ staging, entries, into, signal }) => {
      const range = staging.getMappedRange(0, readbackBytes(entries))
      return copyOut(range, entries, signal?.aborted ? {} : into)
    })
  } finally {
    for (const { staging, executor } of staged) {
      if (!executor.disposed) staging.unmap()
      executor.giveStaging(staging)
    }
  }
}

/** A readback buffer; the verdict is on its allocation where one had to be made. */
function stagingOf(
  device: EngineDevice,
  executor: Executor,
): { readonly result: GPUBuffer; readonly verdict: Promise<void> } {
  const free = executor.takeStaging()
  if (free !== undefined) return { result: free, verdict: Promise.resolve() }
  return device.judged(`plan "${executor.spec.name}": readback`, () => executor.makeStaging())
}
