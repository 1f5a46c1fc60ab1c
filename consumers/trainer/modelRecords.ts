/** Records of devops.models: weights under their digest, which version holds a stage, and the patterns mined last. */
import type { ModelRecord, ModelStage } from '../../schemas/generated/events.ts'
import { digestOf } from '../models/weights.ts'
import { cardOf } from '../patterns/patternSet.ts'
import type { PatternSet } from '../patterns/patternSet.ts'

export const MODELS_TOPIC = 'devops.models'

export interface ModelOutgoing {
  readonly key: string
  /** null: the key is given up, compaction removes it. */
  readonly value: ModelRecord | null
}

export const weightsRecord = (
  model: string,
  sha256: string,
  weights: Buffer,
  card: string,
  at: number,
): ModelOutgoing => ({
  key: `weights/${sha256}`,
  value: { kind: 'weights', model, sha256, stage: null, weights, card, at },
})

export const weightsGone = (sha256: string): ModelOutgoing => ({ key: `weights/${sha256}`, value: null })

type Slot = 'challenger' | 'champion'

/** A stage has one key, so that the topic tells its present holder. */
export const stageRecord = (model: string, sha256: string, stage: Slot, card: string, at: number): ModelOutgoing =>
  slotRecord(model, sha256, stage, stage, card, at)

/** The holder left and nobody took its place. */
export const vacantRecord = (model: string, sha256: string, slot: Slot, card: string, at: number): ModelOutgoing =>
  slotRecord(model, sha256, slot, 'retired', card, at)

const slotRecord = (
  model: string,
  sha256: string,
  slot: Slot,
  stage: ModelStage,
  card: string,
  at: number,
): ModelOutgoing => ({
  key: `stage/${model}/${slot}`,
  value: { kind: 'stage', model, sha256, stage, weights: null, card, at },
})

/** One key: the topic keeps the latest set. */
export function patternsRecord(set: PatternSet): ModelOutgoing {
  const card = cardOf(set)
  const sha256 = digestOf(Buffer.from(card))
  return {
    key: 'patterns',
    value: { kind: 'pattern_set', model: 'patterns', sha256, stage: null, weights: null, card, at: set.at },
  }
}
