/**
 * Looks for what goes with more or fewer failures: every condition alone and in every context of another field, in each service and
 * over all of them. Of each scope and tested field at most one is kept, that with the best chance that later data will confirm it, and
 * none that says the same as a better one of its scope.
 */
import type { Predicate } from './condition.ts'
import { compared } from './condition.ts'
import { Grid, bitsOf } from './grid.ts'
import type { Field, PatternRow } from './row.ts'
import { Scope } from './scope.ts'
import type { Comparison, ScopeLimits, Tested } from './scope.ts'
import type { Effect, Table } from './significance.ts'
import { effectOf, pOf } from './significance.ts'
import type { Confirmation, Level, PeriodEffects } from './stability.ts'
import { PeriodNoise, chanceOf, levelOf, periodEffects, sharedVariance } from './stability.ts'

export interface Mined extends Effect {
  readonly scope: string
  readonly predicate: Predicate
  /** Runs that meet it. */
  readonly support: number
  readonly p: number
  /** Probability that data as long as `horizon` will confirm it, by how it lasted so far. */
  readonly chance: number
}

export interface MiningOptions {
  readonly fields: readonly Field[]
  readonly patternsMax: number
  /** Length of the later data that will test them, as a share of the rows given. */
  readonly horizon: number
}

/** What later data must show: points of failure share, runs in each group, two-sided level. */
export const EFFECT_MIN = 0.05
export const GROUP_MIN = 15
export const ALPHA = 0.05

const PERIODS = 10
const LIMITS: ScopeLimits = { groupMin: 20, servicesMin: 3, eraMax: 0.5 }
/** z of the level that is left of ALPHA after Benjamini and Hochberg where about three quarters of those tested hold. */
const Z_LATER = 2.1
const CHANCE_MIN = 0.2
/** Variance of a step of a level from one period to the next. */
const DRIFT = 0.000_24
const TAU2_MIN = 0.0001
/** A context changes a factor's effect by less than the factor alone has: share of the variance. */
const CONTEXT_SHARE = 0.25
/** Strata worth of the pooled figure in each scope's noise and each field's variance. */
const POOLED = 0.5
/** Above this overlap two groups are too alike: runs in both, of those in either. The later rows may overlap more, hence the room. */
const OVERLAP_MAX = 0.4
const ALIKE = 0.7
const SEARCHED_MAX = 400
const ALTERNATIVES_MAX = 40
const P_MAX = 0.05

interface Candidate {
  readonly scope: Scope
  readonly context: Tested | null
  readonly factor: Tested
  readonly level: Level
  readonly chance: number
}

/** `rows` in the order of their starts within each service. The same rows give the same patterns, the likeliest to last first. */
export function mine(rows: readonly PatternRow[], options: MiningOptions): readonly Mined[] {
  if (rows.length === 0) return []
  const grid = new Grid(rows, PERIODS)
  const named = [...grid.services, ...(grid.services.length > 1 ? [null] : [])]
  const scopes = named.map((service) => new Scope(grid, service, options.fields, LIMITS))
  const belief = beliefOf(scopes)
  const rule = { horizon: options.horizon * PERIODS, effectMin: EFFECT_MIN, groupMin: GROUP_MIN, z: Z_LATER }
  const candidates = scopes.flatMap((scope) => candidatesOf(scope, belief, rule))
  return chosen(candidates, rows, options.patternsMax)
}

interface Belief {
  readonly noise: ReadonlyMap<Scope, number>
  /** Variance of a field's effects over scopes. */
  readonly tau2: (field: string) => number
}

/** What all single conditions say of how large effects are and how much they change from period to period. */
function beliefOf(scopes: readonly Scope[]): Belief {
  const noise = new Map<Scope, number>()
  const shared = new Map<string, number[]>()
  const series = emptySeries()
  for (const scope of scopes) {
    const ofScope = new PeriodNoise()
    const ofField = new Map<string, number[]>()
    scope.compare(null, ({ factor, counts }) => {
      periodEffects(counts, series)
      ofScope.add(series)
      const variance = sharedVariance(series)
      if (variance !== null) append(ofField, factor.condition.field, variance)
    })
    noise.set(scope, ofScope.variance)
    for (const [field, variances] of ofField) append(shared, field, mean(variances))
  }
  const pooledNoise = mean([...noise.values()])
  for (const [scope, own] of noise) noise.set(scope, pooled([own], pooledNoise))
  const pooledTau2 = Math.max(TAU2_MIN, mean([...shared.values()].map(mean)))
  return { noise, tau2: (field) => Math.max(TAU2_MIN, pooled(shared.get(field) ?? [], pooledTau2)) }
}

