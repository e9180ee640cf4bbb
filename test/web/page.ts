import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
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

/** A channel that differs by less is noise. Grey levels. */
const CHANGED = 24

/** Share of a picture's pixels in [0, 1] that are not as its ground near the corner: what is drawn there. */
export async function drawnShare(page: Page, selector: string): Promise<number> {
  const { data, info } = await pixelsOf(await shot(page, selector))
  // Not the corner itself, which is rounded.
  const ground = 3 * (12 * info.width + 12)
  return share(data, (i) => ground + (i % 3))
}

export async function shot(page: Page, selector: string): Promise<Buffer> {
  return await page.locator(selector).first().screenshot()
}

/** Share of pixels in [0, 1] that differ between two shots. */
export async function changedShare(a: Buffer, b: Buffer): Promise<number> {
  const [one, other] = [await pixelsOf(a), await pixelsOf(b)]
  return share(one.data, (i) => i, other.data)
}

async function pixelsOf(png: Buffer) {
  return await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
}

function share(data: Buffer, partner: (index: number) => number, other = data): number {
  let changed = 0
  for (let i = 0; i < data.length; i += 3) {
    const far = [i, i + 1, i + 2].some((k) => {
      return Math.abs((data[k] as number) - (other[partner(k)] as number)) > CHANGED
    })
    if (far) changed++
  }
  return (3 * changed) / data.length
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
