import { transfer } from 'comlink'
import { createScene, type EngineHandle } from '../engine/engine.js'
import type { LiveFlows, LiveFrame } from '../engine/live-session.js'
import { networkChoice } from '../engine/network-choice.js'
import { curves } from '../ui/curves.js'
import { choice, h, messageOf, tick } from '../ui/dom.js'
import { save } from '../ui/save.js'
import { sceneView } from '../ui/scene-view.js'

/** Webcam or video file: one face followed, as fast as the device allows. */

/** Points of the curves. */
const KEPT = 300

export function liveTab(engine: EngineHandle): HTMLElement {
  const scene = createScene(engine, 'live')
  const face = sceneView(
    scene,
    ['flow', 'depth', 'expression', 'pncc'],
    'Without head motion: expression alone.',
  )
  face.change({ t: 1 })
  const video = h('video', { muted: true, playsInline: true, 'aria-label': 'The picture that is followed' })
  const map = h('canvas', {
    width: 448,
    height: 224,
    className: 'map',
    role: 'img',
    'aria-label': 'Flow in the plane, and depth change',
  })
  const moved = h('canvas', {
    className: 'moved',
    hidden: true,
    role: 'img',
    'aria-label': 'The photo, moved',
  })
  // They can be handed over once: later sessions draw on the same.
  let surface: OffscreenCanvas | null = map.transferControlToOffscreen()
  let movedSurface: OffscreenCanvas | null = moved.transferControlToOffscreen()
  const status = h('p', { className: 'note', role: 'status' }, 'Nothing is followed yet.')
  const speed = h('p', { className: 'read-out' })
  const head = curves('Head, from where the flow starts')
  const energy = curves('Mean flow')
  const read = h('dl', { className: 'coefficients', hidden: true, 'aria-label': 'Coefficients' })
  let flows: LiveFlows = 'reference'
  let isReading = false
  let photo: File | null = null
  let running: { stop(): void } | null = null

  const webcam = h(
    'button',
    { type: 'button', className: 'primary', onclick: () => void startWebcam() },
    'Webcam',
  )
  const input = h('input', { type: 'file', accept: 'video/*', id: 'video-file', className: 'unseen' })
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    if (file) void startFile(file)
    input.value = ''
  })
  const photoInput = h('input', { type: 'file', accept: 'image/*', id: 'moved-photo', className: 'unseen' })
  const forget = h('button', { type: 'button', hidden: true, onclick: () => takePhoto(null) }, 'No photo')
  const photoName = h('span', {}, 'Photo that moves')
  photoInput.addEventListener('change', () => {
    takePhoto(photoInput.files?.[0] ?? null)
    photoInput.value = ''
  })
  const stopButton = h('button', { type: 'button', disabled: true, onclick: () => running?.stop() }, 'Stop')
  const record = h(
    'button',
    { type: 'button', disabled: true, onclick: () => void toggleRecording() },
    'Record',
  )
  let isRecording = false

  const say = (text: string, isError = false) => {
    status.textContent = text
    status.classList.toggle('error', isError)
  }

  function takePhoto(file: File | null): void {
    photo = file
    photoName.textContent = file?.name ?? 'Photo that moves'
    forget.hidden = file === null
    if (running) say('Takes effect at the next start.')
    else if (file)
      say(`${file.name} moves with the next face. Synthetic: only with the consent of whom it shows.`)
  }

  /** @returns what a user should know */
  async function begin(): Promise<readonly string[]> {
    const handed = photo ? movedSurface : surface
    if (photo) movedSurface = null
    else surface = null
    moved.hidden = !photo
    map.hidden = Boolean(photo)
    read.hidden = Boolean(photo) || !isReading
    const canvas = handed && transfer(handed, [handed])
    if (photo) return await engine.worker.startAnimation(photo, canvas)
    await engine.worker.startLive(flows, isReading, canvas)
    return []
  }

  async function startWebcam(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) {
      say('This page may not use the camera: open it over https, or from localhost.', true)
      return
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } })
      video.srcObject = stream
      await start(() => {
        for (const track of stream.getTracks()) track.stop()
      })
    } catch (error) {
      say(cameraMessage(error), true)
    }
  }

  async function startFile(file: File): Promise<void> {
    const address = URL.createObjectURL(file)
    video.srcObject = null
    video.src = address
    try {
      await start(() => URL.revokeObjectURL(address))
    } catch (error) {
      const isUnknown = video.error !== null
      say(
        isUnknown ? `${file.name}: this browser cannot play it; give MP4 (H.264) or WebM.` : messageOf(error),
        true,
      )
    }
  }

  async function start(release: () => void): Promise<void> {
    running?.stop()
    const isFile = video.srcObject === null
    let isOver = false
    const stop = () => {
      if (isOver) return
      isOver = true
      running = null
      video.pause()
      release()
      void engine.worker.stopLive()
      if (isRecording) void toggleRecording()
      for (const button of [stopButton, record]) button.disabled = true
    }
    running = { stop }
    let notes: readonly string[] = []
    let canRecord = true
    try {
      // Whether it can be played is told at once; a file begins when there is what follows it.
      await video.play()
      if (isFile) video.pause()
      say('Opening the engine …')
      await engine.ready()
      if (isOver) return
      const isMoving = photo !== null
      notes = await begin()
      canRecord = !isMoving
      if (isFile && !isOver) {
        video.currentTime = 0
        await video.play()
      }
    } catch (error) {
      // Another source took its place meanwhile.
      if (isOver) return
      stop()
      throw error
    }
    if (isOver) return
    stopButton.disabled = false
    record.disabled = !canRecord
    say(['Looking for a face …', ...notes].join(' '))
    const history = newHistory()
    let hasFace = false
    video.onended = () => {
      stop()
      if (!hasFace) say('The video is over, and no face was found in it.', true)
    }
    const take = (_now: number, { mediaTime }: VideoFrameCallbackMetadata) => {
      if (isOver) return
      video.requestVideoFrameCallback(take)
      const frame = new VideoFrame(video)
      engine.worker.frame(transfer(frame, [frame]), mediaTime).then(
        (step) => {
          if (step && step.status !== 'lost') hasFace = true
          if (step && !isOver) show(step, history, mediaTime)
        },
        (error) => {
          stop()
          say(messageOf(error), true)
        },
      )
    }
    video.requestVideoFrameCallback(take)
  }

  function show(step: LiveFrame, history: ReturnType<typeof newHistory>, time: number): void {
    say(step.message ?? (step.status === 'reference' ? 'Motion starts at this frame.' : 'Following.'))
    showCoefficients(step.coefficients)
    history.add(step, time)
    head.show(history.times, history.head)
    energy.show(history.times, history.energy)
    head.mark(history.times.length - 1)
    energy.mark(history.times.length - 1)
    const { whole, device } = step.timing
    speed.textContent =
      `${history.rate().toFixed(1)} frames a second, ${step.counters.dropped} left out. ` +
      `A frame takes ${whole.toFixed(0)} ms: GPU ${device.toFixed(0)} ms, CPU ${Math.max(0, whole - device).toFixed(0)} ms.`
  }

  function showCoefficients(coefficients: LiveFrame['coefficients']): void {
    if (!coefficients) return
    const rows = coefficients.flatMap(({ name, value }) => [
      h('dt', {}, name),
      h('dd', {}, h('meter', { min: 0, max: 1, value, 'aria-label': name }), value.toFixed(2)),
    ])
    read.replaceChildren(...rows)
  }

  async function toggleRecording(): Promise<void> {
    if (!isRecording) {
      isRecording = true
      record.textContent = 'Stop recording'
      await engine.worker.record()
      return
    }
    isRecording = false
    record.textContent = 'Record'
    const { glb, csv, expressions, frames } = await engine.worker.stopRecording()
    save(csv, 'live.csv')
    if (expressions) save(expressions, 'live-expression.csv')
    if (glb) save(glb, 'live.glb')
    say(
      glb
        ? `${frames} frames saved: live.glb and live.csv.`
        : `${frames} frames saved: live.csv. A GLB needs flow from the first frame.`,
    )
  }

  const element = h(
    'section',
    { className: 'live', 'aria-label': 'Live' },
    h(
      'div',
      { className: 'bar' },
      webcam,
      h('label', { className: 'button', for: 'video-file' }, 'Video file', input),
      stopButton,
      record,
      h('label', { className: 'button', for: 'moved-photo' }, photoName, photoInput),
      forget,
      tick('Coefficients', (on) => {
        isReading = on
        if (running) say('Takes effect at the next start.')
      }),
      networkChoice(engine, () => undefined),
      choice<LiveFlows>(
        'Flow from',
        { reference: 'First frame', previous: 'Frame before' },
        'reference',
        (name) => {
          flows = name
          if (running) say('Takes effect at the next start.')
        },
      ),
    ),
    status,
    h(
      'div',
      { className: 'result' },
      h('div', { className: 'main' }, video, map, moved, speed),
      h('div', { className: 'main' }, face.element, face.controls),
      h('div', { className: 'panel' }, head.element, energy.element, read),
    ),
  )
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    const file = event.dataTransfer?.files[0]
    if (file) void startFile(file)
  })
  return element
}

