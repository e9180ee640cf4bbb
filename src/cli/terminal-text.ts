/**
 * C0 but tab and line break, DEL, C1, and what turns the direction of text: file names may hold them, and a
 * terminal would obey them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that it is about.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Text whose control characters are shown as `\u001b`. JSON stays the same JSON. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The same on one line, for messages that a file name with a line break must not split. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' '))
}
