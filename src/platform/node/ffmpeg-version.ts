import { capture } from './ffmpeg.js'

/** Whether pictures can be joined to a video here. */
export async function hasFfmpeg(): Promise<boolean> {
  return (await ffmpegVersion()) !== null
}

/** Version line of ffmpeg; null where there is none. */
async function ffmpegVersion(): Promise<string | null> {
  const run = await capture('ffmpeg', ['-version']).catch(() => null)
  return run?.code === 0 ? (run.stdout.split('\n')[0] ?? '') : null
}

/** Every frame once, with its own time: ffmpeg's default repeats and drops frames to hold a constant rate. */
export async function passthrough(): Promise<string[]> {
  // The option was renamed in 5.1, and the old name goes away.
  const release = /version n?(\d+)\.(\d+)/.exec((await ffmpegVersion()) ?? '')
  const [major, minor] = [Number(release?.[1] ?? 5), Number(release?.[2] ?? 1)]
  const old = major < 5 || (major === 5 && minor < 1)
  return [old ? '-vsync' : '-fps_mode', 'passthrough']
}
