import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { ROOT } from './chromium.js'

/** The web pages under test: building them, giving them files, looking at what they draw. */

const run = promisify(execFile)

/** WebGPU and WebGL on SwiftShader, a camera that plays a file, and no traffic of the browser's own. */
export function pageFlags(camera?: string): string[] {
  return [
    '--enable-unsafe-webgpu',
    '--enable-unsafe-swiftshader',
    '--no-sandbox',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    ...(camera === undefined
      ? []
      : [
          '--use-fake-device-for-media-stream',
          '--use-fake-ui-for-media-stream',
          `--use-file-for-fake-video-capture=${camera}`,
        ]),
  ]
}

/** @returns folder of the built page */
export async function buildPage(page: 'app' | 'viewer'): Promise<string> {
  if (!existsSync(join(ROOT, 'dist/browser/index.js'))) await run('npm', ['run', 'build'], { cwd: ROOT })
  const web = join(ROOT, 'web')
  await run('npm', ['install', '--ignore-scripts', '--silent'], { cwd: web })
  await run('npm', ['run', page === 'app' ? 'build:app' : 'build'], { cwd: web })
  return join(web, 'dist', page)
}

export async function command(...args: string[]): Promise<string> {
  return (await run(process.execPath, [join(ROOT, 'bin/deepfaceflow.js'), ...args], { cwd: ROOT })).stdout
}

/** Starts `view`. */
export async function view(
  folder: string,
): Promise<{ address: string; end(): Promise<{ code: number | null }> }> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/deepfaceflow.js'), 'view', folder, '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<{ code: number | null }>((done) => child.on('exit', (code) => done({ code })))
  const address = await new Promise<string>((done, fail) => {
    let text = ''
    child.stdout.on('data', (part) => {
      text += part
      const found = /http:\S+/.exec(text)?.[0]
      if (found) done(found)
    })
    void ended.then(() => fail(new Error(`view ended: ${text}`)))
  })
  return {
    address,
    end() {
      child.kill('SIGINT')
      return ended
    },
  }
}

/** Drops files on an element, as a person does. */
export async function drop(
  page: Page,
  selector: string,
  files: readonly { readonly name: string; readonly type: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  const given = files.map(({ name, type, bytes }) => ({
    name,
    type,
    base64: Buffer.from(bytes).toString('base64'),
  }))
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer()
    for (const { name, type, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      data.items.add(new File([bytes], name, { type }))
    }
    return data
  }, given)
  await page.dispatchEvent(selector, 'drop', { dataTransfer: transfer })
}

/** Share of a shot's pixels in [0, 1] that differ from its corner by more than 24 grey levels: what is drawn there. */
export async function drawnShare(page: Page, selector: string): Promise<number> {
  return await changedShare(page, await shot(page, selector))
}

export async function shot(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().screenshot()).toString('base64')
}

/** Share of pixels that differ between two shots; between one and its corner without a second. */
export async function changedShare(page: Page, a: string, b?: string): Promise<number> {
  return await page.evaluate(
    async ([first, second]) => {
      const pixels = async (png: string) => {
        const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
        const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
        context?.drawImage(bitmap, 0, 0)
        return context?.getImageData(0, 0, bitmap.width, bitmap.height) as ImageData
      }
      const one = await pixels(first as string)
      const other = second === undefined ? null : await pixels(second)
      // Not the corner itself, which is rounded.
      const corner = 4 * (12 * one.width + 12)
      let changed = 0
      for (let i = 0; i < one.data.length; i += 4) {
        const far = [0, 1, 2].some((k) => {
          const from = other ? other.data[i + k] : one.data[corner + k]
          return Math.abs((one.data[i + k] as number) - (from as number)) > 24
        })
        if (far) changed++
      }
      return (4 * changed) / one.data.length
    },
    [a, b] as const,
  )
}

/** Moves a slider. */
export async function slide(page: Page, name: string, value: number): Promise<void> {
  await page.getByRole('slider', { name, exact: true }).evaluate((element, to) => {
    const input = element as HTMLInputElement
    input.value = String(to)
    input.dispatchEvent(new Event('input'))
  }, value)
}

/** Nothing sticks out to the right. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
