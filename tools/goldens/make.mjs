// Makes test/fixtures/front-end. See the README there for how to run it.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { letterbox, roiToCrop } from '../../src/face/detection-roi.ts'
import { applySimilarity, invertSimilarity } from '../../src/face/geometry-similarity.ts'
import { writeSafetensors } from '../../src/weights/write-safetensors.ts'
import { assetPart, readAssets } from '../mediapipe/assets.ts'
import { PHOTOS, photoFolders } from './photos.mjs'
import { serve } from './server.mjs'
import { solutionWithRois } from './solution.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const out = fileURLToPath(new URL('../../test/fixtures/front-end/', import.meta.url))
const { chromium } = await import('playwright-core')

const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The MediaPipe solution draws and samples with WebGL.
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
]

/**
 * Bilinear samples of a square of `side` px; `toSquare` maps photo px to it. Outside the photo the detector sees
 * black, the mesh networks see the nearest pixel, as in the solution.
 */
function cutSquare(photo, toSquare, side, border) {
  const toPhoto = invertSimilarity(toSquare)
  const rgb = new Uint8Array(side * side * 3)
  const clamp = (v, size) => Math.min(Math.max(v, 0), size - 1)
  const pixel = (x, y, c) => {
    const [u, v] = [clamp(x, photo.width), clamp(y, photo.height)]
    return border === 'black' && (u !== x || v !== y) ? 0 : photo.data[(v * photo.width + u) * 4 + c]
  }
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const [px, py] = applySimilarity(toPhoto, i + 0.5, j + 0.5)
      const [x, y] = [Math.floor(px - 0.5), Math.floor(py - 0.5)]
      const [fx, fy] = [px - 0.5 - x, py - 0.5 - y]
      for (let c = 0; c < 3; c++) {
        const top = pixel(x, y, c) * (1 - fx) + pixel(x + 1, y, c) * fx
        const bottom = pixel(x, y + 1, c) * (1 - fx) + pixel(x + 1, y + 1, c) * fx
        rgb[(j * side + i) * 3 + c] = Math.round(top * (1 - fy) + bottom * fy)
      }
    }
  }
  return rgb
}

async function decode(file) {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const savePng = (rgb, side, file) =>
  sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toFile(file)

async function makeGolden(page, photo, name) {
  const graph = (part, rgb, side, scale, shift) =>
    page.evaluate((a) => window.runGraph(...a), [part, base64(rgb), side, scale, shift])
  const solution = (refine) =>
    page.evaluate((a) => window.runSolution(...a), [base64(photo.data), photo.width, photo.height, refine])

  const small = cutSquare(photo, letterbox(photo.width, photo.height), 128, 'black')
  const detector = await graph('detector', small, 128, 1 / 127.5, -1)
  const [base, refined] = [await solution(false), await solution(true)]
  if (!base || !refined) throw new Error(`${name}: the solution found no face`)
  // The crop that the solution itself looked at, so that its landmarks test the networks and not the detector too.
  const [cx, cy, roiSide, angle] = refined.roi
  const crop = cutSquare(photo, roiToCrop({ cx, cy, side: roiSide, angle }), 192, 'nearest')
  const mesh = await graph('mesh', crop, 192, 1 / 255, 0)

  await savePng(small, 128, join(out, `${name}.detector.png`))
  await savePng(crop, 192, join(out, `${name}.crop.png`))
  const f32 = (tensor, shape, values) => ({ name: tensor, dtype: 'F32', shape, values })
  await writeSafetensors(
    join(out, `${name}.safetensors`),
    [
      f32('detector.scores', [896], detector.classificators.values),
      f32('detector.boxes', [896, 16], detector.regressors.values),
      f32('mesh.vertices', [468, 3], mesh.conv2d_21.values),
      f32('mesh.flag', [1], mesh.conv2d_31.values),
      f32('photo.roi', [4], refined.roi),
      f32('photo.landmarks', [468, 3], base.landmarks),
      f32('photo.refined', [478, 3], refined.landmarks),
    ],
    {
      tensors:
        'LiteRT.js (@litertjs/core 2.5.3), wasm accelerator, graphs of @mediapipe/face_mesh@0.4.1657299874',
      photo:
        'FaceMesh solution of @mediapipe/face_mesh@0.4.1657299874 in Chromium, first frame after reset()',
    },
  )
}

const assets = await readAssets(join(here, 'node_modules/@mediapipe/face_mesh'))
const parts = Object.fromEntries(
  ['detector', 'mesh'].map((part) => [`/parts/${part}`, assetPart(assets, part).bytes]),
)
const folders = await photoFolders(here)
const { origin, close } = await serve(here, { ...parts, ...(await solutionWithRois(here)) })
const profile = await mkdtemp(join(tmpdir(), 'deepfaceflow-chromium-'))
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: CHROMIUM_FLAGS,
})
try {
  await mkdir(out, { recursive: true })
  const page = await browser.newPage()
  page.on('pageerror', (error) => console.error(`page: ${error.message}`))
  await page.goto(`${origin}/page.html`)
  await page.waitForFunction(() => window.ready)
  for (const {
    name,
    source,
    file,
    window: [left, top, width, height],
  } of PHOTOS) {
    const jpeg = await sharp(join(folders[source], file))
      .extract({ left, top, width, height })
      .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
      .toBuffer()
    await writeFile(join(out, `${name}.jpg`), jpeg)
    await makeGolden(page, await decode(jpeg), name)
    console.log(`${name}: ${width}x${height}, ${jpeg.length} bytes`)
  }
} finally {
  await browser.close()
  await rm(profile, { recursive: true, force: true })
  close()
}
