import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, isAbsolute } from 'node:path'
import { runInThisContext } from 'node:vm'
import { messageOf } from '../../realms.js'
import { ownRequire } from './own-place.js'

/*
 * What native code in this process sees: shared libraries and environment variables. Node, Bun and Deno run the same
 * modules, but each reaches native code in another way.
 */

interface DenoRuntime {
  dlopen(library: string, symbols: object): unknown
}

interface BunForeignFunctions {
  dlopen<Name extends string>(
    library: string,
    symbols: Record<Name, { args: string[]; returns: string }>,
  ): { readonly symbols: Record<Name, (...args: unknown[]) => unknown> }
}

const deno = (globalThis as { Deno?: DenoRuntime }).Deno

/** Bun's foreign functions; undefined in other runtimes. */
const bun: BunForeignFunctions | undefined =
  process.versions.bun === undefined ? undefined : (ownRequire()('bun:ffi') as BunForeignFunctions)

/** glibc's flag that keeps a library loaded after its last handle is closed. */
const RTLD_NODELETE = 0x1000

/** What the runtimes' own `dlopen` returned: a handle that is collected closes its library. */
const handles: unknown[] = []

/**
 * Loads a Vulkan loader or driver into the process to stay. Dawn's later `dlopen` of the same SONAME is then answered with
 * it, without a search path, which LD_LIBRARY_PATH could not do any more: the dynamic linker reads it once, when the
 * process starts.
 *
 * @param library a SONAME or an absolute path
 * @returns what stood in the way, undefined if it is loaded
 */
export function loadForGood(library: string): string | undefined {
  try {
    // Bun wants a symbol; this one is in every Vulkan loader and driver that can take a loader's place.
    if (bun)
      handles.push(bun.dlopen(library, { vkGetInstanceProcAddr: { args: ['ptr', 'ptr'], returns: 'ptr' } }))
    else if (deno) handles.push(deno.dlopen(library, {}))
    // It wants a Node add-on and closes anything else again with an error, but RTLD_NODELETE keeps what it opened.
    else process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | RTLD_NODELETE)
    return undefined
  } catch (error) {
    return isLoaded(library) ? undefined : messageOf(error)
  }
}

/** Whether the process has a library in its address space, by the kernel's own list. */
function isLoaded(library: string): boolean {
  const list = '/proc/self/maps'
  if (!existsSync(list)) return false
  const path = isAbsolute(library) && existsSync(library) ? realpathSync(library) : undefined
  return readFileSync(list, 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .some((file) => (path === undefined ? basename(file).startsWith(library) : file === path))
}

/**
 * The environment that native code sees, to read from. jest gives tests a copy as `process.env`, and so do workers (for
 * which this is that copy, too).
 */
export const nativeEnvironment = (): NodeJS.ProcessEnv => (runInThisContext('process') as NodeJS.Process).env

/** Bun's `process.env` is an object of its own that native code never sees. */
const libc = bun?.dlopen('libc.so.6', {
  setenv: { args: ['ptr', 'ptr', 'int'], returns: 'int' },
  unsetenv: { args: ['ptr'], returns: 'int' },
})

/** Sets variables for native code in this process; undefined removes one. */
export function setNativeEnvironment(entries: readonly (readonly [string, string | undefined])[]): void {
  const env = nativeEnvironment()
  for (const [name, value] of entries) {
    if (value === undefined) delete env[name]
    else env[name] = value
    if (!libc) continue
    if (value === undefined) libc.symbols.unsetenv(text(name))
    else libc.symbols.setenv(text(name), text(value), 1)
  }
}

const text = (string: string): Buffer => Buffer.from(`${string}\0`)
