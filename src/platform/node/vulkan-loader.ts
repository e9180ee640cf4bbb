import { existsSync, readdirSync } from 'node:fs'
import { constants, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { EngineError } from '../../errors.js'
import { embeddedDriver } from './embedded.js'

const SONAME = 'libvulkan.so.1'
/** glibc's flag that keeps a library loaded after its last handle is closed. */
const RTLD_NODELETE = 0x1000

/**
 * Loads a shared library into the process to stay. `process.dlopen` wants a Node add-on and closes anything
 * else again, but by then the library is loaded; RTLD_NODELETE keeps it. Dawn's later `dlopen` of the same
 * SONAME is then answered with it, without a search path, which LD_LIBRARY_PATH could not do any more: the
 * dynamic linker reads it once, when the process starts.
 */
function loadForGood(library: string): boolean {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | RTLD_NODELETE)
    return true
  } catch (error) {
    return error instanceof Error && error.message.includes('did not self-register')
  }
}

let loaded: 'system' | 'embedded' | undefined

/**
 * Sees to it that Dawn finds a Vulkan loader: the system's, else the embedded one, which then serves the
 * system's drivers as well as the embedded driver.
 *
 * @returns whose loader it is
 * @throws EngineError NO_ADAPTER if there is none
 */
export async function ensureVulkanLoader(): Promise<'system' | 'embedded'> {
  if (loaded) return loaded
  if (loadForGood(SONAME)) {
    loaded = 'system'
    return loaded
  }
  const { loader } = await embeddedDriver()
  if (!loadForGood(loader))
    throw new EngineError('NO_ADAPTER', `the dynamic linker refuses ${loader}`, { loader })
  loaded = 'embedded'
  return loaded
}

const OVERRIDES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES']

/** True if the system may have a Vulkan driver: a manifest where the loader looks, or one named by the user. */
export function systemHasDrivers(): boolean {
  if (OVERRIDES.some((name) => process.env[name])) return true
  const list = (name: string, standard: string): string[] => (process.env[name] || standard).split(':')
  const folders = [
    process.env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...list('XDG_CONFIG_DIRS', '/etc/xdg'),
    '/etc',
    process.env.XDG_DATA_HOME || join(homedir(), '.local/share'),
    ...list('XDG_DATA_DIRS', '/usr/local/share:/usr/share'),
  ]
  return folders.some((folder) => {
    const manifests = join(folder, 'vulkan/icd.d')
    return existsSync(manifests) && readdirSync(manifests).some((name) => name.endsWith('.json'))
  })
}

/**
 * Runs `discover`, in which Dawn creates its Vulkan instance, with the environment that the Vulkan loader is
 * to read, and puts the environment back. `discover` must do its work before it returns.
 *
 * @param manifest the only driver to offer; the system's drivers when left out
 */
export function withVulkanEnvironment<T>(manifest: string | undefined, discover: () => T): T {
  if (process.platform !== 'linux') return discover()
  const selected = process.env.VK_ICD_FILENAMES === manifest && !process.env.VK_DRIVER_FILES
  if (manifest !== undefined && !isMainThread && !selected)
    throw new EngineError(
      'NO_ADAPTER',
      'a worker thread cannot set the environment that selects the embedded adapter; open the device in the ' +
        `main thread, or start the process with VK_ICD_FILENAMES=${manifest}`,
    )
  const wanted: Record<string, string | undefined> = {
    // Drivers complain on stderr when it is missing, and use it for sockets, which nobody opens here.
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || tmpdir(),
    ...(manifest !== undefined && {
      VK_DRIVER_FILES: manifest,
      VK_ICD_FILENAMES: manifest,
      VK_ADD_DRIVER_FILES: undefined,
    }),
  }
  const before = Object.keys(wanted).map((name) => [name, process.env[name]] as const)
  setEnvironment(Object.entries(wanted))
  try {
    return discover()
  } finally {
    setEnvironment(before)
  }
}

function setEnvironment(entries: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of entries) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
}
