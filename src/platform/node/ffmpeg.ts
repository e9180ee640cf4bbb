import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { FaceError } from '../../errors.js'
import { messageOf } from '../../realms.js'

/*
 * The system's ffmpeg and ffprobe as child processes. The wrappers on npm are unmaintained (fluent-ffmpeg is archived)
 * or bundle a binary of tens of megabytes; what is needed here is two pipes.
 */

const MISSING =
  'is needed for video files and was not found; install ffmpeg (for example "apt install ffmpeg" or "brew install ffmpeg"), or give a folder of frames instead'

/**
 * Containers of one video. Playlists and scripts (HLS, DASH, concat, image sequences) are not among them: they would
 * open other files than the one that was named.
 */
const CONTAINERS = [
  ...[
    'mov',
    'matroska',
    'webm',
    'avi',
    'mpegts',
    'mpeg',
    'flv',
    'ogg',
    'asf',
    'gif',
    'apng',
    'ivf',
    'mxf',
    'nut',
  ],
  ...['h264', 'hevc', 'obu', 'm4v', 'mpegvideo', 'mjpeg', 'rm', 'dv', 'wtv', 'yuv4mpegpipe', 'live_flv'],
]

/** A file's name as the programs take it literally: no option, no protocol, no pattern of numbers. */
export function fileUrl(file: string): string {
  return `file:${resolve(file)}`
}

/** Options and name of an input that is this file and nothing else. */
export function inputArguments(file: string): string[] {
  return ['-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS.join(','), '-i', fileUrl(file)]
}

/** What a program left behind. */
export interface Ended {
  /** Exit status; null if a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** A program under way; `ended` rejects with EXTERNAL_TOOL if it could not be started. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Stderr that is kept for messages, characters. */
const KEPT = 20_000

/** @param onStderr sees every piece of stderr instead of having its end kept */
export function start(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
  stdin: 'ignore' | 'pipe',
  onStderr?: (text: string) => void,
): Running {
  const child = spawn(program, args, { stdio: [stdin, 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (onStderr) onStderr(text)
    else stderr = (stderr + text).slice(-KEPT)
  })
  const ended = once(child, 'close').then(
    ([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null, stderr }),
    (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'ENOENT' ? MISSING : `could not be started: ${messageOf(cause)}`
      throw new FaceError('EXTERNAL_TOOL', `${program} ${what}`, { program }, { cause })
    },
  )
  // Whoever reads the pipe first comes to this later.
  ended.catch(() => undefined)
  return { child, ended }
}

/** Runs a program to its end. @throws FaceError EXTERNAL_TOOL if it cannot be started, or is ended from outside */
export async function capture(
  program: 'ffmpeg' | 'ffprobe',
  args: readonly string[],
): Promise<Ended & { readonly stdout: string }> {
  const { child, ended } = start(program, args, 'ignore')
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const end = await ended
  assertOwnEnd(program, end.signal)
  return { ...end, stdout }
}

/** What others end processes with, and the system that is out of memory. Other signals are crashes of the program over its input. */
const FROM_OUTSIDE: ReadonlySet<string> = new Set('SIGKILL SIGTERM SIGINT SIGHUP SIGQUIT SIGXCPU'.split(' '))

/**
 * What a program did not do that was ended by somebody says nothing of its input.
 * @throws FaceError EXTERNAL_TOOL (`details.signal`)
 */
export function assertOwnEnd(program: 'ffmpeg' | 'ffprobe', signal: string | null): void {
  if (signal === null || !FROM_OUTSIDE.has(signal)) return
  throw new FaceError(
    'EXTERNAL_TOOL',
    `${program} was ended from outside (${signal}) before it was through; start again, and see whether the machine ran out of memory`,
    { program, signal },
  )
}

/** What ffmpeg or ffprobe complained about at level error, without their own prefixes. */
export function errorsIn(stderr: string): string[] {
  const errors: string[] = []
  for (const line of stderr.split('\n')) {
    const found = /^(?:\[([^\]]*)\] )?\[(?:error|fatal|panic)\] (.*)$/.exec(line.trim())
    // The pipe's muxer wants rising times, which frames of one rounded instant do not have; nothing is lost by it.
    if (found?.[2] && !/non[- ]monoton/i.test(found[2])) errors.push(found[2])
  }
  return errors
}
