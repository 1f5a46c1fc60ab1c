import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CsvInvalid, readCsv } from './csv.ts'
import { ciOutcomeOf, ciRunOf } from './ciRun.ts'
import { MessageInvalid, messageOf } from './protocol.ts'

const folder = mkdtempSync(join(tmpdir(), 'csv-'))
after(() => {
  rmSync(folder, { recursive: true })
})

test('plain and gzipped files with quoted cells, empty cells and either line end', () => {
  const text = 'a,b,c\r\n1,"x, ""y""",\n,"two\nlines",3\n'
  const expected = [
    { a: '1', b: 'x, "y"', c: '' },
    { a: '', b: 'two\nlines', c: '3' },
  ]
  writeFileSync(join(folder, 'one.csv'), text)
  writeFileSync(join(folder, 'one.csv.gz'), gzipSync(text))
  assert.deepEqual(readCsv(join(folder, 'one.csv')), expected)
  assert.deepEqual(readCsv(join(folder, 'one.csv.gz')), expected)
})

test('a row with another number of cells and a stray quote are refused with file and line', () => {
  const bad = join(folder, 'bad.csv')
  for (const text of ['a,b\n1,2\n3\n', 'a,b\n1,2\n3,x"y\n']) {
    writeFileSync(bad, text)
    assert.throws(
      () => readCsv(bad),
      (error) => error instanceof CsvInvalid && error.message.startsWith(bad) && error.message.includes('line 3'),
    )
  }
})

test('a CSV row and an ask about the same run give the same run; columns known later are passed by', () => {
  const row = { project: 'p', seq: '7', t_rel_s: '60', hour: '3', dow: '1', month: '2', branch: 'main', actor: '' }
  const sized = { ...row, gh_is_pr: 'True', gh_lines_added: '5.0', file_types: 'ts', failed: '0', duration_s: '12.0' }
  const asked = {
    run_id: 'p#7',
    project: 'p',
    seq: 7,
    t_rel_s: 60,
    hour: 3,
    dow: 1,
    month: 2,
    branch: 'main',
    actor: null,
  }
  const run = ciRunOf({ ...asked, gh_is_pr: true, gh_lines_added: 5, file_types: 'ts', POST_total_jobs: 4 })
  assert.deepEqual(ciRunOf(sized), run)
  assert.equal(run.change?.linesAdded, 5)
  assert.equal(run.change.dockerfileChanged, null)
  assert.deepEqual(ciOutcomeOf(sized), { success: true, durationS: 12 })
})

test('messages are parsed whole or refused', () => {
  assert.equal(messageOf('{"type":"end"}').type, 'end')
  for (const line of ['', '{"type":"ask"}', '{"type":"outcome","run_id":"a","success":1,"duration_s":null}']) {
    assert.throws(() => messageOf(line), MessageInvalid)
  }
})
