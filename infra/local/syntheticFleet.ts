/**
 * A made-up fleet with structure that can be learned: the risk of a deployment depends on its service, the hour, the size of
 * the change and on whether its author's last one failed. Pure: the same seed and day give the same events.
 */
export interface Item {
  readonly type: 'deployment' | 'incident' | 'infrastructure'
  readonly [field: string]: unknown
}

/** One deployment or CI run from its start to its end, and what follows from it. */
export interface Attempt {
  readonly service: FleetService
  readonly failed: boolean
  readonly startedAt: number
  readonly endedAt: number
  readonly started: Item
  readonly finished: Item
  /** Firing and resolved, when the failure was felt; else empty. */
  readonly incident: readonly { readonly at: number; readonly item: Item }[]
}

export interface FleetService {
  readonly name: string
  /** Log-odds of failure of a small change at a quiet hour. */
  readonly risk: number
  readonly typicalSeconds: number
  readonly authors: readonly string[]
  readonly requestsPerSecond: number
  /** Of the fleet's attempts, beside the shares of the others. */
  readonly share: number
}

export type Random = () => number

/** mulberry32: 32 bits of state, enough for a demonstration and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Another sequence for each text: FNV-1a over its letters. */
export function seededBy(text: string): Random {
  let hash = 0x811c9dc5
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  return seeded(hash)
}

const service = (
  name: string,
  risk: number,
  typicalSeconds: number,
  requestsPerSecond: number,
  share: number,
  authors: readonly string[],
): FleetService => ({ name: `demo-${name}`, risk, typicalSeconds, requestsPerSecond, share, authors })

/** Half of them are deployed so often that a month is evidence enough for a prediction of their own. */
export const FLEET: readonly FleetService[] = [
  service('checkout', -2.2, 40, 120, 4, ['Ada Example', 'Ben Example', 'Cleo Example']),
  service('payments', -1.2, 55, 60, 4, ['Ada Example', 'Dina Example']),
  service('search', -2.8, 30, 300, 4, ['Emil Example', 'Finn Example']),
  service('catalog', -3.2, 25, 200, 1, ['Gita Example', 'Finn Example']),
  service('web', -2.5, 20, 500, 4, ['Hugo Example', 'Cleo Example', 'Ines Example']),
  service('mobile-api', -1.9, 35, 180, 1, ['Ines Example', 'Jon Example']),
  service('reports', -0.7, 70, 4, 1, ['Kim Example']),
  service('auth', -3.0, 30, 250, 1, ['Dina Example', 'Jon Example']),
]

const SHARES = FLEET.reduce((sum, { share }) => sum + share, 0)

const CI_SHARE = 0.4
const STAGING_SHARE = 0.15
const CANCELLED_SHARE = 0.03
const FELT_SHARE = 0.6
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Attempts of the history on a day from Monday to Friday, and on one of the weekend. */
const WORKDAY_ATTEMPTS = 66
const WEEKEND_ATTEMPTS = 16

/**
 * Days and hours are counted from 1970 in UTC, and each is made from the seed and its own number alone: whoever asks for it,
 * and whenever, gets the same attempts under the same keys.
 */
export interface Fleet {
  /** What happened on one day, oldest first; working hours see most of it, and all of it ends before midnight. */
  day(day: number): readonly Attempt[]
  /** One attempt every `everyMs` in one hour, for a fleet that is watched as it works. */
  liveHour(hour: number, everyMs: number): readonly Attempt[]
}

export function createFleet(seed: number): Fleet {
  return {
    day(day) {
      const random = seededBy(`${seed}/day/${day}`)
      const midnight = day * DAY_MS
      const weekday = new Date(midnight).getUTCDay()
      const count = weekday === 0 || weekday === 6 ? WEEKEND_ATTEMPTS : WORKDAY_ATTEMPTS
      const times: number[] = []
      while (times.length < count) {
        const at = midnight + Math.floor(random() * (DAY_MS - HOUR_MS))
        if (random() < busyness(at)) times.push(at)
      }
      const attempt = attemptsBy(random)
      return times.sort((a, b) => a - b).map((at, index) => attempt(at, `demo:${seed}/${day}/${index}`, true))
    },
    liveHour(hour, everyMs) {
      const attempt = attemptsBy(seededBy(`${seed}/hour/${hour}`))
      return Array.from({ length: Math.floor(HOUR_MS / everyMs) }, (_, index) => {
        const at = hour * HOUR_MS + index * everyMs
        return attempt(at, `demo:${seed}/live/${Math.floor(at / 1_000)}`, false)
      })
    },
  }
}

