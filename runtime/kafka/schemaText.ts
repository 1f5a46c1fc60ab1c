/** Our own schemas as registered, and the digest that identifies a schema whatever its layout. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { TOPICS, type TopicName } from '../../schemas/topics.ts'

export const subjectOf = (topic: TopicName): string => `${topic}-value`

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[]

/** The current schema of a topic's values: one line of JSON, so that the layout of the file makes no new version. */
export function schemaTextOf(topic: TopicName): string {
  const file = new URL(`../../schemas/events/${TOPICS[topic].schema}.avsc`, import.meta.url)
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, part]) => [name, sorted(part)]))
}

/** SHA-256 over the schema's JSON with sorted keys and no blanks. */
export function schemaDigest(text: string): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(JSON.parse(text))))
    .digest('hex')
}
