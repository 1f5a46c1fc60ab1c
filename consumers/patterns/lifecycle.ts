/**
 * The life of a pattern: candidate → confirmed → expired. What found a pattern never tests it: only runs that started later do.
 *
 * Later runs are looked at when they have doubled since the look before; the k-th look may spend 2⁻ᵏ of the level, so that p · 2ᵏ, the
 * smallest over the looks, holds for all of them together (Bonferroni over looks). Benjamini and Hochberg then hold the share of false
 * ones among those confirmed.
 */
import { createHash } from 'node:crypto'
import type { Predicate } from './condition.ts'
import { compared, factorOf } from './condition.ts'
import { ALPHA, EFFECT_MIN, GROUP_MIN, mine, tablesOf } from './mine.ts'
import type { MiningOptions } from './mine.ts'
import type { PatternRow } from './row.ts'
import { benjaminiHochberg, effectOf, pOf } from './significance.ts'
import type { Effect } from './significance.ts'

export type PatternStatus = 'candidate' | 'confirmed' | 'expired'

export interface Shown extends Effect {
  /** Runs that met the predicate. */
  readonly support: number
  readonly p: number
}

export interface Pattern {
  /** Of scope and predicate. */
  readonly id: string
  readonly scope: string
  readonly predicate: Predicate
  readonly status: PatternStatus
  /** When it took its status, ms. */
  readonly since: number
  /** On the runs that found it, which are those started up to `foundThrough`. */
  readonly found: Shown
  readonly foundThrough: number
  /** On the runs after those, as of the last look. */
  readonly later: Shown | null
  readonly looks: number
  /** Runs compared at the last look. */
  readonly lookedAt: number
  /** Smallest p · 2ᵏ over the looks; 1 before the first. */
  readonly evidence: number
  /** Starts of the first and the last run that met it. */
  readonly firstSeen: number
  readonly lastSeen: number
}

const DAY_MS = 24 * 3_600_000
const UNSEEN_MS_MAX = 90 * DAY_MS
const EXPIRED_MS_MAX = 90 * DAY_MS
/** Later runs that a candidate gets: 2¹⁰ times those of its first look. */
const LOOKS_MAX = 10
/** A confirmed one is held against so many of the latest runs in its context. */
const RECENT_RUNS = 400

/**
 * One round: what is known is tested on `rows` (in the order of their starts within each service; the clock is shared), then new candidates
 * are mined from all of them. `now`: ms.
 */
export function advance(
  known: readonly Pattern[],
  rows: readonly PatternRow[],
  now: number,
  options: MiningOptions,
): readonly Pattern[] {
  const looked = known.map((pattern) => look(seen(pattern, rows), rows))
  const tested = looked.filter(({ looks }) => looks > 0)
  const adjusted = new Map(
    benjaminiHochberg(tested.map(({ evidence }) => evidence)).map((q, i) => [tested[i]?.id, q] as const),
  )
  const judged = looked
    .map((pattern) => judge(pattern, adjusted.get(pattern.id) ?? 1, rows, now))
    .filter(({ status, since }) => status !== 'expired' || now - since < EXPIRED_MS_MAX)
  return [...judged, ...candidates(judged, rows, now, options)].filter(isLatest)
}

/** An expired pattern that was found anew gives way to the new candidate. */
const isLatest = (pattern: Pattern, i: number, all: readonly Pattern[]): boolean =>
  !all.some((other, j) => j > i && other.id === pattern.id)

const isLiving = ({ status }: Pattern): boolean => status !== 'expired'
const slotOf = ({ scope, predicate }: Pick<Pattern, 'scope' | 'predicate'>): string =>
  `${factorOf(predicate).field} ${scope}`

