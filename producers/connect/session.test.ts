import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { NOW } from '../sources/mappingUnderTest.ts'
import { GatewayDoor } from './gatewayDoor.ts'
import { lasting, progressLine } from './progress.ts'
import { restServer } from './restServerUnderTest.ts'
import { ResumeFile } from './resumeFile.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { askScorecard } from './scorecard.ts'
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
  assert.match(
    told ?? '',
    /^In the 90 days to .* would have flagged 7 of 9 failures of CI runs, with 3 false alarms \(30 outcomes/u,
  )
  assert.deepEqual(cards, [], 'asked until it stood still')
  server.troubles.push({ status: 404 })
  assert.equal(await askScorecard(server.url, 90, sleep), null)
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
