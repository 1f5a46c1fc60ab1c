import assert from 'node:assert/strict'
import test from 'node:test'
import { checkAdvisories } from './advisories.mjs'
import { CommandFailed } from './command.mjs'

/** Stands in for both commands: the lines with which each ends, null where it finds nothing. */
const check = (lines) =>
  checkAdvisories('/repository', {
    say: () => {},
    run: async (title, command) => {
      if (lines[command] !== null) throw new CommandFailed(title, 'exit code 1', lines[command])
    },
  })

test('where nothing is known there is nothing to say', async () => {
  assert.deepEqual(await check({ cargo: null, npm: null }), [])
})

test('a database that cannot be reached is a skip with the reason', async () => {
  const skipped = await check({
    cargo: [
      '2026-08-10 [ERROR] failed to fetch advisory database https://github.com/rustsec/advisory-db',
      'Caused by:',
    ],
    npm: ['npm warn audit 405 Method Not Allowed', 'npm error audit endpoint returned an error'],
  })
  assert.deepEqual(
    skipped.map(({ title }) => title),
    ['advisories of the crates', 'advisories of the npm packages'],
  )
  assert.match(skipped[0].reason, /can't be reached: .*failed to fetch advisory database/)
})

test('what is found fails, also beside a database that cannot be reached', async () => {
  const found = check({ cargo: ['failed to fetch advisory database x'], npm: ['1 high severity vulnerability'] })
  await assert.rejects(found, /advisories of the npm packages: exit code 1\n.*1 high severity/)
})
