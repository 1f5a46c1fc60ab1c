/**
 * A failed run as a unit vector: what is told of its end (conclusion, job, workflow) and what was known at its start. Names go into a fixed
 * number of dimensions by signed hashing (Weinberger and others 2009), so that vectors of different rounds can be compared.
 */
import { createHash } from 'node:crypto'
import type { Value } from './row.ts'

export interface Failure {
  readonly id: string
  /** By what it is: conclusion, name, workflow. */
  readonly end: Readonly<Record<string, string>>
  readonly attributes: Readonly<Record<string, Value>>
}

const DIMENSIONS = 256
/** Share of the end in the square of a vector: two runs with the same end have a cosine of at least this to what they share. */
const END_SHARE = 0.75
/** When a run was does not make its failure like another one. */
const OF_TIME = new Set(['hour', 'weekday', 'gap_s'])

export function vectorOf({ end, attributes }: Failure): Float64Array {
  const endBlock = new Float64Array(DIMENSIONS)
  for (const [field, text] of Object.entries(end)) addField(endBlock, `end ${field}`, wordsIn(text))
  const startBlock = new Float64Array(DIMENSIONS)
  for (const [field, value] of Object.entries(attributes)) {
    if (!OF_TIME.has(field)) addField(startBlock, field, namesOf(value))
  }
  normalise(endBlock)
  normalise(startBlock)
  const [a, b] = [Math.sqrt(END_SHARE), Math.sqrt(1 - END_SHARE)]
  return normalise(endBlock.map((value, i) => a * value + b * (startBlock[i] as number)))
}

/** Scales to length 1, in place; zeros stay. */
export function normalise(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector))
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length
  return vector
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** Fields weigh the same, however many names one has. */
function addField(block: Float64Array, field: string, names: readonly string[]): void {
  for (const name of names) {
    const hash = createHash('sha256').update(`${field} ${name}`).digest().readUInt32LE()
    const place = (hash >>> 1) % DIMENSIONS
    block[place] = (block[place] as number) + (hash % 2 === 0 ? 1 : -1) / Math.sqrt(names.length)
  }
}

/** Numbers in a name tell one run from another of the same kind. */
const wordsIn = (text: string): readonly string[] => [
  ...new Set(
    text
      .toLowerCase()
      .replaceAll(/\p{N}+/gu, '#')
      .split(/[^\p{L}#]+/u)
      .filter((word) => word !== ''),
  ),
]

/** Numbers by their magnitude: 0, 1, 3, 7, … */
function namesOf(value: Value): readonly string[] {
  if (value === null) return []
  if (typeof value === 'number') return [String(Math.round(Math.log2(1 + Math.abs(value))))]
  return typeof value === 'object' ? value : [String(value)]
}
