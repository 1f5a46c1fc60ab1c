/** Why a model answers as it does: contributions of groups of features that add up to its logit. */
import { FEATURE_NAMES } from './features.ts'
import type { MixedLogit } from './mixture.ts'
import { shapleyValues } from './shapley.ts'
import type { OutcomeScope } from './scopes.ts'

/** What the features of an attempt speak about. At most seven: see shapley.ts. */
export const FACTORS = ['service', 'workflow', 'branch', 'author', 'same_change', 'change_size', 'time'] as const
export type Factor = (typeof FACTORS)[number]

export interface Explainable {
  /** Logits of failure of mixtures of these features and those of a typical attempt (means, and no name). */
  mixtures(features: Float32Array, groupOf: readonly number[], groups: number): MixedLogit
}

export interface Explanation {
  /** Logit of success of a typical attempt. */
  readonly typical: number
  /** Logits of success: with `typical` they add up to that of the answer. The largest first. */
  readonly contributions: readonly { readonly factor: Factor; readonly logit: number }[]
}

const OF_SCOPE: Record<OutcomeScope, Factor> = {
  service: 'service',
  workflow: 'workflow',
  trigger: 'workflow',
  branch: 'branch',
  branchTrigger: 'branch',
  branchActor: 'branch',
  actor: 'author',
  actorTrigger: 'author',
  kinds: 'change_size',
  lane: 'branch',
  kindsActor: 'change_size',
  sizeLane: 'change_size',
  linesActor: 'change_size',
  change: 'same_change',
  changeTrigger: 'same_change',
  changeLane: 'same_change',
  sequence: 'same_change',
  order: 'same_change',
}
const OF_CONTEXT: Readonly<Record<string, Factor>> = {
  pullRequest: 'workflow',
  mainBranch: 'branch',
  attempt: 'same_change',
}
/** What the change is, beside what became of it before: both go by the name of change. */
const CHANGE_TRAITS = new Set(
  'known lines rank filesAdded filesDeleted filesModified linesAdded linesDeleted src doc other srcShare docShare dockerfile compose'.split(
    ' ',
  ),
)

/** Throws for a name that belongs to no group, so that a new feature gets one. */
export function factorOf(feature: string): Factor {
  const [part = '', name = ''] = feature.split('.')
  if (part === 'time') return 'time'
  // What runs at the moment and how the last ones went.
  if (part === 'recent') return name === 'own' ? 'author' : 'service'
  if (part === 'types' || (part === 'change' && CHANGE_TRAITS.has(name))) return 'change_size'
  const scope = part === 'duration' || part === 'id' ? name : part
  const factor = part === 'context' ? OF_CONTEXT[name] : OF_SCOPE[scope as keyof typeof OF_SCOPE]
  // Of the durations some speak of the service without naming it.
  const found = factor ?? (part === 'duration' ? 'service' : undefined)
  if (found === undefined) throw new Error(`the feature ${feature} belongs to no factor`)
  return found
}

const FACTOR_INDEXES = FEATURE_NAMES.map((name) => FACTORS.indexOf(factorOf(name)))

/**
 * Exact Shapley values of the factors, a factor that is absent being as in a typical attempt (baseline Shapley: M. Sundararajan,
 * A. Najmi, The many Shapley values for model explanation, 2020). Calls the model 2^7 times.
 */
export function explain(model: Explainable, features: Float32Array): Explanation {
  const failure = model.mixtures(features, FACTOR_INDEXES, FACTORS.length)
  const shares = shapleyValues(FACTORS.length, (present) => -failure(present))
  const contributions = FACTORS.map((factor, i) => ({ factor, logit: shares[i] ?? 0 }))
  return { typical: -failure(0), contributions: contributions.sort((a, b) => Math.abs(b.logit) - Math.abs(a.logit)) }
}
