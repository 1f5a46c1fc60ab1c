/** For tests: an HTTP server that answers as the adapter does, and one that answers as GitHub's Checks API does. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { ScoreCounter } from '../../schemas/scores/counts.ts'
import { scorecardOf } from '../../schemas/scores/scorecard.ts'
import type { Prediction } from './verdict.ts'

export interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: object
}

export interface HttpPeer {
  readonly url: string
  readonly requests: Request[]
  close(): Promise<void>
}

export async function startHttpPeer(answer: (request: Request) => Answer): Promise<HttpPeer> {
  const requests: Request[] = []
  const server = createServer((raw, response) => {
    const chunks: Buffer[] = []
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
      const request = { path: raw.url ?? '', headers: raw.headers, body }
      requests.push(request)
      const { status, headers = {}, body: told } = answer(request)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(told))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: urlOfServer(server), requests, close: () => closed(server) }
}

function urlOfServer(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the peer does not listen')
  return `http://127.0.0.1:${address.port}`
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })

const FRESH = { freshThrough: '2026-01-02T00:00:00.000Z', complete: true, incompleteReason: null, completeSince: null }

export const PREDICTION: Prediction = {
  predictionId: 'p-1',
  service: 'production/checkout',
  subject: 'deployment',
  pSuccess: 0.7,
  answerClass: 'confident',
  riskLevel: 'medium',
  durationSeconds: { p10: 40, p50: 60, p90: 120 },
  evidence: {
    effectiveSamples: 300,
    minSamples: 100,
    serviceOutcomes: 280,
    baseRate: 0.9,
    baseRateInterval: { low: 0.85, high: 0.93 },
    assumed: { workflow: 'deploy.yml' },
    missing: null,
  },
  modelVersion: 'sha256-abcdef0123456789',
  liveScore: {
    outcomes: 240,
    from: '2025-12-01T00:00:00.000Z',
    to: '2026-01-01T00:00:00.000Z',
    accuracy: 0.85,
    logLoss: 0.35,
    brier: 0.11,
    baseRate: { accuracy: 0.8, logLoss: 0.5, brier: 0.16 },
  },
  explanation: {
    typicalPSuccess: 0.9,
    factors: [
      { factor: 'change_size', logit: -1.2 },
      { factor: 'branch', logit: 0.15 },
    ],
  },
  similarCases: [
    {
      key: 'github:acme/checkout/deployment/7',
      at: '2026-01-01T00:00:00.000Z',
      success: false,
      durationSeconds: 60,
      similarity: 0.9,
    },
    {
      key: 'github:acme/checkout/deployment/6',
      at: '2026-01-01T00:00:00.000Z',
      success: true,
      durationSeconds: 60,
      similarity: 0.8,
    },
  ],
  lowerRisk: [{ kind: 'smaller_change', startAt: null, linesMax: 100, pSuccess: 0.85, cases: 12, successes: 10 }],
  strategy: 'canary',
  ...FRESH,
}

function scorecard(): object {
  const counter = new ScoreCounter()
  const known = { baseRate: 0.8, isConfident: true, byModel: true, durationP10: 40, durationP50: 60, durationP90: 120 }
  for (let i = 0; i < 40; i += 1)
    counter.add({ ...known, pSuccess: i % 4 === 0 ? 0.3 : 0.9, success: Number(i % 4 !== 0), durationS: 50 })
  const window = {
    subject: 'deployment',
    source: 'live',
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-04-01T00:00:00.000Z',
  }
  return { ...window, ...scorecardOf(counter.counts()), ...FRESH }
}

/** An adapter that has this answer to predict_deployment. */
export const adapterWith = (prediction: Prediction): Promise<HttpPeer> =>
  startHttpPeer(({ path }) => ({ status: 200, body: path.endsWith('/predict_deployment') ? prediction : scorecard() }))
