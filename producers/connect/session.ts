/** One `connect`: from the options of its command to the last event. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { urlOf } from '../../runtime/http/urlOf.ts'
import { closingWords } from './closingWords.ts'
import type { Source } from './delivery.ts'
import { Follower } from './follow.ts'
import { GatewayDoor } from './gatewayDoor.ts'
import { lasting } from './progress.ts'
import { RestClient, SourceFailure, type RestOptions } from './restClient.ts'
import { ResumeFile } from './resumeFile.ts'

const DAY_MS = 24 * 3_600_000
const DELIVERIES_PER_REQUEST = 100
/** A short wait is nobody's concern. */
const WAIT_SAID_MS = 5_000

export interface ConnectOptions {
  readonly tokenFile?: string
  readonly baseUrl: string
  readonly gateway?: string
  readonly days: number
  readonly once: boolean
  readonly pollSeconds: number
}

export interface Session {
  readonly configuration: Configuration
  readonly options: ConnectOptions
  readonly provider: string
  readonly headers: RestOptions['headers']
  readonly advice: RestOptions['advice']
  readonly signal: AbortSignal
  /** For a person who looks on. */
  readonly say: (line: string) => void
}

/** Sources by the client that reads them. */
export type SourcesOf = (client: RestClient, connectedAt: number) => readonly Source[]

/** Ends after the history with `once`, otherwise with the signal. What is known of the history goes to `print`. */
export async function connect(session: Session, sourcesOf: SourcesOf, print: (line: string) => void): Promise<void> {
  const { configuration, options, provider, headers, advice, signal, say } = session
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  if (!URL.canParse(baseUrl)) throw new SourceFailure(`${baseUrl} is no address`, null)
  const connectedAt = Date.now()
  const sleep = async (ms: number): Promise<void> => {
    await delay(ms, undefined, { signal })
  }
  const waiting = (reason: string, ms: number): void => {
    if (ms >= WAIT_SAID_MS) say(`${reason}: going on in ${lasting(ms)}`)
  }
  const common = { signal, now: Date.now, sleep, waiting }
  const client = new RestClient({ ...common, baseUrl, headers, advice, random: Math.random })
  const door = gatewayDoor(configuration, options.gateway, common)
  const follower = new Follower({
    provider,
    sources: sourcesOf(client, connectedAt),
    since: connectedAt - options.days * DAY_MS,
    door,
    resumeOf: (source) => resumeFile(configuration.stateFolder, provider, baseUrl, source.name),
    deliveriesPerRequest: Math.min(DELIVERIES_PER_REQUEST, configuration.gateway.eventsPerRequestMax),
    now: Date.now,
    sleep,
    say,
  })
  await door.knock()
  await follower.backfill()
  const { tally } = follower
  say(`history: ${tally.events} events sent, ${tally.refused} refused, ${tally.notOfInterest} deliveries made no event`)
  const words = await closingWords(configuration, { days: options.days, sleep, say })
  print(words.length > 0 ? words.join('\n') : `Of the last ${options.days} days were sent: ${tally.ended()}.`)
  if (options.once) return
  say(`looking for changes every ${options.pollSeconds} s; stop with Ctrl-C`)
  await follower.poll(options.pollSeconds * 1000)
}

export function gatewayDoor(
  { gateway }: Configuration,
  url: string | undefined,
  common: Pick<ConstructorParameters<typeof GatewayDoor>[0], 'signal' | 'now' | 'sleep' | 'waiting'>,
): GatewayDoor {
  return new GatewayDoor({ ...common, url: (url ?? urlOf(gateway)).replace(/\/+$/, ''), token: gateway.token })
}

/** The file's first line, else the variable; null: no token. Throws a SourceFailure. */
export function tokenOf(file: string | undefined, variable: string | undefined): string | null {
  if (file === undefined) {
    const token = variable?.trim() ?? ''
    // fetch would refuse it by an error that quotes it.
    if (/[\r\n]/.test(token)) throw new SourceFailure('the token has a line break in it', null)
    return token === '' ? null : token
  }
  try {
    const [line = ''] = readFileSync(file, 'utf8').split(/\r?\n/, 1)
    if (line.trim() !== '') return line.trim()
  } catch (error) {
    throw new SourceFailure(`the token file ${file} cannot be read`, null, error)
  }
  throw new SourceFailure(`the token file ${file} has no token in its first line`, null)
}

function resumeFile(stateFolder: string, provider: string, baseUrl: string, source: string): ResumeFile {
  const name = `${encodeURIComponent(source.toLowerCase())}.json`
  return new ResumeFile(join(stateFolder, 'connect', provider, encodeURIComponent(new URL(baseUrl).host), name), source)
}
