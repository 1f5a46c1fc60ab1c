/** Records of devops.models: weights under their digest, and which version holds a stage. */
import type { ModelRecord, ModelStage } from '../../schemas/generated/events.ts'

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

/** A stage has one key, so that the topic tells the present holder; who leaves is named by its own key `retired`. */
export const stageRecord = (
  model: string,
  sha256: string,
  stage: ModelStage,
  card: string,
  at: number,
): ModelOutgoing => ({
  key: `stage/${model}/${stage}`,
  value: { kind: 'stage', model, sha256, stage, weights: null, card, at },
})
