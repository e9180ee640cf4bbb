/**
 * Resolves when the browser takes a canvas's WebGL away, as it does when its GPU process ends. Call before the renderer is made.
 *
 * It is not asked for again: Chromium 156 on SwiftShader ends the whole tab, photos and results with it, when it restores WebGL of
 * a canvas in a worker.
 */
export function contextLost(canvas: OffscreenCanvas): Promise<void> {
  return new Promise((resolve) => {
    canvas.addEventListener('webglcontextlost', (event) => {
      // Three.js, which comes after, would ask for it.
      event.stopImmediatePropagation()
      resolve()
    })
  })
}
