/** The change of a range of commits, as the local git repository has it. Paths are counted here and go nowhere. */
import { execFileSync } from 'node:child_process'
import { sizeOfFiles, type FileChange } from '../../schemas/changes/changedFiles.ts'
import type { ChangeSize } from '../../schemas/generated/events.ts'

const GIT_MS_MAX = 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 ** 2

export class GitFailure extends Error {
  readonly retryable = false
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'GitFailure'
  }
}

/** `range`: BASE..HEAD, or BASE...HEAD from where the two parted. Throws a GitFailure. */
export function changeOfRange(range: string, folder: string): ChangeSize {
  const [, base, , head] = /^([^\s.-]\S*?)(\.{2,3})([^\s.-]\S*)$/.exec(range) ?? []
  if (base === undefined || head === undefined) throw new GitFailure(`expected <base>..<head>, which ${range} is not`)
  const options = ['--raw', '--numstat', '-z', '--find-renames', '--no-color', '--no-ext-diff', '--no-textconv']
  return parseDiff(git(folder, 'diff', ...options, range, '--'))
}

/** The commit that a name stands for, null where there is none. */
export function commitOfName(name: string, folder: string): string | null {
  try {
    return git(folder, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`).trim()
  } catch (error) {
    if (error instanceof GitFailure) return null
    throw error
  }
}

/** The branch that is checked out, null for none. */
export function branchOfCheckout(folder: string): string | null {
  try {
    return git(folder, 'symbolic-ref', '--quiet', '--short', 'HEAD').trim()
  } catch (error) {
    if (error instanceof GitFailure) return null
    throw error
  }
}

/** Of `git diff --raw --numstat -z`: `:… M NUL path NUL` for each file, then `added TAB deleted TAB path NUL`. */
function parseDiff(output: string): ChangeSize {
  const parts = output.split('\0')
  const files = new Map<string, FileChange>()
  let linesAdded = 0
  let linesDeleted = 0
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i] ?? ''
    const status = /^:\d+ \d+ \S+ \S+ ([A-Z])\d*$/.exec(part)?.[1]
    if (status !== undefined) {
      // Renamed and copied files have two paths, of which the new one counts.
      i += status === 'R' || status === 'C' ? 2 : 1
      files.set(parts[i] ?? '', STATUSES[status] ?? 'modified')
      continue
    }
    const counts = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(part)
    if (counts === null) continue
    // Binary files have no lines.
    linesAdded += Number(counts[1]) || 0
    linesDeleted += Number(counts[2]) || 0
    if (counts[3] === '') i += 2
  }
  return { ...sizeOfFiles(files), linesAdded, linesDeleted }
}

const STATUSES: Readonly<Record<string, FileChange>> = { A: 'added', C: 'added', D: 'deleted' }

function git(folder: string, ...args: readonly string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: GIT_MS_MAX,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    // Without git there is no output, not even an empty one.
    const { stderr, message } = error as Error & { readonly stderr?: string | null }
    const [line = ''] = (stderr ?? '').trim().split('\n')
    const reason = line === '' ? message : line
    throw new GitFailure(`git ${args[0] ?? ''}: ${reason}`, error)
  }
}
