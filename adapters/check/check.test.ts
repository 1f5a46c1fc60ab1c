/** What the exit code, the text and the JSON say. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PREDICTION, type Answer } from './adapterPeer.ts'
import { limited, useCommand } from '../cli/commandUnderTest.ts'
import type { Prediction } from './verdict.ts'

const { command, adapter, answering } = useCommand()
const SERVICE = ['--service', 'checkout', '--environment', 'production']

describe('exit codes', () => {
  test('0 at the limit, 1 above it, with the reasons in words', async () => {
    const { url } = await adapter()
    const at = await command(limited(url))
    assert.deepEqual([at.code, at.err], [0, ''])
    assert.match(at.out, /^Passed: it fails with a probability of 30\.0 %, within the limit of 30\.0 %\.\n/)
    const above = await command([...SERVICE, '--url', url, '--fail-above', '0.29'])
    assert.equal(above.code, 1)
    assert.match(above.out, /^Stopped: .* above the limit of 29\.0 %/)
    assert.match(
      above.out,
      /risk medium, class confident; base rate 10\.0 % \(95 %: 7\.0 % to 15\.0 %\) by 280 finished runs/,
    )
    assert.match(above.out, /beside a typical run \(10\.0 %\): change size \+1\.2, branch −0\.15/)
    assert.match(above.out, /a change of at most 100 lines, 15\.0 % \(2 of 12 similar cases like it failed/)
    assert.match(above.out, /Of the 2 most similar past runs 1 failed: github:acme\/checkout\/deployment\/7 failed/)
    assert.match(
      above.out,
      /Model sha256-abcdef012\. In the 90 days .* flagged 10 of 10 failures .* Brier score 0\.03, base rate 0\.19/,
    )
  })

  test('without enough evidence it passes with a warning, or fails where asked', async () => {
    const { url } = await adapter({ answerClass: 'not_enough_evidence', pSuccess: 0.1 })
    const passed = await command(limited(url))
    assert.equal(passed.code, 0)
    assert.match(passed.out, /^Passed without a judgement: there is not enough evidence \(the guess is 90\.0 %\)/)
    assert.equal(passed.err, 'warning: not enough evidence: the risk was not judged\n')
    assert.equal((await command(limited(url, '--on-no-evidence', 'fail'))).code, 1)
  })

  test('3 where no answer comes, 0 where that is to pass', async () => {
    const gone = await adapter()
    await gone.close()
    const alone = await command(limited(gone.url, '--wait-seconds', '1'))
    assert.deepEqual([alone.code, alone.out.split('\n')[0]], [3, 'Stopped without an answer.'])
    assert.match(alone.err, /^warning: no answer: the adapter at http:\S+ does not answer: connect ECONNREFUSED/)
    assert.equal((await command(limited(gone.url, '--wait-seconds', '1', '--on-unavailable', 'pass'))).code, 0)
    const error = { code: 'restoring', message: 'the consumer is restoring its state' }
    const busy = await answering(() => ({ status: 503, headers: { 'retry-after': '30' }, body: { error } }))
    const refused = await command(limited(busy.url))
    assert.equal(refused.code, 3)
    assert.match(refused.err, /answered 503: the consumer is restoring its state/)
    assert.equal(busy.requests.length, 1, 'what would come after the time to wait is not waited for')
    const other = await answering(() => ({ status: 200, body: { hello: 'world' } }))
    assert.match((await command(limited(other.url))).err, /is no adapter of this version/)
  })

  test('a short absence is waited for', async () => {
    const answers: Answer[] = [{ status: 503, body: {} }]
    const peer = await answering(() => answers.shift() ?? { status: 200, body: PREDICTION })
    assert.equal((await command(limited(peer.url))).code, 0)
  })

  test('an adapter that asks for no pause is not flooded, nor is one without an end read to it', async () => {
    const busy = await answering(() => ({ status: 503, headers: { 'retry-after': '0' }, body: {} }))
    await command(limited(busy.url, '--wait-seconds', '1'))
    assert.ok(busy.requests.length <= 2, String(busy.requests.length))
    const endless = await answering(() => ({ status: 200, body: { text: 'x'.repeat(5 * 1024 ** 2) } }))
    const { code, err } = await command(limited(endless.url))
    assert.deepEqual([code, /answered with more than \d+ bytes/.test(err)], [3, true])
  })

  test('that of the verdict, where nobody reads the rest', async () => {
    const { url } = await adapter()
    assert.equal((await command(limited(url), { unread: true })).code, 0)
  })

  test('3 where the job is cancelled before there is a verdict', async () => {
    const cancel = new AbortController()
    const { url } = await answering(() => {
      cancel.abort()
      return { status: 503, headers: { 'retry-after': '10' }, body: {} }
    })
    assert.equal((await command(limited(url), { signal: cancel.signal })).code, 3)
  })

  test('2 for what is wrong in the question', async () => {
    const { url, requests } = await adapter()
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[...SERVICE, '--url', url], /--fail-above/],
      [limited(url, '--fail-above', '30'), /must be between 0 and 1/],
      [limited(url, '--nonsense'), /unknown option/],
      [limited(url, '--at', 'tomorrow'), /^at: /],
      [limited(url, '--change', '-'), /^change: is not valid JSON/],
      [limited(url, '--git', 'no-range'), /expected <base>\.\.<head>/],
      [limited(url, '--git=--output=x..y'), /expected <base>\.\.<head>/],
      [limited(url, '--summary'), /GITHUB_STEP_SUMMARY is not set/],
      [['--service', 'checkout', '--url', url, '--fail-above', '0.3'], /^environment: is missing/],
      [limited('ftp://nowhere'), /is no address/],
      [limited('http://user:passw0rd@nowhere'), /^url: has a user or a password in it(?!.*passw0rd)/],
      [limited(url, '--git', '::error::x'), /^expected <base>/],
    ]
    for (const [args, told] of wrong) {
      const { code, err, out } = await command(args)
      assert.deepEqual([code, out], [2, ''], args.join(' '))
      assert.match(err, told)
    }
    assert.deepEqual(requests, [])
    const broken = await command(limited(url), { env: { DEVOPS_MCP_TOKEN: 'one\ntwo' } })
    assert.deepEqual([broken.code, /line break/.test(broken.err), /one|two/.test(broken.err)], [2, true, false])
    const error = { code: 'unauthorized', message: 'who are you' }
    const shut = await answering(() => ({ status: 401, body: { error } }))
    const { code, err } = await command(limited(shut.url, '--on-unavailable', 'pass'))
    assert.equal(code, 2, 'a wrong token is no outage')
    assert.match(err, /answered 401: who are you \(the token is DEVOPS_MCP_TOKEN/)
    const named = { code: 'host_not_allowed', message: 'not under that Host name' }
    const other = await answering(() => ({ status: 403, body: { error: named } }))
    assert.match((await command(limited(other.url))).err, /answered 403: not under that Host name$/m)
  })

  test('2 for what is wrong before the command, and for a command that does not exist', async () => {
    const { url } = await adapter()
    assert.equal((await command(limited(url), { before: ['--nonsense'] })).code, 2)
    assert.equal((await command(limited(url), { before: ['chekc'] })).code, 2)
  })

  test('2 for an address that points elsewhere, which is not told the question', async () => {
    const elsewhere = await adapter()
    const location = `${elsewhere.url}/api/v1/query/predict_deployment`
    const { url } = await answering(() => ({ status: 307, headers: { location }, body: {} }))
    const { code, err } = await command(limited(url, '--actor', 'octocat'))
    assert.deepEqual([code, err.includes(location)], [2, true], err)
    assert.deepEqual(elsewhere.requests, [])
  })

  test('--help tells them', async () => {
    const { code, out } = await command(['--help'])
    assert.equal(code, 0)
    for (const line of [
      / 0 {2}at or under/,
      / 1 {2}above/,
      / 2 {2}wrong usage/,
      / 3 {2}no answer/,
      / 4 {2}passed, but/,
    ])
      assert.match(out, line)
  })
})

test('--json is one object without the name of the person; the token goes with each question', async () => {
  const { url, requests } = await adapter()
  const env = { DEVOPS_MCP_TOKEN: 'a token', DEVOPS_MCP_URL: `${url}/` }
  const { code, out, err } = await command(
    [...SERVICE, '--fail-above', '0.3', '--json', '--actor', 'octocat', '--no-git'],
    { env },
  )
  assert.deepEqual([code, err], [0, ''])
  const told = JSON.parse(out) as Record<string, unknown>
  assert.deepEqual([told['verdict'], told['exitCode'], told['pFailure'], told['checkRunUrl']], ['pass', 0, 0.3, null])
  assert.deepEqual(told['question'], { service: 'production/checkout', subject: 'deployment' })
  assert.equal((told['prediction'] as Prediction).predictionId, 'p-1')
  assert.ok(!out.includes('octocat'))
  assert.deepEqual(
    requests.map(({ path, headers }) => [path, headers.authorization]),
    ['predict_deployment', 'get_scorecard'].map((name) => [`/api/v1/query/${name}`, 'Bearer a token']),
  )
  assert.equal(requests[0]?.body['actor'], 'octocat')
})
