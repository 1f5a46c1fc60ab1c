/** Names of persons leave a process only as keyed hashes: without the key nobody can try names against them. */
import { createHmac, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const KEY_BYTES = 32

export class KeyUnusable extends Error {
  readonly retryable = false
  constructor(path: string, why: string, remedy: string) {
    super(`the key ${path} ${why}: ${remedy}`)
    this.name = 'KeyUnusable'
  }
}

/** HMAC-SHA256 (RFC 2104) of the name, case and outer blanks ignored; first 128 bits in hex. */
export function pseudonym(name: string, key: Buffer): string {
  const canonical = name.normalize('NFC').trim().toLowerCase()
  return `p-${createHmac('sha256', key).update(canonical).digest('hex').slice(0, 32)}`
}

/**
 * For a process that asks about persons but tells nothing of them: their pseudonyms by the key that another process made. Null while
 * there is none. What is a pseudonym already stays one.
 */
export function createPseudonyms(path: string): (name: string) => string | null {
  let key: Buffer | null = null
  return (name) => {
    if (PSEUDONYM.test(name)) return name
    key ??= loadIfThere(path)
    return key === null ? null : pseudonym(name, key)
  }
}

const PSEUDONYM = /^p-[0-9a-f]{32}$/

export const pseudonymKeyFile = (stateFolder: string): string => join(stateFolder, 'keys', 'pseudonym.key')

/** 256 random bits, made at the first start; several processes that start at once end up with the same one. */
export function loadOrCreateKey(path: string): Buffer {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const known = loadIfThere(path)
  if (known !== null) return known
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' })
  // The umask may have taken bits away.
  chmodSync(draft, 0o600)
  try {
    // A link never replaces: the first process wins, the file is whole from the moment it has its name.
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  return load(path)
}

function loadIfThere(path: string): Buffer | null {
  try {
    return load(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return null
  }
}

function load(path: string): Buffer {
  const key = readFileSync(path)
  if (key.length !== KEY_BYTES) {
    throw new KeyUnusable(
      path,
      `has ${key.length} bytes instead of ${KEY_BYTES}`,
      'put the right file back, or remove it to begin with a new key',
    )
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new KeyUnusable(path, 'can be read by other users', `run chmod 600 on it`)
  }
  return key
}