function candidatesOf(scope: Scope, belief: Belief, rule: Confirmation): readonly Candidate[] {
  const noise = belief.noise.get(scope) ?? 0
  const series = emptySeries()
  const alone = new Map<Tested, Level>()
  const best = new Map<string, Candidate[]>()
  const look = ({ context, factor, counts }: Comparison) => {
    periodEffects(counts, series)
    const field = factor.condition.field
    const tau2 = belief.tau2(field)
    const prior =
      context === null
        ? { mean: 0, variance: tau2 }
        : { mean: alone.get(factor)?.mean ?? 0, variance: CONTEXT_SHARE * tau2 }
    const level = levelOf(series, prior, noise, DRIFT)
    if (context === null) alone.set(factor, level)
    if (!isKnown(series)) return
    const chance = chanceOf(counts, level, noise, DRIFT, rule)
    if (chance < CHANCE_MIN) return
    const found = best.get(field) ?? []
    best.set(field, found)
    found.push({ scope, context, factor, level, chance })
    if (found.length >= 2 * SEARCHED_MAX) found.sort(byChance).splice(SEARCHED_MAX)
  }
  for (const context of [null, ...scope.conditions]) scope.compare(context, look)
  return [...best.values()].flatMap((found) => unlike(found.sort(byChance)))
}

/** Of those that part the runs nearly alike the first, so that there are alternatives where the first says what another field said. */
function unlike(candidates: readonly Candidate[]): readonly Candidate[] {
  const kept: (readonly [Candidate, Uint32Array])[] = []
  for (const candidate of candidates) {
    if (kept.length >= ALTERNATIVES_MAX) break
    const { inside } = groupsOf(candidate)
    if (!kept.some(([, other]) => overlap(other, inside) >= ALIKE)) kept.push([candidate, inside])
  }
  return kept.map(([candidate]) => candidate)
}

function chosen(candidates: readonly Candidate[], rows: readonly PatternRow[], patternsMax: number): readonly Mined[] {
  const taken = new Map<Scope, { fields: Set<string>; groups: Groups[] }>()
  const kept: Mined[] = []
  for (const candidate of [...candidates].sort(byChance)) {
    if (kept.length >= patternsMax) break
    const own = taken.get(candidate.scope) ?? { fields: new Set(), groups: [] }
    taken.set(candidate.scope, own)
    const field = candidate.factor.condition.field
    if (own.fields.has(field)) continue
    const groups = groupsOf(candidate)
    if (own.groups.some((other) => isAlike(other, groups))) continue
    const pattern = minedOf(candidate, rows)
    if (pattern === null) continue
    own.fields.add(field)
    own.groups.push(groups)
    kept.push(pattern)
  }
  return kept
}

/** Null where the whole past does not show what its course makes expect. */
function minedOf({ scope, context, factor, level, chance }: Candidate, rows: readonly PatternRow[]): Mined | null {
  const predicate: Predicate = context === null ? [factor.condition] : [context.condition, factor.condition]
  const { tables, inside } = tablesOf(scope.name, predicate, rows)
  const effect = effectOf(tables)
  const p = pOf(tables)
  if (effect === null || p > P_MAX || effect.effect * level.mean <= 0) return null
  return { scope: scope.name, predicate, ...effect, support: inside.length, p, chance }
}

/** The rows that are compared, and one table for each service that has any in the context. */
export function tablesOf(
  scope: string,
  predicate: Predicate,
  rows: readonly PatternRow[],
): ReturnType<typeof compared> & { readonly tables: readonly Table[] } {
  const groups = compared(scope, predicate, rows)
  const tables = new Map<string, { -readonly [count in keyof Table]: number }>()
  for (const group of ['inside', 'outside'] as const) {
    for (const { service, failed } of groups[group]) {
      const table = tables.get(service) ?? { inside: 0, insideFailed: 0, outside: 0, outsideFailed: 0 }
      tables.set(service, table)
      table[group]++
      if (failed) table[`${group}Failed`]++
    }
  }
  return { ...groups, tables: [...tables.values()] }
}

interface Groups {
  readonly inside: Uint32Array
  readonly outside: Uint32Array
}

function groupsOf({ scope, context, factor }: Candidate): Groups {
  const area = context?.mask ?? scope.everyone
  return {
    inside: area.map((word, i) => word & (factor.mask[i] as number)),
    outside: area.map((word, i) => word & ~(factor.mask[i] as number)),
  }
}

/** The same runs are met, or the two sides are the same the other way round. */
const isAlike = (a: Groups, b: Groups): boolean =>
  overlap(a.inside, b.inside) >= OVERLAP_MAX ||
  (overlap(a.inside, b.outside) >= OVERLAP_MAX && overlap(a.outside, b.inside) >= OVERLAP_MAX)

/** Runs in both of those in either (Jaccard). */
function overlap(a: Uint32Array, b: Uint32Array): number {
  let [both, either] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    both += bitsOf((a[i] as number) & (b[i] as number))
    either += bitsOf((a[i] as number) | (b[i] as number))
  }
  return either === 0 ? 1 : both / either
}

const KNOWN_MIN = 3
const isKnown = ({ effects }: PeriodEffects): boolean =>
  effects.reduce((count, effect) => count + (Number.isNaN(effect) ? 0 : 1), 0) >= KNOWN_MIN
const emptySeries = (): PeriodEffects => ({
  effects: new Float64Array(PERIODS),
  variances: new Float64Array(PERIODS),
})
const byChance = (a: Candidate, b: Candidate): number => b.chance - a.chance
const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
const pooled = (own: readonly number[], all: number): number =>
  (mean(own) * own.length + POOLED * all) / (own.length + POOLED)
function append(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
