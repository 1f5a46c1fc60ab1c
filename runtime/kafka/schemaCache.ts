/**
 * Schemas on disk by id and digest, one file each, so that records can be read while the registry is away, and so that a
 * registry which gives an old id to another schema is noticed before anything is read wrongly.
 */
import { mkdirSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { schemaDigest } from './schemaText.ts'

const entrySchema = z.strictObject({ id: z.int().nonnegative(), sha256: z.string().length(64), schema: z.string() })

export type CachedSchema = Readonly<z.output<typeof entrySchema>>

/** The process must stop: with these ids it would read records with the wrong schema. */
export class SchemaIdChanged extends Error {
  readonly retryable = false
  readonly id: number
  constructor(id: number, known: string, found: string, folder: string) {
    super(
      `schema id ${id} means another schema than before (digest ${known.slice(0, 12)}… was seen, the registry now gives ${found.slice(0, 12)}…). ` +
        `The registry lost its storage or is another one. Point to the right registry; to begin anew with empty topics, remove ${folder}`,
    )
    this.name = 'SchemaIdChanged'
    this.id = id
  }
}

export interface SchemaCache {
  all(): Iterable<CachedSchema>
  /** Throws SchemaIdChanged where the id is known with another digest. */
  put(id: number, schema: string): CachedSchema
}

function readEntry(file: string): CachedSchema | null {
  try {
    const entry = entrySchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return schemaDigest(entry.schema) === entry.sha256 ? entry : null
  } catch {
    return null
  }
}

/** A damaged file is as good as none: it is removed, and the schema is asked for again. `onDamaged` gets its name. */
export function openSchemaCache(folder: string, onDamaged: (file: string) => void): SchemaCache {
  mkdirSync(folder, { recursive: true })
  const entries = new Map<number, CachedSchema>()
  for (const name of readdirSync(folder).filter((each) => /^\d+\.json$/.test(each))) {
    const entry = readEntry(join(folder, name))
    if (entry !== null && `${entry.id}.json` === name) entries.set(entry.id, entry)
    else {
      onDamaged(join(folder, name))
      unlinkSync(join(folder, name))
    }
  }
  return {
    all: () => entries.values(),
    put(id, schema) {
      const sha256 = schemaDigest(schema)
      const known = entries.get(id)
      if (known !== undefined) {
        if (known.sha256 !== sha256) throw new SchemaIdChanged(id, known.sha256, sha256, folder)
        return known
      }
      const entry = { id, sha256, schema }
      const draft = join(folder, `${id}.${process.pid}.draft`)
      writeFileSync(draft, JSON.stringify(entry))
      renameSync(draft, join(folder, `${id}.json`))
      entries.set(id, entry)
      return entry
    },
  }
}
