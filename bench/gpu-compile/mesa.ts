import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'

/** Folder with Mesa 25, the null-GPU driver and Intel's compiler; set up on first use (some minutes and 120 MB of downloads). */
export function mesaFolder(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = process.env.DEEPFACEFLOW_BENCH_MESA || join(cache, 'deepfaceflow-bench', 'mesa-25')
  if (
    !existsSync(join(folder, 'nullgpu.json')) ||
    !existsSync(join(folder, 'intel', 'usr', 'bin', 'ocloc'))
  ) {
    process.stderr.write(`setting Mesa 25 up in ${folder}\n`)
    const script = join(packageFacts().root, 'bench', 'gpu-compile', 'setup.sh')
    execFileSync(script, [folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  }
  return folder
}

/** Environment of a process that compiles for an AMD family and prints what the compiler made of each shader. */
export function nullGpuEnvironment(folder: string, family: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LD_LIBRARY_PATH: join(folder, 'lib'),
    VK_ICD_FILENAMES: join(folder, 'nullgpu.json'),
    VK_DRIVER_FILES: join(folder, 'nullgpu.json'),
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || folder,
    RADV_FORCE_FAMILY: family,
    // Assembly and statistics to stderr; without a cache, or a second run would print nothing.
    RADV_DEBUG: 'asm,shaderstats,nocache',
    MESA_SHADER_CACHE_DISABLE: 'true',
  }
}
