/** What is posted back: a check run as GitHub's Checks API takes it, and a job summary. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { PREDICTION, type Answer, type HttpPeer } from './adapterPeer.ts'
import { limited, useCommand, type Start } from '../cli/commandUnderTest.ts'
import type { Prediction } from './verdict.ts'

const { folder, command, adapter, answering } = useCommand()
const SHA = 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e'

describe('posting', () => {
  const evil = 'main`<img src=x>`[x](http://evil) @everyone |'
  const hostile = { missing: '::error::x ##[group]y\n::set-output name=a::b\u009b\u202e\u{e0041}' }
  const posting = (url: string, github: HttpPeer, ...more: string[]): readonly [readonly string[], Start] => [
    limited(url, '--no-git', '--sha', SHA, '--branch', evil, '--github-check', ...more),
    { env: { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'acme/checkout', GITHUB_TOKEN: 'ghs_x' } },
  ]
  const created = { id: 4, html_url: 'https://github.com/acme/checkout/runs/4' }

  test('a check run is made as the Checks API takes it', async () => {
    const github = await answering(() => ({ status: 201, body: created }))
    const conclusions: (readonly [Partial<Prediction>, string, readonly string[], number])[] = [
      [{}, 'success', [], 0],
      [{ pSuccess: 0.2 }, 'failure', [], 1],
      [{ answerClass: 'not_enough_evidence' }, 'neutral', [], 0],
      [{ answerClass: 'not_enough_evidence' }, 'failure', ['--on-no-evidence', 'fail'], 1],
    ]
    for (const [over, conclusion, more, exitCode] of conclusions) {
      const { url } = await adapter(over)
      const { code, out } = await command(...posting(url, github, '--json', ...more))
      assert.equal(code, exitCode)
      assert.equal((JSON.parse(out) as { checkRunUrl: string }).checkRunUrl, created.html_url)
      const { path, headers, body } = github.requests.at(-1) ?? assert.fail('nothing was posted')
      assert.equal(path, '/repos/acme/checkout/check-runs')
      assert.deepEqual(
        [headers.authorization, headers.accept, headers['x-github-api-version']],
        ['Bearer ghs_x', 'application/vnd.github+json', '2022-11-28'],
      )
      assert.deepEqual(
        [body['name'], body['head_sha'], body['status'], body['conclusion']],
        ['deployment risk', SHA, 'completed', conclusion],
      )
      const { title, summary } = body['output'] as { title: string; summary: string }
      assert.match(title, /^(Passed|Stopped)/)
      assert.ok(summary.includes(title))
    }
  })

  test('what GitHub refuses is told in a sentence, and stops the pipeline only where asked', async () => {
    const { url } = await adapter()
    const message = 'Resource not accessible by integration'
    const refusals: (readonly [Answer, RegExp])[] = [
      [{ status: 403, body: { message } }, /GITHUB_TOKEN may not write checks .*: Resource not .*checks: write/],
      [
        { status: 403, headers: { 'x-ratelimit-remaining': '0' }, body: { message: 'API rate limit exceeded' } },
        /GitHub's limit of requests is reached: API rate limit exceeded; it may be tried again later/,
      ],
      [
        { status: 403, body: { message: 'You have exceeded a secondary rate limit.' } },
        /limit of requests is reached: You have exceeded/,
      ],
      [
        { status: 404, body: { message: 'Not Found' } },
        /there is no repository acme\/checkout for GITHUB_TOKEN: Not Found/,
      ],
      [
        { status: 422, body: { message: 'No commit found for SHA' } },
        /does not take the check run of commit f95f.*: No commit/,
      ],
      [{ status: 429, headers: { 'retry-after': '60' }, body: {} }, /limit of requests is reached; .* after 60 s/],
    ]
    for (const [answer, told] of refusals) {
      const github = await answering(() => answer)
      const { code, err } = await command(...posting(url, github))
      assert.equal(code, 0, 'the verdict stands')
      assert.match(err, /^warning: the check run could not be posted: /)
      assert.match(err, told)
    }
    const github = await answering(() => ({ status: 403, body: {} }))
    assert.equal((await command(...posting(url, github, '--on-post-failed', 'fail'))).code, 4)
    const [args, { env }] = posting(url, github)
    const without = await command(args, { env: { ...env, GITHUB_TOKEN: '' } })
    assert.match(without.err, /GITHUB_TOKEN is not set/)
    const broken = await command(args, { env: { ...env, GITHUB_TOKEN: 'one\ntwo' } })
    assert.match(broken.err, /GITHUB_TOKEN has a character that no token has/)
    assert.equal(github.requests.length, 1)
  })

  test('a job summary is appended, and no text from outside is markup in it or a command in the log', async () => {
    const { url } = await adapter({
      answerClass: 'not_enough_evidence',
      evidence: { ...PREDICTION.evidence, ...hostile },
      lowerRisk: PREDICTION.lowerRisk.map((each) => ({ ...each, linesMax: null, startAt: 'x\n::error::<b>' })),
    })
    const file = join(folder, 'summary.md')
    writeFileSync(file, '# Before\n')
    const args = limited(url, '--no-git', '--branch', evil, '--summary')
    const { code, out, err } = await command(args, { env: { GITHUB_STEP_SUMMARY: file } })
    assert.equal(code, 0, err)
    const summary = readFileSync(file, 'utf8')
    assert.match(summary, /^# Before\n### Passed without a judgement/)
    assert.ok(summary.includes(`branch \`\` ${evil} \`\`,`) || summary.includes(`branch \`\` ${evil} \`\`.`), summary)
    assert.ok(summary.includes('Missing: ` ::error::x ##[group]y ::set-output name=a::b `.'), summary)
    assert.ok(summary.includes('a start at ` x ::error::<b> `,'), summary)
    for (const line of out.split('\n')) assert.ok(!line.trimStart().startsWith('::') && !line.includes('##['), line)
    const json = await command([...args, '--json'], { env: { GITHUB_STEP_SUMMARY: file } })
    assert.ok(!json.out.includes('##['))
    const told = JSON.parse(json.out) as { prediction: Prediction }
    assert.equal(told.prediction.evidence.missing, hostile.missing)
    // C0, C1, a change of direction, a tag character: none of them is written as it is.
    assert.doesNotMatch(json.out, /(?!\n)[\p{Cc}\p{Cf}]/u)
    const lost = await command(limited(url, '--summary', join(folder, 'no/such/folder.md')))
    assert.deepEqual([lost.code, /could not be written/.test(lost.err)], [0, true])
  })
})
