import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fastify } from 'fastify'
import { NOW } from '../sources/mappingUnderTest.ts'
import { GatewayDoor } from './gatewayDoor.ts'
import { lasting, progressLine } from './progress.ts'
import { restServer } from './restServerUnderTest.ts'
import { ResumeFile } from './resumeFile.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { scorecardSentence } from '../../schemas/scores/sentence.ts'
import { askScorecard } from './scorecard.ts'
import { askPatterns } from './strongestPatterns.ts'
import { tokenOf } from './session.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'connect-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

test('the token comes from its file, else from its variable', (t) => {
  const file = join(folderOf(t), 'token')
  writeFileSync(file, ' of-the-file \nsecond line')
  assert.equal(tokenOf(file, 'of-the-variable'), 'of-the-file')
  assert.equal(tokenOf(undefined, 'of-the-variable'), 'of-the-variable')
  assert.equal(tokenOf(undefined, ''), null)
  assert.throws(() => tokenOf(undefined, 'one\ntwo'), /^SourceFailure: the token has a line break in it$/)
  writeFileSync(file, '\n')
  assert.throws(() => tokenOf(file, 'of-the-variable'), /has no token in its first line/)
  assert.throws(() => tokenOf(`${file}x`, undefined), /tokenx cannot be read/)
})

test('a resume file is read back, but not one that is torn or of another source', (t) => {
  const folder = join(folderOf(t), 'a', 'b')
  const path = join(folder, 'shop.json')
  const file = new ResumeFile(path, 'acme/shop')
  assert.equal(file.read(), null)
  file.write({ since: 1, through: 2 })
  file.write({ since: 1, through: 3 })
  assert.deepEqual(file.read(), { since: 1, through: 3 })
  assert.deepEqual(readdirSync(folder), ['shop.json'], 'no draft is left')
  assert.equal(new ResumeFile(path, 'acme/other').read(), null)
  writeFileSync(path, readFileSync(path).subarray(0, 20))
  assert.equal(file.read(), null)
})

test('the scorecard of the history is a sentence, once it does not change any more', async (t) => {
  const card = (outcomes: number): QueryOutput<'get_scorecard'> => ({
    subject: 'ci_run',
    source: 'backfilled',
    from: '2026-01-01T00:00:00Z',
    to: '2026-04-01T00:00:00Z',
    outcomes,
    failures: 9,
    censored: 0,
    byModel: 0,
    flagging: [{ rule: 'p_failure >= 0.5', flagged: 10, caught: 7, falseAlarms: 3 }],
    scores: [],
    calibration: [],
    freshThrough: null,
    complete: true,
    incompleteReason: null,
    completeSince: null,
  })
  const cards = [card(0), card(0), card(20), card(30), card(30)]
  const server = await restServer(t, ({ pathname }) =>
    pathname === '/api/v1/query/get_scorecard' ? { body: cards.shift() ?? card(30) } : null,
  )
  const sleep = (): Promise<void> => Promise.resolve()
  const told = await askScorecard(server.url, 90, sleep)
  assert.ok(told !== null)
  assert.match(
    scorecardSentence(told),
    /^In the 90 days to .* would have flagged 7 of 9 failures of CI runs, with 3 false alarms \(30 outcomes/u,
  )
  assert.deepEqual(cards, [], 'asked until it stood still')
  server.troubles.push({ status: 404 })
  assert.equal(await askScorecard(server.url, 90, sleep), null)
})

test('the strongest patterns are told once they are of the whole history; without any, why', async (t) => {
  const at = Date.parse('2026-04-01T00:00:00Z')
  const pattern = (status: string): QueryOutput<'find_patterns'>['patterns'][number] => ({
    id: status,
    subject: 'ci_run',
    scope: 'ci/shop',
    context: 'branch == main',
    factor: 'hour < 8\u001b\u009b\u202e',
    status,
    effect: -0.25,
    low: -0.4,
    high: -0.1,
    runs: 90,
    p: 0.001,
    firstSeen: '2026-01-01T00:00:00Z',
    lastSeen: '2026-03-01T00:00:00Z',
  })
  let rounds: (string | null)[] = []
  let known: readonly string[] = []
  const server = fastify({ forceCloseConnections: true })
  server.post<{ Body: { status: string } }>('/api/v1/query/find_patterns', ({ body: { status } }) => {
    const freshThrough = (rounds.length > 1 ? rounds.shift() : rounds[0]) ?? null
    const patterns = known.includes(status) ? [pattern(status)] : []
    return { patterns, clusters: [], freshThrough, complete: true, incompleteReason: null, completeSince: null }
  })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  let waited = 0
  const ask = (outcomes: number, heard: (string | null)[], statuses: readonly string[], adapterUrl = url) => {
    rounds = heard
    known = statuses
    waited = 0
    return askPatterns({
      adapterUrl,
      outcomes,
      outcomesMin: 100,
      now: () => at,
      sleep: () => {
        waited++
        return Promise.resolve()
      },
      say: () => undefined,
    })
  }
  const fresh = new Date(at).toISOString()
  assert.deepEqual(await ask(500, [null, '2026-03-01T00:00:00Z', fresh], ['confirmed', 'candidate']), [
    'The strongest patterns, confirmed by later runs:',
    '  CI runs of ci/shop, where branch == main: hour < 8 goes with 25.0 points fewer failures (95 %: 10.0 to 40.0; 90 runs; confirmed).',
  ])
  assert.equal(waited, 2)
  assert.match((await ask(500, [fresh], ['candidate'])).join(), /^The strongest patterns so far; .*candidate\)\.$/u)
  assert.match((await ask(500, [fresh], [])).join(), /nothing in the history/u)
  assert.match((await ask(99, [null], [])).join(), /from 100 outcomes on, there are 99/u)
  assert.equal(waited, 0, 'nothing to wait for')
  assert.match((await ask(500, [null], [])).join(), /has not mined any/u)
  assert.equal(waited, 60)
  assert.deepEqual(await ask(500, [null], [], `${url}/elsewhere`), [])
})

test('a gateway that is busy is asked again, one that refuses is told with advice', async (t) => {
  const server = await restServer(t, () => ({ body: { accepted: 1 } }))
  const waits: number[] = []
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms)
    return Promise.resolve()
  }
  const common = { token: 'a token for tests', now: () => NOW, sleep, waiting: () => undefined }
  const door = new GatewayDoor({ ...common, url: server.url, signal: new AbortController().signal })
  server.troubles.push({ status: 503, headers: { 'retry-after': '3' } }, { status: 200, torn: true })
  assert.deepEqual(await door.post('/v1/events', []), { accepted: 1 })
  assert.deepEqual(waits, [3_000, 2_000])
  assert.equal(server.heads[0]?.authorization, 'Bearer a token for tests')
  server.troubles.push({ status: 401, body: '{"error":{"message":"the bearer token is not the configured one"}}' })
  await assert.rejects(door.post('/v1/events', []), /401: the bearer token is not .*\(DEVOPS_GATEWAY_TOKEN/)
})

test('progress says how much of how much, how fast and how much longer', () => {
  assert.equal(progressLine('read and sent', 120, 600, 60_000), '120 of 600 read and sent · 2.0/s · about 4 min left')
  assert.equal(progressLine('read and sent', 0, 600, 0), '0 of 600 read and sent')
  assert.equal(progressLine('read and sent', 600, 600, 20_000), '600 of 600 read and sent · 30/s')
  assert.deepEqual([lasting(900), lasting(119_000), lasting(7_500_000)], ['1 s', '119 s', '2 h 5 min'])
})
