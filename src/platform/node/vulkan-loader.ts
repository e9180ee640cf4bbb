import { existsSync, readdirSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { EngineError } from '../../errors.js'
import { withoutDriverMessages } from './driver-messages.js'
import { embeddedDriver } from './embedded.js'
import { loadForGood, nativeEnvironment, setNativeEnvironment } from './native-code.js'

const SONAME = 'libvulkan.so.1'
/** Whose library answers to the loader's name in this process. */
let answering: 'system' | 'embedded' | 'driver' | undefined

/**
 * Sees to it that Dawn finds a Vulkan loader for the system's drivers: the system's own, else the embedded one.
 *
 * @throws EngineError NO_ADAPTER if there is none
 */
export async function ensureVulkanLoader(): Promise<void> {
  if (answering) return
  if (loadForGood(SONAME) === undefined) {
    answering = 'system'
    return
  }
  load((await embeddedDriver()).loader)
  answering = 'embedded'
}

/**
 * Sees to it that Dawn finds the embedded driver. Where the system has drivers, through a loader, which must be told of
 * it: see {@link withVulkanEnvironment}. Where it has none, the driver takes the loader's place: then no environment
 * matters, and the driver can be opened in a worker thread and in contexts whose environment is a copy.
 *
 * @throws EngineError NO_ADAPTER if it is missing or cannot be loaded
 */
export async function ensureEmbeddedDriver(): Promise<void> {
  if (systemHasDrivers()) return ensureVulkanLoader()
  const { driver } = await embeddedDriver()
  if (answering) return
  load(driver)
  answering = 'driver'
}

function load(library: string): void {
  const obstacle = loadForGood(library)
  if (obstacle !== undefined)
    throw new EngineError('NO_ADAPTER', `the embedded adapter cannot be loaded: ${obstacle}`, { library })
}

const OVERRIDES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES']

/** True if the system may have a Vulkan driver: a manifest where the loader looks, or one named by the user. */
export function systemHasDrivers(): boolean {
  const env = nativeEnvironment()
  if (OVERRIDES.some((name) => env[name])) return true
  const list = (name: string, standard: string): string[] => (env[name] || standard).split(':')
  const folders = [
    env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...list('XDG_CONFIG_DIRS', '/etc/xdg'),
    '/etc',
    env.XDG_DATA_HOME || join(homedir(), '.local/share'),
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
  const selected = nativeEnvironment().VK_ICD_FILENAMES === manifest && !nativeEnvironment().VK_DRIVER_FILES
  if (manifest !== undefined && !isMainThread && answering !== 'driver' && !selected)
    throw new EngineError(
      'NO_ADAPTER',
      "beside the system's drivers, a worker thread cannot select the embedded adapter: its environment is a copy; open " +
        `the device in the main thread, or start the process with VK_ICD_FILENAMES=${manifest}`,
    )
  const wanted: Record<string, string | undefined> = {
    // Drivers complain on stderr when it is missing, and use it for sockets, which nobody opens here.
    XDG_RUNTIME_DIR: nativeEnvironment().XDG_RUNTIME_DIR || tmpdir(),
    ...(manifest !== undefined && {
      VK_DRIVER_FILES: manifest,
      VK_ICD_FILENAMES: manifest,
      VK_ADD_DRIVER_FILES: undefined,
    }),
  }
  const before = Object.keys(wanted).map((name) => [name, nativeEnvironment()[name]] as const)
  setNativeEnvironment(Object.entries(wanted))
  try {
    return withoutDriverMessages(discover)
  } finally {
    setNativeEnvironment(before)
  }
}