/** The last points of the curves, and how fast they come. */
function newHistory() {
  const steps: { readonly time: number; readonly at: number; readonly step: LiveFrame }[] = []
  const values = (pick: (step: LiveFrame) => number | undefined) =>
    steps.map(({ step }) => pick(step) ?? null)
  return {
    add(step: LiveFrame, time: number): void {
      steps.push({ step, time, at: performance.now() })
      if (steps.length > KEPT) steps.shift()
    },
    get times() {
      return steps.map(({ time }) => time)
    },
    get head() {
      return [
        { name: 'yaw', colour: '--series-1', unit: '°', values: values(({ angles }) => angles?.yaw) },
        { name: 'pitch', colour: '--series-2', unit: '°', values: values(({ angles }) => angles?.pitch) },
        { name: 'roll', colour: '--series-3', unit: '°', values: values(({ angles }) => angles?.roll) },
      ]
    },
    get energy() {
      return [
        { name: 'all', colour: '--series-1', unit: 'px', values: values((step) => step.energy?.motion) },
        {
          name: 'expression',
          colour: '--series-2',
          unit: 'px',
          values: values((step) => step.energy?.expression),
        },
      ]
    },
    /** Frames a second over the last ones. */
    rate(): number {
      const last = steps.slice(-20)
      const [first, end] = [last[0]?.at ?? 0, last.at(-1)?.at ?? 0]
      return last.length < 2 ? 0 : (1000 * (last.length - 1)) / Math.max(1, end - first)
    },
  }
}

function cameraMessage(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError')
    return 'The camera was not allowed; allow it for this page in the browser and try again.'
  if (name === 'NotFoundError') return 'There is no camera; plug one in, or take a video file.'
  if (name === 'NotReadableError') return 'The camera is used by another program; close that and try again.'
  return messageOf(error)
}