/** Makes one attempt after the other, each with an eye on how its author's last one ended. */
function attemptsBy(random: Random): (at: number, key: string, backfilled: boolean) => Attempt {
  const streaks = new Map<string, boolean>()
  return (at, key, backfilled) => {
    const of = pickService(random)
    const ci = random() < CI_SHARE
    const environment = ci ? 'ci' : random() < STAGING_SHARE ? 'staging' : 'production'
    const author = pick(of.authors, random)
    const lines = Math.ceil(Math.exp(2.5 + 1.4 * normal(random)))
    const streak = `${of.name} ${author}`
    const failed = random() < sigmoid(failureLogit(of, at, lines, streaks.get(streak) ?? false, ci))
    streaks.set(streak, failed)
    const cancelled = random() < CANCELLED_SHARE
    const seconds = of.typicalSeconds * (1 + lines / 2_000) * Math.exp(0.25 * normal(random)) * (failed ? 0.6 : 1)
    const endedAt = at + Math.round(seconds * 1_000)
    const pullRequest = ci && random() < 0.7
    const common = {
      type: 'deployment',
      source: 'demo',
      service: `${environment}/${of.name}`,
      key,
      name: ci ? 'build and test' : 'deploy',
      workflow: `${of.name}/${ci ? 'ci' : 'deploy'}.yml`,
      repository: `demo/${of.name}`,
      branch: pullRequest ? `change-${String(Math.floor(random() * 1_000))}` : 'main',
      sha: hex(40, random),
      actor: author,
      trigger: pullRequest ? 'pull_request' : 'push',
      pullRequest,
      change: changeSize(lines, random),
      backfilled,
    } as const
    const conclusion = cancelled ? 'cancelled' : failed ? 'failure' : 'success'
    const felt = failed && !cancelled && environment === 'production' && random() < FELT_SHARE
    return {
      service: of,
      failed: failed && !cancelled,
      startedAt: at,
      endedAt,
      started: { ...common, phase: 'started', occurredAt: at },
      finished: { ...common, phase: 'finished', conclusion, occurredAt: endedAt },
      incident: felt ? incidentOf(of, key, endedAt, random) : [],
    }
  }
}

/** The structure that a model can find. */
export function failureLogit(of: FleetService, at: number, lines: number, lastFailed: boolean, ci: boolean): number {
  const when = new Date(at)
  const hour = when.getUTCHours()
  const late = hour >= 17 || hour < 6
  const friday = when.getUTCDay() === 5 && hour >= 14
  return (
    of.risk +
    0.45 * Math.log(lines / 12) +
    (late ? 0.7 : 0) +
    (friday ? 0.8 : 0) +
    (lastFailed ? 1.3 : 0) +
    (ci ? 0.4 : 0)
  )
}

function incidentOf(of: FleetService, key: string, endedAt: number, random: Random): Attempt['incident'] {
  const firesAt = endedAt + 2_000 + Math.floor(random() * 4_000)
  const resolvedAt = firesAt + 20_000 + Math.floor(random() * 40_000)
  const alert = pick(['error rate is high', 'latency is high', 'a dependency is unreachable'] as const, random)
  const common = {
    type: 'incident',
    source: 'demo',
    service: `production/${of.name}`,
    key: `${key}/incident`,
    title: `${of.name}: ${alert}`,
    severity: of.requestsPerSecond > 100 ? 'critical' : 'warning',
    summary: 'Synthetic: made up by the demonstration fleet.',
    labels: { synthetic: 'true', alertname: alert.replaceAll(' ', '_') },
    startsAt: firesAt,
  } as const
  return [
    { at: firesAt, item: { ...common, phase: 'firing', occurredAt: firesAt } },
    { at: resolvedAt, item: { ...common, phase: 'resolved', occurredAt: resolvedAt, endsAt: resolvedAt } },
  ]
}

/** The state of a service's workload after a deployment, or at the start of the demonstration. */
export function workloadOf(of: FleetService, at: number, image: string): Item {
  return {
    type: 'infrastructure',
    source: 'demo',
    service: `production/${of.name}`,
    occurredAt: at,
    resource: `workload/production/${of.name}`,
    kind: 'workload',
    attributes: { synthetic: 'true', image },
    quantities: { replicas: 1 + Math.ceil(of.requestsPerSecond / 100), memory_limit_bytes: 512 * 1024 * 1024 },
  }
}

function changeSize(lines: number, random: Random): Record<string, unknown> {
  const files = Math.max(1, Math.round(lines / 30 + random() * 3))
  const docs = random() < 0.2 ? 1 : 0
  const deleted = Math.floor(lines * random() * 0.5)
  return {
    filesAdded: Math.floor(files * 0.2),
    filesDeleted: 0,
    filesModified: files - Math.floor(files * 0.2),
    linesAdded: lines - deleted,
    linesDeleted: deleted,
    srcFiles: Math.max(0, files - docs),
    docFiles: Math.min(docs, files),
    otherFiles: 0,
    dockerfileChanged: random() < 0.05,
    composeChanged: false,
    fileTypes: docs === 1 ? 'ts md' : 'ts',
  }
}

/** 0…1 by hour and weekday, UTC. */
export function busyness(at: number): number {
  const when = new Date(at)
  const weekend = when.getUTCDay() === 0 || when.getUTCDay() === 6
  const hour = when.getUTCHours()
  const office = hour >= 7 && hour < 18 ? 1 : hour >= 18 && hour < 22 ? 0.35 : 0.08
  return weekend ? office * 0.15 : office
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function pickService(random: Random): FleetService {
  let left = random() * SHARES
  return FLEET.find(({ share }) => (left -= share) < 0) ?? (FLEET[0] as FleetService)
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)] as T
}

function hex(digits: number, random: Random): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
}
