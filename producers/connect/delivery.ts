/** What a source tells, in the shape in which the gateway takes it, and where it stands in time. */
export interface Delivery {
  /** When it happened, ms. */
  readonly at: number
  /** Among what happened at the same time: changes of the code first, ends last. */
  readonly rank: number
  readonly kind: string
  readonly payload: object
  /** It had ended before anybody listened. */
  readonly backfilled: boolean
  /** What it says of an outcome: counted for the summary. */
  readonly outcome?: Outcome
}

export interface Outcome {
  readonly subject: 'deployment' | 'ci_run'
  readonly failed: boolean
}

export const RANK = { changed: 0, requested: 1, started: 2, step: 3, finished: 4 } as const

/** A run, a deployment, a pull request: what is asked for in one go and has a time of change. */
export interface Item {
  /** Unique within its source. */
  readonly key: string
  readonly startedAt: number
  /** Nothing happened to it later. */
  readonly changedAt: number
  readonly deliveries: () => Promise<readonly Delivery[]>
}

/** A repository, project or job. */
export interface Source {
  /** As the person named it. */
  readonly name: string
  /** All that changed since. `found`: how many so far. */
  readonly history: (since: number, found: (items: number) => void) => Promise<readonly Item[]>
  /** What may have changed of late; cheap where nothing has. */
  readonly changes: () => Promise<readonly Item[]>
}
