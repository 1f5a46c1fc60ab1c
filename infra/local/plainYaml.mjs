/** A file that may well be right YAML, but says a wanted value in a way that this reader doesn't know. */
export class PlainYamlError extends Error {
  constructor(file, line, why) {
    super(
      `${file}, line ${line}: ${why}. npm start reads its addresses before the packages are installed, and knows only plain lines: "section:", and below it "  key: value".`,
    )
    this.name = 'PlainYamlError'
  }
}

/**
 * The values of some keys (`key` or `section.key`) of a YAML file, as text; a list is joined by commas; null, ~ and nothing are
 * not set. It is no YAML reader: a section or key that is asked for and written in another way than `key: value` is refused,
 * what nobody asks for is passed over.
 */
export function plainValues(text, wanted, file) {
  const sections = new Set(wanted.filter((path) => path.includes('.')).map((path) => path.split('.')[0]))
  const keys = new Set(wanted)
  const values = new Map()
  const seen = new Set()
  // The section that lines belong to, the indent of its keys, the wanted key above, and whether a list may follow it.
  let [section, indent, last, open] = [null, null, null, false]

  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const refuse = (why) => {
      throw new PlainYamlError(file, index + 1, why)
    }
    const line = raw.trimEnd()
    if (/^\s*(#|$)/.test(line) || /^(---|\.\.\.)$/.test(line)) continue
    const [, blanks, rest] = /^(\s*)(.*)$/.exec(line)
    const item = /^-(?:\s+(.*))?$/.exec(rest)
    if (item && open && (section === null || blanks.length >= indent)) {
      values.set(last, [values.get(last), plainScalar(item[1] ?? '', refuse)].filter(Boolean).join(','))
      continue
    }
    const atTop = blanks === ''
    // A key of nobody's, and what stands below one.
    if (!atTop && (section === null || (indent !== null && blanks.length > indent))) {
      if (last !== null) refuse(`what stands below ${last} is not understood`)
      continue
    }
    last = null
    open = false
    const pair = /^([A-Za-z_][\w-]*):(?:\s+(.*))?$/.exec(rest)
    if (blanks.includes('\t')) refuse('a tab stands before the key')
    if (!pair) {
      if (atTop && item && section === null) continue
      refuse('this line is no "key: value"')
    }
    const [, key, value = ''] = pair
    if (atTop) {
      section = sections.has(key) ? key : null
      indent = null
    } else {
      indent ??= blanks.length
      if (blanks.length !== indent) refuse('its indent fits no line above')
    }
    const path = atTop ? key : `${section}.${key}`
    if (sections.has(path)) {
      if (seen.has(path)) refuse(`${path} stands here again`)
      if (plainScalar(value, refuse) !== null) refuse(`what stands beside ${path}: is not understood`)
    } else if (keys.has(path)) {
      if (seen.has(path)) refuse(`${path} stands here again`)
      const found = plainScalar(value, refuse)
      if (found !== null) values.set(path, found)
      last = path
      open = /^(#|$)/.test(value)
    }
    seen.add(path)
  }
  return values
}

/** null: not set. Refuses what only a whole YAML reader can tell. */
function plainScalar(text, refuse) {
  const list = /^\[([^[\]{}#]*)\]\s*(?:#.*)?$/.exec(text)
  if (list) return list[1].replace(/["'\s]/g, '') || null
  const quoted = /^(?:'([^']*)'|"([^"\\]*)")\s*(?:\s#.*)?$/.exec(text)
  if (quoted) return quoted[1] ?? quoted[2]
  const plain = text.replace(/(^|\s)#.*$/, '').trim()
  if (/^(~|null|Null|NULL|)$/.test(plain)) return null
  if (/^[[\]{}&*!|>'"%@`,?-]|: |:$/.test(plain)) refuse('its value is not understood')
  return plain
}
