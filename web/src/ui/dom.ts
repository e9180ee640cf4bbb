/** Making elements. */

type Children = readonly (Node | string | null)[]

/** An element with its properties (`dataset` and attributes with a dash too) and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Readonly<Record<string, unknown>> = {},
  ...children: Children
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value as EventListener)
    else if (name.includes('-') || name === 'role' || name === 'for')
      element.setAttribute(name, String(value))
    else Object.assign(element, { [name]: value })
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

/** A box to tick, with its label. */
export function tick(label: string, onChange: (on: boolean) => void, checked = false): HTMLLabelElement {
  const input = h('input', { type: 'checkbox', checked, onchange: () => onChange(input.checked) })
  return h('label', { className: 'tick' }, input, label)
}

/** One of several, as buttons in a row. */
export function choice<Name extends string>(
  legend: string,
  options: Readonly<Record<Name, string>>,
  first: Name,
  onChange: (name: Name) => void,
): HTMLFieldSetElement {
  const group = legend.toLowerCase().replace(/\W+/g, '-')
  const parts = (Object.keys(options) as Name[]).map((name) =>
    h(
      'label',
      {},
      h('input', {
        type: 'radio',
        name: group,
        value: name,
        checked: name === first,
        onchange: () => onChange(name),
      }),
      h('span', {}, options[name]),
    ),
  )
  return h('fieldset', { className: 'choice' }, h('legend', {}, legend), ...parts)
}

/** A slider with its label and value. */
export function slider(
  label: string,
  range: { readonly min: number; readonly max: number; readonly step: number; readonly value: number },
  write: (value: number) => string,
  onInput: (value: number) => void,
): { readonly element: HTMLLabelElement; readonly input: HTMLInputElement; set(value: number): void } {
  const input = h('input', { type: 'range', ...range, 'aria-label': label })
  // `value` was clamped to the default range before min and max were there.
  input.value = String(range.value)
  const output = h('output', {}, write(range.value))
  const set = (value: number) => {
    input.value = String(value)
    output.textContent = write(value)
    input.setAttribute('aria-valuetext', write(value))
  }
  input.addEventListener('input', () => {
    set(input.valueAsNumber)
    onInput(input.valueAsNumber)
  })
  return { element: h('label', { className: 'slider' }, h('span', {}, label), input, output), input, set }
}

/** Names and values in two columns. */
export function facts(rows: readonly (readonly [string, string])[]): HTMLDListElement {
  return h(
    'dl',
    { className: 'facts' },
    ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  )
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