function candidates(
  known: readonly Pattern[],
  rows: readonly PatternRow[],
  now: number,
  options: MiningOptions,
): readonly Pattern[] {
  const living = known.filter(isLiving)
  const taken = new Set(living.map(slotOf))
  const foundThrough = rows.reduce((latest, { startedAt }) => Math.max(latest, startedAt), 0)
  const room = Math.max(options.patternsMax - living.length, 0)
  return mine(rows, options)
    .filter((mined) => !taken.has(slotOf(mined)))
    .slice(0, room)
    .map(({ scope, predicate, effect, low, high, support, p }) => {
      const candidate: Pattern = {
        id: idOf(scope, predicate),
        scope,
        predicate,
        status: 'candidate',
        since: now,
        found: { effect, low, high, support, p },
        foundThrough,
        later: null,
        looks: 0,
        lookedAt: 0,
        evidence: 1,
        firstSeen: Infinity,
        lastSeen: -Infinity,
      }
      return seen(candidate, rows)
    })
}

export function idOf(scope: string, predicate: Predicate): string {
  return createHash('sha256')
    .update(JSON.stringify([scope, ...predicate.map(({ field, op, value }) => [field, op, value])]))
    .digest('hex')
    .slice(0, 16)
}

function seen(pattern: Pattern, rows: readonly PatternRow[]): Pattern {
  let { firstSeen, lastSeen } = pattern
  for (const { startedAt } of compared(pattern.scope, pattern.predicate, rows).inside) {
    firstSeen = Math.min(firstSeen, startedAt)
    lastSeen = Math.max(lastSeen, startedAt)
  }
  return { ...pattern, firstSeen, lastSeen }
}

/** What runs show of a pattern; null where a group is too small to tell. */
function shownBy(pattern: Pattern, rows: readonly PatternRow[]): (Shown & { readonly others: number }) | null {
  const { tables, inside, outside } = tablesOf(pattern.scope, pattern.predicate, rows)
  if (inside.length < GROUP_MIN || outside.length < GROUP_MIN) return null
  const effect = effectOf(tables)
  return effect === null ? null : { ...effect, support: inside.length, others: outside.length, p: pOf(tables) }
}

function look(pattern: Pattern, rows: readonly PatternRow[]): Pattern {
  if (pattern.status !== 'candidate') return pattern
  const shown = shownBy(
    pattern,
    rows.filter(({ startedAt }) => startedAt > pattern.foundThrough),
  )
  if (shown === null || shown.support + shown.others < 2 * pattern.lookedAt) return pattern
  const { others, ...later } = shown
  const looks = pattern.looks + 1
  return {
    ...pattern,
    later,
    looks,
    lookedAt: later.support + others,
    evidence: Math.min(pattern.evidence, later.p * 2 ** looks),
  }
}

function judge(pattern: Pattern, adjusted: number, rows: readonly PatternRow[], now: number): Pattern {
  const turned = (status: PatternStatus): Pattern => ({ ...pattern, status, since: now })
  if (pattern.status === 'expired') return pattern
  if (now - pattern.lastSeen > UNSEEN_MS_MAX) return turned('expired')
  if (pattern.status === 'candidate') {
    if (pattern.later === null) return pattern
    const shows = along(pattern, pattern.later.effect) >= EFFECT_MIN
    if (shows && adjusted < ALPHA) return turned('confirmed')
    return pattern.looks >= LOOKS_MAX || isGone(pattern, pattern.found, pattern.later) ? turned('expired') : pattern
  }
  const after = rows.filter(({ startedAt }) => startedAt > pattern.since)
  const recent = shownBy(pattern, latest(pattern, after))
  return recent !== null && isGone(pattern, pattern.later ?? pattern.found, recent) ? turned('expired') : pattern
}

/** In the direction that was found. */
const along = ({ found }: Pattern, effect: number): number => (found.effect > 0 ? effect : -effect)

/** Less than counts, and the interval rules out what was shown before. */
function isGone(pattern: Pattern, before: Shown, now: Shown): boolean {
  const most = pattern.found.effect > 0 ? now.high : -now.low
  return along(pattern, now.effect) < EFFECT_MIN && most < along(pattern, before.effect)
}

function latest({ scope, predicate }: Pattern, rows: readonly PatternRow[]): readonly PatternRow[] {
  const { inside, outside } = compared(scope, predicate, rows)
  return [...inside, ...outside].sort((a, b) => b.startedAt - a.startedAt).slice(0, RECENT_RUNS)
}
