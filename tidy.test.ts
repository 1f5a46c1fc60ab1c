/** What a reviewer would say twice: a banned pattern and what to use instead. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import test from 'node:test'

const root = new URL('./', import.meta.url)

/** Tracked files and new ones that git does not ignore. */
function files(pattern: RegExp): string[] {
  const out = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  return [...new Set(out.toString().split('\n'))].filter((f) => pattern.test(f) && existsSync(new URL(f, root)))
}

const text = (file: string): string => readFileSync(new URL(file, root), 'utf8')
const CODE = /\.(ts|mjs|rs)$/
const SELF = /^(tidy|layers)\.test\.ts$/

interface Rule {
  readonly name: string
  readonly instead: string
  readonly where: RegExp
  readonly except?: RegExp
  readonly banned: RegExp
}

const RULES: readonly Rule[] = [
  {
    name: 'the environment is read in one place',
    instead: 'take it from the Configuration',
    where: /\.ts$/,
    except:
      /^(runtime\/configuration\/|infra\/|integration-tests\/|evaluate\/main\.ts|adapters\/cli\/)|main\.ts$|\.test\.ts$/,
    banned: /process\.env\b/,
  },
  { name: 'no barrels', instead: 'import the file that has it', where: /\.ts$/, banned: /^export \* /m },
  { name: 'product code does not know about tests', instead: 'pass it in', where: CODE, banned: /NODE_ENV/ },
  {
    name: 'no loose types',
    instead: 'unknown, parsed at the edge',
    where: /\.ts$/,
    banned: /@ts-ignore|@ts-nocheck|\bas any\b|: any\b/,
  },
  {
    name: 'no leftovers',
    instead: 'do it, or open an issue',
    where: CODE,
    banned: /\b(TODO|FIXME|XXX|HACK)\b|\b(todo|unimplemented)!\(/,
  },
  {
    name: 'a skip has a reason',
    instead: "{ skip: 'reason' }",
    where: /\.test\.(ts|mjs)$/,
    banned: /\b(test|it|describe)\.skip\(|\bt\.skip\(\)|skip: true/,
  },
  {
    name: 'unsafe lives in the pool',
    instead: 'a safe function of the pool crate',
    where: /\.rs$/,
    except: /^rust-engine\/crates\/pool\//,
    banned: /\bunsafe\s*(\{|fn|impl)/,
  },
  {
    name: 'no address of a package registry',
    instead: 'the name of the package',
    where: /package-lock\.json$|\.npmrc$|Cargo\.lock$/,
    banned: /"resolved"|artifactory|^registry\s*=/m,
  },
  {
    name: 'no path of one machine',
    instead: 'a path relative to the repository',
    where: /\.(ts|mjs|rs|md|json|yaml|yml|toml|sh)$/,
    banned: /(?<![\w.])\/(root|home|Users)\/[a-z]/,
  },
]

for (const rule of RULES) {
  test(`tidy: ${rule.name}`, () => {
    const checked = files(rule.where).filter((f) => !SELF.test(f) && !(rule.except?.test(f) ?? false))
    const found = checked.filter((f) => rule.banned.test(text(f)))
    assert.deepEqual(found, [], `${rule.name}; instead: ${rule.instead}`)
  })
}

test('tidy: what npm starts takes the place of its shell', () => {
  // npm signals `sh -c`, which passes no signal on.
  const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
  for (const name of ['start', 'test']) assert.match(scripts[name] ?? '', /^exec node /)
})

test('tidy: a file is named after what it is', () => {
  const nothing = files(CODE).filter((f) => /(^|\/)(utils?|helpers?|common|misc|shared|types)(\.[a-z]+$|\/)/.test(f))
  assert.deepEqual(nothing, [])
})

test('tidy: a file can be read in one sitting', () => {
  const linesMax = 500
  const long = files(CODE)
    .filter((f) => !f.startsWith('schemas/generated/'))
    .filter((f) => text(f).split('\n').length > linesMax)
  assert.deepEqual(long, [], `files over ${String(linesMax)} lines: divide them by what they answer`)
})

test('tidy: the rules see files', () => {
  assert.ok(files(/\.ts$/).length > 20)
})
