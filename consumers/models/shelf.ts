/**
 * The models at hand, by stage, as the records of devops.models tell: weights arrive under their digest, a stage record then
 * names which digest holds it. Weights that nobody names any more are let go.
 */
import type { ModelRecord, ModelScores, ModelStage } from '../../schemas/generated/events.ts'
import { loadClassifier } from './classifier.ts'
import type { Classifier } from './classifier.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { digestOf } from './weights.ts'

export interface ShelfEntry {
  readonly model: string
  readonly stage: Exclude<ModelStage, 'retired'>
  readonly version: string
  readonly since: number
  readonly card: string
  /** Why it came to its stage. */
  readonly cause: string | null
}

export interface Shelf {
  /** Takes a record in; weights that do not match their digest or this program's features throw WeightsInvalid. */
  accept(record: ModelRecord): Promise<void>
  champion(model: string): Classifier | null
  challenger(model: string): Classifier | null
  /** How right the last live answers of this version were; null until the trainer has told. */
  scores(model: string, version: string): ModelScores | null
  list(): readonly ShelfEntry[]
}

/**
 * Weights that no stage names yet wait for their stage record; more than these are forgotten, oldest first. A compacted log may have those of
 * the three slots of both models, and of their next challengers, before the first stage record.
 */
const WAITING_MAX = 8

/** `models`: the kinds served from this shelf; records of other kinds (the forecaster has its own reader) are passed by. */
export function createShelf(models: readonly string[] = ['deployment', 'ci_run']): Shelf {
  const loaded = new Map<string, Classifier>()
  const stages = new Map<string, ShelfEntry>()
  const scores = new Map<string, { readonly version: string; readonly scores: ModelScores | null }>()
  const slot = (model: string, stage: string) => `${model}/${stage}`
  const at = (model: string, stage: ShelfEntry['stage']): Classifier | null =>
    loaded.get(stages.get(slot(model, stage))?.version ?? '') ?? null

  const forget = () => {
    const named = new Set([...stages.values()].map((entry) => entry.version))
    const waiting = [...loaded.keys()].filter((version) => !named.has(version))
    for (const version of waiting.slice(0, Math.max(waiting.length - WAITING_MAX, 0))) loaded.delete(version)
  }

  const accept = (record: ModelRecord): void => {
    if (!models.includes(record.model)) return
    if (record.kind === 'weights') {
      if (record.weights === null || loaded.has(record.sha256)) return
      const digest = digestOf(record.weights)
      if (digest !== record.sha256) throw new WeightsInvalid(`digest ${digest} under the name ${record.sha256}`)
      loaded.set(record.sha256, loadClassifier(record.weights))
    } else if (record.kind === 'scores') {
      scores.set(record.model, { version: record.sha256, scores: record.scores })
    } else {
      place(stages, record)
    }
    forget()
  }
  return {
    accept: (record) =>
      new Promise((resolve) => {
        accept(record)
        resolve()
      }),
    champion: (model) => at(model, 'champion'),
    challenger: (model) => at(model, 'challenger'),
    scores: (model, version) => {
      const told = scores.get(model)
      return told?.version === version ? told.scores : null
    },
    list: () => [...stages.values()].filter((entry) => loaded.has(entry.version)),
  }
}

/** A version holds one stage at a time; `retired` empties the one it held. */
function place(stages: Map<string, ShelfEntry>, record: ModelRecord): void {
  for (const [key, entry] of stages) {
    if (entry.model === record.model && entry.version === record.sha256) stages.delete(key)
  }
  if (record.stage === null || record.stage === 'retired') return
  stages.set(`${record.model}/${record.stage}`, {
    model: record.model,
    stage: record.stage,
    version: record.sha256,
    since: record.at,
    card: record.card,
    cause: record.cause,
  })
}
