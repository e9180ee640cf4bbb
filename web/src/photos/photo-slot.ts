import type { FaceBox } from '../engine/engine.worker.js'
import { h, messageOf } from '../ui/dom.js'

/** One of the two photos: dropped, picked or pasted; its faces can be chosen. */
export interface PhotoSlot {
  readonly element: HTMLElement
  readonly photo: File | null
  /** Number of the face that was chosen, from 0; null where nobody chose. */
  readonly face: number | null
  take(photo: File): Promise<void>
  say(message: string, isError?: boolean): void
}

/**
 * @param detect faces of a photo, the largest first
 * @param onChange another photo or face was chosen
 */
export function photoSlot(
  name: 'A' | 'B',
  detect: (photo: File) => Promise<readonly FaceBox[]>,
  onChange: () => void,
): PhotoSlot {
  const image = h('img', { alt: `Photo ${name}`, hidden: true })
  const boxes = h('div', { className: 'boxes' })
  const message = h('p', { className: 'note', role: 'status' }, 'Drop a photo here, paste one, or')
  const input = h('input', { type: 'file', accept: 'image/*', id: `photo-${name}`, className: 'unseen' })
  const element = h(
    'section',
    { className: 'slot', 'aria-label': `Photo ${name}` },
    h('h2', {}, name),
    h('div', { className: 'picture' }, image, boxes),
    message,
    h('label', { className: 'button', for: `photo-${name}` }, 'Choose photo', input),
  )
  let photo: File | null = null
  let face: number | null = null

  const say = (text: string, isError = false) => {
    message.textContent = text
    message.classList.toggle('error', isError)
  }
  const choose = (index: number) => {
    face = index
    mark()
    onChange()
  }
  const mark = () => {
    ;[...boxes.children].forEach((box, i) => {
      box.setAttribute('aria-pressed', String(i === face))
    })
  }
  const showFaces = (faces: readonly FaceBox[]) => {
    const { naturalWidth: width, naturalHeight: height } = image
    const share = (part: number, of: number) => `${(100 * part) / of}%`
    boxes.replaceChildren(
      ...faces.map((box, i) =>
        h('button', {
          type: 'button',
          title: `Face ${i + 1}`,
          'aria-label': `Face ${i + 1} of photo ${name}`,
          style: `left: ${share(box.x, width)}; top: ${share(box.y, height)}; width: ${share(box.width, width)}; height: ${share(box.height, height)}`,
          onclick: () => choose(i),
        }),
      ),
    )
    mark()
    say(faces.length > 1 ? `${faces.length} faces; click the one you mean.` : '')
  }
  const slot: PhotoSlot = {
    element,
    get photo() {
      return photo
    },
    get face() {
      return face
    },
    say,
    async take(taken) {
      photo = taken
      face = null
      boxes.replaceChildren()
      URL.revokeObjectURL(image.src)
      image.src = URL.createObjectURL(taken)
      image.hidden = false
      say('Looking for faces …')
      try {
        await image.decode().catch(() => {
          throw new Error(`${taken.name}: this browser cannot show it; save it as JPEG or PNG.`)
        })
        const faces = await detect(taken)
        if (photo !== taken) return
        showFaces(faces)
        onChange()
      } catch (error) {
        if (photo !== taken) return
        photo = null
        image.hidden = true
        say(messageOf(error), true)
      }
    },
  }
  input.addEventListener('change', () => {
    const picked = input.files?.[0]
    if (picked) void slot.take(picked)
    // The same file can be picked again.
    input.value = ''
  })
  return slot
}
