/** A local HTTP server that fails in the ways in which real ones do, and remembers what it was asked for. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { RestClient, type RestOptions } from './restClient.ts'

export interface Trouble {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The connection breaks in the middle of the answer. */
  readonly torn?: boolean
}

export interface Page {
  readonly body: unknown
  /** Path of the next page. */
  readonly next?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface RestServerUnderTest {
  readonly url: string
  /** Path and query of each request, in order. */
  readonly asked: string[]
  readonly heads: IncomingMessage['headers'][]
  /** Answers of the next requests, before anything else. */
  readonly troubles: Trouble[]
  /** How many were answered with 304. */
  notModified: number
}

/** `answer`: null is 404. Answers have ETags. */
export async function restServer(
  t: TestContext,
  answer: (url: URL, request: IncomingMessage) => Page | null,
): Promise<RestServerUnderTest> {
  const state = { asked: [] as string[], heads: [] as IncomingMessage['headers'][], troubles: [] as Trouble[] }
  const under = { ...state, url: '', notModified: 0 }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', under.url)
    under.asked.push(`${url.pathname}${url.search}`)
    under.heads.push(request.headers)
    const trouble = under.troubles.shift()
    if (trouble !== undefined) {
      response.writeHead(trouble.status, trouble.headers)
      if (trouble.torn === true) {
        response.write('[1,')
        setImmediate(() => response.destroy())
      } else response.end(trouble.body ?? JSON.stringify({ message: `trouble ${trouble.status}` }))
      return
    }
    const page = answer(url, request)
    if (page === null) {
      response.writeHead(404).end(JSON.stringify({ message: 'Not Found' }))
      return
    }
    const body = JSON.stringify(page.body)
    const etag = `W/"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`
    const link =
      page.next == null ? {} : { link: `<${under.url}${page.next}>; rel="next", <${under.url}/>; rel="first"` }
    const unchanged = request.headers['if-none-match'] === etag
    if (unchanged) under.notModified += 1
    response.writeHead(unchanged ? 304 : 200, { etag, ...link, ...page.headers }).end(unchanged ? undefined : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  under.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return under
}

export interface ClientUnderTest {
  readonly client: RestClient
  /** How long it waited each time, ms; the clock moves on by that, and nobody really waits. */
  readonly waits: number[]
}

export function clientOf(url: string, own: Partial<RestOptions> = {}): ClientUnderTest {
  const waits: number[] = []
  let now = Date.UTC(2026, 0, 5, 12)
  const client = new RestClient({
    baseUrl: url,
    headers: { authorization: 'Bearer secret-of-the-test' },
    advice: () => null,
    signal: new AbortController().signal,
    now: () => now,
    sleep: (ms) => {
      waits.push(ms)
      now += ms
      return Promise.resolve()
    },
    random: () => 1,
    waiting: () => undefined,
    ...own,
  })
  return { client, waits }
}
