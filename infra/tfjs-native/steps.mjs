import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** The build cannot go on; the message says what to do. */
export class BuildError extends Error {
  constructor(message) {
    super(message)
    this.name = 'BuildError'
  }
}

/** Runs one program to its end and gives its stdout; its last lines of stderr come with the error. */
export function run(program, args, options = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options })
  if (done.error) throw new BuildError(`${program} can't be started: ${done.error.message}`)
  if (done.status !== 0) {
    const said = `${done.stderr}\n${done.stdout}`.trim().split('\n').slice(-12).join('\n')
    const how = done.signal === null ? `exit code ${done.status}` : done.signal
    throw new BuildError(`${basename(program)} ${args.slice(0, 3).join(' ')} … failed (${how}):\n${said}`)
  }
  return done.stdout
}

/** Every tool that is missing is named at once, with its remedy. */
export function requireTools({ platform, arch, libc }) {
  if (platform !== 'linux' || arch !== 'x64' || libc !== 'glibc')
    throw new BuildError(
      `the native TF.js backend is built on linux-x64 with glibc only (this is ${platform}-${arch}, ${libc}); the wasm backend works here without it`,
    )
  const wanted = [
    ['g++', ['--version'], 'g++ (Debian: apt-get install g++)'],
    ['strip', ['--version'], 'strip (Debian: apt-get install binutils)'],
    ['tar', ['--version'], 'tar'],
    ['python3', ['-m', 'pip', '--version'], 'python3 with pip (Debian: apt-get install python3-pip)'],
  ]
  const missing = wanted
    .filter(([program, args]) => spawnSync(program, args).status !== 0)
    .map(([, , remedy]) => remedy)
  if (missing.length > 0) throw new BuildError(`missing: ${missing.join('; ')}`)
}

export async function digest(file, algorithm) {
  const hash = createHash(algorithm)
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/**
 * Gives `file`, fetched by `fetch(folder)` unless an intact copy is there. A copy with another digest is removed:
 * nothing unchecked stays in the cache.
 */
export async function fetchOnce(file, algorithm, expected, fetch) {
  if (existsSync(file) && (await digest(file, algorithm)) === expected) return 'cached'
  const partial = `${dirname(file)}/partial-${process.pid}`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  try {
    fetch(partial)
    const fetched = join(partial, basename(file))
    if (!existsSync(fetched)) throw new BuildError(`the download brought no ${basename(file)}`)
    const found = await digest(fetched, algorithm)
    if (found !== expected)
      throw new BuildError(`${basename(file)} has ${algorithm} ${found}, expected ${expected}: not used`)
    await rename(fetched, file)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return 'fetched'
}
