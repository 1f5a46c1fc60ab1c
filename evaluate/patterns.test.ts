import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRandom } from '../consumers/models/random.ts'

interface Submitted {
  readonly scope: string
  readonly predicate: readonly { readonly field: string; readonly op: string; readonly value: unknown }[]
  readonly effect: number
  readonly support: number
  readonly p: number
}

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'patterns-'))
})
after(() => rm(folder, { recursive: true }))

const HEAD = 'project,seq,t_rel_s,hour,dow,month,duration_s,branch,actor,gh_is_pr,gh_lines_added,file_types,failed'

/** Pull requests of `one` fail by 40 points more; everything else is chance. */
function runs(count: number): readonly string[] {
  const random = createRandom(7)
  return ['one', 'two'].flatMap((project) =>
    Array.from({ length: count }, (_, seq) => {
      const isPull = random() < 0.5
      const lines = random() < 0.05 ? '' : Math.floor(random() * 300)
      const failed = random() < (project === 'one' && isPull ? 0.6 : 0.2) ? 1 : 0
      const time = `${seq * 3600},${seq % 24},${Math.floor(seq / 24) % 7},1,60.0`
      return `${project},${seq},${time},main,a${seq % 3},${isPull ? 'True' : 'False'},${lines},ts md,${failed}`
    }),
  )
}

async function patternsOf(rows: readonly string[]): Promise<readonly Submitted[]> {
  const history = join(folder, 'history.csv')
  const out = join(folder, 'patterns.jsonl')
  await writeFile(history, [HEAD, ...rows, ''].join('\n'))
  const files = ['--history', history, '--replay', history, '--out', out]
  execFileSync(process.execPath, ['evaluate/main.ts', 'patterns', ...files], { stdio: 'ignore' })
  const text = await readFile(out, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Submitted)
}

test('the command finds what was planted, states it as it is, and whatever the order of the rows', async () => {
  const rows = runs(500)
  const patterns = await patternsOf(rows)
  assert.ok(patterns.length <= 60)
  const found = patterns.find(({ scope, predicate }) => scope === 'one' && predicate.at(-1)?.field === 'gh_is_pr')
  assert.ok(found !== undefined && found.p < 1e-6)
  assert.ok(Math.abs(found.effect) > 0.2 && found.support >= 20 && found.support < 500)
  assert.deepEqual(await patternsOf([...rows].reverse()), patterns)
})
