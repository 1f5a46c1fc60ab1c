/**
 * Writes generated/events.ts from events/*.avsc; `--check` fails when the file is not current.
 * Covers what the schemas use: records, enums, maps, arrays, nullable unions and the primitive types.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'

type Avro =
  | string
  | Avro[]
  | {
      type: string
      name?: string
      doc?: string
      symbols?: string[]
      items?: Avro
      values?: Avro
      fields?: { name: string; type: Avro; doc?: string }[]
    }

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Buffer',
}

const LINE_WIDTH = 120

const declared = new Map<string, string>()

function comment(doc: string | undefined, indent: string): string {
  return doc === undefined ? '' : `${indent}/** ${doc} */\n`
}

function typeOf(schema: Avro): string {
  if (typeof schema === 'string') return PRIMITIVES[schema] ?? schema
  if (Array.isArray(schema)) return schema.map(typeOf).reverse().join(' | ')
  switch (schema.type) {
    case 'record':
    case 'enum':
      declare(schema)
      return String(schema.name)
    case 'array':
      return `readonly ${typeOf(schema.items ?? 'null')}[]`
    case 'map':
      return `Readonly<Record<string, ${typeOf(schema.values ?? 'null')}>>`
    default:
      return typeOf(schema.type)
  }
}

function declare(schema: Exclude<Avro, string | Avro[]>): void {
  const name = String(schema.name)
  if (declared.has(name)) throw new Error(`${name} is declared twice`)
  if (schema.type === 'enum') {
    const symbols = (schema.symbols ?? []).map((s) => `'${s}'`)
    const line = `export type ${name} = ${symbols.join(' | ')}`
    // As Prettier lays it out, so that formatting does not make the file differ from what is generated.
    const text =
      line.length <= LINE_WIDTH ? line : `export type ${name} =\n${symbols.map((s) => `  | ${s}`).join('\n')}`
    declared.set(name, `${comment(schema.doc, '')}${text}\n`)
    return
  }
  declared.set(name, '') // holds the place, so that parts come after their whole
  const fields = (schema.fields ?? []).map((f) => `${comment(f.doc, '  ')}  readonly ${f.name}: ${typeOf(f.type)}\n`)
  declared.set(name, `${comment(schema.doc, '')}export interface ${name} {\n${fields.join('')}}\n`)
}

const folder = new URL('./events/', import.meta.url)
for (const file of readdirSync(folder).sort()) {
  typeOf(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Avro)
}
const text = `// Generated from schemas/events/*.avsc by \`npm run schemas\`. Do not edit.\n\n${[...declared.values()].join('\n')}`

const out = new URL('./generated/events.ts', import.meta.url)
if (!process.argv.includes('--check')) {
  writeFileSync(out, text)
} else if (readFileSync(out, 'utf8') !== text) {
  console.error('schemas/generated/events.ts is not current: run `npm run schemas`')
  process.exitCode = 1
}
