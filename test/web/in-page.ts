import type { Browser } from './chromium.js'

/** The package in a page of a server of this folder. */

export const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>deepfaceflow</title>'
const HEAD = "const dff = await import('/dist/browser/index.js')\n"

/** Runs the body of an async function in the page, where `dff` is the package. */
export async function inPage<T>(body: string, { page }: Pick<Browser, 'page'>): Promise<T> {
  return (await page.evaluate(`(async () => { ${HEAD} ${body} })()`)) as T
}

/** What the body throws there. */
export async function thrown(
  body: string,
  from: Pick<Browser, 'page'>,
): Promise<{ name: string; code: string; message: string; reason?: string }> {
  return await inPage(
    `try { ${body} } catch (error) {
      return { name: error.name, code: error.code, message: error.message, reason: error.details?.reason }
    }
    throw new Error('nothing was thrown')`,
    from,
  )
}
