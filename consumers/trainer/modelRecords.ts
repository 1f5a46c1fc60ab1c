/**
 * Records of devops.models: weights under their digest, which version holds a slot and why, how right who answers was, and the patterns
 * mined last.
 */
import type { ModelRecord, ModelScores, ModelStage } from '../../schemas/generated/events.ts'
import { digestOf } from '../models/weights.ts'
import { cardOf } from '../patterns/patternSet.ts'
import type { PatternSet } from '../patterns/patternSet.ts'

export const MODELS_TOPIC = 'devops.models'

export interface ModelOutgoing {
  readonly key: string
  /** null: the key is given up, compaction removes it. */
  readonly value: ModelRecord | null
}

export const SLOTS = ['champion', 'challenger', 'previous'] as const
export type Slot = (typeof SLOTS)[number]

/** Why a version came to a slot, or left. Kept in the records, so a restart knows it. */
export const CAUSES = ['learnt', 'won', 'superseded', 'demoted', 'fell_back', 'rolled_back', 'replaced'] as const
export type Cause = (typeof CAUSES)[number]

/** Records of before causes were kept, or of another version of this program. */
export const causeOf = (text: string | null): Cause | null => CAUSES.find((cause) => cause === text) ?? null

const NOTHING = { stage: null, weights: null, card: '', cause: null, scores: null } as const

export const weightsRecord = (
  model: string,
  sha256: string,
  weights: Buffer,
  card: string,
  at: number,
): ModelOutgoing => ({
  key: `weights/${sha256}`,
  value: { ...NOTHING, kind: 'weights', model, sha256, weights, card, at },
})

export const weightsGone = (sha256: string): ModelOutgoing => ({ key: `weights/${sha256}`, value: null })

const slotKey = (model: string, slot: Slot): string => `stage/${model}/${slot}`

/** A slot has one key, so that the topic tells its present holder. */
export const stageRecord = (
  model: string,
  sha256: string,
  slot: Slot,
  card: string,
  at: number,
  cause: Cause,
): ModelOutgoing => slotRecord(model, sha256, slot, slot, card, at, cause)

/** The champion left and nobody took its place. */
export const vacantRecord = (model: string, sha256: string, card: string, at: number, cause: Cause): ModelOutgoing =>
  slotRecord(model, sha256, 'champion', 'retired', card, at, cause)

/** Nothing is kept to go back to: a reader that met the older record lets its version hold what was told of it last. */
export const noPrevious = (model: string): ModelOutgoing => ({ key: slotKey(model, 'previous'), value: null })

const slotRecord = (
  model: string,
  sha256: string,
  slot: Slot,
  stage: ModelStage,
  card: string,
  at: number,
  cause: Cause,
): ModelOutgoing => ({
  key: slotKey(model, slot),
  value: { ...NOTHING, kind: 'stage', model, sha256, stage, card, at, cause },
})

/** `version`: who answers, `base-rate` where no model does. */
export const scoresRecord = (model: string, version: string, scores: ModelScores, at: number): ModelOutgoing => ({
  key: `scores/${model}`,
  value: { ...NOTHING, kind: 'scores', model, sha256: version, scores, at },
})

/** One key: the topic keeps the latest set. */
export function patternsRecord(set: PatternSet): ModelOutgoing {
  const card = cardOf(set)
  const sha256 = digestOf(Buffer.from(card))
  return {
    key: 'patterns',
    value: { ...NOTHING, kind: 'pattern_set', model: 'patterns', sha256, card, at: set.at },
  }
}
