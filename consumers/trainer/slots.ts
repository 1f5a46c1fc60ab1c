/**
 * Who holds the slots of one model: the champion answers, the challenger answers in the shadow, and the last champion that lost its
 * place is kept to go back to. Each change gives the records that tell of it.
 */
import { BASE_RATE_VERSION } from '../models/predict.ts'
import { noPrevious, stageRecord, vacantRecord, weightsGone, weightsRecord } from './modelRecords.ts'
import type { Cause, ModelOutgoing, Slot } from './modelRecords.ts'
import type { TrainerTelemetry } from './telemetry.ts'

export interface Version {
  /** Digest of the weights. */
  readonly version: string
  readonly card: string
  readonly weights: Buffer
}

/** A version in its slot. */
export interface Placed extends Version {
  /** ms */
  readonly since: number
  /** null: told by a record without one. */
  readonly cause: Cause | null
}

export class NothingToRollBackTo extends Error {
  readonly retryable = false
  constructor(reason: string) {
    super(`nothing to roll back to: ${reason}`)
    this.name = 'NothingToRollBackTo'
  }
}

export class Slots {
  readonly #model: string
  readonly #telemetry: Pick<TrainerTelemetry, 'staged'>
  readonly #held: Record<Slot, Placed | null> = { champion: null, challenger: null, previous: null }

  constructor(model: string, telemetry: Pick<TrainerTelemetry, 'staged'>) {
    this.#model = model
    this.#telemetry = telemetry
  }

  at(slot: Slot): Placed | null {
    return this.#held[slot]
  }

  /** As devops.models told at the start. */
  remember(slot: Slot, placed: Placed): void {
    this.#held[slot] = placed
  }

  holds(version: string): boolean {
    return Object.values(this.#held).some((placed) => placed?.version === version)
  }

  challenge(version: Version, now: number): readonly ModelOutgoing[] {
    const before = this.#held.challenger
    return [
      weightsRecord(this.#model, version.version, version.weights, version.card, now),
      this.#place('challenger', version, 'learnt', 'newly learnt', now),
      ...this.#forget(before, 'a newer challenger came'),
    ]
  }

  /** The challenger becomes champion, and the champion is kept as the version before. */
  promote(winner: Version, reason: string, now: number): readonly ModelOutgoing[] {
    const before = this.#held.champion
    this.#held.challenger = null
    const promoted = this.#place('champion', winner, 'won', reason, now)
    return [promoted, ...(before === null ? [] : this.#keep(before, 'superseded', 'a better one came', now))]
  }

  /** The version before answers again, and the champion is kept in its place. */
  fallBack(cause: 'fell_back' | 'rolled_back', reason: string, now: number): readonly ModelOutgoing[] {
    const { champion, previous } = this.#held
    if (previous === null) throw new NothingToRollBackTo(`no version before of ${this.#model} is kept`)
    this.#held.previous = null
    const restored = this.#place('champion', previous, cause, reason, now)
    const why = cause === 'fell_back' ? 'demoted' : 'rolled_back'
    return [restored, ...(champion === null ? [noPrevious(this.#model)] : this.#keep(champion, why, reason, now))]
  }

  /** The base rate answers from now on; who answered is kept as the version before. */
  vacate(champion: Placed, cause: 'demoted' | 'rolled_back', reason: string, now: number): readonly ModelOutgoing[] {
    this.#held.champion = null
    const vacant = vacantRecord(this.#model, champion.version, champion.card, now, cause)
    return [vacant, ...this.#keep(champion, cause, reason, now)]
  }

  /** Who answers. */
  get answering(): string {
    return this.#held.champion?.version ?? BASE_RATE_VERSION
  }

  #keep(loser: Version, cause: Cause, reason: string, now: number): readonly ModelOutgoing[] {
    const before = this.#held.previous
    return [this.#place('previous', loser, cause, reason, now), ...this.#forget(before, 'a later one is kept')]
  }

  #place(slot: Slot, { version, card, weights }: Version, cause: Cause, reason: string, now: number): ModelOutgoing {
    this.#held[slot] = { version, card, weights, since: now, cause }
    this.#telemetry.staged(this.#model, version, slot, cause, reason)
    return stageRecord(this.#model, version, slot, card, now, cause)
  }

  /** Its slot has a new holder already: only its weights are left. */
  #forget(placed: Placed | null, reason: string): readonly ModelOutgoing[] {
    if (placed === null) return []
    this.#telemetry.staged(this.#model, placed.version, 'retired', 'replaced', reason)
    return [weightsGone(placed.version)]
  }
}
