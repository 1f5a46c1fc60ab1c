/**
 * Sizes of changes that were told of late, by commit. The engine knows them within a service; a deployment is of another service than
 * the push or pull request that it ships, so its events carry the size with them (docs/adr/0027-changes-travel-with-deployments.md).
 */
import type { ChangeSize, DeploymentEvent } from '../../schemas/generated/events.ts'

const COMMITS_MAX = 10_000

export class KnownChanges {
  readonly #commitsMax: number
  /** Those told of last are the last. */
  readonly #known = new Map<string, { readonly service: string; readonly size: ChangeSize }>()

  constructor(commitsMax = COMMITS_MAX) {
    this.#commitsMax = commitsMax
  }

  /** Remembers the size that an event tells, or gives one to a run of another service that has none. */
  passed(event: DeploymentEvent): DeploymentEvent {
    const commit = commitOf(event)
    if (commit === null) return event
    const known = this.#known.get(commit)
    if (event.subject === 'change') {
      if (event.change !== null) this.#remember(commit, event.service, filled(known?.size ?? null, event.change))
      return event
    }
    // Within the service the engine finds it, and fills its gaps as more is told.
    if (event.change !== null || known === undefined || known.service === event.service) return event
    return { ...event, change: known.size }
  }

  /** What is known of the commit, where lines and files are: a look-up would tell no more. */
  wholeOf(event: DeploymentEvent): ChangeSize | null {
    const commit = commitOf(event)
    const size = commit === null ? undefined : this.#known.get(commit)?.size
    return size !== undefined && size.linesAdded !== null && size.srcFiles !== null ? size : null
  }

  #remember(commit: string, service: string, size: ChangeSize): void {
    this.#known.delete(commit)
    this.#known.set(commit, { service, size })
    const oldest = this.#known.keys().next()
    if (this.#known.size > this.#commitsMax && oldest.done !== true) this.#known.delete(oldest.value)
  }
}

const commitOf = ({ source, repository, sha }: DeploymentEvent): string | null =>
  repository === null || sha === null ? null : JSON.stringify([source, repository, sha])

/** As the engine keeps it: the first telling holds, later ones fill its gaps. */
function filled(known: ChangeSize | null, told: ChangeSize): ChangeSize {
  if (known === null) return told
  const ofKnown = Object.entries(known).filter(([, value]) => value !== null)
  return { ...told, ...Object.fromEntries(ofKnown) }
}
