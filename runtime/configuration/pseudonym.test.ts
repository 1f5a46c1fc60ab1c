import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { createPseudonyms, KeyUnusable, loadOrCreateKey, pseudonym, pseudonymKeyFile } from './pseudonym.ts'

const folder = mkdtempSync(join(tmpdir(), 'devops-key-'))
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('the same person and key give the same pseudonym, another key another', () => {
  const key = Buffer.alloc(32, 1)
  // printf octocat | openssl dgst -sha256 -mac HMAC -macopt hexkey:0101…01
  assert.equal(pseudonym('octocat', key), 'p-70534fc6389d8c6ed842963a6f98e0a2')
  assert.equal(pseudonym(' OctoCat ', key), pseudonym('octocat', key))
  assert.notEqual(pseudonym('octocat', Buffer.alloc(32, 2)), pseudonym('octocat', key))
  assert.notEqual(pseudonym('octocat2', key), pseudonym('octocat', key))
})

test('the key is made once, for its owner only', () => {
  const path = pseudonymKeyFile(join(folder, 'state'))
  const key = loadOrCreateKey(path)
  assert.equal(key.length, 32)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(loadOrCreateKey(path), key)
  assert.deepEqual(readdirSync(dirname(path)), ['pseudonym.key'])
})

test('processes that start at once share one key', async () => {
  const path = pseudonymKeyFile(join(folder, 'race'))
  const script = `const { loadOrCreateKey } = await import(${JSON.stringify(new URL('./pseudonym.ts', import.meta.url).href)})
    process.stdout.write(loadOrCreateKey(${JSON.stringify(path)}).toString('hex'))`
  const keys = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
      await once(child, 'close')
      return text
    }),
  )
  assert.equal(keys[0]?.length, 64)
  assert.equal(new Set(keys).size, 1)
})

test('a key that is damaged or open to others is refused', () => {
  const path = join(folder, 'bad.key')
  writeFileSync(path, 'short', { mode: 0o600 })
  assert.throws(() => loadOrCreateKey(path), KeyUnusable)
  writeFileSync(path, Buffer.alloc(32), { mode: 0o600 })
  chmodSync(path, 0o644)
  assert.throws(() => loadOrCreateKey(path), /can be read by other users/)
})

test('who only asks makes no key, and has pseudonyms from the moment there is one', () => {
  const path = pseudonymKeyFile(join(folder, 'asking'))
  const pseudonyms = createPseudonyms(path)
  assert.equal(pseudonyms('octocat'), null)
  assert.equal(existsSync(dirname(path)), false)
  const told = pseudonym('octocat', loadOrCreateKey(path))
  assert.equal(pseudonyms('octocat'), told)
  assert.equal(pseudonyms(told), told)
})
