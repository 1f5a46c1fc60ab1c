/** What is asked for whom: the change from git, the rest from the CI provider. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { limited, useCommand, type Start } from '../cli/commandUnderTest.ts'

const { folder, command, adapter } = useCommand()
const SHA = 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e'

describe('the change', () => {
  const checkout = join(folder, 'checkout')
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: checkout })
      .toString()
      .trim()
  mkdirSync(checkout)
  git('init', '--quiet', '--initial-branch', 'topic/one')
  writeFileSync(join(checkout, 'a.ts'), 'one\ntwo\nthree\n'.repeat(10))
  writeFileSync(join(checkout, 'b.md'), 'text\n')
  git('add', '.')
  git('commit', '--quiet', '-m', 'first')
  const first = git('rev-parse', 'HEAD')
  git('mv', 'a.ts', 'moved.ts')
  rmSync(join(checkout, 'b.md'))
  writeFileSync(join(checkout, 'Dockerfile'), 'FROM scratch\nCMD x\n')
  writeFileSync(join(checkout, 'a\tname\nwith all.bin'), Buffer.from([0, 1, 2, 0]))
  git('add', '--all')
  git('commit', '--quiet', '-m', 'second')
  const second = git('rev-parse', 'HEAD')
  const change = {
    filesAdded: 2,
    filesDeleted: 1,
    filesModified: 1,
    linesAdded: 2,
    linesDeleted: 1,
    srcFiles: 1,
    docFiles: 1,
    otherFiles: 2,
    dockerfileChanged: true,
    composeChanged: false,
    fileTypes: 'bin md ts',
  }
  const asked = async (args: readonly string[], start: Start): Promise<Record<string, unknown> | undefined> => {
    const { url, requests } = await adapter()
    const { code, err } = await command(limited(url, ...args), start)
    assert.equal(code, 0, err)
    return requests[0]?.body
  }
  const own = { service: 'production/checkout', subject: 'deployment' }

  test('is that of the last commit of the checkout, or of a range', async () => {
    const here = { ...own, branch: 'topic/one', sha: second }
    assert.deepEqual(await asked([], { cwd: checkout }), { ...here, change })
    assert.deepEqual(await asked(['--git', `${first}..HEAD`], { cwd: checkout }), { ...here, change })
    const { change: none } = (await asked(['--git', 'HEAD..HEAD'], { cwd: checkout })) ?? {}
    assert.equal((none as { linesAdded: number }).linesAdded, 0)
    assert.deepEqual(await asked(['--no-git'], { cwd: checkout }), own)
  })

  test('is what a file or standard input says', async () => {
    const given = { linesAdded: 5 }
    const taken = (await asked(['--change', '-', '--no-git'], { input: JSON.stringify(given) }))?.['change']
    assert.deepEqual(
      { ...(taken as object) },
      { ...Object.fromEntries(Object.keys(change).map((name) => [name, null])), ...given },
    )
    const { url } = await adapter()
    const told = async (size: object): Promise<string> =>
      (await command(limited(url, '--change', '-', '--no-git'), { input: JSON.stringify(size) })).out
    assert.match(await told(given), /\/checkout, 5 lines changed\.\n/)
    assert.match(await told({ filesAdded: 2 }), /\/checkout\.\n/, 'lines that are not known are not none')
  })

  test('on GitHub it is that of the push, with branch, trigger and actor as its webhook tells them', async () => {
    const event = join(folder, 'push.json')
    writeFileSync(event, JSON.stringify({ before: first, after: second, ref: 'refs/heads/main' }))
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_EVENT_PATH: event,
      GITHUB_REF_NAME: 'main',
      GITHUB_SHA: second,
      GITHUB_ACTOR: 'octocat',
    }
    const here = { ...own, branch: 'main', trigger: 'push', pullRequest: false, actor: 'octocat', sha: second }
    assert.deepEqual(await asked([], { env, cwd: checkout }), { ...here, change })
    assert.deepEqual(await asked(['--branch', 'release', '--no-git'], { env, cwd: checkout }), {
      ...here,
      branch: 'release',
    })
  })

  test('on GitHub a pull request has its size without a history, and its own head', async () => {
    const event = join(folder, 'pull.json')
    const pull = { head: { sha: SHA }, base: { sha: '0123456789abcdef0123456789abcdef01234567' } }
    writeFileSync(event, JSON.stringify({ pull_request: { ...pull, additions: 7, deletions: 2, changed_files: 3 } }))
    const env = {
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_EVENT_PATH: event,
      GITHUB_HEAD_REF: 'topic',
      GITHUB_REF_NAME: '12/merge',
      GITHUB_SHA: second,
    }
    const told = await asked([], { env, cwd: checkout })
    assert.deepEqual([told?.['branch'], told?.['sha'], told?.['pullRequest']], ['topic', SHA, true])
    const size = told?.['change'] as Record<string, unknown>
    assert.deepEqual(
      [size['linesAdded'], size['linesDeleted'], size['filesModified'], size['fileTypes']],
      [7, 2, 3, null],
    )
  })

  test('on GitLab environment and change come with the job; without a base it is asked without', async () => {
    const env = {
      GITLAB_CI: 'true',
      CI_ENVIRONMENT_NAME: 'staging',
      CI_COMMIT_REF_NAME: 'main',
      CI_PIPELINE_SOURCE: 'push',
      CI_COMMIT_SHA: second,
      CI_COMMIT_BEFORE_SHA: first,
      GITLAB_USER_LOGIN: 'octocat',
    }
    const { url, requests } = await adapter()
    const args = ['--service', 'checkout', '--url', url, '--fail-above', '0.3']
    assert.equal((await command(args, { env, cwd: checkout })).code, 0)
    const here = { ...own, branch: 'main', trigger: 'push', pullRequest: false, actor: 'octocat', sha: second }
    assert.deepEqual(requests[0]?.body, { ...here, service: 'staging/checkout', change })
    const without = await command(args, { env: { ...env, CI_COMMIT_BEFORE_SHA: '1'.repeat(40) }, cwd: checkout })
    assert.equal(without.code, 0)
    assert.match(without.err, /^warning: asked without the size of the change: git diff: /)
    const image = await command(args, { env: { ...env, PATH: folder }, cwd: checkout })
    assert.match(image.err, /git diff: spawnSync git ENOENT/, 'an image without git')
    assert.equal(
      (await command(args, { env: { ...env, CI_COMMIT_BEFORE_SHA: '0'.repeat(40) }, cwd: checkout })).err,
      '',
    )
  })
})
