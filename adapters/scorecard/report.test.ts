import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_CATALOG } from '../../runtime/configuration/catalog.ts'
import { deployment, startPeer } from '../queries/consumerPeer.ts'
import { QUERY_LIMITS } from '../queries/limits.ts'
import { openQueries } from '../queries/open.ts'
import { gather, monthsOf } from './gather.ts'
import type { Gathered } from './gather.ts'
import { markdownOf } from './markdown.ts'
import { reliabilitySvg } from './reliabilitySvg.ts'

const NOW = Date.parse('2026-03-10T12:00:00Z')
const HOSTILE = 'production/a|b`<img>'

async function gathered(shards?: readonly number[]): Promise<Gathered> {
  const contents = { deployments: [deployment(HOSTILE, NOW), deployment('production/shop', NOW)], incidents: [] }
  const peer = await startPeer('one', contents, shards)
  const unheard = { ownerReplied: () => undefined, membershipLearnt: () => undefined }
  const options = { seeds: [peer.address], catalog: EMPTY_CATALOG, environments: [], limits: QUERY_LIMITS }
  const { client } = openQueries(options, unheard)
  try {
    return await gather(client, { subject: 'deployment', source: 'live', days: 60 }, NOW)
  } finally {
    await peer.close()
  }
}

test('a report tells the whole, the services, the months and the models', async () => {
  const all = await gathered()
  assert.deepEqual(
    all.months.map(({ name }) => name),
    ['2026-01', '2026-02', '2026-03'],
  )
  const text = markdownOf(all, 'plot.svg')
  assert.match(
    text,
    /In the 60 days to 2026-03-10T12:00:00\.000Z we would have flagged 1 of 1 failures of deployments, with 0 false alarms \(12 outcomes/,
  )
  assert.match(text, /\| accuracy \| 1 \(0\.757 to 1\) \| 0\.917 \|/)
  assert.match(text, /!\[Reliability diagram\]\(plot\.svg\)/)
  assert.match(text, /\| champion \| v1 \|/)
  assert.doesNotMatch(text, /Not complete/)
  // A name makes neither a cell nor markup.
  assert.ok(text.includes('| production/a\\|b\\`\\<img\\> |'))
})

test('a report of shards that nobody answers for says that it is not complete', async () => {
  assert.match(markdownOf(await gathered([0, 1, 2]), null), /\*\*Not complete:\*\* shards 3, 4/)
})

test('the diagram draws each group inside its frame', async () => {
  const { whole } = await gathered()
  const svg = reliabilitySvg(whole)
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)]
  assert.equal(circles.length, whole.calibration.length)
  for (const [, cx, cy] of circles) {
    assert.ok(Number(cx) >= 48 && Number(cx) <= 368, cx)
    assert.ok(Number(cy) >= 24 && Number(cy) <= 344, cy)
  }
  assert.doesNotMatch(svg, /NaN|undefined/)
})

test('months cover their window without a gap and begin at the first of a month', () => {
  const time = fc.integer({ min: 0, max: 4e12 })
  fc.assert(
    fc.property(time, fc.integer({ min: 1, max: 400 * 86_400_000 }), (from, length) => {
      const months = monthsOf(from, from + length)
      assert.equal(months[0]?.[0], from)
      assert.equal(months.at(-1)?.[1], from + length)
      for (const [i, [begin, end]] of months.entries()) {
        assert.ok(begin < end)
        if (i > 0) assert.equal(begin, months[i - 1]?.[1])
        if (i > 0) assert.match(new Date(begin).toISOString(), /-01T00:00:00\.000Z$/)
      }
    }),
  )
})
