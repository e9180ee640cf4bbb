import { h } from '../ui/dom.js'
import { createViewer } from './viewer.js'

/** The viewer on a page without the command: the folder of a result is picked or dropped. */
export function viewerTab(): HTMLElement {
  let files: ReadonlyMap<string, File> = new Map()
  let addresses: string[] = []
  const viewer = createViewer(async (name) => {
    const file = files.get(name)
    if (!file) return null
    const address = URL.createObjectURL(file)
    addresses.push(address)
    return address
  })
  viewer.say('Choose the folder that the command wrote.')
  const show = async (given: readonly (readonly [string, File])[]) => {
    for (const address of addresses) URL.revokeObjectURL(address)
    addresses = []
    files = new Map(given)
    await viewer.show(files.has('frames.jsonl') ? 'video' : 'pair', { files })
  }
  const input = h('input', {
    type: 'file',
    multiple: true,
    webkitdirectory: true,
    id: 'result-folder',
    className: 'unseen',
  })
  input.addEventListener('change', () => {
    // Without the folder's own name, which comes first.
    const chosen = [...(input.files ?? [])]
    void show(
      chosen.map((file) => [file.webkitRelativePath.split('/').slice(1).join('/') || file.name, file]),
    )
    input.value = ''
  })
  const element = h(
    'section',
    { className: 'viewer-tab', 'aria-label': 'Viewer' },
    h(
      'div',
      { className: 'bar' },
      h('label', { className: 'button', for: 'result-folder' }, 'Folder of a result', input),
      h(
        'p',
        { className: 'note' },
        'It is read here and goes nowhere. The files of a result can be dropped too.',
      ),
    ),
    viewer.element,
  )
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    void show([...(event.dataTransfer?.files ?? [])].map((file) => [file.name, file]))
  })
  return element
}
