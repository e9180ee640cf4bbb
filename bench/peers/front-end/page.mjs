// Runs in Chromium: MediaPipe's face mesh as its users run it.
const solution = new window.FaceMesh({ locateFile: (file) => `/node_modules/@mediapipe/face_mesh/${file}` })
solution.setOptions({ maxNumFaces: 1, refineLandmarks: true })
let image

/** Loads the photo that later runs see. */
window.load = async (path) => {
  const response = await fetch(path)
  image = await createImageBitmap(await response.blob())
}

/** One photo through detector and mesh; a reset makes it look for the face anew. Resolves to [ms, landmarks in px]. */
window.run = async () => {
  solution.reset()
  const results = new Promise((resolve) => solution.onResults(resolve))
  const start = performance.now()
  await solution.send({ image })
  const { multiFaceLandmarks } = await results
  const ms = performance.now() - start
  const face = multiFaceLandmarks?.[0] ?? []
  return [ms, face.flatMap(({ x, y }) => [x * image.width, y * image.height])]
}
window.ready = true
