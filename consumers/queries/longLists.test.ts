/** Lists stay whole where a page can't look at everything, and where names are long. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { timeOfCursor } from '../../rust-engine/ts/cursor.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { answer } from './routes.ts'
import { applyAlert, applyRun, contextOf, FINISHED, openState } from './stateUnderTest.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const state = openState()
after(() => {
  state.drop()
})

type ListName = 'list_deployments' | 'list_incidents' | 'list_services' | 'list_unmapped'

function pagesOf<Name extends ListName>(name: Name, input: object): QueryOutput<Name>['items'][] {
  const pages: QueryOutput<Name>['items'][] = []
  let cursor: string | null = null
  do {
    const asked: object = cursor === null ? input : { ...input, cursor }
    const page = answer(name, asked, contextOf(state, NOW)) as QueryOutput<Name>
    assert.notEqual(page.nextCursor, cursor ?? '', 'each page goes on')
    assert.ok((page.nextCursor?.length ?? 0) <= 512)
    pages.push(page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return pages
}

const busy = Array.from({ length: 200 }, (_, i) => `busy/${i}`).filter((service) => partitionOf(service) === 0)
const LOOKED_AT_MAX = 20_000

test('a rare outcome is found at once; as known at a time, in pages that each look at a part', () => {
  const oldest = applyRun(state, busy[0] ?? '', 0, NOW - 9e8, { phase: 'finished', conclusion: 'timeout' })
  for (let run = 1; run <= LOOKED_AT_MAX; run++) {
    // A burst in one millisecond, then one after the other.
    const at = NOW - 8e8 + Math.max(0, run - 2_000) * 1000
    applyRun(state, busy[run % busy.length] ?? '', run, at, FINISHED)
  }
  const wanted = { conclusion: 'timeout', limit: 5 }
  assert.deepEqual(
    pagesOf('list_deployments', wanted).map((page) => page.map(({ key }) => key)),
    [[oldest]],
  )
  // What runs are now does not tell which of them had failed then.
  const pages = pagesOf('list_deployments', { ...wanted, at: new Date(NOW).toISOString() })
  assert.ok(pages.length > 1)
  assert.equal(pages[0]?.length, 0)
  assert.deepEqual(
    pages.flat().map(({ key }) => key),
    [oldest],
  )
})

test('the time of a cursor is the time of the last record that the engine looked at', () => {
  const filter = {
    subject: null,
    service: null,
    environment: null,
    state: null,
    conclusion: null,
    at: null,
    from: null,
    to: null,
  }
  const { items, cursor } = state.doorOf(busy[0] ?? '').deployments(filter, 3, null)
  assert.ok(cursor !== null)
  assert.equal(timeOfCursor(cursor), items.at(-1)?.listedAt)
})

const LONG = 'x'.repeat(190)
const names = [
  ...['é', 'z', '\u{1F600}', '\uFFFD', 'a'].map((name) => `long/${name}`),
  ...Array.from({ length: 60 }, (_, i) => `long/${LONG}${'y'.repeat(i)}`),
]

test('services with long names, and with all letters, come once each', () => {
  for (const service of names) applyAlert(state, service, 0, NOW)
  applyRun(state, 'longer/z', 0, NOW)
  for (const limit of [1, 7, 100]) {
    const listed = pagesOf('list_services', { environment: 'long', limit }).flat()
    assert.equal(listed.length, names.length)
    assert.deepEqual(new Set(listed.map(({ service }) => service)), new Set(names))
  }
  const prefix = `long/${LONG}yyyyy`
  const wanted = names.filter((service) => service.startsWith(prefix))
  const found = pagesOf('list_services', { prefix, limit: 9 }).flat()
  assert.deepEqual(found.map(({ service }) => service).sort(), wanted.sort())
})

test('alerts with long keys in one millisecond come once each', () => {
  const listed = pagesOf('list_incidents', { limit: 7 }).flat()
  assert.equal(listed.length, names.length)
  assert.equal(new Set(listed.map(({ key }) => key)).size, names.length)
})

test('unmapped names are found among many services', () => {
  for (let i = 0; i < 3_000; i++) applyRun(state, `crowd/${i}`, 0, NOW)
  applyRun(state, 'zone/unassigned:lost', 0, NOW)
  assert.deepEqual(
    pagesOf('list_unmapped', { limit: 5 })
      .flat()
      .map(({ sourceName }) => sourceName),
    ['lost'],
  )
})
