/** How far a source has been read: the only thing that `connect` keeps. Without it all is sent again, which changes nothing. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as z from 'zod'

const resumeSchema = z.strictObject({
  version: z.literal(1),
  source: z.string(),
  /** Where the history begins that was asked for, ms. */
  since: z.number(),
  /** All that happened before has been sent, ms. */
  through: z.number(),
})

export type Resume = Pick<z.output<typeof resumeSchema>, 'since' | 'through'>

export class ResumeFile {
  readonly #file: string
  readonly #source: string

  constructor(file: string, source: string) {
    this.#file = file
    this.#source = source
  }

  /** Null where there is none, or one that says nothing of this source. */
  read(): Resume | null {
    try {
      const found = resumeSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')))
      return found.source === this.#source ? { since: found.since, through: found.through } : null
    } catch {
      return null
    }
  }

  /** Whole or not at all: a reader sees the former state or this one. */
  write({ since, through }: Resume): void {
    mkdirSync(dirname(this.#file), { recursive: true })
    const draft = `${this.#file}.${process.pid}.draft`
    writeFileSync(draft, `${JSON.stringify({ version: 1, source: this.#source, since, through })}\n`, { flush: true })
    renameSync(draft, this.#file)
  }
}
