import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { linksOf } from './links.ts'
import { pauseAfter } from './pauseAfter.ts'
import { SourceFailure } from './restClient.ts'
import { clientOf, restServer } from './restServerUnderTest.ts'

const NOW = Date.UTC(2026, 0, 5, 12)

test('pages are followed by their Link headers, to the end', async (t) => {
  const server = await restServer(t, ({ pathname, searchParams }) => {
    if (pathname !== '/things') return null
    const page = Number(searchParams.get('page') ?? '1')
    return { body: [page], next: page < 3 ? `/things?page=${page + 1}` : null }
  })
  const pages: unknown[] = []
  for await (const page of clientOf(server.url).client.pages('/things')) pages.push(page)
  assert.deepEqual(pages, [[1], [2], [3]])
  assert.equal(server.heads[2]?.authorization, 'Bearer secret-of-the-test')
})

test('what is asked for again and has not changed costs no body', async (t) => {
  let body = ['a']
  const server = await restServer(t, () => ({ body }))
  const { client } = clientOf(server.url)
  const ask = async () => (await client.get('/things', { remember: true })).body
  assert.deepEqual(await ask(), ['a'])
  assert.deepEqual(await ask(), ['a'])
  assert.equal(server.notModified, 1)
  body = ['a', 'b']
  assert.deepEqual(await ask(), ['a', 'b'])
  assert.equal(server.notModified, 1)
})

test('a limit is waited for as long as the server says', async (t) => {
  const server = await restServer(t, () => ({ body: 'well' }))
  const { client, waits } = clientOf(server.url)
  const reset = String(Math.floor(Date.now() / 1000) + 90)
  server.troubles.push(
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } },
    { status: 403, body: '{"message":"You have exceeded a secondary rate limit."}' },
  )
  assert.equal((await client.get('/things')).body, 'well')
  const [first, second = 0, third] = waits
  assert.deepEqual([first, third], [7_000, 60_000])
  assert.ok(second > 85_000 && second <= 92_000, String(second))
})

test('what fails on the way is asked for again, each time later', async (t) => {
  const server = await restServer(t, () => ({ body: 'well' }))
  const { client, waits } = clientOf(server.url)
  server.troubles.push({ status: 502 }, { status: 200, torn: true }, { status: 500 })
  assert.equal((await client.get('/things')).body, 'well')
  assert.deepEqual(waits, [1_000, 2_000, 4_000])
})

test('a server that stays broken is given up, and says why', async (t) => {
  const server = await restServer(t, () => null)
  server.troubles.push(...Array.from({ length: 8 }, () => ({ status: 503 })))
  await assert.rejects(clientOf(server.url).client.get('/things'), (error) => {
    assert.ok(error instanceof SourceFailure)
    assert.equal(error.status, 503)
    assert.match(error.message, /\/things answered 503: trouble 503/)
    return true
  })
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  await assert.rejects(clientOf(`http://127.0.0.1:${port}`).client.get('/things'), /\/things: .*ECONNREFUSED/)
})

test('a refused token is told at once, with advice and without the token', async (t) => {
  const server = await restServer(t, () => null)
  server.troubles.push({ status: 401, body: '{"message":"Bad credentials"}' })
  const { client, waits } = clientOf(server.url, { advice: (status) => (status === 401 ? 'give another' : null) })
  await assert.rejects(client.get('/things'), (error) => {
    assert.ok(error instanceof SourceFailure)
    assert.match(error.message, /answered 401: Bad credentials: give another$/)
    assert.doesNotMatch(error.message, /secret-of-the-test/)
    return true
  })
  assert.deepEqual(waits, [])
})

test('the token goes to no other server', async (t) => {
  const other = await restServer(t, () => ({ body: [] }))
  const server = await restServer(t, () => ({ body: [], headers: { link: `<${other.url}/>; rel="next"` } }))
  const read = async () => {
    for await (const page of clientOf(server.url).client.pages('/things')) assert.deepEqual(page, [])
  }
  await assert.rejects(read(), /is not on the server/)
  assert.deepEqual(other.asked, [])
})

test('a page of a proxy instead of JSON is told as such', async (t) => {
  const server = await restServer(t, () => null)
  server.troubles.push({ status: 200, body: '<html>log in</html>' })
  await assert.rejects(
    clientOf(server.url).client.get('/things'),
    /did not answer with JSON: is the base address right/,
  )
})

test('how long a server wants to be left alone', () => {
  const at = (seconds: number) => String(NOW / 1000 + seconds)
  const cases: readonly [number, Record<string, string>, string, number | null][] = [
    [200, {}, '', null],
    [200, { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': at(9) }, '', null],
    [200, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': at(9) }, '', 10_000],
    [200, { 'ratelimit-remaining': '0', 'ratelimit-reset': at(9) }, '', 10_000],
    // The server's clock counts, here half a minute behind.
    [
      200,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': at(0), date: new Date(NOW - 30_000).toUTCString() },
      '',
      31_000,
    ],
    [429, {}, '', 60_000],
    [429, { 'retry-after': new Date(NOW + 5_000).toUTCString() }, '', 5_000],
    [403, {}, 'Resource not accessible by personal access token', null],
    [403, {}, 'You have triggered an abuse detection mechanism', 60_000],
    [503, { 'retry-after': '3' }, '', 3_000],
    [503, {}, '', null],
    [429, { 'retry-after': '86400' }, '', 65 * 60_000],
  ]
  for (const [status, headers, text, ms] of cases)
    assert.equal(
      pauseAfter({ status, headers: new Headers(headers), text }, NOW)?.ms ?? null,
      ms,
      JSON.stringify(headers),
    )
})

test('links by their rel', () => {
  const header = '<https://a.test/x?page=2>; rel="next", <https://a.test/x?a=1,2&page=9>; title="end"; rel=last'
  assert.deepEqual(
    [...linksOf(header)],
    [
      ['next', 'https://a.test/x?page=2'],
      ['last', 'https://a.test/x?a=1,2&page=9'],
    ],
  )
  assert.equal(linksOf(null).size, 0)
})
