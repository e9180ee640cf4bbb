import { stat } from 'node:fs/promises'
import { basename, dirname, join, parse, resolve } from 'node:path'
import { DeepFaceFlowError, FaceError, makeOutputFolder, openFrames, removeIfEmpty } from '../index.js'
import { type CliContext, ExitRequest, type WorkerDesk } from './context.js'
import { eachAtATime, planCrew } from './crew.js'
import { describeError, EXIT } from './exit-codes.js'
import { isOfOneItem } from './item-errors.js'
import { Pace } from './pace.js'
import { runTwice, WorkerEnded } from './process-crew.js'
import { type Progress, startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { runVideo, type VideoFlags } from './video-run.js'
import { isPartial } from './video-summary.js'
import { crewAt, SharedEngine, serveAt, shownBy, type TaskEvent, type Workbench } from './workbench.js'

/** One of several videos, and the folder of its own. */
interface VideoTask {
  readonly input: string
  readonly folder: string
}

type VideoAnswer =
  | { readonly outcome: 'complete' | 'partial'; readonly frames: number; readonly computed: number }
  | { readonly outcome: 'stopped'; readonly computed: number }
  | { readonly outcome: 'failed'; readonly code: string; readonly message: string }

/** Several videos, some of them at a time, into folders of their own. */
export async function videosCommand(
  context: CliContext,
  inputs: readonly string[],
  flags: VideoFlags,
): Promise<void> {
  const tasks = await tasksOf(inputs, flags.out)
  const plan = await planCrew(context, flags, tasks.length)
  const progress = startProgress(context, await countFrames(context, tasks), flags.quiet ?? false)
  const report = shownBy(progress)
  const crew = crewAt<VideoTask, VideoAnswer>(
    plan,
    context.interrupted,
    report,
    () => new VideoBench(context, flags, report),
  )
  const answers = new Map<VideoTask, VideoAnswer>()
  const pace = new Pace()
  const made = await makeOutputFolder(flags.out)
  try {
    await eachAtATime(tasks, crew.size, async (task) => {
      if (context.interrupted.aborted) return
      const answer = await runTwice(crew, task, context.interrupted).catch((error: unknown): VideoAnswer => {
        if (context.interrupted.aborted) return { outcome: 'stopped', computed: 0 }
        if (!(error instanceof WorkerEnded)) throw error
        const message = `${error.message} twice; run it alone to see why`
        progress.note(`${oneLine(task.input)}: ${message}`)
        return { outcome: 'failed', code: 'DEVICE_LOST', message }
      })
      answers.set(task, answer)
      if (answer.outcome !== 'failed') pace.done(answer.computed, crew.memory())
    })
  } finally {
    progress.stop()
    await crew.close()
    await removeIfEmpty(made)
  }
  const videos = tasks.map((task) => ({ ...task, ...(answers.get(task) ?? { outcome: 'open' as const }) }))
  const count = (...outcomes: string[]) => videos.filter(({ outcome }) => outcomes.includes(outcome)).length
  const [complete, partial, failed, open] = [
    count('complete'),
    count('partial'),
    count('failed'),
    count('stopped', 'open'),
  ]
  if (flags.json) {
    context.stdout(`${JSON.stringify({ folder: flags.out, complete, partial, failed, open, videos })}\n`)
  } else if (!flags.quiet) {
    const some = partial > 0 ? `, ${partial} with frames that have no flow` : ''
    const rest = open > 0 ? `, ${open} not finished (the same command goes on)` : ''
    context.stdout(
      `${tasks.length} videos: ${complete} complete${some}, ${failed} failed${rest}; results in ${oneLine(flags.out)}\n`,
    )
    if (complete + partial > 0) context.stdout(`${pace.line('frames', crew.size)}\n`)
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (failed + partial > 0) throw new ExitRequest(EXIT.partial)
}

/** A worker: videos come from the process that started it. */
export async function serveVideos(context: CliContext, desk: WorkerDesk, flags: VideoFlags): Promise<void> {
  await serveAt(desk, new VideoBench(context, flags, desk.report))
}

/** @throws FaceError INVALID_ARGUMENT where two would have one folder */
async function tasksOf(inputs: readonly string[], out: string): Promise<readonly VideoTask[]> {
  const taken = new Map<string, string>()
  const tasks: VideoTask[] = []
  for (const input of inputs) {
    const name = await nameOf(input)
    // Some file systems do not tell letters by their case.
    const key = name.normalize('NFC').toLowerCase()
    const other = taken.get(key)
    if (other !== undefined) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        other === input
          ? `${input} is given twice`
          : `${other} and ${input} would both have the folder ${join(out, name)}; run one of them by itself, with a -o of its own`,
      )
    }
    taken.set(key, input)
    tasks.push({ input, folder: join(out, name) })
  }
  return tasks
}

/** Without the ending of a file's name; a pattern of frames has the name of the folder that they lie in. */
async function nameOf(input: string): Promise<string> {
  let path = resolve(input)
  let info = await stat(path).catch(() => null)
  while (info === null && /[*?{}[\]()!]/.test(basename(path))) {
    path = dirname(path)
    info = await stat(path).catch(() => null)
  }
  return info?.isDirectory() ? basename(path) : parse(path).name
}

/** Frames of all videos as far as their headers tell. @throws FaceError EXTERNAL_TOOL, which would meet every video */
async function countFrames(context: CliContext, tasks: readonly VideoTask[]): Promise<number> {
  let sum = 0
  await eachAtATime(tasks, context.processors, async ({ input }) => {
    try {
      sum += (await openFrames(input, context.interrupted)).count ?? 0
    } catch (error) {
      // Said when it is its turn.
      if (!(error instanceof DeepFaceFlowError) || error.code !== 'INVALID_INPUT') throw error
    }
  })
  return sum
}

/** Where this process works on videos. */
class VideoBench implements Workbench<VideoTask, VideoAnswer> {
  readonly #engine: SharedEngine

  constructor(
    private readonly context: CliContext,
    private readonly flags: VideoFlags,
    private readonly report: (event: TaskEvent) => void,
  ) {
    this.#engine = new SharedEngine(context, flags, report)
  }

  async take({ input, folder }: VideoTask): Promise<VideoAnswer> {
    const progress = this.#progressOf(input)
    try {
      const source = await openFrames(input, this.context.interrupted)
      const open = () => this.#engine.open()
      const { summary, computed } = await runVideo(this.context, source, folder, this.flags, open, progress)
      if (summary === null) return { outcome: 'stopped', computed }
      return { outcome: isPartial(summary) ? 'partial' : 'complete', frames: summary.frames, computed }
    } catch (error) {
      const isOfVideo =
        isOfOneItem(error) || (error instanceof DeepFaceFlowError && error.code === 'EXTERNAL_TOOL')
      if (!isOfVideo) throw error
      progress.note(describeError(error, false))
      return { outcome: 'failed', code: error.code, message: error.message }
    }
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }

  #progressOf(input: string): Progress {
    const name = oneLine(basename(input))
    return {
      step: (text) => this.report({ kind: 'step', text: `${name}: ${text}` }),
      note: (text) => this.report({ kind: 'note', text: `${oneLine(input)}: ${text}` }),
      advance: () => this.report({ kind: 'advance', text: name }),
      pass: () => this.report({ kind: 'pass', text: name }),
      stop: () => undefined,
    }
  }
}
