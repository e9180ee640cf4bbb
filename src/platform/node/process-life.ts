import { readFileSync } from 'node:fs'

/**
 * Whether a process of this machine can still be at work. One that has ended but whose parent never asked how (a container without an init
 * keeps such zombies for ever) answers signals like a living one; Linux tells.
 */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, under another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return !/^[ZX]$/.test(statFields(pid)?.[0] ?? '')
}

/** Linux says when a process started, in ticks since boot; null elsewhere: the number alone has to do. */
export function processStart(pid: number): string | null {
  return statFields(pid)?.[19] ?? null
}

/** The fields of /proc/PID/stat from the third on, the state; the second, a name in parentheses, may hold blanks. */
function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
