/** The known keys, read from the schema once: their YAML paths, what kind of value they hold, and the nearest to a typo. */
import { z } from 'zod'
import { configurationSchema } from './schema.ts'

export type LeafKind = 'text' | 'list' | 'other'

export interface KeyTree {
  /** YAML name → subtree, or the kind of a value. */
  readonly [name: string]: KeyTree | LeafKind
}

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
export const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

function unwrapped(type: z.core.$ZodType): z.core.$ZodType {
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault || type instanceof z.ZodNullable) {
    return unwrapped(type.def.innerType)
  }
  return type
}

function treeOf(type: z.core.$ZodType): KeyTree | LeafKind {
  const inner = unwrapped(type)
  if (inner instanceof z.ZodObject) {
    return Object.fromEntries(
      Object.entries(inner.shape as Record<string, z.core.$ZodType>).map(([name, part]) => [snake(name), treeOf(part)]),
    )
  }
  if (inner instanceof z.ZodArray && unwrapped(inner.def.element) instanceof z.ZodObject) return 'other'
  if (inner instanceof z.ZodArray) return 'list'
  return inner instanceof z.ZodString || inner instanceof z.ZodURL || inner instanceof z.ZodEnum ? 'text' : 'other'
}

export const KEY_TREE = treeOf(configurationSchema) as KeyTree

function* leaves(tree: KeyTree, path: readonly string[]): Generator<{ path: readonly string[]; kind: LeafKind }> {
  for (const [name, part] of Object.entries(tree)) {
    if (typeof part === 'string') yield { path: [...path, name], kind: part }
    else yield* leaves(part, [...path, name])
  }
}

/** Every value of the configuration: YAML path and the environment variable that overrides it. */
export const LEAVES: readonly { path: readonly string[]; key: string; variable: string; kind: LeafKind }[] = [
  ...leaves(KEY_TREE, []),
].map(({ path, kind }) => ({ path, kind, key: path.join('.'), variable: `DEVOPS_${path.join('_').toUpperCase()}` }))

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The known name nearest to an unknown one, or null where none is near enough (a third of its letters) to be a typo of it. */
export function nearest(unknown: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(unknown.length / 3)) + 1
  for (const candidate of known) {
    const d = distance(unknown.toLowerCase(), candidate.toLowerCase())
    if (d < bestDistance) [best, bestDistance] = [candidate, d]
  }
  return best
}
