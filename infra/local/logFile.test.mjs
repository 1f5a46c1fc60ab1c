import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { openLogFile, setLogAside } from './logFile.mjs'

test('a log file is bounded, and the log of the last start is kept once', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'logs', 'one.log')
  const first = openLogFile(path, 100)
  for (let line = 0; line < 50; line += 1) first.write(`line ${String(line).padStart(3, '0')}`)
  first.close()
  const all = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8')
  assert.ok(all.endsWith('line 049\n'))
  assert.ok(readFileSync(path).length <= 100 && readFileSync(`${path}.1`).length <= 100)
  const before = readFileSync(path, 'utf8')
  setLogAside(path)
  const second = openLogFile(path, 100)
  second.write('again')
  second.close()
  const restarted = openLogFile(path, 100)
  restarted.write('after a crash')
  restarted.close()
  assert.equal(readFileSync(path, 'utf8'), 'again\nafter a crash\n')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), before)
})
